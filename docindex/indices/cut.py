"""Documents that were cut where they were parsed."""

from __future__ import annotations

from dataclasses import dataclass

from docindex.schema import Document, Node


@dataclass(frozen=True, slots=True)
class CutDocument(Document):
    """A document that comes with its passages, as the index's chunker makes them of it alone."""

    nodes: tuple[Node, ...] = ()


def with_nodes(document: Document, nodes: tuple[Node, ...]) -> CutDocument:
    """The document with its passages beside it."""
    return CutDocument(
        doc_id=document.doc_id,
        source=document.source,
        text=document.text,
        media_type=document.media_type,
        title=document.title,
        metadata=document.metadata,
        pages=document.pages,
        headings=document.headings,
        tables=document.tables,
        hidden=document.hidden,
        nodes=nodes,
    )
