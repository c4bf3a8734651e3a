"""A report that people open in a browser: one HTML file with tables and plots, that asks nothing of any network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, StrictUndefined

from docindex.evaluation.charts import (
    BOTTOM,
    LEFT,
    MOST_SERIES,
    RIGHT,
    TOP,
    WIDTH,
    Chart,
    depth_chart,
    difference_chart,
    histogram,
    interval_chart,
    weight_chart,
)
from docindex.evaluation.comparison import Change, Comparison, compare
from docindex.evaluation.report_page import PAGE
from docindex.evaluation.results import LOWER_IS_BETTER, Evaluation, QueryResult, told_apart

MOST_QUERIES = 200
"""Queries of one system that are listed, the worst ones first; the run's file has them all."""
MOST_CHANGES = 20
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Against:
    """A comparison with what is shown of it."""

    comparison: Comparison
    metric: str
    chart: Chart
    changes: tuple[Change, ...]


def report(evaluations: Sequence[Evaluation], title: str = "Evaluation") -> str:
    """The page. The first of the evaluations is what the others are compared with. Those of one name are numbered."""
    evaluations = told_apart(evaluations)
    first, *others = evaluations
    metric = first.metrics[0] if first.metrics else ""
    comparable = [other for other in others if _comparable(other, first)]
    charts = [weight_chart(evaluations, metric), interval_chart(evaluations), depth_chart(evaluations)]
    charts += [
        histogram(evaluation, metric) for evaluation in evaluations[:MOST_SERIES] if metric in evaluation.metrics
    ]
    # The page is HTML that is well-formed XML too; a template can't mark a value as safe by accident.
    pages = Environment(autoescape=True, undefined=StrictUndefined, finalize=_shown, trim_blocks=True)
    pages.filters |= {"score": lambda value: f"{value:.4f}", "place": lambda value: f"{value:.1f}"}
    template = pages.from_string(PAGE)
    return template.render(
        title=title,
        evaluations=evaluations,
        metrics=list(dict.fromkeys(name for evaluation in evaluations for name in evaluation.metrics)),
        lower=LOWER_IS_BETTER,
        charts=[chart for chart in charts if chart is not None],
        against=[_against(other, first, metric) for other in comparable[: MOST_SERIES - 1]],
        worst={place: worst(evaluation, metric) for place, evaluation in enumerate(evaluations[:MOST_SERIES])},
        metric=metric,
        drawn=MOST_SERIES,
        width=WIDTH,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        bottom=BOTTOM,
    )


def worst(evaluation: Evaluation, metric: str, most: int = MOST_QUERIES) -> list[QueryResult]:
    """The queries on which the metric is worst, and those that failed, first."""
    sign = -1 if metric in LOWER_IS_BETTER else 1

    def place(result: QueryResult) -> tuple[bool, float, str]:
        return not result.error, sign * result.scores.get(metric, float("inf")), result.query_id

    return sorted(evaluation.results, key=place)[:most]


def _comparable(other: Evaluation, first: Evaluation) -> bool:
    return other.fingerprint == first.fingerprint and bool(set(other.metrics) & set(first.metrics))


def _against(ours: Evaluation, theirs: Evaluation, metric: str) -> Against:
    comparison = compare(ours, theirs)
    chosen = metric if metric in ours.metrics else comparison.metrics[0].metric
    changes = comparison.changes(chosen)[:MOST_CHANGES]
    return Against(comparison, chosen, difference_chart(comparison, chosen), tuple(changes))


def _shown(value: object) -> object:
    """Texts of queries may hold what no page may. What a macro has drawn is sound already."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)
