"""What the processes of all systems share: the task they are given, how they are asked, the report they leave.

It runs in each system's own environment, so it imports nothing but the standard library.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Protocol

Phase = Literal["before", "first", "second", "later"]

WORDINGS: dict[Phase, str] = {
    "before": "Tell me this: {}",
    "first": "{}",
    "second": "In one short sentence: {}",
    "later": "Answer briefly, please. {}",
}
"""How a question is put: each time in other words, so that no system has read the whole prompt before."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A question, and the passages that it is to be answered from."""

    question: str
    passages: tuple[str, ...]
    """Best first."""
    shown: tuple[str, ...] = ()
    """The same as docindex's prompt has them: with a line that says where they are from, between fences."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One process's work, as JSON in its only argument."""

    model: str
    """The GGUF file."""
    context_tokens: int
    max_tokens: int
    threads: int
    way: str
    """Which settings of the system: "" for its usual ones."""
    warm_up: Case
    """Asked first, and not measured."""
    cases: tuple[Case, ...]
    phases: tuple[Phase, ...]
    report: str
    """The file that this process writes when it has succeeded."""
    index: str
    """docindex's; the other systems are given the passages as text."""
    models: str
    """The folder of docindex's models in other forms, and of what they have read."""

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Task:
        given = json.loads(text)
        cases = tuple(_case(case) for case in given["cases"])
        return cls(
            **{**given, "warm_up": _case(given["warm_up"]), "cases": cases, "phases": tuple(given["phases"])},
        )


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What the model did for an answer."""

    first_token: float
    """Seconds from the question to the first token that the model wrote."""
    prompt_tokens: int
    cached_tokens: int
    """Of the prompt: read before, and not again."""
    answer_tokens: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer, as it was measured. Seconds are from the question."""

    case: int
    phase: Phase
    usage: Usage
    first_text: float
    """When the first text of the answer was given out."""
    total: float
    text: str


class Answerer(Protocol):
    """A system with its model loaded."""

    packages: tuple[str, ...]
    settings: str
    """One line for the report."""

    def answer(self, question: str, passages: Sequence[str], on_text: Callable[[str], None]) -> Usage:
        """Answers from the passages; `on_text` is given the text as it comes."""
        ...


def ask_all(answerer: Answerer, task: Task) -> list[Answer]:
    """Every question: the first two times one after the other, the last time when all others have been asked."""
    at_once = [phase for phase in task.phases if phase != "later"]
    order = [(number, phase) for number in range(len(task.cases)) for phase in at_once]
    if "later" in task.phases:
        order += [(number, "later") for number in range(len(task.cases))]
    return [_ask(answerer, task.cases[number], number, phase) for number, phase in order]


def run(make: Callable[[Task], Answerer]) -> None:
    """Does the task that the command line gives, and writes its report."""
    task = Task.from_json(sys.argv[1])
    answerer = make(task)
    ready = time.monotonic()  # a clock that all processes share
    _ask(answerer, task.warm_up, -1, "first")
    report = {
        "ready": ready,
        "answers": [asdict(answer) for answer in ask_all(answerer, task)],
        "versions": {name: version(name) for name in answerer.packages},
        "settings": answerer.settings,
    }
    Path(task.report).write_text(json.dumps(report), encoding="utf-8")


def _ask(answerer: Answerer, case: Case, number: int, phase: Phase) -> Answer:
    pieces: list[str] = []
    first: list[float] = []

    def on_text(text: str) -> None:
        if text and not first:
            first.append(time.perf_counter())
        pieces.append(text)

    started = time.perf_counter()
    usage = answerer.answer(WORDINGS[phase].format(case.question), case.passages, on_text)
    ended = time.perf_counter()
    return Answer(
        case=number,
        phase=phase,
        usage=usage,
        first_text=(first[0] if first else ended) - started,
        total=ended - started,
        text="".join(pieces),
    )


def _case(given: dict[str, object]) -> Case:
    passages, shown = (tuple(given[name]) for name in ("passages", "shown"))  # type: ignore[arg-type]
    return Case(question=str(given["question"]), passages=passages, shown=shown)
