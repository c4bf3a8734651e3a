"""Answers from groups of hits, then answers from the answers, until one is left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from docindex.answering.completing import completions
from docindex.answering.entailment import Entailment
from docindex.answering.grounding import GroundedAnswer, Grounding, Statement, any_verified, improves, text_of
from docindex.answering.packing import Filling, answer_room, fill_all, fits, room_for
from docindex.answering.piecewise import PiecewiseSynthesizer
from docindex.answering.policy import AnswerPolicy
from docindex.answering.prompting import STOP, answer_prompt, combine_prompt
from docindex.answering.usage import Clock
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, BatchingLLM, Message, Vectors
from docindex.schema import Document, Hit, Response, Step

_Branch: TypeAlias = list[Statement]
"""An answer from some of the hits; it says something."""


@dataclass(frozen=True, slots=True)
class _Task:
    """What one tree is grown for."""

    question: str
    answer: GroundedAnswer
    max_tokens: int
    cancel: threading.Event | None


class TreeSynthesizer(PiecewiseSynthesizer):
    """Reads all hits, a few a prompt and all prompts at once, and has the model make one answer of what came of them.

    Only what a hit bears out goes up the tree, and what comes out at its top is held against the hits again: citations
    name them, never an answer in between. The last prompt's answer is streamed; the answers before it are the steps of
    the response.
    """

    def __init__(
        self,
        llm: LLM,
        load_document: Callable[[str], Document | None],
        *,
        batching: BatchingLLM | None = None,
        embed: Callable[[Sequence[str]], Vectors] | None = None,
        max_tokens: int = 160,
        max_hits: int = 4,
        policy: AnswerPolicy | None = None,
        prompts: Prompts = SHIPPED,
        entailment: Entailment | None = None,
    ) -> None:
        """Puts the parts together; they are those of `CompactSynthesizer`, but `max_hits` is of each prompt.

        With `batching`, the same model as `llm`, the prompts of a level are answered together.
        """
        self._llm = llm
        self._batching = batching
        self._grounding = Grounding(load_document, policy or AnswerPolicy(), embed, entailment)
        self._max_tokens = max_tokens
        self._max_hits = max_hits
        self._prompts = prompts

    def _answer(
        self, question: str, hits: Sequence[Hit], cancel: threading.Event | None
    ) -> Generator[str, None, Response]:
        clock = Clock()
        max_tokens = answer_room(self._llm, self._max_tokens)
        room = room_for(self._llm, question, max_tokens, self._prompts)
        groups, dropped = fill_all(hits, room, self._max_hits)
        answer = GroundedAnswer(self._grounding, question, hits, clock, cancel=cancel)
        steps: list[Step] = []
        if not answer.foreign:
            yield from self._grown(_Task(question, answer, max_tokens, cancel), groups, steps)
        yield from answer.finish()
        lost = {hit.node_id for hit in dropped}
        read = [hit for hit in hits if hit.node_id not in lost]
        return answer.response(self._llm.name, read, dropped=dropped, steps=steps)

    def _grown(self, task: _Task, groups: Sequence[Filling], steps: list[Step]) -> Iterator[str]:
        """The answer from the leaves to the top."""
        if len(groups) == 1:
            messages = answer_prompt(task.question, groups[0].hits, self._prompts)
            yield from map(task.answer.add, self._streamed(task, messages, groups[0].places))
            return
        branches = self._leaves(task, groups)
        while len(branches) > 1:
            steps += [Step("draft", "of some of the passages", text_of(branch)) for branch in branches]
            bundles = self._bundles(task, branches)
            if len(bundles) == 1:
                messages = self._combining(task, branches)
                yield from task.answer.replaced(self._streamed(task, messages, ()), _best(task, branches))
                return
            no_two_fit = len(bundles) == len(branches)
            branches = [_best(task, branches)] if no_two_fit else self._level(task, bundles)
        yield from map(task.answer.add, branches[0] if branches else ())

    def _streamed(self, task: _Task, messages: Sequence[Message], places: Sequence[int]) -> Iterator[Statement]:
        tokens = self._llm.complete(messages, max_tokens=task.max_tokens, stop=STOP, cancel=task.cancel)
        return task.answer.statements(tokens, places)

    def _leaves(self, task: _Task, groups: Sequence[Filling]) -> list[_Branch]:
        chats = [answer_prompt(task.question, group.hits, self._prompts) for group in groups]
        found = completions(self._llm, self._batching, chats, max_tokens=task.max_tokens, cancel=task.cancel)
        return _distinct(
            task.answer.statements_of(completion, group.places) for group, completion in zip(groups, found, strict=True)
        )

    def _level(self, task: _Task, bundles: Sequence[Sequence[_Branch]]) -> list[_Branch]:
        """One answer a bundle: the new one where it is better than the best in the bundle."""
        several = [bundle for bundle in bundles if len(bundle) > 1]
        chats = [self._combining(task, bundle) for bundle in several]
        found = completions(self._llm, self._batching, chats, max_tokens=task.max_tokens, cancel=task.cancel)
        grown: list[_Branch] = []
        for bundle in bundles:
            best = _best(task, bundle)
            new = task.answer.statements_of(next(found), ()) if len(bundle) > 1 else []
            grown.append(new if new and improves(new, best) else best)
        return _distinct(grown)

    def _bundles(self, task: _Task, branches: Sequence[_Branch]) -> list[list[_Branch]]:
        """As many answers together as fit into a prompt."""
        bundles: list[list[_Branch]] = [[]]
        for branch in branches:
            longer = [*bundles[-1], branch]
            messages = self._combining(task, longer)
            if len(longer) > 1 and (len(longer) > self._max_hits or not fits(self._llm, messages, task.max_tokens)):
                bundles.append([branch])
            else:
                bundles[-1] = longer
        return bundles

    def _combining(self, task: _Task, branches: Sequence[_Branch]) -> list[Message]:
        return combine_prompt(task.question, [text_of(branch) for branch in branches], self._prompts)


def _distinct(branches: Iterable[_Branch]) -> list[_Branch]:
    """Those that say something, and each only once."""
    found = {text_of(branch): branch for branch in reversed(list(branches)) if branch}
    return list(reversed(found.values()))


def _best(task: _Task, branches: Sequence[_Branch]) -> _Branch:
    """The one that is verified, and most about the question."""

    def merit(branch: _Branch) -> tuple[bool, float]:
        sources = task.answer.sources
        quotes = [statement.judgement.sentence for statement in branch]
        return any_verified(branch), max(sources.relevance(quote) for quote in quotes if quote is not None)

    return max(branches, key=merit)
