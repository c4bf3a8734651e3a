"""What a measurement found: for each query its ranking or answer, and its scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from docindex.evaluation.bootstrap import Interval, interval
from docindex.evaluation.metrics import Relevance

Ranking = tuple[tuple[str, float], ...]
"""Document ids with their scores, best first, none twice."""
Setting = str | int | float | bool | None

LOWER_IS_BETTER = frozenset({"false_refusal", "false_answer"})
"""Metrics that count what went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """What a system made of one query."""

    query_id: str
    text: str
    scores: Mapping[str, float]
    """By metric; a metric that says nothing of the query is missing."""
    ranking: Ranking = ()
    relevant: Relevance = field(default_factory=dict)
    """What was judged relevant, or the place that answers the question."""
    answer: str = ""
    """Of a system that answers."""
    milliseconds: float | None = None
    """None where it was not measured."""
    error: str = ""
    """Why there is no result."""

    def first_relevant(self) -> int | None:
        """The rank of the best relevant document, from 1."""
        ranks = (rank for rank, (doc_id, _) in enumerate(self.ranking, 1) if self.relevant.get(doc_id, 0) > 0)
        return next(ranks, None)

    def as_dict(self) -> dict[str, Any]:
        """The result as `--json` prints it, without the ranking."""
        answered = {"answer": self.answer} if self.answer else {"first_relevant": self.first_relevant()}
        failed = {"error": self.error} if self.error else {}
        return {
            "query_id": self.query_id,
            "text": self.text,
            "scores": {name: round(value, 6) for name, value in self.scores.items()},
            **answered,
            "ms": None if self.milliseconds is None else round(self.milliseconds, 2),
            **failed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A system measured on all queries of a dataset."""

    name: str
    """What the system is called in tables."""
    kind: Literal["documents", "passages", "answers"]
    """What was judged."""
    dataset: str
    split: str
    fingerprint: str
    """Of the queries and judgements: results can be compared when it is the same."""
    results: tuple[QueryResult, ...]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    """How the system was set, for readers."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics, in the order in which they come up."""
        return tuple(dict.fromkeys(name for result in self.results for name in result.scores))

    def values(self, metric: str) -> dict[str, float]:
        """The metric by query id, of the queries that it says something of."""
        return {result.query_id: result.scores[metric] for result in self.results if metric in result.scores}

    def mean(self, metric: str) -> float:
        """The mean over those queries; 0 if there is none."""
        values = self.values(metric)
        return float(np.mean(list(values.values()))) if values else 0.0

    def interval(self, metric: str) -> Interval:
        """The mean with its bootstrap interval."""
        return interval(list(self.values(metric).values()))

    def milliseconds(self, quantile: float) -> float | None:
        """The time of a query that this share of the queries stays under; None where none was measured."""
        measured = [result.milliseconds for result in self.results if result.milliseconds is not None]
        return float(np.quantile(measured, quantile)) if measured else None

    def as_dict(self, *, per_query: bool = False) -> dict[str, Any]:
        """The evaluation as `--json` prints it."""
        times = {"p50": self.milliseconds(0.5), "p95": self.milliseconds(0.95)}
        facts: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "dataset": self.dataset,
            "split": self.split,
            "queries": len(self.results),
            "failed": sum(bool(result.error) for result in self.results),
            "metrics": {metric: self.interval(metric).as_dict() for metric in self.metrics},
            "ms": {name: None if value is None else round(value, 2) for name, value in times.items()},
            "settings": dict(self.settings),
        }
        if per_query:
            facts["per_query"] = [result.as_dict() for result in self.results]
        return facts


def told_apart(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The evaluations, numbered where several have one name, as those of one mode have that were given none."""
    names = Counter(evaluation.name for evaluation in evaluations)
    seen: Counter[str] = Counter()
    found = []
    for evaluation in evaluations:
        seen[evaluation.name] += 1
        number = f"{evaluation.name} ({seen[evaluation.name]})"
        found.append(replace(evaluation, name=number) if names[evaluation.name] > 1 else evaluation)
    return found
