"""What the measurement beside other systems makes of its questions and times; the systems themselves are not here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "peers_answering"


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return _script("answer_task", monkeypatch)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return _script("answer_table", monkeypatch)


def _script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return __import__(name)


def a_task(task: ModuleType, *phases: str) -> Any:
    cases = tuple(
        task.Case(question=f"q{number}", passages=(f"p{number}",), shown=(f"s{number}",)) for number in range(2)
    )
    return task.Task(
        model="m",
        context_tokens=512,
        max_tokens=8,
        threads=1,
        way="",
        warm_up=cases[0],
        cases=cases,
        phases=phases,
        report="",
        index="",
        models="",
    )


class Echo:
    """Says what it is asked, in two pieces, after a piece that is empty."""

    packages = ()
    settings = ""

    def __init__(self, task: ModuleType) -> None:
        self.task = task
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def answer(self, question: str, passages: Sequence[str], on_text: Callable[[str], None]) -> Any:
        self.asked.append((question, tuple(passages)))
        for piece in ("", question[:3], question[3:]):
            on_text(piece)
        return self.task.Usage(first_token=0.0, prompt_tokens=1, cached_tokens=0, answer_tokens=2)


def test_a_context_is_asked_of_twice_at_once_and_again_when_all_others_were(task: ModuleType) -> None:
    echo = Echo(task)
    answers = task.ask_all(echo, a_task(task, "first", "second", "later"))
    assert [(answer.case, answer.phase) for answer in answers] == [
        (0, "first"),
        (0, "second"),
        (1, "first"),
        (1, "second"),
        (0, "later"),
        (1, "later"),
    ]
    assert [passages for _, passages in echo.asked] == [(f"p{answer.case}",) for answer in answers]
    assert len({question for question, _ in echo.asked}) == len(answers), "no prompt is asked for a second time"
    assert [answer.text for answer in answers] == [question for question, _ in echo.asked]
    assert all(0 < answer.first_text <= answer.total for answer in answers)


def test_a_task_comes_back_from_its_json(task: ModuleType) -> None:
    given = a_task(task, "before")
    assert task.Task.from_json(given.as_json()) == given


def test_questions_with_the_same_best_passage_are_asked_once(task: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    preparing = _script("preparing", monkeypatch)
    same = task.Case(question="b", passages=("x", "z"))
    cases = [task.Case(question="a", passages=("x", "y")), same, task.Case(question="c", passages=("y", "x"))]
    assert [case.question for case in preparing.begin_apart(cases)] == ["a", "c"]


def outcome(task: ModuleType, table: ModuleType, system: str, *rounds: Sequence[float]) -> Any:
    """A system with the seconds of its rounds, one a question."""
    usage = task.Usage(first_token=0.0, prompt_tokens=1200, cached_tokens=200, answer_tokens=9)
    return table.Outcome(
        system=system,
        runs=[
            table.Run(
                answers=tuple(
                    task.Answer(
                        case=case,
                        phase="first",
                        usage=replace(usage, first_token=seconds),
                        first_text=seconds + 1,
                        total=seconds + 2,
                        text="",
                    )
                    for case, seconds in enumerate(times)
                ),
                ready=1.0,
                peak_bytes=10**8,
            )
            for times in rounds
        ],
        versions={"it": "1.0"},
        settings="as it is",
    )


def test_medians_best_rounds_and_factors_are_those_of_the_times(task: ModuleType, table: ModuleType) -> None:
    ours = outcome(task, table, "docindex", (1.0, 3.0), (2.0, 2.0), (3.0, 1.0))
    slow = outcome(task, table, "langchain", (9.0, 9.0))
    soon = outcome(task, table, "haystack-flash", (5.0, 5.0))
    assert (ours.median("first", table.first_token), ours.best("first", table.first_token)) == (2.0, 1.0)
    assert ours.median("first", table.milliseconds_a_token) == 2.0
    assert ours.median("later", table.first_token) is None
    first, *rest = table.goals([ours, slow, soon])
    assert (first.measured, first.met) == (2.5, True)
    assert [goal.measured for goal in rest] == [None] * 4
    assert not any(goal.met for goal in rest)
    text = table.report([ours, slow, soon])
    assert "| docindex | 2.000 (1.000) |  |  | 1,200 | 2.00 |" in text
    assert "| langchain | 4.50 |" in text
    assert "| haystack-flash | 2.50 |" in text
    assert "a context that nobody has read: 2.50 times sooner (goal 2, met)" in text
    assert "- haystack-flash (it 1.0): as it is." in text


def test_a_system_that_failed_is_told_of(task: ModuleType, table: ModuleType) -> None:
    failed = table.Outcome(system="haystack", failure="it ended with code 1:\nno room")
    text = table.report([outcome(task, table, "docindex", (1.0,)), failed])
    assert "- haystack failed: no room" in text
    assert "| haystack |" in text


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--systems", "docindex,nobody"], "there is no system nobody"),
        (["--questions", "1"], "give at least two questions"),
    ],
    ids=["system", "questions"],
)
def test_what_can_not_be_measured_is_refused(options: list[str], reason: str) -> None:
    command = [sys.executable, str(FOLDER.with_suffix(".py")), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert reason in done.stderr
