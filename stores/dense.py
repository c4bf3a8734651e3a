"""Reading one version of the vectors table, and the approximate index that large ones have."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from docindex.protocols import Match
from docindex.stores.conditions import Filter, is_any_of
from docindex.stores.lance import OpenVersion, WritableTable, rows_of, scan
from docindex.stores.lancedb_api import AsyncVectorQuery, IvfRq, LanceTable
from docindex.stores.plans import VECTOR_INDEX, Known, SearchPlan, default_plan, name_of
from docindex.stores.queries import count_of, query_of, rows_numbered, wait_for
from docindex.stores.row_ids import RowIds, RowIdsOnDemand
from docindex.stores.rows import vectors_in
from docindex.stores.search import matches, scored

ROWS_PER_PARTITION = 1024
"""Measured at a million rows: with 4,096 a search takes twice as long for the same recall."""
BITS = 4
FEW_ROWS = 1_000
ROWS_OF_PARTITION = 20
"""Up to so many matches of a filter, or so many a partition, comparing with each costs less than to look through the
index; measured at 100,000 and at a million rows. The count has to come from indexes: where columns have to be read to
filter, comparing reads all vectors with them."""
BROAD = 0.5
"""The share of the rows that is taken to pass a filter of which no index tells."""
CANDIDATES_OF_PARTITION = 2
"""Up to so many of the nearest a partition, to find which of them pass costs less than to look through all partitions:
at a million rows, 21 against 48 ms for 1,600 of them."""
_NEAREST_OF_PLAN = 400
"""The plan's partitions hold so many of the nearest, though it was measured with ten; more lie in more partitions. At a
million rows, of 100 neighbours that one row in ten passes, four times as many partitions found 99 in place of 90."""
_COUNTS = 256
PASS_ROWS = 8192
"""Vectors that a pass over all has in memory at once."""
_CHUNK = 500


Fetch = Callable[[Sequence[str]], Coroutine[None, None, dict[str, NDArray[np.float32]]]]
"""Gives the vectors of those of the nodes that have one."""


class VectorSearch:
    """The vectors of one version."""

    def __init__(
        self, table: LanceTable, dim: int, known: Known | None = None, row_ids: RowIdsOnDemand | None = None
    ) -> None:
        """Without `known`, the table may change."""
        self.table = table
        self._dim = dim
        self._known = known
        self._on_demand = row_ids

    def dense(self, vector: NDArray[np.float32], k: int, where: Filter | None = None) -> list[Match]:
        """The k nodes of the highest cosine similarity, best first."""
        return wait_for(self.find(vector, k, where))

    def find(
        self, vector: NDArray[np.float32], k: int, where: Filter | None = None
    ) -> Coroutine[None, None, list[Match]]:
        """The same as `dense`, to be awaited. Not to be called on LanceDB's loop."""
        return self._find(vector, k, where, self._known or Known(default_index(self.table)), self._row_ids())

    async def _find(
        self, vector: NDArray[np.float32], k: int, where: Filter | None, known: Known, row_ids: RowIds | None
    ) -> list[Match]:
        if k <= 0 or not np.any(vector):
            return []
        if where is None:
            return await scored(self._nearest(vector, k, known.plan), "_distance", row_ids)
        if known.plan is None:
            return await scored(self._nearest(vector, k).where(where.sql), "_distance", row_ids)
        return await self._find_passing(vector, k, where, known.plan, known.counts, row_ids)

    async def _find_passing(
        self,
        vector: NDArray[np.float32],
        k: int,
        where: Filter,
        plan: SearchPlan,
        counts: dict[str, int],
        row_ids: RowIds | None,
    ) -> list[Match]:
        """Compares the few rows that pass; or looks whether k of the nearest of all pass; or looks through everything.

        The second way misses nothing either: whatever passes and is nearer than its k-th is among the nearest of all.
        """
        passing = await self._count(where.sql, counts) if where.indexed else None
        if passing is not None and passing <= max(FEW_ROWS, ROWS_OF_PARTITION * plan.partitions):
            query = self._nearest(vector, k).bypass_vector_index().where(where.sql)
            return await scored(query, "_distance", row_ids)
        share = BROAD if passing is None else passing / await self._count("", counts)
        nearest = math.ceil((k + 4 * math.sqrt(k) + 16) / share)
        if nearest <= CANDIDATES_OF_PARTITION * plan.partitions:
            found = await self._passing_of_nearest(vector, nearest, where, plan, row_ids)
            if len(found) >= k + math.sqrt(k):  # the index may miss some of those that are barely near enough
                return found[:k]
        query = self._nearest(vector, k, plan).nprobes(plan.all_partitions).where(where.sql)
        return await scored(query, "_distance", row_ids)

    async def _passing_of_nearest(
        self, vector: NDArray[np.float32], nearest: int, where: Filter, plan: SearchPlan, row_ids: RowIds | None
    ) -> list[Match]:
        """Those that pass of about so many of the nearest nodes, with exact cosines.

        Only of those that pass, the vectors are read, which would take most of the time if it were all of the nearest.
        """
        nearest *= 1 if plan.bits > 1 else 4
        probes = math.ceil(plan.probes * max(1.0, nearest / _NEAREST_OF_PLAN))
        query = self._nearest(vector, nearest).nprobes(probes).where(where.sql).postfilter()
        passing = [match.node_id for match in await scored(query, "_distance", row_ids)]
        vectors = await self._fetch(row_ids, passing)
        if not vectors:
            return []
        return matches(list(vectors), unit(np.stack(list(vectors.values()))) @ unit(vector[None])[0])

    def _nearest(self, vector: NDArray[np.float32], k: int, plan: SearchPlan | None = None) -> AsyncVectorQuery:
        asked = pa.array(vector.tolist(), pa.float32())  # of a NumPy array, it would import all of numpy.ma first
        query = query_of(self.table).nearest_to(asked).column("vector")
        query = query.distance_type("cosine").limit(k)
        return query if plan is None else query.nprobes(plan.probes).refine_factor(plan.refine_factor(k))

    def best_cosines(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Each vector's highest cosine with any node's, shape (n,), from one pass over all."""
        asked = unit(vectors)
        best = np.full(len(asked), -1.0, np.float32)
        for batch in scan(self.table, ["vector"], PASS_ROWS):
            cosines = asked @ unit(vectors_in(batch, self._dim)).T
            best = np.maximum(best, cosines.max(axis=1, initial=-1.0))
        return best

    def by_id(self, node_ids: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of those of the nodes that have one."""
        return wait_for(self.fetching()(list(dict.fromkeys(node_ids))))

    def by_hash(self, content_hashes: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of the nodes that have these hashes."""
        return self._by("content_hash", list(content_hashes))

    def ids(self, column: str, values: Sequence[str]) -> set[str]:
        """The ids of embedded nodes that have one of the values."""
        found: set[str] = set()
        for rows in rows_of(self.table, column, values, ["node_id"]):
            found.update(rows["node_id"].to_pylist())
        return found

    def fetching(self) -> Fetch:
        """The same as `by_id`, to be called and awaited on LanceDB's loop, where this is not to be called."""
        return partial(self._fetch, self._row_ids())

    async def _fetch(self, row_ids: RowIds | None, node_ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        found: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(node_ids), _CHUNK):
            found |= await self._some(node_ids[start : start + _CHUNK], row_ids)
        return found

    async def _some(self, node_ids: Sequence[str], row_ids: RowIds | None) -> dict[str, NDArray[np.float32]]:
        if row_ids is None:
            query = query_of(self.table).where(is_any_of("node_id", node_ids)).select(["node_id", "vector"])
            found = await query.to_arrow()
            ids = found["node_id"].to_pylist()
        else:
            rows = row_ids.rows_of(node_ids)
            if not rows:
                return {}
            found = await rows_numbered(self.table, list(rows)).select(["vector"]).with_row_id().to_arrow()
            ids = [rows[row] for row in found["_rowid"].to_pylist()]
        return dict(zip(ids, vectors_in(found, self._dim), strict=True)) if ids else {}

    def _row_ids(self) -> RowIds | None:
        return None if self._on_demand is None else self._on_demand.get()

    async def _count(self, where: str, counts: dict[str, int]) -> int:
        if where not in counts:
            if len(counts) >= _COUNTS:
                counts.clear()
            counts[where] = await count_of(self.table, where)
        return counts[where]

    def _by(self, column: str, values: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        found: dict[str, NDArray[np.float32]] = {}
        for rows in rows_of(self.table, column, values, [column, "vector"]):
            if rows.num_rows:
                found.update(zip(rows[column].to_pylist(), vectors_in(rows, self._dim), strict=True))
        return found


def known_of(opened: OpenVersion, measured: Callable[[], SearchPlan | None]) -> Known:
    """What is known of an open version; `measured` gives the plan of the newest index that was measured."""
    if opened.known is None:
        plan = default_index(opened.table)
        if plan is not None and (better := measured()) is not None:
            plan = better if (better.table, better.index) == (plan.table, plan.index) else plan
        opened.known = Known(plan)
    return opened.known


def default_index(table: LanceTable) -> SearchPlan | None:
    """The approximate index with its default plan, where there is one."""
    for index in table.list_indices():
        if index.name.startswith(VECTOR_INDEX):
            return default_plan(str(table.name), index.name)
    return None


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors at length 1; zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    made: NDArray[np.float32] = (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32, copy=False)
    return made


def build_vector_index(writable: WritableTable, exact_below: int) -> None:
    """Makes the approximate index, where there are so many vectors that one pays. The table has none."""
    rows = writable.count()
    if rows > exact_below:
        partitions = max(1, rows // ROWS_PER_PARTITION)
        config = IvfRq(distance_type="cosine", num_partitions=partitions, num_bits=BITS)
        writable.table.create_index("vector", config=config, name=name_of(partitions, BITS))


def drop_vector_index(writable: WritableTable) -> bool:
    """Removes the approximate index; whether there was one.

    LanceDB's upkeep would bring it up to date by adding rows to its partitions, and dividing and joining them: of
    100,000 rows in 97 partitions, a search in 7 found all neighbours before it and 0.80 of them after. So an index is
    made anew each time.
    """
    index = default_index(writable.table)
    if index is not None:
        writable.table.drop_index(index.index)
    return index is not None
