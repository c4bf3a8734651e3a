"""What the stores hold of documents, and what one commit changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from docindex.protocols.files import SourceRecord
    from docindex.protocols.models import Vectors
    from docindex.schema import DerivedRecord, Document, DocumentTable, IndexDefinition, MetadataValue, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """What the registry knows of a document."""

    doc_id: str
    source: str
    location: str
    media_type: str
    title: str
    bytes: int
    pages: int
    nodes: int
    state: Literal["text", "ready"]
    """Found by words only, since nodes of it wait to be embedded; or in every way."""
    content_hash: str
    metadata: Mapping[str, MetadataValue]
    modified_at: datetime | None
    added_at: datetime
    updated_at: datetime
    pages_without_text: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A document to add, or to put in the place of the one with its id."""

    document: Document
    location: str
    """Its SourceRecord's."""
    content_hash: str
    """Of its text, structure and metadata."""
    bytes: int
    """The file's, or the record's share of a file of records."""
    modified_at: datetime | None
    nodes: tuple[Node, ...]
    vectors: Vectors
    """One row a node; a row of zeros is a node that is not embedded yet."""


@dataclass(frozen=True, slots=True)
class NodeVectors:
    """Vectors for nodes that are stored without."""

    node_ids: Sequence[str]
    vectors: Vectors
    """One row a node id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What one commit changes, all or nothing."""

    documents: Sequence[DocumentChange] = ()
    delete_documents: Collection[str] = ()
    sources: Sequence[SourceRecord] = ()
    """Files that are now wholly in the index, as of their record."""
    delete_sources: Collection[str] = ()
    """Locations."""
    vectors: NodeVectors | None = None
    """For nodes that stay as they are: neither their rows nor their full-text entries are written anew."""
    derived: Sequence[DerivedRecord] = ()
    """To add, or to put in the place of the one with its kind and key."""
    delete_derived: Collection[tuple[str, str]] = ()
    """Kinds and keys. Records of documents that the commit changes or deletes go in any case."""
    define_indexes: Sequence[IndexDefinition] = ()
    drop_indexes: Collection[str] = ()
    """Kinds: their definitions and all of their records."""


@dataclass(frozen=True, slots=True)
class Match:
    """A node and its score on one side: cosine similarity or BM25."""

    node_id: str
    score: float


@dataclass(frozen=True, slots=True)
class StoredNode:
    """A node with what its document says of it."""

    node: Node
    source: str
    title: str
    media_type: str
    modified_at: datetime | None
    metadata: Mapping[str, MetadataValue]
    also: tuple[str, ...] = ()
    """The names of further files that hold the same bytes as its source."""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of a document as the registry holds it."""

    doc_id: str
    source: str
    number: int
    """Its place among the tables of the document, from 1."""
    table: DocumentTable


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version of the index that can still be read."""

    version: int
    kind: str
    """What made it: created, changed, embedded, derived, maintained, recovered, rolled back."""
    created_at: datetime
    documents: int
    nodes: int
    embedded: int
    """How many of the nodes have a vector."""
    tags: tuple[str, ...] = ()
