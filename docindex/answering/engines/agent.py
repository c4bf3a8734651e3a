"""The engine that uses others as tools, a few calls at most."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache

from docindex.answering.engines.asking import Choice, messages
from docindex.answering.engines.bridges import learned
from docindex.answering.engines.choosing import CHOICES, DEFAULT, TABLES, engine_by_rule
from docindex.answering.engines.coverage import asks_for_a_thing, coverage, is_verified
from docindex.answering.engines.decisions import By, Decided, Decider, Decision
from docindex.answering.engines.exam import Exam
from docindex.answering.engines.joining import Joining
from docindex.answering.engines.shapes import Fields, OneOf, Text
from docindex.answering.engines.splitting import may_hold_several
from docindex.answering.piecewise import PiecewiseEngine
from docindex.answering.policy import NO_ANSWER
from docindex.answering.terms import analyse
from docindex.answering.usage import Clock
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Engine
from docindex.schema import JsonValue, Response, Step, TokenCounts

FINISH = "finish"
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Call:
    """A tool and what it is asked."""

    tool: str
    input: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A call and what came of it."""

    call: Call
    response: Response


class AgentEngine(PiecewiseEngine):
    """Calls other engines until what they found answers the question, or the budget of calls is used up.

    The model chooses each call; a rule does where its choice can't be taken. Documents have no say in it: the tools
    only read, what they are asked is made of words of the question and of names in verified quotes, and no call is
    made twice. What they found is joined, as far as it is verified, once the last call is made. The response's `steps`
    are the calls, each with the tool as its kind.

    Source: ReAct (arXiv 2210.03629), with the choice held to a grammar and without thoughts.
    """

    def __init__(
        self,
        engine_of: Callable[[str], Engine],
        *,
        choices: Sequence[Choice] = CHOICES,
        has_tables: Callable[[], bool],
        llm: LLM | None = None,
        steps: int = 4,
        prompts: Prompts = SHIPPED,
    ) -> None:
        """Puts the parts together.

        Args:
            engine_of: Makes the engine of a name; asked once a name. It knows `DEFAULT`, too.
            choices: The tools.
            has_tables: Whether there is any table to ask.
            llm: Chooses the calls, if it is able to: it is asked once about questions whose engine is known. Otherwise
                the rule does.
            steps: The most calls.
            prompts: What the model is asked with.
        """
        self._engine = cache(engine_of)
        self._choices = tuple(choices)
        self._has_tables = has_tables
        self._decider = Decider(llm)
        self._exam = Exam(llm, choices, prompts)
        self._steps = steps
        self._prompts = prompts

    def next_call(
        self, question: str, turns: Sequence[Turn], *, cancel: threading.Event | None = None
    ) -> Decided[Call | None]:
        """What to do next; None to finish."""
        choices = [choice for choice in self._choices if choice.name != TABLES or self._has_tables()]
        names = [choice.name for choice in choices]
        by_rule = self._by_rule(question, names, turns)
        if by_rule is None:
            return Decided(None, By.RULE, TokenCounts())
        if self._is_last(question, turns):
            return Decided(Call(DEFAULT, question), By.RULE, TokenCounts())
        able, spent = self._exam.sit(cancel=cancel)
        if not able:
            return Decided(by_rule, By.RULE, spent)
        findings = [Step(turn.call.tool, turn.call.input, turn.response.answer) for turn in turns]
        prompt = messages("decide_tool", question, choices=choices, findings=findings, prompts=self._prompts)
        decision = call_decision(question, names, turns)
        decided = self._decider.decide(decision, prompt, lambda: (by_rule,), cancel=cancel)
        return Decided(decided.value[0], decided.by, spent + decided.tokens)

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        clock, joining = Clock(), Joining()
        turns: list[Turn] = []
        while len(turns) < self._steps and not _suffices(question, turns):
            decided = self.next_call(question, turns, cancel=cancel)
            joining.spend(decided.tokens)
            if decided.value is None:
                break
            call = decided.value
            turns.append(Turn(call, self._engine(call.tool).stream(call.input, cancel=cancel).response))
        used = _useful(question, turns)
        for turn in turns:
            if turn not in used:
                joining.cost(turn.response)
        text = "\n\n".join(joining.text(turn.response) for turn in used) or NO_ANSWER
        clock.first_token()
        yield text
        return joining.whole(
            question,
            text,
            timings_ms=clock.timings(),
            no_answer=not used,
            steps=tuple(Step(turn.call.tool, turn.call.input, turn.response.answer) for turn in turns),
        )

    def _by_rule(self, question: str, names: Sequence[str], turns: Sequence[Turn]) -> Call | None:
        first = engine_by_rule(question, names, has_tables=self._has_tables)
        made = {turn.call for turn in turns}
        tools = [first or DEFAULT, DEFAULT]
        # The others would ask the passages just what they were asked already.
        tools += ["multi-step"] if any(is_verified(turn.response) for turn in turns) else []
        tools += ["subquestions"] if may_hold_several(question) else []
        calls = (Call(tool, question) for tool in tools if tool in names or tool == DEFAULT)
        return next((call for call in calls if call not in made), None)

    def _is_last(self, question: str, turns: Sequence[Turn]) -> bool:
        """Whether one call is left, nothing was found, and the plain call was not made yet."""
        made = any(turn.call == Call(DEFAULT, question) for turn in turns)
        return len(turns) == self._steps - 1 and not made and not any(is_verified(turn.response) for turn in turns)


