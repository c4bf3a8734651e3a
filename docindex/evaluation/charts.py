"""The plots of a report as places and lengths, for a template to draw: no markup is made here.

A chart is 640 units wide. Series are numbered, and a style sheet gives each number its colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from docindex.evaluation.comparison import Comparison
from docindex.evaluation.metrics import Metric
from docindex.evaluation.results import LOWER_IS_BETTER, Evaluation

WIDTH = 640
LEFT, RIGHT, TOP, BOTTOM = 140, 20, 12, 44
MOST_SERIES = 8
"""More would not be told apart."""
BINS = 10
DEPTHS = (1, 2, 3, 5, 10, 20, 50, 100)

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    series: int
    tip: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point."""

    x: float
    y: float
    series: int
    tip: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    series: int

    @property
    def path(self) -> str:
        """The points as SVG's `polyline` takes them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A plot."""

    title: str
    height: float
    x_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    y_label: str = ""
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()
    dots: tuple[Dot, ...] = ()
    names: tuple[str, ...] = ()
    """Of the series, for a legend; none where there is one."""

    @property
    def floor(self) -> float:
        """Where the horizontal axis is."""
        return self.height - BOTTOM


def interval_chart(evaluations: Sequence[Evaluation]) -> Chart:
    """The mean of each metric with its interval, a row a metric, a colour a system."""
    shown = evaluations[:MOST_SERIES]
    metrics = list(dict.fromkeys(metric for evaluation in shown for metric in evaluation.metrics))
    row = 14 + 12 * len(shown)
    x = _linear(0, 1, LEFT, WIDTH - RIGHT)
    lines: list[Line] = []
    dots: list[Dot] = []
    for place, metric in enumerate(metrics):
        for series, evaluation in enumerate(shown):
            found = evaluation.interval(metric)
            if found.count:
                y = TOP + place * row + 13 + 12 * series
                lines.append(Line(((x(found.low), y), (x(found.high), y)), series))
                tip = f"{evaluation.name}: {metric} {found.mean:.4f} ({found.low:.4f} to {found.high:.4f})"
                dots.append(Dot(x(found.mean), y, series, tip))
    return Chart(
        title="Means with 95 % intervals",
        height=TOP + row * len(metrics) + BOTTOM,
        x_label="mean over queries",
        x_ticks=_ticks(x, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        y_ticks=tuple(Tick(TOP + place * row + row / 2, metric) for place, metric in enumerate(metrics)),
        lines=tuple(lines),
        dots=tuple(dots),
        names=_legend([evaluation.name for evaluation in shown]),
    )


def depth_chart(evaluations: Sequence[Evaluation]) -> Chart | None:
    """How much of what is relevant is among the first k, by k; None where no ranking is known."""
    shown = [evaluation for evaluation in evaluations if any(result.ranking for result in evaluation.results)]
    if not shown:
        return None
    deepest = max(len(result.ranking) for evaluation in shown for result in evaluation.results)
    depths = [depth for depth in DEPTHS if depth <= max(deepest, 2)]
    curves = [
        (evaluation.name, [(float(depth), _recall(evaluation, depth)) for depth in depths])
        for evaluation in shown[:MOST_SERIES]
    ]
    scale = _logarithmic(depths[0], depths[-1], LEFT, WIDTH - RIGHT)
    return _curves("Recall by depth", "first k of a ranking", "recall", curves, scale, [float(d) for d in depths], 0, 1)


def histogram(evaluation: Evaluation, metric: str) -> Chart:
    """On how many queries the metric is how high."""
    values = list(evaluation.values(metric).values())
    counts = [0] * BINS
    for value in values:
        counts[min(int(value * BINS), BINS - 1)] += 1
    most = max(max(counts), 1)
    height = 220.0
    x = _linear(0, 1, LEFT, WIDTH - RIGHT)
    y = _linear(0, most, height - BOTTOM, TOP)
    return Chart(
        title=f"{evaluation.name}: {metric} of the queries",
        height=height,
        x_label=metric,
        y_label="queries",
        x_ticks=_ticks(x, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        y_ticks=_ticks(y, sorted({0, most // 2, most})),
        bars=tuple(
            Bar(
                x(place / BINS) + 1,
                y(count),
                x(1 / BINS) - x(0) - 2,
                y(0) - y(count),
                0,
                f"{place / BINS:.1f} to {(place + 1) / BINS:.1f}: {count} queries",
            )
            for place, count in enumerate(counts)
        ),
    )


def difference_chart(comparison: Comparison, metric: str) -> Chart:
    """The difference of each query on which two systems differ, sorted: what is above the line is a gain."""
    sign = -1 if metric in LOWER_IS_BETTER else 1
    changes = sorted(
        comparison.changes(metric), key=lambda change: (-sign * (change.ours - change.theirs), change.query_id)
    )
    height = 240.0
    x = _linear(0, max(len(changes), 1), LEFT, WIDTH - RIGHT)
    y = _linear(-1, 1, height - BOTTOM, TOP)
    bars = []
    for place, change in enumerate(changes):
        gain = sign * (change.ours - change.theirs)
        top, bottom = sorted((y(0), y(gain)))
        width = max((x(1) - x(0)) * 0.9, 0.4)
        tip = f"{change.query_id}: {change.ours:.4f} against {change.theirs:.4f}. {change.text}"
        bars.append(Bar(x(place), top, width, bottom - top, 0 if gain > 0 else 1, tip))
    return Chart(
        title=f"{comparison.ours.name} against {comparison.theirs.name}: {metric} by query",
        height=height,
        x_label=f"{len(changes)} queries that differ",
        y_label="gain",
        x_ticks=(),
        y_ticks=_ticks(y, [-1, -0.5, 0, 0.5, 1]),
        bars=tuple(bars),
        lines=(Line(((LEFT, y(0)), (WIDTH - RIGHT, y(0))), MOST_SERIES),),
    )


def weight_chart(evaluations: Sequence[Evaluation], metric: str) -> Chart | None:
    """The metric by fusion weight, a line a chunk size, each point with its best k; None unless these were varied."""
    points: dict[int, dict[float, float]] = {}
    for evaluation in evaluations:
        size, weight = evaluation.settings.get("chunk_tokens"), evaluation.settings.get("dense_weight")
        if isinstance(size, int) and isinstance(weight, int | float) and metric in evaluation.metrics:
            line = points.setdefault(size, {})
            line[float(weight)] = max(line.get(float(weight), 0.0), evaluation.mean(metric))
    weights = sorted({weight for line in points.values() for weight in line})
    if len(weights) < 2:
        return None
    values = [value for line in points.values() for value in line.values()]
    low, high = _padded(min(values), max(values))
    curves = [(f"{size} tokens", sorted(line.items())) for size, line in sorted(points.items())[:MOST_SERIES]]
    scale = _linear(weights[0], weights[-1], LEFT, WIDTH - RIGHT)
    return _curves(f"{metric} by settings", "weight of the dense score", metric, curves, scale, weights, low, high)


def _curves(
    title: str,
    x_label: str,
    y_label: str,
    curves: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    x: Scale,
    x_values: Sequence[float],
    low: float,
    high: float,
) -> Chart:
    height = 280.0
    y = _linear(low, high, height - BOTTOM, TOP)
    return Chart(
        title=title,
        height=height,
        x_label=x_label,
        y_label=y_label,
        x_ticks=_ticks(x, x_values),
        y_ticks=_ticks(y, [low + step * (high - low) / 4 for step in range(5)]),
        lines=tuple(
            Line(tuple((x(at), y(value)) for at, value in curve), series) for series, (_, curve) in enumerate(curves)
        ),
        dots=tuple(
            Dot(x(at), y(value), series, f"{name}: {value:.4f} at {at:g}")
            for series, (name, curve) in enumerate(curves)
            for at, value in curve
        ),
        names=_legend([name for name, _ in curves]),
    )


def _recall(evaluation: Evaluation, depth: int) -> float:
    metric = Metric("recall", depth)
    values = [
        metric.of([doc_id for doc_id, _ in result.ranking], result.relevant)
        for result in evaluation.results
        if result.relevant
    ]
    return sum(values) / len(values) if values else 0.0


def _linear(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    linear = _linear(math.log(low), math.log(high), start, end)
    return lambda value: linear(math.log(value))


def _padded(low: float, high: float) -> tuple[float, float]:
    room = max((high - low) * 0.1, 0.005)
    return max(0.0, low - room), high + room


def _ticks(scale: Scale, values: Sequence[float]) -> tuple[Tick, ...]:
    return tuple(Tick(scale(value), f"{value:.3g}") for value in values)


def _legend(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(names) if len(names) > 1 else ()
