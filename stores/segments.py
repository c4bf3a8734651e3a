"""The full-text index in segments of bounded size, where pylance is installed (the extra `large`).

LanceDB's upkeep puts new rows into the newest segment of the index, which it reads into memory and writes anew: in an
index that only ever had one, that costs memory and time in proportion to all rows. Only pylance can be asked for a new
segment. Searches read all segments, and find the same.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from docindex.stores.lancedb_api import LanceTable

SEGMENT_ROWS = 300_000
"""About so many rows are read again for new ones at most; a search reads one segment for each so many."""
_CACHE = 16 << 20
"""Bytes of indexes, and of what tells where they are."""


def begin_segment_if_full(table: LanceTable, column: str) -> bool:
    """Puts the rows that the index of a column lacks into a new segment, once those that it has are full.

    Makes a version of the table. False, with nothing done, where there is no need, or no pylance.
    """
    index: Any = next((index for index in table.list_indices() if column in index.columns), None)
    if index is None or not index.num_unindexed_rows or importlib.util.find_spec("lance") is None:
        return False
    if index.num_indexed_rows < SEGMENT_ROWS * index.num_segments:
        return False
    dataset = table.to_lance(index_cache_size_bytes=_CACHE, metadata_cache_size_bytes=_CACHE)
    dataset.optimize.optimize_indices(index_names=[index.name], num_indices_to_merge=0)
    return True
