"""The tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean, median

from measuring import BUDGETS, Measured
from ways import DEEP, FLAT, HITS

from docindex.evaluation.bootstrap import interval, paired_difference

COLUMNS = (
    *("way", f"hit@{HITS}", "better", f"covered@{HITS}", f"tokens@{HITS}", "tokens to hit", "tokens to half"),
    *(f"half in {budget:,}" for budget in BUDGETS),
    f"better, in {BUDGETS[-1]:,}",
    "ms p50",
)


def report(found: Sequence[Measured]) -> str:
    """A table for each kind of question on each manual."""
    return "\n".join("\n".join(table(one)) + "\n" for one in found)


def table(one: Measured) -> list[str]:
    questions = len(next(iter(one.answers.values())))
    heading = (
        f"{one.manual}, {one.passages:,} nodes; {one.kind}: {questions} questions, sections of "
        f"{one.section_tokens:,.0f} tokens (median)"
    )
    rows = [list(COLUMNS), ["---", *["---:"] * (len(COLUMNS) - 1)], *(row(one, way) for way in one.answers)]
    return [heading, "", *(f"| {' | '.join(cells)} |" for cells in rows)]


def row(one: Measured, way: str) -> list[str]:
    def values(measure: str) -> list[float]:
        return list(one.values(way, measure).values())

    return [
        way,
        bounded(values("hit")),
        versus(one, way, "hit"),
        bounded(values("covered")),
        f"{mean(values('tokens')):,.0f}",
        *(middle(values(measure)) for measure in ("to_hit", "to_half")),
        *(bounded(values(str(budget))) for budget in BUDGETS),
        versus(one, way, str(BUDGETS[-1])),
        f"{median(values('milliseconds')):.0f}",
    ]


def bounded(values: Sequence[float]) -> str:
    found = interval(values)
    return f"{found.mean:.3f} ({found.low:.2f}-{found.high:.2f})"


def versus(one: Measured, way: str, measure: str) -> str:
    if way == FLAT:
        return ""
    found = paired_difference(one.values(way, measure), one.values(FLAT, measure))
    return f"{found.mean:+.3f} ({found.low:+.2f} to {found.high:+.2f})"


def middle(values: Sequence[float]) -> str:
    found = median(values)
    return f"{found:,.0f}" if math.isfinite(found) else f"not in {DEEP} passages"
