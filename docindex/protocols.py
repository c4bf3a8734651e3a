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
    DerivedRecord,
    Document,
    DocumentTable,
    Field,
    Hit,
    IndexDefinition,
    MetadataValue,
    Node,
    Problem,
    Progress,
    Query,
    Response,
    Source,
    Unread,
)

if TYPE_CHECKING:  # numpy takes a third of the time in which `import docindex` has to be done
    import numpy as np
    from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"
"""(n, dim), rows of unit norm."""

OnProgress = Callable[[Progress], None]


Loaded = Document | Problem | Unread
"""What a loader gives: a document, or what became of a part of the file that is none."""


class Loader(Protocol):
    """Reads one family of formats."""

    def load(self, source: Source) -> Iterator[Loaded]:
        """What is in a file: one document for most formats, one a record or a member of an archive.

        Of a file that holds others, each member that can't be read or is passed over is told of in its place.

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

    def load(self, source: Source) -> Iterator[Loaded]:
        """What is in a file, by the loader of its media type."""
        ...


class Chunker(Protocol):
    """Cuts documents into nodes."""

    def chunk(self, document: Document, before: Sequence[Node] = ()) -> list[Node]:
        """The document's nodes in order; each one's text is a slice of the document's.

        `before` are its nodes in an earlier state: a chunker may keep those whose text still stands.
        """
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


class ChoosingLLM(LLM, Protocol):
    """A chat model that can say how likely its answer begins in one way or another."""

    def choose(
        self, messages: Sequence[Message], choices: Sequence[str], *, cancel: threading.Event | None = None
    ) -> list[float]:
        """The probability of the first token of each choice, in upper or lower case, with or without a space before."""
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
    same_as: str | None = None
    """The location of the file that holds the same bytes, and whose documents stand for this one's too."""
    failure: str | None = None
    """Why no parser could read it, however often it was tried: it is left alone until its bytes change."""
    problems: tuple[Problem, ...] = ()
    """What of it could not be read, though it was read to its end: members of an archive, pages."""
    validator: str | None = None
    """What a web server calls this state of a page (its ETag or date), so that it need not be fetched again."""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """That a file which looks like this has these bytes, so that it need not be read to be known."""

    location: str
    """Its SourceRecord's."""
    state: str
    """What the file system said of it: differs whenever that does."""
    bytes_hash: str
    """SHA-256 of its bytes, hexadecimal."""
    media_type: str


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

    def records(self, doc_ids: Collection[str]) -> dict[str, DocumentRecord]:
        """Those of the documents that there are, by id."""
        ...

    def load(self, doc_id: str) -> Document | None:
        """The stored document with its text and structure."""
        ...

    def load_all(self, doc_ids: Collection[str]) -> dict[str, Document]:
        """Those of the documents that there are, by id; far cheaper than loading them one by one."""
        ...

    def sources(self, locations: Collection[str] | None = None) -> Iterator[SourceRecord]:
        """The files that the index holds: all, or those at the locations."""
        ...

    def stamps(self) -> Sequence[FileStamp]:
        """What is known of files without reading them, whatever the version."""
        ...

    def held(self, locations: Collection[str]) -> set[str]:
        """Those of the locations that documents came from."""
        ...

    def documents_of(self, location: str) -> list[DocumentRecord]:
        """The documents that came from one file."""
        ...

    def tables(self, doc_ids: Collection[str] | None = None) -> Iterator[StoredTable]:
        """The tables of all documents, or of those, with their typed rows."""
        ...

    def count(self, where: Condition | None = None) -> int:
        """How many nodes there are, or meet the condition."""
        ...

    def embedded(self) -> int:
        """How many nodes have a vector."""
        ...

    def unembedded(self, limit: int) -> list[Node]:
        """Nodes that have no vector yet, at most so many, those of one document together."""
        ...

    def dense(self, vector: NDArray[np.float32], k: int, where: Condition | None = None) -> list[Match]:
        """The k nodes of the highest cosine similarity, best first; exact cosines. Only those that are embedded."""
        ...

    def lexical(
        self, text: str, k: int, where: Condition | None = None, among: Collection[str] | None = None
    ) -> list[Match]:
        """The k nodes of the highest BM25 score, best first; `among` limits them to those node ids."""
        ...

    def vectors(self, node_ids: Sequence[str]) -> Vectors:
        """The nodes' vectors, in their order; zeros for a node that is not embedded yet."""
        ...

    def nodes(self, node_ids: Sequence[str]) -> list[StoredNode]:
        """The nodes, in the order of the ids."""
        ...

    def nodes_of(self, doc_id: str) -> list[StoredNode]:
        """A document's nodes, in order."""
        ...

    def nodes_of_all(self, doc_ids: Collection[str]) -> dict[str, list[Node]]:
        """The nodes of several documents by id, each one's in order; far cheaper than asking for them one by one.

        A document that there is not has none.
        """
        ...

    def vectors_by_hash(self, content_hashes: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of nodes that are already stored, by `Node.content_hash`: what need not be embedded again."""
        ...

    def definitions(self) -> tuple[IndexDefinition, ...]:
        """The indexes on top of the passages that an ingest keeps up to date, by kind."""
        ...

    def derived(
        self,
        kind: str,
        *,
        keys: Collection[str] | None = None,
        terms: Collection[str] | None = None,
        doc_ids: Collection[str] | None = None,
    ) -> Iterator[DerivedRecord]:
        """The records of an index by key: all, or those with one of the keys, of the terms or of the documents."""
        ...

    def derived_count(self, kind: str) -> int:
        """How many records an index has."""
        ...

    def derived_documents(self, kind: str) -> set[str]:
        """The ids of the documents that an index has records of."""
        ...

    def derived_terms(
        self, kind: str, like: str = "", limit: int = 100, among: Collection[str] | None = None
    ) -> list[tuple[str, int]]:
        """Terms of an index that hold some text or are among some, and in how many records: the most frequent first."""
        ...

    def derived_vectors(self, kind: str) -> tuple[list[str], Vectors]:
        """The keys of the records that have a vector, and the vectors, in one order."""
        ...

    def problems(self) -> list[str]:
        """Every disagreement between the registry and the nodes, one sentence each; empty when all is well.

        That nodes wait for their vectors is none.
        """
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

    def stamp(self, stamps: Sequence[FileStamp]) -> None:
        """Remembers what files look like whose bytes are known. Makes no new version."""
        ...

    def maintain(self, on_progress: OnProgress = ..., *, force: bool = False) -> None:
        """Compacts files, brings the indexes up to date and drops old versions, when that is due."""
        ...

    def tag(self, name: str, version: int | None = None) -> None:
        """Gives a version (the newest by default) a name, under which it stays readable; a name moves.

        Raises:
            StoreError: The version is not kept, or the name is not one word.
        """
        ...

    def untag(self, name: str) -> None:
        """Takes a name back.

        Raises:
            StoreError: There is no such tag.
        """
        ...

    def rollback(self, version: int | str, on_progress: OnProgress = ...) -> Snapshot:
        """Makes a new version that equals an older one, by number or tag.

        Raises:
            StoreError: The version is not kept.
        """
        ...

    def purge(self, on_progress: OnProgress = ...) -> None:
        """Erases what is deleted: afterwards no byte of the index holds text that the newest version lacks.

        Every other version goes, tagged ones too.
        """
        ...

    def repair(self, on_progress: OnProgress = ...) -> list[str]:
        """Mends what `Snapshot.problems` finds; one sentence for each thing that it did, or could not do."""
        ...


class IndexStore(Protocol):
    """Both stores as one."""

    def snapshot(self, at: int | str | None = None) -> Snapshot:
        """The index at its newest version, or at an older one that is still kept, by number or tag."""
        ...

    def versions(self) -> list[VersionRecord]:
        """The versions that can be read, newest first."""
        ...

    def writer(self, *, wait_seconds: float = 0.0) -> AbstractContextManager[Writer]:
        """Takes the lease and undoes what a crashed writer left half done.

        Raises:
            LockedError: Another process holds it, and still does after `wait_seconds`.
        """
        ...

    def close(self) -> None: ...


class DerivedIndex(Protocol):
    """An index on top of the passages: what it keeps are `DerivedRecord`s of its kind."""

    kind: str

    def refresh(self, writer: Writer, on_progress: OnProgress) -> int:
        """Makes the records that are missing, which those of changed documents are; returns how many.

        It commits as it goes and begins where the records end, so that an interruption costs little.
        """
        ...


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
