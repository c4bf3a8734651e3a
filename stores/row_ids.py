"""Which row of an open version has which node, in memory.

LanceDB finds a hundred nodes by id in the time of a whole search, since it goes through a page of 4,096 ids for each,
and reading the ids of a hundred hits takes as long again. Its own row numbers cost next to nothing. This table ties the
two together in about 50 bytes a node. It is made once the searches in a version have cost as much as making it would
have, so that a process which searches once never does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from docindex.stores.lancedb_api import LanceTable
from docindex.stores.queries import query_of, wait_for

MOST_ROWS = 3_000_000
_FIRST_USES = 3
_ROWS_OF_USE = 10_000
"""Making the table costs as much for so many rows as one search gains by it."""
_WORD = 8


@dataclass(frozen=True, slots=True)
class RowIds:
    """The nodes of a table at a version."""

    rows: NDArray[np.uint64]
    """LanceDB's numbers, ascending."""
    ids: NDArray[np.bytes_]
    """The id in each of the rows."""
    keys: NDArray[np.uint64]
    """A hash of each id, ascending."""
    places: NDArray[np.int64]
    """Where in `rows` each of the keys is."""

    def ids_of(self, rows: pa.ChunkedArray) -> list[str]:
        """The ids in some rows."""
        places = np.searchsorted(self.rows, rows.to_numpy())
        return [node_id.decode() for node_id in self.ids[places].tolist()]

    def rows_of(self, ids: Iterable[str]) -> dict[int, str]:
        """The rows of those of the ids that are there, each with its id."""
        found: dict[int, str] = {}
        width = self.ids.dtype.itemsize
        encoded_ids = ((node_id, node_id.encode("utf-8", "replace")) for node_id in ids)
        wanted = [(node_id, encoded) for node_id, encoded in encoded_ids if len(encoded) == width]
        if not wanted:
            return found
        keys = _hashed(np.array([encoded for _, encoded in wanted], dtype=self.ids.dtype))
        for (node_id, encoded), key, start in zip(wanted, keys, np.searchsorted(self.keys, keys), strict=True):
            place = int(start)
            while place < len(self.keys) and self.keys[place] == key:
                if self.ids[self.places[place]] == encoded:
                    found[int(self.rows[self.places[place]])] = node_id
                    break
                place += 1
        return found


def read_row_ids(table: LanceTable) -> RowIds | None:
    """The nodes of a table; None where their ids are not all of one length, as those that docindex makes are."""
    found = wait_for(query_of(table).select(["node_id"]).with_row_id().to_arrow())
    ids = _fixed_width(found["node_id"].combine_chunks())
    if ids is None:
        return None
    rows: NDArray[np.uint64] = found["_rowid"].to_numpy()
    if not np.all(rows[1:] > rows[:-1]):
        order = np.argsort(rows)
        rows, ids = rows[order], ids[order]
    keys = _hashed(ids)
    places = np.argsort(keys)
    return RowIds(rows, ids, keys[places], places)


@dataclass(slots=True)
class RowIdsOnDemand:
    """Makes the table when it pays; any number of threads may ask."""

    table: LanceTable
    _uses: int = 0
    _due: int | None = None
    """After how many uses."""
    _made: RowIds | None = None
    _done: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self) -> RowIds | None:
        """The table, or None while it is not made, or never will be. Not to be called on LanceDB's loop."""
        if self._done:
            return self._made
        self._uses += 1
        if self._uses > _FIRST_USES and self._lock.acquire(blocking=False):
            try:
                self._make_if_due()
            finally:
                self._lock.release()
        return self._made

    def _make_if_due(self) -> None:
        if self._due is None:
            rows = self.table.count_rows()
            self._done = rows > MOST_ROWS
            self._due = _FIRST_USES + rows // _ROWS_OF_USE
        if not self._done and self._uses > self._due:
            self._made = read_row_ids(self.table)
            self._done = True


def _fixed_width(ids: pa.Array) -> NDArray[np.bytes_] | None:
    """The ids in one block of bytes, if all have the same whole number of words."""
    if not len(ids) or not pa.types.is_string(ids.type):
        return None
    _, offsets_buffer, data = ids.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32, len(ids) + 1, ids.offset * 4)
    width = int(offsets[1] - offsets[0])
    if width < 2 * _WORD or width % _WORD or not np.all(np.diff(offsets) == width):
        return None
    found = np.frombuffer(data, f"S{width}", len(ids), int(offsets[0])).copy()
    if np.any(found.view(np.uint8).reshape(len(found), width)[:, -1] == 0):
        return None  # which is padding to NumPy
    return found


def _hashed(ids: NDArray[np.bytes_]) -> NDArray[np.uint64]:
    words = np.ascontiguousarray(ids).view(np.uint64).reshape(len(ids), -1)
    mixed = np.zeros(len(ids), np.uint64)
    for column in words.T:
        mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed
