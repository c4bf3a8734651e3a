"""What one commit of the text stage holds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from docindex.protocols import ChangeSet, DocumentChange, SourceRecord, Vectors
from docindex.schema import Document, Node

GROUP_NODES = 2048
"""A commit is due when so many nodes are waiting: enough to make its fixed cost small, few enough to hold."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A document that waits for its commit."""

    document: Document
    record: SourceRecord
    content_hash: str
    nodes: tuple[Node, ...]

    def change(self, vectors: Vectors) -> DocumentChange:
        """What is committed of it."""
        is_whole_file = self.document.doc_id == self.record.name
        return DocumentChange(
            document=self.document,
            location=self.record.location,
            content_hash=self.content_hash,
            bytes=self.record.bytes if is_whole_file else len(self.document.text.encode()),
            modified_at=self.record.modified_at,
            nodes=self.nodes,
            vectors=vectors,
        )


@dataclass(slots=True)
class Group:
    """What the next commit will hold."""

    documents: list[Taken] = field(default_factory=list)
    sources: list[SourceRecord] = field(default_factory=list)
    delete_documents: set[str] = field(default_factory=set)
    delete_sources: set[str] = field(default_factory=set)
    nodes: int = 0
    since: float = field(default_factory=time.monotonic)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self.documents or self.sources or self.delete_documents or self.delete_sources)

    def is_due(self, seconds: float) -> bool:
        """Whether enough is waiting, or something for so long."""
        return self.nodes >= GROUP_NODES or (self.nodes > 0 and time.monotonic() - self.since > seconds)

    def changes(self, vectors: Vectors) -> ChangeSet:
        """What is committed, with a row of vectors for each node."""
        documents, row = [], 0
        for taken in self.documents:
            documents.append(taken.change(vectors[row : row + len(taken.nodes)]))
            row += len(taken.nodes)
        return ChangeSet(
            documents=documents,
            delete_documents=self.delete_documents,
            sources=self.sources,
            delete_sources=self.delete_sources,
        )
