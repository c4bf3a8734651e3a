"""Which hits go into the prompt, to the token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from docindex.answering.prompting import answer_prompt
from docindex.chunking.sentences import split_sentences
from docindex.errors import QueryError
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Message
from docindex.schema import Hit


@dataclass(frozen=True, slots=True)
class PackedPrompt:
    """A prompt that fits: `count_tokens(messages) + max_tokens <= context_tokens`."""

    messages: tuple[Message, ...]
    hits: tuple[Hit, ...]
    """What it holds, best first."""
    dropped: tuple[Hit, ...]
    """What it has no room for."""


@dataclass(frozen=True, slots=True)
class Part:
    """A hit on its way into one of several prompts, or a piece of one that does not fit into one."""

    place: int
    """Of the hit among all, from 1."""
    hit: Hit


@dataclass(frozen=True, slots=True)
class Filling:
    """What goes into the next prompt, and what is left for those after it."""

    parts: tuple[Part, ...]
    """None where not even a word of the first one fits."""
    rest: tuple[Part, ...]

    @property
    def hits(self) -> tuple[Hit, ...]:
        """Of the parts."""
        return tuple(part.hit for part in self.parts)

    @property
    def places(self) -> tuple[int, ...]:
        """Of the parts: what their numbers in the prompt stand for."""
        return tuple(part.place for part in self.parts)


Fit: TypeAlias = Callable[[Sequence[Hit]], bool]
"""Whether a prompt with these hits fits."""

_ANSWER_SHARE = 4
"""In a small context, at most one part in so many is kept for the answer."""


_LONGEST_TOKEN = 100
"""No text has more code points a token."""


def answer_room(llm: LLM, max_tokens: int) -> int:
    """The tokens that are kept for an answer of at most `max_tokens`."""
    return min(max_tokens, max(1, llm.context_tokens // _ANSWER_SHARE))


def fits(llm: LLM, messages: Sequence[Message], max_tokens: int) -> bool:
    """Whether the prompt and an answer of `max_tokens` fit the model's context: exact, by its own tokenizer."""
    return llm.count_tokens(messages) + max_tokens <= llm.context_tokens


def pack(
    llm: LLM,
    question: str,
    hits: Sequence[Hit],
    *,
    max_tokens: int,
    max_hits: int,
    prompts: Prompts = SHIPPED,
) -> PackedPrompt:
    """The prompt with as many of the best hits as fit beside the question and an answer of `max_tokens`.

    A hit that doesn't fit is left out, and a smaller one further down may take its place. Only where none fits is the
    best one cut, after as many of its sentences as there is room for.

    Raises:
        QueryError: Not even the question fits.
    """
    fit = room_for(llm, question, max_tokens, prompts)
    best = tuple(hits[:max_hits])
    if not fit(best):
        best = _greedy(best, fit) or _cut(best[0], fit)
    return _packed(question, hits, best, prompts)


def pack_evenly(
    llm: LLM,
    question: str,
    hits: Sequence[Hit],
    *,
    max_tokens: int,
    max_hits: int,
    prompts: Prompts = SHIPPED,
) -> PackedPrompt:
    """The prompt with all of the best hits; where they don't fit, with the beginning of each, cut after a sentence.

    All are cut at about the same length. Only hits whose first sentence finds no room are left out.

    Raises:
        QueryError: Not even the question fits.
    """
    fit = room_for(llm, question, max_tokens, prompts)
    best = tuple(hits[:max_hits])
    if not fit(best):
        opened = {hit.node_id for hit in _greedy([_beginning(hit, 0) for hit in best], fit)}
        kept = [hit for hit in best if hit.node_id in opened]
        length = _largest(
            max((len(hit.text) for hit in kept), default=0), lambda most: fit([_beginning(hit, most) for hit in kept])
        )
        best = tuple(_beginning(hit, length) for hit in kept) or _cut_anywhere(best[0], fit)
    return _packed(question, hits, best, prompts)


def room_for(llm: LLM, question: str, max_tokens: int, prompts: Prompts = SHIPPED) -> Fit:
    """Whether hits fit beside the question and an answer of `max_tokens`.

    Raises:
        QueryError: Not even the question fits.
    """

    def fit(chosen: Sequence[Hit]) -> bool:
        return is_short(llm, chosen) and fits(llm, answer_prompt(question, chosen, prompts), max_tokens)

    if not fit(()):
        raise QueryError(
            f"The question leaves no room in the {llm.context_tokens} tokens of {llm.name}: "
            f"ask a shorter one, or lower the {max_tokens} tokens kept for the answer."
        )
    return fit


