"""Which hits go into the prompt, to the token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from docindex.answering.prompting import answer_prompt
from docindex.chunking.sentences import split_sentences
from docindex.errors import QueryError
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


def fits(llm: LLM, messages: Sequence[Message], max_tokens: int) -> bool:
    """Whether the prompt and an answer of `max_tokens` fit the model's context: exact, by its own tokenizer."""
    return llm.count_tokens(messages) + max_tokens <= llm.context_tokens


def pack(llm: LLM, question: str, hits: Sequence[Hit], *, max_tokens: int, max_hits: int) -> PackedPrompt:
    """The prompt with as many of the best hits as fit beside the question and an answer of `max_tokens`.

    A hit that doesn't fit is left out, and a smaller one further down may take its place. Only where none fits is the
    best one cut, after as many of its sentences as there is room for.

    Raises:
        QueryError: Not even the question fits.
    """

    def fit(chosen: Sequence[Hit]) -> bool:
        return fits(llm, answer_prompt(question, chosen), max_tokens)

    best = tuple(hits[:max_hits])
    if not fit(best):
        if not fit(()):
            raise QueryError(
                f"The question leaves no room in the {llm.context_tokens} tokens of {llm.name}: "
                f"ask a shorter one, or lower the {max_tokens} tokens kept for the answer."
            )
        best = _greedy(best, fit) or _cut(best[0], fit)
    kept = {hit.node_id for hit in best}
    return PackedPrompt(
        tuple(answer_prompt(question, best)), best, tuple(hit for hit in hits if hit.node_id not in kept)
    )


def _greedy(hits: Sequence[Hit], fits: Callable[[Sequence[Hit]], bool]) -> tuple[Hit, ...]:
    chosen: tuple[Hit, ...] = ()
    for hit in hits:
        if fits((*chosen, hit)):
            chosen = (*chosen, hit)
    return chosen


def _cut(hit: Hit, fits: Callable[[Sequence[Hit]], bool]) -> tuple[Hit, ...]:
    """The hit's first sentences, as many as fit; none where not even the first does."""
    ends = [end for _, end in split_sentences(hit.text)]

    def first(count: int) -> Hit:
        end = ends[count - 1]
        return replace(hit, node=replace(hit.node, text=hit.text[:end], end=hit.node.start + end))

    low, high = 0, len(ends) - 1  # the whole text was found not to fit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits((first(middle),)) else (low, middle - 1)
    return (first(low),) if low else ()
