"""One evaluation against another: differences with paired intervals, and the gate that a baseline is.

A query that failed counts as the worst in every metric that the other evaluation has for it: who fails where the
other answers does not get better by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from docindex.errors import ConfigError
from docindex.evaluation.bootstrap import Interval, paired_difference
from docindex.evaluation.results import LOWER_IS_BETTER, Evaluation

_ROUNDING = 1e-9
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """Two systems by one metric."""

    metric: str
    ours: float
    theirs: float
    difference: Interval
    """Ours minus theirs, over the queries that both have."""
    better: int
    """Queries on which ours did better."""
    equal: int
    worse: int

    @property
    def verdict(self) -> str:
        """Whether the difference would show on other queries, too: "better", "worse" or "no clear difference"."""
        if not self.difference.excludes_zero:
            return "no clear difference"
        return "better" if (self.difference.mean > 0) != (self.metric in LOWER_IS_BETTER) else "worse"

    def as_dict(self) -> dict[str, Any]:
        """The comparison as `--json` prints it."""
        return {
            "metric": self.metric,
            "ours": round(self.ours, 6),
            "theirs": round(self.theirs, 6),
            "difference": self.difference.as_dict(),
            "better": self.better,
            "equal": self.equal,
            "worse": self.worse,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """A query on which two systems differ."""

    query_id: str
    text: str
    ours: float
    theirs: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems by all metrics that both were measured by."""

    ours: Evaluation
    theirs: Evaluation
    metrics: tuple[MetricComparison, ...]

    def changes(self, metric: str) -> list[Change]:
        """The queries on which the two differ by a metric, the largest differences first."""
        ours, theirs = self.ours.values(metric), self.theirs.values(metric)
        texts = {result.query_id: result.text for result in self.ours.results}
        changes = [
            Change(query_id, texts[query_id], value, theirs[query_id])
            for query_id, value in ours.items()
            if query_id in theirs and abs(value - theirs[query_id]) > _SAME
        ]
        return sorted(changes, key=lambda change: (-abs(change.ours - change.theirs), change.query_id))


@dataclass(frozen=True, slots=True)
class Drop:
    """A metric that has become worse than a baseline by more than is allowed."""

    metric: str
    now: float
    before: float
    allowed: float

    def __str__(self) -> str:
        return f"{self.metric} is {self.now:.4f}, and was {self.before:.4f} (allowed: {self.allowed:g} worse)"


def compare(ours: Evaluation, theirs: Evaluation) -> Comparison:
    """Ours against theirs, by every metric that both have.

    Raises:
        ConfigError: They were measured on other queries or judgements, or share no metric.
    """
    ours, theirs, shared = _counted(ours, theirs)
    return Comparison(ours, theirs, tuple(_by_metric(ours, theirs, metric) for metric in shared))


def drops(now: Evaluation, baseline: Evaluation, max_drop: float, metrics: Sequence[str] = ()) -> list[Drop]:
    """The metrics that are worse than those of a baseline by more than `max_drop`; all shared ones are looked at.

    Raises:
        ConfigError: The baseline was measured on other queries or judgements, lacks a metric that is named, or shares
            none.
    """
    now, baseline, shared = _counted(now, baseline)
    for name in metrics:
        if name not in now.metrics or name not in baseline.metrics:
            raise ConfigError(f"The metric {name} is not in both results: name one of {', '.join(now.metrics)}.")
    found = []
    for metric in metrics or shared:
        fall = baseline.mean(metric) - now.mean(metric)
        if (-fall if metric in LOWER_IS_BETTER else fall) > max_drop + _ROUNDING:
            found.append(Drop(metric, now.mean(metric), baseline.mean(metric), max_drop))
    return found


def _by_metric(ours: Evaluation, theirs: Evaluation, metric: str) -> MetricComparison:
    a, b = ours.values(metric), theirs.values(metric)
    shared = a.keys() & b.keys()
    sign = -1 if metric in LOWER_IS_BETTER else 1
    gains = [sign * (a[query_id] - b[query_id]) for query_id in shared]
    better, worse = sum(gain > _SAME for gain in gains), sum(gain < -_SAME for gain in gains)
    return MetricComparison(
        metric,
        ours.mean(metric),
        theirs.mean(metric),
        paired_difference(a, b),
        better,
        len(gains) - better - worse,
        worse,
    )


def _counted(ours: Evaluation, theirs: Evaluation) -> tuple[Evaluation, Evaluation, list[str]]:
    """Both with what failed counted, and the metrics that both have."""
    _require_same(ours, theirs)
    first, second = _with_failures(ours, theirs), _with_failures(theirs, ours)
    shared = [metric for metric in first.metrics if metric in second.metrics]
    if not shared:
        raise ConfigError(
            f"{ours.name} ({_measures(ours)}) and {theirs.name} ({_measures(theirs)}) share no metric: "
            "measure both by the same ones."
        )
    return first, second, shared


def _with_failures(evaluation: Evaluation, other: Evaluation) -> Evaluation:
    known = {result.query_id: result.scores for result in other.results}
    results = [
        replace(result, scores={metric: float(metric in LOWER_IS_BETTER) for metric in known.get(result.query_id, ())})
        if result.error
        else result
        for result in evaluation.results
    ]
    return replace(evaluation, results=tuple(results))


def _measures(evaluation: Evaluation) -> str:
    return ", ".join(evaluation.metrics) or f"all {len(evaluation.results)} queries failed"


def _require_same(ours: Evaluation, theirs: Evaluation) -> None:
    if ours.fingerprint != theirs.fingerprint:
        raise ConfigError(
            f"{ours.name} was measured on {_measured_on(ours)} and {theirs.name} on {_measured_on(theirs)}, "
            "with other queries or judgements: measure both on the same."
        )


def _measured_on(evaluation: Evaluation) -> str:
    split = f" ({evaluation.split})" if evaluation.split else ""
    return f"{len(evaluation.results)} queries of {evaluation.dataset or 'a dataset'}{split}"
