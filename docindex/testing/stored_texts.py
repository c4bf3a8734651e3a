"""Documents ready to be committed to a store, and what tests ask of one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from docindex.protocols import ChangeSet, DocumentChange, IndexStore, Match, Snapshot, SourceRecord, Vectors
from docindex.schema import Document, Heading, MetadataValue, Node, Page, digest

DIM = 16


def text_vector(text: str, dim: int = DIM) -> Vectors:
    """A unit vector that depends on the text alone, shape (dim,)."""
    seed = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    vector = np.random.default_rng(seed).normal(size=dim).astype(np.float32)
    return vector / np.linalg.norm(vector)


def text_change(
    doc_id: str,
    *paragraphs: str,
    title: str = "",
    metadata: Mapping[str, MetadataValue] | None = None,
    location: str | None = None,
    modified_at: datetime | None = None,
    dim: int = DIM,
) -> DocumentChange:
    """A document of these paragraphs, one page and one node each, to commit."""
    text = "\n\n".join(paragraphs)
    nodes: list[Node] = []
    pages: list[Page] = []
    start = 0
    for order, paragraph in enumerate(paragraphs):
        end = start + len(paragraph)
        pages.append(Page(order + 1, start, end, f"p{order + 1}"))
        nodes.append(
            Node(
                node_id=digest(doc_id, str(order), paragraph),
                doc_id=doc_id,
                order=order,
                start=start,
                end=end,
                text=paragraph,
                context=title,
                headings=(title,) if title else (),
                page=order + 1,
                page_label=f"p{order + 1}",
            )
        )
        start = end + 2
    document = Document(
        doc_id=doc_id,
        source=doc_id,
        text=text,
        title=title,
        metadata=metadata or {},
        pages=tuple(pages),
        headings=(Heading(1, 0, title),) if title else (),
    )
    vectors = [text_vector(node.full_text, dim) for node in nodes]
    return DocumentChange(
        document=document,
        location=location or f"/docs/{doc_id}",
        content_hash=digest(text, title, repr(sorted((metadata or {}).items()))),
        bytes=len(text.encode("utf-8", "surrogatepass")),
        modified_at=modified_at,
        nodes=tuple(nodes),
        vectors=np.array(vectors, np.float32).reshape(-1, dim),
    )


def source_of(change: DocumentChange) -> SourceRecord:
    """The record of the file that the document is."""
    return SourceRecord(
        location=change.location,
        name=change.document.source,
        root="/docs",
        content_hash=change.content_hash,
        bytes=change.bytes,
        modified_at=change.modified_at,
    )


def commit(store: IndexStore, *changes: DocumentChange) -> Snapshot:
    """Commits documents with their sources."""
    with store.writer() as writer:
        return writer.commit(ChangeSet(documents=changes, sources=[source_of(change) for change in changes]))


def texts(snapshot: Snapshot, matches: Sequence[Match]) -> list[str]:
    """The texts of the nodes that were found, best first."""
    return [stored.node.text for stored in snapshot.nodes([match.node_id for match in matches])]
