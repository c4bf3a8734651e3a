"""The engine that asks again with what it has learned."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from docindex.answering.engines.asking import messages
from docindex.answering.engines.bridges import Bridge, bridge_of, learned, mentions
from docindex.answering.engines.coverage import asks_for_a_thing, coverage, is_of_kind, is_verified
from docindex.answering.engines.decisions import By, Decided, Decider, Decision
from docindex.answering.engines.joining import Joining
from docindex.answering.engines.shapes import Fields, Text
from docindex.answering.piecewise import PiecewiseEngine
from docindex.answering.policy import NO_ANSWER
from docindex.answering.terms import analyse
from docindex.answering.usage import Clock
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Engine
from docindex.schema import JsonValue, Response, Step, TokenCounts

_SHAPE = Fields({"question": Text(8, 120)})


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what came of it."""

    question: str
    response: Response
    about: str = ""
    """What was learned before, and is asked about."""


class MultiStepEngine(PiecewiseEngine):
    """Asks another engine, looks at what the answer leaves open, and asks again about what it named.

    "How much does the part cost that I need for an update?" is answered in two passages: the one names the part, the
    other has its price. A step counts only if its cited quotes speak of what was learned and hold the kind of thing
    that is asked for; without such a step, the first answer stands as it is. The response's `steps` are the questions
    that were asked. Nothing of it comes before the last one, for a later one can have the better answer.
    """

    def __init__(self, engine: Engine, *, llm: LLM | None = None, steps: int = 4, prompts: Prompts = SHIPPED) -> None:
        """Puts the parts together.

        Args:
            engine: Answers each step.
            llm: May write the next question where the form of the question does not tell it; it counts if it is made
                of words of the question and the findings, and asks about something learned. Otherwise a rule puts the
                names that were learned into the question.
            steps: How often the engine is asked at most.
            prompts: What the model is asked with.
        """
        self._engine = engine
        self._decider = Decider(llm)
        self._steps = steps
        self._prompts = prompts

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        clock, joining = Clock(), Joining()
        bridge = bridge_of(question)
        turns = [Asked(question, self._engine.stream(question, cancel=cancel).response)]
        reached: Asked | None = None
        if not self._suffices(question, bridge, turns[0].response):
            while reached is None and len(turns) < self._steps:
                decided = self.next_question(question, bridge, turns, cancel=cancel)
                joining.spend(decided.tokens)
                if decided.value is None:
                    break
                follow_up, about = decided.value
                turns.append(Asked(follow_up, self._engine.stream(follow_up, cancel=cancel).response, about))
                if about and _reaches(question, about, turns[-1].response):
                    reached = turns[-1]
        used = _used(turns, reached)
        for turn in turns:
            if turn not in used:
                joining.cost(turn.response)
        text = " ".join(joining.text(turn.response) for turn in used) or NO_ANSWER
        clock.first_token()
        yield text
        return joining.whole(
            question,
            text,
            timings_ms=clock.timings(),
            no_answer=not used,
            steps=tuple(Step("question", turn.question, turn.response.answer) for turn in turns),
        )

    def next_question(
        self, question: str, bridge: Bridge | None, turns: Sequence[Asked], *, cancel: threading.Event | None = None
    ) -> Decided[tuple[str, str] | None]:
        """What to ask next, and about which thing that was learned; None when there is nothing new to ask."""
        ruled = next(_by_rule(question, bridge, turns), None)
        things = [thing for turn in turns for thing in learned(question, turn.response)]
        if not things or ruled is None or bridge is not None:
            return Decided(ruled, By.RULE, TokenCounts())
        decision = next_decision(question, turns, things)
        findings = [
            Step("question", turn.question, turn.response.answer) for turn in turns if not turn.response.no_answer
        ]
        prompt = messages("decide_next", question, findings=findings, prompts=self._prompts)
        return self._decider.decide(decision, prompt, lambda: ruled, cancel=cancel)

    @staticmethod
    def _suffices(question: str, bridge: Bridge | None, response: Response) -> bool:
        found = coverage(question, response)
        return found.complete or (bridge is None and found.verified and not asks_for_a_thing(question))


def _by_rule(question: str, bridge: Bridge | None, turns: Sequence[Asked]) -> Iterator[tuple[str, str]]:
    """What could be asked next, the most promising first."""
    before = {turn.question for turn in turns}
    if bridge is not None and bridge.first not in before:
        yield bridge.first, ""
    # First what the clause of the question led to, last what follow-ups came across.
    hops = [turn for turn in turns if not turn.about]
    for turn in [*reversed(hops), *(turn for turn in turns if turn.about)]:
        for thing in learned(question, turn.response) if is_verified(turn.response) else ():
            follow_up = bridge.then.replace("{}", thing, 1) if bridge else f"{question.rstrip(' ?')} ({thing})?"
            if follow_up not in before:
                yield follow_up, thing


def next_decision(question: str, turns: Sequence[Asked], things: Sequence[str]) -> Decision[tuple[str, str] | None]:
    """What a model decides that asks on: the next question and what of the things that were learned it is about."""
    return Decision(_SHAPE, lambda written: read_next(written, question, turns, things))


def read_next(
    written: JsonValue, question: str, turns: Sequence[Asked], things: Sequence[str]
) -> tuple[str, str] | None:
    """The model's question, if it asks something new about a thing that was learned, in words that were said before."""
    if not isinstance(written, dict):
        return None
    follow_up = " ".join(str(written.get("question", "")).split())
    said = analyse(follow_up)
    known = analyse("\n".join([question, *(f"{turn.question}\n{turn.response.answer}" for turn in turns)]))
    about = next((thing for thing in things if analyse(thing).words <= said.words), None)
    asks = said.words & analyse(question).words
    before = {turn.question.casefold() for turn in turns}
    if about is None or not asks or not said.words <= known.words or not said.quantities <= known.quantities:
        return None
    return (follow_up, about) if follow_up.endswith("?") and follow_up.casefold() not in before else None


def _reaches(question: str, about: str, response: Response) -> bool:
    """Whether a step ends the search: it is about the thing, and of the kind that the question asks for."""
    return is_verified(response) and is_of_kind(question, response) and mentions(response, about)


def _used(turns: Sequence[Asked], reached: Asked | None) -> list[Asked]:
    """The turns that make the answer: the one that was reached with the one that named its thing, or the first."""
    if reached is None:
        return [] if turns[0].response.no_answer else [turns[0]]
    namers = [turn for turn in turns if turn is not reached and mentions(turn.response, reached.about)]
    return [*namers[-1:], reached]
