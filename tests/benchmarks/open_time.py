"""Measures what a search process waits for: the imports, opening an index, and the first lexical search.

    python tests/benchmarks/open_time.py [--sizes 1000 100000] [--runs 5] [--dim 384] [--folder DIR] [--json]

Makes indexes of synthetic text (Zipf-distributed words, 150 a node) with random unit vectors, then starts fresh
processes, in turn, so that a busy moment falls on all alike. Prints medians in milliseconds. `wait` is a process from
its start to its end, `cpu` what it used of the processor, which a busy machine changes least. The goal: the largest
index takes at most twice as long as the smallest.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from docindex.config import IndexConfig
from docindex.protocols import ChangeSet, DocumentChange
from docindex.schema import Document, Node
from docindex.stores.commit import create_stores
from docindex.stores.manifest import Manifest

WORDS_A_NODE = 150
NODES_A_DOCUMENT = 50
NODES_A_COMMIT = 10_000
QUERY = "w50 w300 w7777"

OPEN = """
import sys, time
start = time.perf_counter()
from pathlib import Path
from docindex.stores.commit import open_stores
imported = time.perf_counter()
snapshot = open_stores(Path(sys.argv[1])).snapshot()
opened = time.perf_counter()
found = snapshot.lexical(sys.argv[2], 10)
first = time.perf_counter()
assert found
snapshot.lexical(sys.argv[2], 10)
second = time.perf_counter()
print(imported - start, opened - imported, first - opened, second - first)
"""


def build(folder: Path, nodes: int, dim: int) -> float:
    """An index of so many nodes; returns the seconds that it took."""
    rng = np.random.default_rng(7)
    vocabulary = np.array([f"w{i}" for i in range(30_000)])
    weights = 1 / (np.arange(len(vocabulary)) + 5)
    weights /= weights.sum()
    manifest = Manifest(config=IndexConfig(), embedder="random", fingerprint="random", dim=dim)
    started = time.perf_counter()
    stores = create_stores(folder, manifest)
    with stores.writer() as writer:
        for first in range(0, nodes, NODES_A_COMMIT):
            changes = [
                document(rng, vocabulary, weights, number, min(NODES_A_DOCUMENT, nodes - number), dim)
                for number in range(first, min(first + NODES_A_COMMIT, nodes), NODES_A_DOCUMENT)
            ]
            writer.commit(ChangeSet(documents=changes))
        writer.maintain(force=True)
    assert stores.snapshot().count() == nodes
    stores.close()
    return time.perf_counter() - started


def document(
    rng: np.random.Generator, vocabulary: np.ndarray, weights: np.ndarray, number: int, nodes: int, dim: int
) -> DocumentChange:
    """A document of random words, its nodes numbered from `number`."""
    passages = [" ".join(rng.choice(vocabulary, WORDS_A_NODE, p=weights)) for _ in range(nodes)]
    text = "\n".join(passages)
    made: list[Node] = []
    start = 0
    doc_id = f"d{number}"
    for order, passage in enumerate(passages):
        made.append(Node(f"n{number + order}", doc_id, order, start, start + len(passage), passage))
        start += len(passage) + 1
    vectors = rng.normal(size=(nodes, dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return DocumentChange(
        document=Document(doc_id=doc_id, source=doc_id, text=text, title=f"Document {number}"),
        location=f"/{doc_id}",
        content_hash=doc_id,
        bytes=len(text),
        modified_at=None,
        nodes=tuple(made),
        vectors=vectors,
    )


def process(*arguments: str) -> list[float]:
    """Of a Python process: the numbers that it prints, the seconds that it took, and those of the CPU."""
    before, started = children_cpu(), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    return [*map(float, done.stdout.split()), time.perf_counter() - started, children_cpu() - before]


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--folder", type=Path, help="where the indexes are made, and kept")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home: Path = options.folder or Path(temporary)
        built: dict[int, float] = {}
        for size in options.sizes:
            folder = home / f"nodes-{size}-{options.dim}"
            if not folder.exists():
                built[size] = build(folder, size, options.dim)
        plain: dict[str, list[list[float]]] = {"pass": [], "import lancedb": [], "import docindex.stores.commit": []}
        searched: dict[int, list[list[float]]] = {size: [] for size in options.sizes}
        for _ in range(options.runs):
            for code, times in plain.items():
                times.append(process("-c", code))
            for size, rows in searched.items():
                rows.append(process("-c", OPEN, str(home / f"nodes-{size}-{options.dim}"), QUERY))
    names = ("import", "open", "first_search", "second_search", "wait", "cpu")
    results = {
        "processes_ms": {code: medians(names[-2:], times) for code, times in plain.items()},
        "searches_ms": {size: medians(names, rows) for size, rows in searched.items()},
        "built_s": {size: round(seconds, 1) for size, seconds in built.items()},
        "runs": options.runs,
    }
    waits = [results["searches_ms"][size]["wait"] for size in options.sizes]
    opens = [sum(results["searches_ms"][size][part] for part in ("open", "first_search")) for size in options.sizes]
    results["largest_over_smallest"] = {
        "open_and_first_search": round(opens[-1] / opens[0], 2),
        "wait": round(waits[-1] / waits[0], 2),
    }
    if options.json:
        print(json.dumps(results, indent=1))
        return
    for code, row in results["processes_ms"].items():
        print(f"{code:32} {row['wait']:8.0f} ms, {row['cpu']:6.0f} ms of CPU")
    print(f"\n{'nodes':>9} " + " ".join(f"{name:>14}" for name in names) + "   (ms)")
    for size, row in results["searches_ms"].items():
        print(f"{size:9,} " + " ".join(f"{row[name]:14.0f}" for name in names))
    for name, ratio in results["largest_over_smallest"].items():
        print(f"largest over smallest, {name}: {ratio}")
    for size, seconds in results["built_s"].items():
        print(f"built {size:,} nodes in {seconds} s")


def medians(names: Sequence[str], rows: Sequence[Sequence[float]]) -> dict[str, float]:
    """The median of each column, in milliseconds."""
    return {
        name: round(statistics.median(column) * 1000, 1)
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


if __name__ == "__main__":
    main()
