"""The table in Markdown."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from measuring import HITS, NDCG, RECALL, Measured
from methods import DEFAULT

from docindex.evaluation.bootstrap import Interval, interval, paired_difference
from docindex.evaluation.dataset import Dataset
from docindex.evaluation.results import Evaluation


def table(found: Sequence[Measured], dataset: Dataset, context: int, notes: Sequence[str]) -> list[str]:
    """Lines of Markdown."""
    columns = (
        *("method", "queries", "nDCG@10", "better", "halves", "recall@100"),
        *(f"recall, {context:,} tokens", f"tokens, {HITS} hits", "ms p50", "ms p95"),
    )
    reference = next((one.evaluation for one in found if one.evaluation.name == DEFAULT), None)
    rows = [list(columns), ["---", *["---:"] * (len(columns) - 1)]]
    best = best_combination(found, dataset)
    rows += [row(one, dataset, reference) for one in (*found, *([best] if best else []))]
    heading = f"{dataset.name}, {dataset.split}: {len(dataset.queries)} queries"
    further = [*(f"{one.evaluation.name}: {one.settings}" for one in found if one.settings), *notes]
    listed = ["", *(f"- {note}" for note in further)] if further else []
    return [heading, "", *(f"| {' | '.join(cells)} |" for cells in rows), *listed]


def row(one: Measured, dataset: Dataset, reference: Evaluation | None) -> list[str]:
    values = one.evaluation.values(NDCG.name)
    better = "" if reference is None or reference is one.evaluation else versus(values, reference)
    return [
        one.evaluation.name,
        str(len(values)),
        bounded(one.evaluation.interval(NDCG.name)),
        better,
        "" if one.combined else " / ".join(f"{mean_of(values, half):.4f}" for half in halves(dataset)),
        bounded(one.evaluation.interval(RECALL.name)),
        bounded(interval(list(one.held.values()))) if one.held else "",
        f"{np.mean(list(one.tokens.values())):,.0f}" if one.tokens else "",
        *(f"{value:.1f}" if (value := one.milliseconds[name]) is not None else "" for name in ("p50", "p95")),
    ]


def best_combination(found: Sequence[Measured], dataset: Dataset) -> Measured | None:
    """The method that is best on the first half of the queries, measured on the second; of those asked all of them."""
    whole = [one for one in found if len(one.evaluation.results) == len(dataset.queries) and not one.settings]
    if len(whole) < 2:
        return None
    first, second = halves(dataset)
    best = max(whole, key=lambda one: mean_of(one.evaluation.values(NDCG.name), first))
    name = f"best combination, chosen on the first half: {best.evaluation.name}"
    results = tuple(result for result in best.evaluation.results if result.query_id in second)
    return replace(
        best,
        evaluation=replace(best.evaluation, name=name, results=results),
        tokens={query_id: value for query_id, value in best.tokens.items() if query_id in second},
        held={query_id: value for query_id, value in best.held.items() if query_id in second},
        combined=True,
    )


def halves(dataset: Dataset) -> tuple[set[str], set[str]]:
    """The same two halves of the query ids, whenever and wherever they are asked for."""
    ids = sorted(dataset.queries)
    random.Random(1).shuffle(ids)
    return set(ids[: len(ids) // 2]), set(ids[len(ids) // 2 :])


def mean_of(values: Mapping[str, float], query_ids: set[str]) -> float:
    """The mean over those of the queries that have a value."""
    there = [value for query_id, value in values.items() if query_id in query_ids]
    return float(np.mean(there)) if there else 0.0


def bounded(value: Interval) -> str:
    return f"{value.mean:.4f} ({value.low:.3f}-{value.high:.3f})"


def versus(values: Mapping[str, float], reference: Evaluation) -> str:
    difference = paired_difference(values, reference.values(NDCG.name))
    return f"{difference.mean:+.4f} ({difference.low:+.3f} to {difference.high:+.3f})"
