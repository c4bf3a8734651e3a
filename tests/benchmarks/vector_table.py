"""Measures two ways to give stored texts their vectors later, of which docindex uses the second.

    python tests/benchmarks/vector_table.py [--rows 20000] [--words 120] [--dim 384] [--folder DIR] [--json]

Both start from a table of synthetic texts with a full-text index and an index of ids, both up to date. One fills a
vector column of that table by `merge_insert`, LanceDB's column-wise evolution; the other adds rows to a second table
that has the ids. Either way the vectors come in commits of 1,024 rows. Prints for each how long that took, what it
wrote, how many rows of the texts the indexes still cover, what a full-text query (the median of ten) and a vector query
take afterwards, and what it takes to bring the indexes up to date again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import FTS, BTree
from lancedb.query import MatchQuery
from lancedb.table import LanceTable

COMMIT_ROWS = 1024
QUERIES = 10


@dataclass(frozen=True)
class Result:
    """What one way cost."""

    way: str
    fill_s: float
    written_mb: float
    text_rows_indexed: int
    id_rows_indexed: int
    text_query_before_ms: float
    text_query_ms: float
    vector_query_ms: float
    optimize_s: float


def texts(rows: int, words: int) -> Iterator[pa.RecordBatch]:
    """Ids and texts of Zipf-distributed words."""
    rng = np.random.default_rng(7)
    vocabulary = np.array([f"w{i}" for i in range(30_000)])
    weights = 1 / (np.arange(len(vocabulary)) + 5)
    weights /= weights.sum()
    for start in range(0, rows, 4096):
        ids = [f"n{i}" for i in range(start, min(start + 4096, rows))]
        chosen = rng.choice(vocabulary, (len(ids), words), p=weights)
        yield pa.RecordBatch.from_pydict({"id": ids, "text": [" ".join(row) for row in chosen]})


def vectors(rows: int, dim: int) -> Iterator[pa.Table]:
    """Ids and random unit vectors, a commit's at a time."""
    rng = np.random.default_rng(8)
    for start in range(0, rows, COMMIT_ROWS):
        ids = [f"n{i}" for i in range(start, min(start + COMMIT_ROWS, rows))]
        made = rng.normal(size=(len(ids), dim)).astype(np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        yield pa.table({"id": ids, "vector": pa.FixedSizeListArray.from_arrays(pa.array(made.ravel()), dim)})


def text_table(folder: Path, rows: int, words: int, columns: list[pa.Field]) -> LanceTable:
    """The table of texts, indexed."""
    schema = pa.schema([pa.field("id", pa.string()), pa.field("text", pa.string())])
    table = lancedb.connect(folder).create_table("nodes", schema=pa.schema([*schema, *columns]))
    table.add(pa.RecordBatchReader.from_batches(schema, texts(rows, words)))
    table.create_index("id", config=BTree())
    table.create_index("text", config=FTS(with_position=False))
    return table


def measure(way: str, folder: Path, rows: int, words: int, dim: int) -> Result:
    """One way, in an empty folder."""
    in_table = way == "column"
    column = pa.field("vector", pa.list_(pa.float32(), dim))
    table = text_table(folder, rows, words, [column] if in_table else [])
    target = table
    if not in_table:
        target = lancedb.connect(folder).create_table(
            "vectors", schema=pa.schema([pa.field("id", pa.string()), column])
        )
        target.create_index("id", config=BTree())
    before = text_query(table)
    size = size_of(folder)
    started = time.perf_counter()
    for some in vectors(rows, dim):
        if in_table:
            table.merge_insert("id").when_matched_update_all().execute(some)
        else:
            target.add(some)
    filled = time.perf_counter() - started
    written = size_of(folder) - size
    indexed = {name: table.index_stats(f"{name}_idx").num_indexed_rows for name in ("text", "id")}
    after = text_query(table)
    query = np.ones(dim, np.float32)
    dense = timed(lambda: target.search(query).distance_type("cosine").select(["id", "_distance"]).limit(10).to_arrow())
    started = time.perf_counter()
    for one in {id(table): table, id(target): target}.values():
        one.optimize()
    return Result(
        way=way,
        fill_s=round(filled, 2),
        written_mb=round(written / 1e6, 1),
        text_rows_indexed=indexed["text"],
        id_rows_indexed=indexed["id"],
        text_query_before_ms=round(before, 1),
        text_query_ms=round(after, 1),
        vector_query_ms=round(dense, 1),
        optimize_s=round(time.perf_counter() - started, 2),
    )


def text_query(table: LanceTable) -> float:
    """Milliseconds of a full-text query."""
    query = MatchQuery("w50 w300 w7777", "text")
    return timed(lambda: table.search(query).select(["id", "_score"]).limit(10).to_arrow())


def timed(ask: Callable[[], object]) -> float:
    """The median of some runs in milliseconds, after one to warm up."""
    ask()
    times = []
    for _ in range(QUERIES):
        started = time.perf_counter()
        ask()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--words", type=int, default=120)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--folder", type=Path, help="an empty folder for the tables, which stay there")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home: Path = options.folder or Path(temporary)
        results = [
            measure(way, home / way, options.rows, options.words, options.dim) for way in ("column", "second table")
        ]
    if options.json:
        print(json.dumps([asdict(result) for result in results], indent=1))
        return
    for name in asdict(results[0]):
        print(f"{name:22}" + "".join(f"{asdict(result)[name]!s:>16}" for result in results))


if __name__ == "__main__":
    main()
