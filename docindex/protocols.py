"""The seams: every part that can be swapped, as a Protocol. Whoever has read this page knows the library.

Implementations are named in `docindex.wiring` and nowhere else. Contract suites for those that others implement are
in `docindex.testing`; ours pass them too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from docindex.schema import (
    Condition,
    Document,
    Field,
    Hit,
    MetadataValue,
    Node,
    Progress,
    Query,
    Response,
    Source,
)

if TYPE_CHECKING:  # numpy takes a third of the time in which `import docindex` has to be done
    import numpy as np
    from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"
"""(n, dim), rows of unit norm."""

OnProgress = Callable[[Progress], None]


class Loader(Protocol):
    """Reads one family of formats."""

    def load(self, source: Source) -> Iterator[Document]:
        """The documents in a file: one for most formats, one a record for tables of records.

        Raises:
            LoadError: The file can't be read; what was yielded before is sound.
        """
        ...


class LoaderRegistry(Protocol):
    """Knows which loader reads what."""

    def media_type_of(self, path: Path) -> str | None:
        """The file's media type by its name and, where that says nothing, by its first bytes."""
        ...

    def supports(self, media_type: str) -> bool:
        """Whether a loader reads the type; cheap, nothing is imported."""
        ...

    def unsupported_reason(self, path: Path, media_type: str | None) -> str:
        """Why a file is passed over, for the report."""
        ...

    def load(self, source: Source) -> Iterator[Document]:
        """The documents in a file, by the loader of its media type."""
        ...


class Chunker(Protocol):
    """Cuts documents into nodes."""

    def chunk(self, document: Document) -> list[Node]:
        """The document's nodes in order; each one's text is a slice of the document's."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors."""

    dim: int
    max_tokens: int
    """The longest text, in its own tokens, special tokens included. Longer ones are cut."""
    fingerprint: str
    """Changes with anything that changes the vectors: weights, tokenizer, pooling, prefixes, dimension."""

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> Vectors:
        """One unit vector a text, float32, shape (n, dim), in the order of the texts."""
        ...

    def token_offsets(self, text: str) -> NDArray[np.int32]:
        """(n, 2) start and end of each token in code points, special tokens left out, never truncated."""
        ...


# --- the local model ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat. The content is plain text: a control token in it is text, not control."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a completion."""

    text: str
    prompt_tokens: int = 0
    """Of the whole request; the same in each of its tokens."""
    cached_tokens: int = 0
    """Of the prompt: reused from the KV cache."""


class LLM(Protocol):
    """A chat model."""

    name: str
    context_tokens: int

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """The length of the rendered prompt, template and control tokens included: exact, not an estimate."""
        ...

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Token]:
        """The answer, piece by piece.

        Requests from several threads are served in the order in which they came. Closing the iterator or setting
        `cancel` frees the model for the next one.

        Raises:
            ModelError: The prompt and `max_tokens` do not fit the context.
            RequestCancelledError: `cancel` was set.
        """
        ...


# --- the index ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """A file as it was when it was read."""

    location: str
    """Where it was: an absolute POSIX path, a URL, or "-" for standard input."""
    name: str
    """Unique in the index; documents of one-document formats have it as their id."""
    root: str
    """The location of the folder or file that was given to ingest."""
    content_hash: str
    """Of the bytes and of the options that shape what is read from them."""
    bytes: int
    modified_at: datetime | None
    documents: int = 1
    """How many documents it gave."""


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
    state: Literal["ready"]
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
    """One row a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What one commit changes, all or nothing."""

    documents: Sequence[DocumentChange] = ()
    delete_documents: Collection[str] = ()
    sources: Sequence[SourceRecord] = ()
    """Files that are now wholly in the index, as of their record."""
    delete_sources: Collection[str] = ()
    """Locations."""


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


