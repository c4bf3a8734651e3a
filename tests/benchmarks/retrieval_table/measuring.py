"""A method's figures: how it ranks documents, how much text it gives, and how long it takes."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from methods import Method

from docindex import wiring
from docindex.config import Environment
from docindex.embedding.bert_folder import TOKENIZER
from docindex.embedding.tokens import TextTokenizer
from docindex.evaluation.bootstrap import interval
from docindex.evaluation.dataset import Dataset
from docindex.evaluation.metrics import Metric
from docindex.evaluation.results import Evaluation
from docindex.evaluation.retrieval import best_passages, evaluate
from docindex.index import Index
from docindex.protocols import Retriever
from docindex.schema import Hit, Query

NDCG, RECALL = Metric("ndcg", 10), Metric("recall", 100)
HITS = 10
"""Of a search whose time is taken, and whose text is counted."""
SLOW = 20
"""Of so many queries the time is taken where the local model takes part."""


@dataclass(frozen=True)
class Measured:
    """A row's figures."""

    evaluation: Evaluation
    milliseconds: Mapping[str, float | None] = field(default_factory=lambda: {"p50": None, "p95": None})
    """None before the times are taken."""
    tokens: Mapping[str, float] = field(default_factory=dict)
    """Of the text of the first hits, by query id."""
    held: Mapping[str, float] = field(default_factory=dict)
    """The share of the relevant documents that is among the hits that fit the context, by query id."""
    combined: bool = False
    """A choice among the methods, and measured on those queries that it was not made on."""
    settings: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The row in JSON."""
        return self.evaluation.as_dict(per_query=True) | {
            "ms": dict(self.milliseconds),
            "tokens": interval(list(self.tokens.values())).as_dict(),
            "recall in context": interval(list(self.held.values())).as_dict(),
            "settings": self.settings,
        }


class Measuring:
    """Measures methods on an index."""

    def __init__(self, index: Index, dataset: Dataset, *, k: int, timed: int, context: int) -> None:
        """`k` passages are asked for, `timed` queries timed, and `context` is a budget in tokens."""
        self._index = index
        self._dataset = dataset
        self._k = k
        self._timed = timed
        self._context = context
        folder = wiring.model_store(Environment.read()).path(index.config.embedder, kind="embedder")
        self._tokenizer = TextTokenizer(folder / TOKENIZER, 512)
        self._counts: dict[tuple[str, int, int], int] = {}
        self._retrievers: dict[str, tuple[Method, Retriever]] = {}

    def measure(self, method: Method, dataset: Dataset) -> Measured:
        """The row of a method, on the queries of the dataset, without its times."""
        say(f"{method.name}: {len(dataset.queries)} queries")
        retriever = self._index.retriever(method.mode, options=method.options)
        self._retrievers[method.name] = method, retriever
        ids = iter(dataset.judged())  # in the order in which they are asked
        tokens: dict[str, float] = {}
        held: dict[str, float] = {}

        def search(text: str, _: int) -> list[tuple[str, float]]:
            query_id = next(ids)
            hits = retriever.retrieve(Query(text, self._k))
            tokens[query_id] = sum(map(self._tokens, hits[:HITS]))
            held[query_id] = self._held(hits, dataset.judgements[query_id])
            return best_passages(hits)

        found = evaluate(search, dataset, metrics=(NDCG, RECALL), name=method.name, k=RECALL.k)
        say(f"{method.name}: {found.mean(NDCG.name):.4f}")
        return Measured(found, tokens=tokens, held=held)

    def times(self, rows: Iterable[Measured]) -> list[Measured]:
        """The rows with their times. The methods take turns, query by query: what else the machine does slows all."""
        texts = list(self._dataset.queries.values())[: self._timed]
        say(f"the times of {len(self._retrievers)} methods")
        taken_by: dict[str, list[float]] = {name: [] for name in self._retrievers}
        for number, text in enumerate(texts):
            for name, (method, retriever) in self._retrievers.items():
                if number < SLOW or not method.model:
                    taken_by[name].append(taken(retriever, text))
        return [replace(row, milliseconds=quantiles(taken_by[row.evaluation.name])) for row in rows]

    def _held(self, hits: Iterable[Hit], judged: Mapping[str, int]) -> float:
        relevant = {doc_id for doc_id, value in judged.items() if value > 0}
        inside: set[str] = set()
        left = self._context
        for hit in hits:
            left -= self._tokens(hit)
            if left < 0:
                break
            inside.add(hit.doc_id)
        return len(inside & relevant) / len(relevant)

    def _tokens(self, hit: Hit) -> int:
        """The length of a hit in the embedder's tokens."""
        key = hit.doc_id, hit.node.start, hit.node.end
        if key not in self._counts:
            self._counts[key] = len(self._tokenizer.offsets(hit.text))
        return self._counts[key]


def some_of(dataset: Dataset, most: int | None, *, seed: int) -> Dataset:
    """The judged queries, or some of them, drawn at random."""
    judged = list(dataset.judged())
    if most is not None and most < len(judged):
        judged = random.Random(seed).sample(judged, most)
    return Dataset(
        {query_id: dataset.queries[query_id] for query_id in judged},
        {query_id: dataset.judgements[query_id] for query_id in judged},
        dataset.name,
        dataset.split,
    )


def taken(retriever: Retriever, text: str) -> float:
    """Milliseconds of one search."""
    started = time.perf_counter()
    retriever.retrieve(Query(text, HITS))
    return (time.perf_counter() - started) * 1000


def quantiles(times: list[float]) -> dict[str, float | None]:
    """The median and the time that nineteen of twenty searches stay under."""
    return {"p50": float(np.median(times)), "p95": float(np.quantile(times, 0.95))}


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
