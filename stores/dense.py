"""Reading one version of the vectors table, and the approximate index that large ones have."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docindex.protocols import Match
from docindex.stores.lance import WritableTable, rows_of
from docindex.stores.lancedb_api import IvfRq, LanceTable, LanceVectorQueryBuilder
from docindex.stores.rows import vectors_in
from docindex.stores.search import matches

VECTOR_INDEX = "vector_ivf_"
"""The approximate index's name goes on with its number of partitions, which LanceDB does not tell."""
ROWS_PER_PARTITION = 4096
REFINE_FACTOR = 10
MIN_CANDIDATES = 300
"""How many times k, and at least how many, candidates of the approximate index are compared exactly. Ten times ten
found 85 % of the ten nearest among near-equal neighbours, thirty times ten all of them, for 3 ms more."""
MIN_PROBES = 50
FEW_ROWS = 5_000
"""Up to so many matches of a filter, comparing with each is faster and surer than the approximate index."""


class VectorSearch:
    """The vectors of one version. Filters are what `compile_condition` gives."""

    def __init__(self, table: LanceTable, dim: int) -> None:
        self.table = table
        self._dim = dim

    def dense(self, vector: NDArray[np.float32], k: int, where: str | None = None) -> list[Match]:
        """The k nodes of the highest cosine similarity, best first."""
        if k <= 0 or not np.any(vector):
            return []
        query = LanceVectorQueryBuilder(self.table, vector, "vector").distance_type("cosine")
        index = vector_index(self.table)
        if index is not None:
            rows = self.table.count_rows(where)
            if rows <= FEW_ROWS:
                query = query.bypass_vector_index()
            else:
                # A filter leaves few near neighbours in each partition: all of them are looked through then.
                probes = max(MIN_PROBES, index.partitions // 5) if where is None else index.partitions
                query = query.nprobes(min(probes, index.partitions))
                query = query.refine_factor(max(REFINE_FACTOR, math.ceil(MIN_CANDIDATES / k)))
        if where is not None:
            query = query.where(where)
        found = query.select(["node_id", "_distance"]).limit(k).to_arrow()
        return matches(found["node_id"], np.clip(1.0 - found["_distance"].to_numpy(), -1.0, 1.0))

    def by_id(self, node_ids: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of those of the nodes that have one."""
        return self._by("node_id", list(dict.fromkeys(node_ids)))

    def by_hash(self, content_hashes: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of the nodes that have these hashes."""
        return self._by("content_hash", list(content_hashes))

    def ids(self, column: str, values: Sequence[str]) -> set[str]:
        """The ids of embedded nodes that have one of the values."""
        found: set[str] = set()
        for rows in rows_of(self.table, column, values, ["node_id"]):
            found.update(rows["node_id"].to_pylist())
        return found

    def _by(self, column: str, values: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        found: dict[str, NDArray[np.float32]] = {}
        for rows in rows_of(self.table, column, values, [column, "vector"]):
            if rows.num_rows:
                found.update(zip(rows[column].to_pylist(), vectors_in(rows, self._dim), strict=True))
        return found


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """The approximate index of a version of the table."""

    name: str
    partitions: int


def vector_index(table: LanceTable) -> VectorIndex | None:
    """The approximate index, where there is one."""
    for index in table.list_indices():
        if index.name.startswith(VECTOR_INDEX):
            return VectorIndex(index.name, int(index.name.removeprefix(VECTOR_INDEX)))
    return None


def update_vector_index(writable: WritableTable, exact_below: int) -> None:
    """Builds, rebuilds or drops the approximate index as the number of vectors asks for."""
    table = writable.table
    rows = writable.count()
    index = vector_index(table)
    wanted = max(1, rows // ROWS_PER_PARTITION)
    if index is None:
        if rows <= exact_below:
            return
    elif rows > exact_below // 2 and wanted // 2 <= index.partitions <= wanted * 2:
        return
    if index is not None:
        table.drop_index(index.name)
    if rows > exact_below:
        config = IvfRq(distance_type="cosine", num_partitions=wanted)
        table.create_index("vector", config=config, name=f"{VECTOR_INDEX}{wanted}")


def drop_vector_index(writable: WritableTable) -> None:
    """Removes the approximate index, where there is one."""
    index = vector_index(writable.table)
    if index is not None:
        writable.table.drop_index(index.name)
