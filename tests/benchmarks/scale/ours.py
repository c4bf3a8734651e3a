"""docindex: builds the index of a corpus, or searches it, and prints what that took as JSON. A process of its own.

ours.py build|search NODES DIM INDEX FILES QUERIES
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from building import build, row_of
from synthetic import SHARES, Corpus
from timing import peak, recall, resident, timed
from truth import Files, K

from docindex.retrieval.hybrid import HybridRetriever
from docindex.schema import Compare, Field, Query
from docindex.stores.commit import open_stores

Ask = Callable[[int], list[int]]


class StoredEmbedder:
    """Knows the vectors of the queries: embedding them is not measured."""

    dim = 0
    max_tokens = 0
    fingerprint = "synthetic"

    def __init__(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        self._vectors = dict(zip(texts, vectors, strict=True))

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> np.ndarray:
        return np.stack([self._vectors[text] for text in texts])

    def token_offsets(self, text: str) -> np.ndarray:
        return np.zeros((0, 2), np.int32)


def search(index: Path, files: Files, queries: int) -> dict[str, Any]:
    """Each kind of search over all queries."""
    vectors = np.load(files.queries)[:queries]
    texts = json.loads(files.texts.read_text())[:queries]
    started = time.perf_counter()
    stores = open_stores(index)
    snapshot = stores.snapshot()
    snapshot.dense(vectors[0], K)
    opened_ms = (time.perf_counter() - started) * 1000
    retriever = HybridRetriever(lambda: snapshot, StoredEmbedder(texts, vectors), 0.7)
    found: dict[str, Any] = {
        "open_and_first_ms": round(opened_ms, 1),
        "rss_opened": resident(),
        "searches": {},
    }

    def note(name: str, ask: Ask, truth: np.ndarray | None = None, numbers: int = queries) -> None:
        figures, answers = timed(ask, range(numbers))
        if truth is not None:
            figures["recall"] = recall(answers, truth[:numbers])
        found["searches"][name] = figures

    def dense(number: int, where: Compare | None = None) -> list[int]:
        return [row_of(match.node_id) for match in snapshot.dense(vectors[number], K, where)]

    def lexical(number: int, where: Compare | None = None) -> list[int]:
        return [row_of(match.node_id) for match in snapshot.lexical(texts[number], K, where)]

    def hybrid(number: int, where: Compare | None = None) -> list[int]:
        return [row_of(hit.node_id) for hit in retriever.retrieve(Query(texts[number], K, "hybrid", where))]

    note("dense", dense, np.load(files.truth()))
    note("lexical", lexical)
    note("hybrid", hybrid)
    found["rss_searched"] = resident()
    for share in SHARES:
        where = Compare(Field(f"of {share}", "text", builtin=False), "=", "0")
        selectivity = snapshot.count(where) / snapshot.count()
        numbers = max(20, queries // 4)
        for name, ask in (("dense", dense), ("lexical", lexical), ("hybrid", hybrid)):
            label = f"{name}, filter {selectivity:.2%}"
            truth = np.load(files.truth(share)) if name == "dense" else None
            note(label, lambda number, ask=ask, where=where: ask(number, where), truth, numbers)
    found["rss"] = resident()
    found["rss_peak"] = peak()
    found["statistics"] = snapshot.statistics()
    stores.close()
    return found


def main() -> None:
    task, nodes, dim, index, files, queries = sys.argv[1:]
    if task == "build":
        corpus = Corpus(int(nodes), int(dim))
        built = build(Path(index), corpus, lambda text: print(f"    {text}", file=sys.stderr, flush=True))
        print(json.dumps(asdict(built) | {"rss_peak": peak()}))
    else:
        print(json.dumps(search(Path(index), Files(Path(files)), int(queries))))


if __name__ == "__main__":
    main()
