"""Measuring whatever finds documents: a function, a retriever or an index against the judgements of a dataset.

A retriever finds passages, and judgements are of documents. A document's score is that of its best passage, and its
further passages are left out of the ranking.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from docindex.evaluation.counting import OnCount, unheard
from docindex.evaluation.dataset import Dataset
from docindex.evaluation.metrics import DOCUMENT_METRICS, Metric, Relevance
from docindex.evaluation.results import Evaluation, QueryResult, Ranking, Setting
from docindex.protocols import Retriever
from docindex.schema import Condition, Hit, Query, SearchMode

Search = Callable[[str, int], Iterable[str | tuple[str, float]]]
"""Of a query's text and how many are wanted, the ids of documents, best first, or pairs of an id and a score."""
Find = Callable[[str, int], Sequence[Hit]]
"""Of a query's text and how many are wanted, passages, best first."""

PASSAGES = 2
"""So many times more passages are asked for than documents are wanted, since a document may have several."""


class Searchable(Protocol):
    """What an index offers."""

    def search(
        self,
        query: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002 - the parameter's name
    ) -> list[Hit]:
        """At most k passages, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a system gave for one query."""

    ranking: Ranking
    milliseconds: float | None = None


def evaluate(
    search: Search,
    dataset: Dataset,
    *,
    k: int = 100,
    metrics: Sequence[Metric] = DOCUMENT_METRICS,
    name: str = "search",
    settings: Mapping[str, Setting] | None = None,
    ignore_own_id: bool = False,
    on_count: OnCount = unheard,
) -> Evaluation:
    """How well a search ranks the documents of a dataset, over all queries that have a relevant one.

    Args:
        search: Of a query's text and k, document ids, best first, with or without scores. An id that comes again is
            left out. `index_search` and `retriever_search` make one.
        dataset: Queries and judgements.
        k: How many documents are asked for a query.
        metrics: What is measured.
        name: What the system is called in tables.
        settings: How it was set, for readers.
        ignore_own_id: Leave a document out that has the query's own id, as collections do whose queries are documents.
        on_count: Hears of each query.
    """
    queries = dataset.judged()
    rankings: dict[str, Found] = {}
    for number, (query_id, text) in enumerate(queries.items(), 1):
        started = time.perf_counter()
        found = search(text, k)
        ranking = _ranking(found, k, leave_out=query_id if ignore_own_id else None)
        rankings[query_id] = Found(ranking, (time.perf_counter() - started) * 1000)
        on_count("queries", number, len(queries))
    return score(rankings, dataset, metrics=metrics, name=name, settings=settings)


def score(
    rankings: Mapping[str, Found],
    dataset: Dataset,
    *,
    metrics: Sequence[Metric] = DOCUMENT_METRICS,
    name: str = "run",
    settings: Mapping[str, Setting] | None = None,
) -> Evaluation:
    """The evaluation of rankings that are there already, by query id; a query without one counts as 0."""
    nothing = Found(())
    return Evaluation(
        name=name,
        kind="documents",
        dataset=dataset.name,
        split=dataset.split,
        fingerprint=dataset.fingerprint,
        settings=dict(settings or {}),
        results=tuple(
            result_of(query_id, text, rankings.get(query_id, nothing), dataset.judgements[query_id], metrics)
            for query_id, text in dataset.judged().items()
        ),
    )


def result_of(query_id: str, text: str, found: Found, relevance: Relevance, metrics: Sequence[Metric]) -> QueryResult:
    """A ranking with its scores."""
    doc_ids = [doc_id for doc_id, _ in found.ranking]
    return QueryResult(
        query_id=query_id,
        text=text,
        ranking=found.ranking,
        relevant={doc_id: value for doc_id, value in relevance.items() if value > 0},
        milliseconds=found.milliseconds,
        scores={metric.name: metric.of(doc_ids, relevance) for metric in metrics},
    )


def index_search(
    index: Searchable,
    mode: SearchMode = "hybrid",
    filter: str | None = None,  # noqa: A002 - what `Index.search` calls it
    passages: int = PASSAGES,
) -> Search:
    """Searches an index for documents, as `docindex search` would with `passages` times k passages."""

    def search(text: str, k: int) -> list[tuple[str, float]]:
        return best_passages(index.search(text, passages * k, mode, filter))

    return search


def retriever_search(
    retriever: Retriever, mode: SearchMode = "hybrid", where: Condition | None = None, passages: int = PASSAGES
) -> Search:
    """Searches with a retriever for documents, by `passages` times k passages."""

    def search(text: str, k: int) -> list[tuple[str, float]]:
        return best_passages(retriever.retrieve(Query(text, passages * k, mode, where)))

    return search


def best_passages(hits: Iterable[Hit]) -> list[tuple[str, float]]:
    """The documents of the hits, each once, where its first passage is and with that one's score."""
    best: dict[str, float] = {}
    for hit in hits:
        best.setdefault(hit.doc_id, hit.score)
    return list(best.items())


def cut(ranking: Iterable[tuple[str, float]], k: int | None, leave_out: str | None = None) -> Ranking:
    """The first k of a ranking, or all, without the document that is to be left out."""
    return tuple(islice((item for item in ranking if item[0] != leave_out), k))


def _ranking(found: Iterable[str | tuple[str, float]], k: int, leave_out: str | None) -> Ranking:
    """Best first, none twice, at most k. A search without scores gets some that fall with the rank."""
    ranking: dict[str, float] = {}
    for rank, item in enumerate(found, 1):
        doc_id, score = (item, 1.0 / rank) if isinstance(item, str) else item
        ranking.setdefault(doc_id, float(score))
    return cut(ranking.items(), k, leave_out)
