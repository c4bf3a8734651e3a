"""The engine that answers a question part by part."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator
from dataclasses import replace

from docindex.answering.engines.asking import messages
from docindex.answering.engines.decisions import By, Decided, Decider, Decision
from docindex.answering.engines.joining import Joining
from docindex.answering.engines.shapes import Several, Text
from docindex.answering.engines.splitting import may_hold_several, split_question
from docindex.answering.piecewise import PiecewiseEngine
from docindex.answering.policy import NO_ANSWER
from docindex.answering.terms import analyse
from docindex.answering.usage import Clock
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Engine
from docindex.schema import JsonValue, Response, Step, TokenCounts

NO_ANSWER_TO_PART = "The documents do not answer this part."

_MOST = 5
"""Parts that are asked for one question."""
_SHAPE = Several(Text(8, 90), most=3)
_MARKER = re.compile(r"\s*\[\d+\]")


class SubQuestionEngine(PiecewiseEngine):
    """Takes a question apart, has another engine answer each part, and gives the answers under their questions.

    Rules see most questions that hold several. Of the others, the model may take apart those that are long and have
    an "and" in them; what it writes counts only if it is made of the question's own words. A question that nobody can
    take apart is passed on as it is. The answers come a part at a time; the response's `steps` are the parts with their
    answers. Of more than five parts the first five are asked, and the answer says how many were not.
    """

    def __init__(self, engine: Engine, *, llm: LLM | None = None, prompts: Prompts = SHIPPED) -> None:
        """Takes what answers the parts, and what takes apart, asked with the prompts, where the rules see no parts."""
        self._engine = engine
        self._decider = Decider(llm)
        self._prompts = prompts

    def split(self, question: str, *, cancel: threading.Event | None = None) -> Decided[list[str]]:
        """The questions that one holds; only itself where it holds no others."""
        parts = split_question(question)
        if parts or not may_hold_several(question):
            return Decided(parts or [question], By.RULE, TokenCounts())
        prompt = messages("decide_split", question, prompts=self._prompts)
        return self._decider.decide(split_decision(question), prompt, lambda: [question], cancel=cancel)

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        clock, joining = Clock(), Joining()
        decided = self.split(question, cancel=cancel)
        if len(decided.value) == 1:
            answer = self._engine.stream(question, cancel=cancel)
            yield from answer
            return replace(answer.response, tokens=answer.response.tokens + decided.tokens)
        joining.spend(decided.tokens)
        steps: list[Step] = []
        text, waiting = "", ""
        given: dict[str, str] = {}
        for part in decided.value[:_MOST]:
            response = self._engine.stream(part, cancel=cancel).response
            steps.append(Step("question", part, response.answer))
            if response.no_answer:
                joining.cost(response)
                waiting += f"\n\n{part}\n{NO_ANSWER_TO_PART}"
                continue
            answered = joining.text(response)
            bare = _MARKER.sub("", answered)
            shown = f"As above: {given[bare]}" if bare in given else answered
            given.setdefault(bare, " ".join(match.strip() for match in _MARKER.findall(answered)))
            # Parts without an answer wait for one that has it: where there is none at all, one sentence says so.
            piece = f"{waiting}\n\n{part}\n{shown}"
            piece, waiting = (piece if text else piece.lstrip()), ""
            clock.first_token()
            text += piece
            yield piece
        if not text:
            waiting = NO_ANSWER
        if left_out := len(decided.value[_MOST:]):
            waiting += f"\n\nNot asked: {left_out} more question{'s' if left_out > 1 else ''}."
        if waiting:
            clock.first_token()
            yield waiting
        return joining.whole(
            question,
            text + waiting,
            timings_ms=clock.timings(),
            no_answer=not text,
            steps=tuple(steps),
        )


def split_decision(question: str) -> Decision[list[str]]:
    """What a model decides that takes a question apart."""
    return Decision(_SHAPE, lambda written: read_parts(written, question))


def read_parts(written: JsonValue, question: str) -> list[str] | None:
    """The parts that a model wrote, if they are several, and made of the question's words and nothing else."""
    if not isinstance(written, list):
        return None
    asked_for = analyse(question)
    parts: dict[str, str] = {}
    for text in written:
        part = " ".join(str(text).split()).rstrip(" .?!") + "?"
        said = analyse(part)
        whole = said.words >= asked_for.words
        if not said.words or whole or not said.words <= asked_for.words or not said.quantities <= asked_for.quantities:
            return None
        parts[part.casefold()] = part
    covered = frozenset[str]().union(*(analyse(part).words for part in parts))
    return list(parts.values()) if len(parts) > 1 and asked_for.words <= covered else None
