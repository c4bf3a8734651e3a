"""Evaluations, comparisons and tunings as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from docindex.cli.output import readable_ms
from docindex.cli.screen import Cell, Column, Screen, Span, Style

if TYPE_CHECKING:
    from docindex.evaluation.comparison import Comparison, Drop
    from docindex.evaluation.results import Evaluation
    from docindex.evaluation.tuning import Trial, Tuning

VERDICTS: dict[str, Style] = {"better": "good", "worse": "bad"}


def show_evaluation(screen: Screen, evaluation: Evaluation) -> None:
    """Shows the means with their intervals, and the times."""
    split = f", {evaluation.split}" if evaluation.split else ""
    about = f"  {len(evaluation.results):,} queries of {evaluation.dataset}{split}"
    screen.line(Span(evaluation.name, "strong"), Span(about, "dim"))
    columns = [
        Column("Metric"),
        Column("Mean", "count"),
        Column("From", "count"),
        Column("To", "count"),
        Column("Queries", "count"),
    ]
    rows: list[Sequence[Cell]] = []
    for metric in evaluation.metrics:
        found = evaluation.interval(metric)
        rows.append((metric, _score(found.mean), _score(found.low), _score(found.high), found.count))
    screen.table(columns, rows)
    half, most = evaluation.milliseconds(0.5), evaluation.milliseconds(0.95)
    if half is not None and most is not None:
        screen.line(Span(f"{readable_ms(half)} a query, {readable_ms(most)} at the 95th percentile", "dim"))
    for result in evaluation.results:
        if result.error:
            screen.line(Span("Failed: ", "bad"), Span(result.query_id, "name"), f": {result.error}")


def show_queries(screen: Screen, evaluation: Evaluation) -> None:
    """Shows each query with its scores, the worst ones by the first metric first."""
    from docindex.evaluation.report import worst

    columns = [
        Column("Query"),
        *(Column(metric, "count") for metric in evaluation.metrics),
        Column("First right", "count"),
        Column("Text"),
    ]
    rows: list[Sequence[Cell]] = []
    metric = evaluation.metrics[0] if evaluation.metrics else ""
    for result in worst(evaluation, metric, most=len(evaluation.results)):
        scores = [_score(result.scores.get(name)) for name in evaluation.metrics]
        rows.append((result.query_id, *scores, result.first_relevant(), result.answer or result.text))
    screen.table(columns, rows)


def show_comparison(screen: Screen, comparison: Comparison, most: int) -> None:
    """Shows the differences by metric, and the queries that differ most by the first one."""
    screen.line(
        Span(comparison.ours.name, "strong"),
        " against ",
        Span(comparison.theirs.name, "strong"),
        Span(_about(comparison)),
    )
    columns = [
        Column("Metric"),
        Column("New", "count"),
        Column("Base", "count"),
        Column("Difference", "count"),
        Column("From", "count"),
        Column("To", "count"),
        Column("Better", "count"),
        Column("Equal", "count"),
        Column("Worse", "count"),
        Column("Verdict"),
    ]
    rows: list[Sequence[Cell]] = []
    for row in comparison.metrics:
        found = row.difference
        limits = (_signed(found.mean), _signed(found.low), _signed(found.high))
        rows.append(
            (row.metric, _score(row.ours), _score(row.theirs), *limits, row.better, row.equal, row.worse, row.verdict)
        )
    screen.table(columns, rows)
    for change in comparison.changes(comparison.metrics[0].metric)[:most]:
        gain = change.ours - change.theirs
        screen.line(
            Span(f"{_signed(gain)}  ", VERDICTS["better" if gain > 0 else "worse"]),
            Span(change.query_id, "name"),
            f"  {change.text}",
        )


def show_drops(screen: Screen, drops: Sequence[Drop], baseline: str) -> None:
    """Shows what a baseline's gate says."""
    for drop in drops:
        screen.line(Span("Worse: ", "bad"), str(drop))
    if not drops:
        screen.line(Span("Not worse than ", "good"), Span(baseline, "name"))


def show_tuning(screen: Screen, tuning: Tuning) -> None:
    """Shows every combination, the best one first, and what the best one gains."""
    from docindex.evaluation.tuning import winners

    columns = [
        Column("Chunk", "count"),
        Column("Weight", "count"),
        Column("k", "count"),
        Column(tuning.metric, "count"),
        Column("From", "count"),
        Column("To", "count"),
        Column("Time", "count"),
    ]
    screen.table(columns, [_trial(tuning, trial) for trial in winners(tuning, len(tuning.trials))])
    gain, settings = tuning.difference, tuning.best.settings
    clear = "" if gain.excludes_zero else ": no clear difference"
    screen.line(
        Span(f"Best: {settings.name}", "strong"),
        f"  {_signed(gain.mean)} ({_signed(gain.low)} to {_signed(gain.high)}) against the settings now{clear}",
    )


def _trial(tuning: Tuning, trial: Trial) -> Sequence[Cell]:
    found, half = trial.evaluation.interval(tuning.metric), trial.evaluation.milliseconds(0.5)
    settings = trial.settings
    return (
        settings.chunk_tokens,
        f"{settings.dense_weight:g}",
        settings.k,
        _score(found.mean),
        _score(found.low),
        _score(found.high),
        None if half is None else readable_ms(half),
    )


def _about(comparison: Comparison) -> str:
    split = f", {comparison.ours.split}" if comparison.ours.split else ""
    return f"  {len(comparison.ours.results)} queries of {comparison.ours.dataset}{split}"


def _score(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"


def _signed(value: float) -> str:
    return f"{value:+.4f}"
