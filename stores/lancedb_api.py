"""All that docindex uses of LanceDB, imported without the parts that a table on disk never needs."""

from __future__ import annotations

from docindex.stores.deferred import deferred

with deferred("lance_namespace_urllib3_client"):
    from lancedb.db import LanceDBConnection
    from lancedb.index import FTS, Bitmap, BTree, IvfRq, LabelList
    from lancedb.query import (
        FullTextOperator,
        LanceFtsQueryBuilder,
        LanceVectorQueryBuilder,
        MatchQuery,
    )
    from lancedb.table import LanceTable

__all__ = [
    "FTS",
    "BTree",
    "Bitmap",
    "FullTextOperator",
    "IvfRq",
    "LabelList",
    "LanceDBConnection",
    "LanceFtsQueryBuilder",
    "LanceTable",
    "LanceVectorQueryBuilder",
    "MatchQuery",
]
