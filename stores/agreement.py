"""Whether the columns of rows say what they should: what `check` compares beside the text itself.

Whole columns are compared, a batch at a time: row by row in Python it would take many times as long.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from docindex.schema import digest
from docindex.stores.registry_rows import DocumentRow
from docindex.stores.rows import VECTOR_COLUMNS, document_columns

COMPARED_COLUMNS = [*dict.fromkeys([*VECTOR_COLUMNS, "text", "context", "search_text"])]
"""What of the nodes table is compared."""
UNPROVEN_COLUMNS = ("level", "headings")
"""What both tables have, and neither the registry nor other columns tell."""
_LOWER_HALF = 0xFFFF_FFFF
_BETWEEN = "\0"
_NULL = "\1"


def wrong_columns(nodes: pa.RecordBatch, known: Mapping[str, DocumentRow]) -> dict[int, list[str]]:
    """The columns that are not what the documents, and the nodes' own texts, make of them: by the row's place.

    Nodes of documents that are not `known` are passed over.
    """
    belongs = pc.index_in(nodes["doc_id"], pa.array(list(known), pa.string()))
    expected = document_columns([(row.record, row.record.modified_at) for row in known.values()])
    wanted = {name: _as_text(column).take(belongs) for name, column in expected.items()}
    full = pc.binary_join_element_wise(nodes["context"], nodes["text"], "\n")
    full = pc.if_else(pc.equal(nodes["context"], ""), nodes["text"], full)
    wanted["search_text"] = full
    wanted["content_hash"] = pa.array(map(digest, full.to_pylist()), pa.string())
    found: dict[int, list[str]] = {}
    for name, should in wanted.items():
        differs = pc.and_(pc.is_valid(belongs), pc.not_equal(_as_text(nodes[name]), should))
        for place in pc.indices_nonzero(differs).to_pylist():
            found.setdefault(place, []).append(name)
    return found


def fingerprints(rows: pa.RecordBatch) -> list[int]:
    """For each row a number that depends on what both tables have: equal rows have equal ones, in this process."""
    unproven = _hashes(rows, UNPROVEN_COLUMNS)
    proven = _hashes(rows, [name for name in VECTOR_COLUMNS if name not in UNPROVEN_COLUMNS])
    packed: list[int] = ((proven << 32) | (unproven & _LOWER_HALF)).tolist()
    return packed


def unproven_differ(one: int, other: int) -> bool:
    """Whether the rows of two fingerprints differ in what nothing but the other table proves."""
    return bool((one ^ other) & _LOWER_HALF)


def _hashes(rows: pa.RecordBatch, columns: Sequence[str]) -> NDArray[np.int64]:
    joined = pc.binary_join_element_wise(*(_as_text(rows[name]) for name in columns), _BETWEEN)
    return np.array(list(map(hash, joined.to_pylist())), np.int64)


def _as_text(column: pa.Array) -> pa.Array:
    """The values as texts that are equal where the values are; for what is not there, too."""
    if isinstance(column, pa.ExtensionArray):
        column = _sorted_json(column.storage)
    elif pa.types.is_list(column.type):
        column = pc.binary_join(column, _BETWEEN)
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return column.cast(pa.string()).fill_null(_NULL)


def _sorted_json(column: pa.Array) -> pa.Array:
    """JSON objects with their keys in order: LanceDB gives them back in an order of its own."""
    once = column.dictionary_encode()
    objects = [json.dumps(json.loads(text), sort_keys=True) for text in once.dictionary.to_pylist()]
    return pa.array(objects, pa.string()).take(once.indices)