def is_short(llm: LLM, hits: Sequence[Hit]) -> bool:
    """False where so much text can't fit whatever it says, which is told without counting its tokens."""
    return sum(len(hit.text) for hit in hits) <= _LONGEST_TOKEN * llm.context_tokens


def parts_of(hits: Sequence[Hit]) -> tuple[Part, ...]:
    """The hits, each a part."""
    return tuple(Part(place, hit) for place, hit in enumerate(hits, 1))


def fill(queue: Sequence[Part], fit: Fit, at_most: int) -> Filling:
    """As many parts from the front of a queue as fit into the next prompt.

    One that does not fit alone is cut: after as many of its sentences as there is room for, after a word where that is
    none. The rest of it comes first in the next prompt.
    """
    count = 0
    while count < min(at_most, len(queue)) and fit([part.hit for part in queue[: count + 1]]):
        count += 1
    if count:
        return Filling(tuple(queue[:count]), tuple(queue[count:]))
    first, rest = queue[0], tuple(queue[1:])
    head = _cut(first.hit, fit) or _cut_anywhere(first.hit, fit)
    if not head:
        return Filling((), rest)
    tail = _from(first.hit, len(head[0].text))
    return Filling((Part(first.place, head[0]),), (Part(first.place, tail), *rest) if tail else rest)


def fill_all(hits: Sequence[Hit], fit: Fit, at_most: int) -> tuple[tuple[Filling, ...], tuple[Hit, ...]]:
    """All hits in as many prompts as it takes, and those of which something found no room."""
    queue = parts_of(hits)
    fillings = []
    dropped = []
    while queue:
        filling = fill(queue, fit, at_most)
        if filling.parts:
            fillings.append(filling)
        else:
            dropped.append(hits[queue[0].place - 1])
        queue = filling.rest
    return tuple(fillings), tuple(dropped)


def _packed(question: str, hits: Sequence[Hit], best: tuple[Hit, ...], prompts: Prompts) -> PackedPrompt:
    kept = {hit.node_id for hit in best}
    dropped = tuple(hit for hit in hits if hit.node_id not in kept)
    return PackedPrompt(tuple(answer_prompt(question, best, prompts)), best, dropped)


def _greedy(hits: Sequence[Hit], fits: Fit) -> tuple[Hit, ...]:
    chosen: tuple[Hit, ...] = ()
    for hit in hits:
        if fits((*chosen, hit)):
            chosen = (*chosen, hit)
    return chosen


def _cut(hit: Hit, fits: Fit) -> tuple[Hit, ...]:
    """The hit's first sentences, as many as fit; none where not even the first does."""
    ends = [end for _, end in split_sentences(hit.text)]
    count = _largest(len(ends) - 1, lambda count: fits((_first(hit, ends[count - 1]),)))  # all of them do not fit
    return (_first(hit, ends[count - 1]),) if count else ()


def _cut_anywhere(hit: Hit, fits: Fit) -> tuple[Hit, ...]:
    """As much of the hit's beginning as fits, up to the end of a word where there is one."""
    length = _largest(len(hit.text) - 1, lambda length: fits((_first(hit, length),)))
    space = max((hit.text.rfind(character, 0, length + 1) for character in " \n\t"), default=-1)
    kept = space if space > 0 and hit.text[:space].strip() else length
    return (_first(hit, kept),) if hit.text[:kept].strip() else ()


def _beginning(hit: Hit, most: int) -> Hit:
    """The hit's first sentences, of so many code points at most; the first one in any case."""
    ends = [end for _, end in split_sentences(hit.text)]
    if not ends or ends[-1] <= most:
        return hit
    return _first(hit, max((end for end in ends if end <= most), default=ends[0]))


def _first(hit: Hit, length: int) -> Hit:
    return replace(hit, node=replace(hit.node, text=hit.text[:length], end=hit.node.start + length))


def _from(hit: Hit, length: int) -> Hit | None:
    """The hit without its beginning and the space after that; None where nothing is left."""
    text = hit.text[length:].lstrip()
    start = hit.node.start + len(hit.text) - len(text)
    return replace(hit, node=replace(hit.node, text=text, start=start)) if text else None


def _largest(most: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to `most` for which it holds, where it does for all smaller ones; 0 where for none.

    Tries small numbers first: what doesn't fit by far is costly to count.
    """
    low, step = 0, 1
    while low + step <= most and holds(low + step):
        low, step = low + step, 2 * step
    high = min(most, low + step - 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
