"""All documents of an index, a handful at a time: neither a query for each one nor all of them in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from docindex.protocols import DocumentRecord

MOST_DOCUMENTS = 256
MOST_NODES = 2048
"""A document that has more is a handful by itself."""


def handfuls(
    records: Iterable[DocumentRecord], most_documents: int = MOST_DOCUMENTS, most_nodes: int = MOST_NODES
) -> Iterator[list[DocumentRecord]]:
    """The records in their order, so many at a time as may be in memory with their texts and nodes."""
    handful: list[DocumentRecord] = []
    nodes = 0
    for record in records:
        if handful and (len(handful) == most_documents or nodes + record.nodes > most_nodes):
            yield handful
            handful, nodes = [], 0
        handful.append(record)
        nodes += record.nodes
    if handful:
        yield handful
