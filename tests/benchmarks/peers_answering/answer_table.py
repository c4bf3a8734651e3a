"""The outcomes as Markdown, and the goals beside what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from answer_task import Answer, Phase

OURS = "docindex"
WANTED = 2.0
"""Half the time to the first token."""

PHASES: tuple[tuple[Phase, str], ...] = (
    ("first", "first question"),
    ("second", "second, at once"),
    ("later", "third, later"),
)
COMPARED: tuple[tuple[str, Phase, str], ...] = (
    ("docindex", "first", "a context that nobody has read"),
    ("docindex", "second", "a second question, at once"),
    ("docindex", "later", "a third, after other contexts"),
    ("docindex-disk", "first", "a new process, the context on disk"),
    ("docindex-optimised", "first", "a context that nobody has read, the model as `models optimize` leaves it"),
)
"""What of ours is held against the same phase of the others."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One process of a system."""

    answers: tuple[Answer, ...]
    ready: float
    """Seconds from its start until its model was loaded."""
    peak_bytes: int


@dataclass(kw_only=True)
class Outcome:
    """A system with one of its settings."""

    system: str
    runs: list[Run] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    settings: str = ""
    failure: str | None = None

    @property
    def is_ours(self) -> bool:
        return self.system.partition("-")[0] == OURS

    def by_case(self, phase: Phase, value: Callable[[Answer], float]) -> list[list[float]]:
        """The value of each question in every round."""
        found: dict[int, list[float]] = {}
        for run in self.runs:
            for answer in run.answers:
                if answer.phase == phase:
                    found.setdefault(answer.case, []).append(value(answer))
        return list(found.values())

    def median(self, phase: Phase, value: Callable[[Answer], float]) -> float | None:
        """Over all questions and rounds."""
        values = [value for rounds in self.by_case(phase, value) for value in rounds]
        return statistics.median(values) if values else None

    def best(self, phase: Phase, value: Callable[[Answer], float]) -> float | None:
        """The median over the questions of the least of their rounds."""
        values = [min(rounds) for rounds in self.by_case(phase, value)]
        return statistics.median(values) if values else None


def first_token(answer: Answer) -> float:
    return answer.usage.first_token


def prompt_tokens(answer: Answer) -> float:
    return answer.usage.prompt_tokens


def cached_tokens(answer: Answer) -> float:
    return answer.usage.cached_tokens


def milliseconds_a_token(answer: Answer) -> float:
    """Of those that were read."""
    return answer.usage.first_token * 1000 / max(1, answer.usage.prompt_tokens - answer.usage.cached_tokens)


def report(outcomes: Sequence[Outcome]) -> str:
    lines = [
        "## Seconds to the first token: the median, and in brackets that of each question's best round",
        "",
        *markdown(
            ["system", *(title for _, title in PHASES), "prompt, tokens", "ms a token read, first question"],
            [
                [
                    found.system,
                    *(seconds(found, phase, first_token) for phase, _ in PHASES),
                    number(found.median("first", prompt_tokens), 0),
                    number(found.median("first", milliseconds_a_token), 2),
                ]
                for found in outcomes
            ],
        ),
        "",
        "## Tokens of the prompt that were not read again",
        "",
        *markdown(
            ["system", *(title for _, title in PHASES)],
            [
                [found.system, *(number(found.median(phase, cached_tokens), 0) for phase, _ in PHASES)]
                for found in outcomes
            ],
        ),
        "",
        "## Seconds to the first text that is given out, and to the end of the answer; the process",
        "",
        *markdown(
            [
                "system",
                *(f"text, {title}" for _, title in PHASES),
                "whole answer, first question",
                "its tokens",
                "ready, s",
                "peak memory, MB",
            ],
            [
                [
                    found.system,
                    *(seconds(found, phase, lambda answer: answer.first_text) for phase, _ in PHASES),
                    seconds(found, "first", lambda answer: answer.total),
                    number(found.median("first", lambda answer: answer.usage.answer_tokens), 0),
                    number(statistics.median(run.ready for run in found.runs) if found.runs else None, 2),
                    number(max((run.peak_bytes / 1e6 for run in found.runs), default=None), 0),
                ]
                for found in outcomes
            ],
        ),
        "",
        f"## How many times sooner the first token is (goal {WANTED:g} against every system)",
        "",
        *markdown(
            ["against", *(title for *_, title in COMPARED)],
            [
                [found.system, *(number(sooner(outcomes, found, name, phase), 2) for name, phase, _ in COMPARED)]
                for found in outcomes
                if not found.is_ours
            ],
        ),
        "",
        *(f"- {found.system} failed: {found.failure.splitlines()[-1]}" for found in outcomes if found.failure),
        *(f"- {goal.line()}" for goal in goals(outcomes)),
        "",
        *(f"- {found.system} ({versions(found)}): {found.settings}." for found in outcomes if found.settings),
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Goal:
    """How many times sooner the first token was than that of the soonest other system."""

    what: str
    measured: float | None

    @property
    def met(self) -> bool:
        return self.measured is not None and self.measured >= WANTED

    def line(self) -> str:
        if self.measured is None:
            return f"{self.what}: not measured (goal {WANTED:g})"
        return f"{self.what}: {self.measured:.2f} times sooner (goal {WANTED:g}, {'met' if self.met else 'missed'})"


def goals(outcomes: Sequence[Outcome]) -> list[Goal]:
    """Each against the soonest of the others, whichever of its settings that is."""
    others = [found for found in outcomes if not found.is_ours]
    found = []
    for name, phase, title in COMPARED:
        factors = [sooner(outcomes, other, name, phase) for other in others]
        found.append(Goal(title, min((factor for factor in factors if factor is not None), default=None)))
    return found


def sooner(outcomes: Sequence[Outcome], other: Outcome, name: str, phase: Phase) -> float | None:
    """The other's median time to the first token over that of ours."""
    ours = next((found for found in outcomes if found.system == name), None)
    below = None if ours is None else ours.median(phase, first_token)
    above = other.median(phase, first_token)
    return above / below if above is not None and below else None


def seconds(found: Outcome, phase: Phase, value: Callable[[Answer], float]) -> str:
    median = found.median(phase, value)
    return "" if median is None else f"{median:.3f} ({found.best(phase, value):.3f})"


def markdown(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)], *cells]
    return [f"| {' | '.join(row)} |" for row in rows]


def number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def versions(found: Outcome) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.versions.items())
