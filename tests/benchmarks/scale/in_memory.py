"""A library that searches vectors in memory: builds an index and searches it; prints what that took as JSON.

    in_memory.py hnswlib|faiss|usearch FILES QUERIES

Of each the settings are tried from the fastest on, until ten neighbours are found with the recall that is asked for.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from timing import peak, recall, resident, timed

K = 10
WANTED = 0.99
THREADS = os.cpu_count() or 1
Search = Callable[[np.ndarray], list[int]]


def hnswlib(vectors: np.ndarray) -> Iterator[tuple[str, Search]]:
    import hnswlib

    index = hnswlib.Index("cosine", vectors.shape[1])
    index.init_index(len(vectors), ef_construction=200, M=16)
    index.add_items(vectors, num_threads=THREADS)
    yield "M 16, ef_construction 200", lambda query: []
    for ef in (32, 64, 128, 256, 512):
        index.set_ef(ef)
        yield f"ef {ef}", lambda query: index.knn_query(query, K, num_threads=1)[0][0].tolist()


def faiss(vectors: np.ndarray) -> Iterator[tuple[str, Search]]:
    import faiss

    faiss.omp_set_num_threads(THREADS)
    lists = int(4 * len(vectors) ** 0.5)
    quantizer = faiss.IndexFlatIP(vectors.shape[1])
    index = faiss.IndexIVFFlat(quantizer, vectors.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[:: max(1, len(vectors) // (lists * 64))])
    index.add(vectors)
    faiss.omp_set_num_threads(1)
    yield f"IVF{lists},Flat", lambda query: []
    for probes in (8, 16, 32, 64, 128, 256):
        index.nprobe = probes
        yield f"nprobe {probes}", lambda query: index.search(query[None], K)[1][0].tolist()


def usearch(vectors: np.ndarray) -> Iterator[tuple[str, Search]]:
    from usearch.index import Index

    index = Index(ndim=vectors.shape[1], metric="cos", dtype="f32", connectivity=16, expansion_add=128)
    for start in range(0, len(vectors), 10_000):
        some = vectors[start : start + 10_000]
        index.add(np.arange(start, start + len(some)), some, threads=THREADS)
    yield "float32, connectivity 16, expansion_add 128", lambda query: []
    for expansion in (32, 64, 128, 256, 512):
        index.expansion_search = expansion
        yield f"expansion {expansion}", lambda query: index.search(query, K, threads=1).keys.tolist()


def main() -> None:
    library, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    stored = np.load(folder / "vectors.npy")
    queries = np.load(folder / "queries.npy")[:count]
    truth = np.load(folder / "truth-1.npy")[:count]
    before = resident()
    started = time.perf_counter()
    settings = {"hnswlib": hnswlib, "faiss": faiss, "usearch": usearch}[library](stored)
    build, _ = next(settings)
    found: dict[str, Any] = {"build": build, "build_s": round(time.perf_counter() - started, 1), "searches": {}}
    for setting, ask in settings:
        figures, answers = timed(lambda number, ask=ask: ask(queries[number]), range(len(queries)))
        figures["recall"] = recall(answers, truth)
        found["searches"][setting] = figures
        if figures["recall"] >= WANTED:
            break
    found |= {"rss": resident(), "rss_peak": peak(), "vectors": stored.nbytes, "before": before}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