def call_decision(question: str, names: Sequence[str], turns: Sequence[Turn]) -> Decision[tuple[Call | None]]:
    """What a model decides that works with tools: a call, or None to finish."""
    shape = Fields({"tool": OneOf((*names, FINISH)), "input": Text(0, _LONGEST)})
    return Decision(shape, lambda written: read_call(written, question, names, turns))


def read_call(
    written: JsonValue, question: str, names: Sequence[str], turns: Sequence[Turn]
) -> tuple[Call | None] | None:
    """The call that a model wrote, or None in its place to finish; None where neither makes sense.

    Finishing makes sense once something verified was found.
    """
    if not isinstance(written, dict):
        return None
    tool, text = str(written.get("tool", "")), " ".join(str(written.get("input", "")).split())
    if tool == FINISH:
        return (None,) if any(is_verified(turn.response) for turn in turns) else None
    things = [thing for turn in turns if is_verified(turn.response) for thing in learned(question, turn.response)]
    said, known = analyse(text), analyse("\n".join([question, *things]))
    asks = bool(said.words & analyse(question).words)
    if tool not in names or not asks or not said.words <= known.words or not said.quantities <= known.quantities:
        return None
    call = Call(tool, question if said.words == analyse(question).words else text)
    return None if call in {turn.call for turn in turns} else (call,)


def _suffices(question: str, turns: Sequence[Turn]) -> bool:
    """Whether what is verified so far answers the question."""
    together = Joining()
    verified = [turn for turn in turns if is_verified(turn.response)]
    text = "\n".join(together.text(turn.response) for turn in verified)
    found = coverage(question, together.whole(question, text, timings_ms={}))
    whole = any(turn.call.input == question for turn in verified)
    return found.complete or (whole and not asks_for_a_thing(question))


def _useful(question: str, turns: Sequence[Turn]) -> list[Turn]:
    """The turns that make the answer: the first that is complete, or all that are verified and say something new."""
    verified = [turn for turn in turns if is_verified(turn.response)]
    for turn in verified:
        if coverage(question, turn.response).complete:
            return [turn]
    useful: list[Turn] = []
    cited: set[tuple[str, int]] = set()
    for turn in verified:
        places = {(citation.doc_id, citation.start) for citation in turn.response.citations}
        if places - cited:
            useful.append(turn)
            cited |= places
    return useful or [turn for turn in turns if not turn.response.no_answer][:1]
