"""All that docindex uses of LanceDB, imported without the parts that a table on disk never needs."""

from __future__ import annotations

import os

from docindex.stores.deferred import deferred
from docindex.stores.quick_classes import overrides_unchecked, schemas_on_first_use

# It would warn of partitions without rows, in the midst of a progress bar.
os.environ.setdefault("LANCEDB_LOG", "error")

with deferred("lance_namespace_urllib3_client"), schemas_on_first_use(), overrides_unchecked():
    from lancedb import Session
    from lancedb.background_loop import LOOP
    from lancedb.db import LanceDBConnection
    from lancedb.index import FTS, Bitmap, BTree, IvfRq, LabelList
    from lancedb.query import (
        AsyncFTSQuery,
        AsyncQuery,
        AsyncTakeQuery,
        AsyncVectorQuery,
        FullTextOperator,
        MatchQuery,
    )
    from lancedb.table import LanceTable

__all__ = [
    "FTS",
    "LOOP",
    "AsyncFTSQuery",
    "AsyncQuery",
    "AsyncTakeQuery",
    "AsyncVectorQuery",
    "BTree",
    "Bitmap",
    "FullTextOperator",
    "IvfRq",
    "LabelList",
    "LanceDBConnection",
    "LanceTable",
    "MatchQuery",
    "Session",
]