class Snapshot(Protocol):
    """An index at one version. Later commits do not show in it."""

    version: int

    def fields(self) -> tuple[Field, ...]:
        """Every field that a condition may name: built-in ones first, then the metadata that documents have."""
        ...

    def documents(self) -> Iterator[DocumentRecord]:
        """All documents by id."""
        ...

    def document(self, doc_id: str) -> DocumentRecord | None: ...

    def load(self, doc_id: str) -> Document | None:
        """The stored document with its text and structure."""
        ...

    def sources(self, locations: Collection[str] | None = None) -> Iterator[SourceRecord]:
        """The files that the index holds: all, or those at the locations."""
        ...

    def documents_of(self, location: str) -> list[DocumentRecord]:
        """The documents that came from one file."""
        ...

    def count(self, where: Condition | None = None) -> int:
        """How many nodes there are, or meet the condition."""
        ...

    def dense(self, vector: NDArray[np.float32], k: int, where: Condition | None = None) -> list[Match]:
        """The k nodes of the highest cosine similarity, best first; exact cosines."""
        ...

    def lexical(
        self, text: str, k: int, where: Condition | None = None, among: Collection[str] | None = None
    ) -> list[Match]:
        """The k nodes of the highest BM25 score, best first; `among` limits them to those node ids."""
        ...

    def vectors(self, node_ids: Sequence[str]) -> Vectors:
        """The nodes' vectors, in their order."""
        ...

    def nodes(self, node_ids: Sequence[str]) -> list[StoredNode]:
        """The nodes, in the order of the ids."""
        ...

    def nodes_of(self, doc_id: str) -> list[StoredNode]:
        """A document's nodes, in order."""
        ...

    def vectors_by_hash(self, content_hashes: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of nodes that are already stored, by `Node.content_hash`: what need not be embedded again."""
        ...

    def problems(self) -> list[str]:
        """Every disagreement between the registry and the nodes, one sentence each; empty when all is well."""
        ...

    def statistics(self) -> dict[str, Any]:
        """Counts and sizes for `docindex status`."""
        ...


class Writer(Protocol):
    """The one process that may change the index; holds the lease while it lives."""

    snapshot: Snapshot
    """The index as of the last commit."""

    def commit(self, changes: ChangeSet, on_progress: OnProgress = ...) -> Snapshot:
        """Writes all of the changes or none, and returns the index as it is then."""
        ...

    def maintain(self, on_progress: OnProgress = ..., *, force: bool = False) -> None:
        """Compacts files, brings the indexes up to date and drops old versions, when that is due."""
        ...


class IndexStore(Protocol):
    """Both stores as one."""

    def snapshot(self, at: int | None = None) -> Snapshot:
        """The index at its newest version, or at an older one that is still kept."""
        ...

    def writer(self, *, wait_seconds: float = 0.0) -> AbstractContextManager[Writer]:
        """Takes the lease and undoes what a crashed writer left half done.

        Raises:
            LockedError: Another process holds it, and still does after `wait_seconds`.
        """
        ...

    def close(self) -> None: ...


# --- retrieval and answering ----------------------------------------------------------------------------------------


class Retriever(Protocol):
    """Finds nodes. Retrievers that rerank, widen or merge hold another one."""

    def retrieve(self, query: Query) -> list[Hit]:
        """At most `query.k` hits, best first, ranks from 1."""
        ...


class Synthesizer(Protocol):
    """Makes an answer from hits."""

    def synthesize(self, question: str, hits: Sequence[Hit], *, cancel: threading.Event | None = None) -> AnswerStream:
        """The answer as it grows; it begins when the iterator is first advanced."""
        ...


class AnswerStream(Protocol):
    """Yields pieces of the answer's text; `response` is whole once they are used up."""

    def __iter__(self) -> Iterator[str]: ...

    def close(self) -> None:
        """Ends the answer where it is and frees the model."""
        ...

    @property
    def response(self) -> Response:
        """The whole response; reading it uses up what was not yet yielded."""
        ...


class QueryEngine(Protocol):
    """Answers questions."""

    def query(self, question: str) -> Response: ...
