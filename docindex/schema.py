"""The values that pass between the rooms: frozen, and free of behaviour beyond what derives from their own fields.

Offsets are Unicode code points into a document's text, ends exclusive. Pages and ranks count from 1.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

MetadataValue = str | int | float | bool | datetime | tuple[str, ...]
"""What a metadata field may hold. Datetimes carry a time zone; they are stored in UTC."""

SearchMode = Literal["hybrid", "dense", "lexical"]
FieldType = Literal["text", "number", "boolean", "date", "list"]


def digest(*parts: str | bytes) -> str:
    """A 32-character hexadecimal BLAKE2b digest; the parts can't run into each other."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


# --- documents -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may cost. A file that exceeds a limit fails with its name in the report; the rest goes on."""

    file_bytes: int = 2 << 30
    """The largest file."""
    pages: int = 50_000
    """Pages, slides or sheets of a document."""
    seconds: float = 300.0
    """The longest a loader may work on a file without giving a document."""
    inflated_bytes: int = 2 << 30
    """What a compressed file may hold in all when it is unpacked."""
    inflation: int = 200
    """How many times larger a compressed file may become, once it holds more than a few megabytes."""
    depth: int = 8
    """Archives in archives, messages in messages."""
    memory_bytes: int = 4 << 30
    """What the process that parses may have in memory."""
    attempts: int = 2
    """How often a file is tried whose parser crashed or ran out of time, before it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """How loaders read what can be read in more than one way."""

    id_field: str | None = None
    """The field of a JSON or CSV record that becomes the document's id."""
    title_field: str | None = None
    text_field: str | None = None
    """The field that becomes the text; without it every field does, each under its name."""
    password: str | None = field(default=None, repr=False)
    """Opens encrypted files."""
    query: str | None = None
    """The statement whose rows are read from a source that is a database."""
    ocr: bool = False
    """Read the pages that have no text layer with optical character recognition."""
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Source:
    """One file to load."""

    name: str
    """What the report, hits and citations call it: a POSIX path relative to the ingested folder, or a URL."""
    path: Path
    """Where its bytes are."""
    media_type: str
    options: LoadOptions = LoadOptions()
    depth: int = 0
    """How many archives or messages it lies in."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page's place in the document's text; an empty one has no text layer."""

    number: int
    start: int
    end: int
    label: str | None = None
    """The number printed on the page ("xii"), where the file knows it."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading's place in the document's text."""

    level: int
    """1 for the outermost."""
    start: int
    text: str


CellValue = str | int | float | bool | datetime | None
"""What a cell of a table may hold."""
ColumnType = Literal["text", "integer", "number", "boolean", "date"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Every value in it is of its type, or None."""

    name: str
    """Unique in its table."""
    type: ColumnType


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table: what it holds and where it stands."""

    number: int
    """Its number in the source, from 1, as the program that shows the file counts: a sheet's row, a file's line."""
    start: int
    end: int
    """Its place in the document's text."""
    cells: tuple[CellValue, ...]
    """One a column."""


@dataclass(frozen=True, slots=True)
class DocumentTable:
    """A table of a document as typed rows. The text holds it too, in Markdown, for readers."""

    name: str
    """Its caption, or the name of its sheet; empty where it has none."""
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    start: int
    end: int
    """Its place in the document's text."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its structure, as a loader read it."""

    doc_id: str
    source: str
    text: str
    media_type: str = "text/plain"
    title: str = ""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    pages: tuple[Page, ...] = ()
    """In order; empty where the format has no pages."""
    headings: tuple[Heading, ...] = ()
    """In order of their start."""
    tables: tuple[DocumentTable, ...] = ()
    """In order of their start."""
    hidden: int = 0
    """How many characters the file holds that no reader of it would see, and that the text leaves out."""

    def page_at(self, offset: int) -> Page | None:
        """The page that holds the code point at `offset`."""
        at = bisect_right(self.pages, offset, key=lambda page: page.start) - 1
        while at >= 0 and self.pages[at].start == self.pages[at].end:
            at -= 1  # empty pages share their start with the next one
        return self.pages[at] if at >= 0 else None

    @property
    def pages_without_text(self) -> tuple[int, ...]:
        """The numbers of the pages that hold no text."""
        return tuple(page.number for page in self.pages if not self.text[page.start : page.end].strip())


@dataclass(frozen=True, slots=True)
class Node:
    """A passage: `document.text[start:end] == text`, always."""

    node_id: str
    doc_id: str
    order: int
    """Its place among the document's nodes of the same level, from 0."""
    start: int
    end: int
    text: str
    context: str = ""
    """Title and headings path: embedded and searched with the text, never quoted."""
    headings: tuple[str, ...] = ()
    page: int | None = None
    page_label: str | None = None
    level: int = 0
    """0 for passages; higher for their parents."""
    parent_id: str | None = None

    @property
    def full_text(self) -> str:
        """What is embedded and searched."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def content_hash(self) -> str:
        """Equal for nodes that embed alike, whichever document they are in."""
        return digest(self.full_text)


# --- conditions ------------------------------------------------------------------------------------------------------

CompareOp = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field that exists and may be filtered on."""

    name: str
    type: FieldType
    builtin: bool
    """True for a column of every node, False for a metadata field."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`field op value`; the value has the field's type, a tuple of them for `in`."""

    field: Field
    op: CompareOp
    value: str | float | int | bool | datetime | tuple[str | float | int | bool | datetime, ...]


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of the parts holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Compare | And | Or | Not
"""What `--filter` parses to. Stores compile it; no text of the user's reaches them except as a value."""


# --- retrieval and answers -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Query:
    """One request to a retriever."""

    text: str
    k: int = 10
    mode: SearchMode = "hybrid"
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """What each side gave: cosine similarity and BM25; None where that side was not asked."""

    dense: float | None = None
    lexical: float | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found."""

    rank: int
    score: float
    scores: Scores
    node: Node
    source: str
    title: str = ""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    """Further sources that hold the same bytes."""
    duplicates: tuple[str, ...] = ()
    """Ids of nodes that say nearly the same, ranked lower, and are left out for it."""

    @property
    def node_id(self) -> str:
        """The node's id."""
        return self.node.node_id

    @property
    def doc_id(self) -> str:
        """The id of the document that holds the node."""
        return self.node.doc_id

    @property
    def text(self) -> str:
        """The node's text."""
        return self.node.text

    def as_dict(self) -> dict[str, Any]:
        """The hit as `--json` prints it."""
        node = self.node
        return {
            "rank": self.rank,
            "score": round(self.score, 6),
            "scores": {"dense": _rounded(self.scores.dense), "lexical": _rounded(self.scores.lexical)},
            "node_id": node.node_id,
            "doc_id": node.doc_id,
            "source": self.source,
            "title": self.title,
            "page": node.page,
            "page_label": node.page_label,
            "start": node.start,
            "end": node.end,
            "text": node.text,
            "headings": list(node.headings),
            "also": list(self.also),
            "duplicates": list(self.duplicates),
            "metadata": {key: plain_value(value) for key, value in self.metadata.items()},
        }


@dataclass(frozen=True, slots=True)
class Citation:
    """A claim of the answer tied to a span of a stored document."""

    marker: int
    node_id: str
    doc_id: str
    source: str
    page: int | None
    page_label: str | None
    start: int
    end: int
    quote: str
    verified: bool
    """The stored text holds the quote at this span, and the quote supports the sentence that cites it."""

    def as_dict(self) -> dict[str, Any]:
        """The citation as `--json` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of one answer; `prompt_cached` of `prompt` came from the KV cache."""

    prompt: int = 0
    prompt_cached: int = 0
    completion: int = 0

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts(
            self.prompt + other.prompt,
            self.prompt_cached + other.prompt_cached,
            self.completion + other.completion,
        )


@dataclass(frozen=True, slots=True)
class Response:
    """An answer and what it rests on."""

    question: str
    answer: str
    no_answer: bool
    """The documents do not hold an answer."""
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()
    """What the prompt held, best first."""
    dropped: tuple[Hit, ...] = ()
    """Found, but left out: the context window was full."""
    tokens: TokenCounts = TokenCounts()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    """`retrieve`, `first_token`, `total`."""
    model: str = ""

    def __str__(self) -> str:
        lines = [self.answer]
        for citation in self.citations:
            page = f", page {citation.page_label or citation.page}" if citation.page else ""
            doubt = "" if citation.verified else " (not verified)"
            lines.append(f"[{citation.marker}] {citation.source}{page}{doubt}: {citation.quote}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The response as `--json` prints it."""
        return {
            "question": self.question,
            "answer": self.answer,
            "no_answer": self.no_answer,
            "citations": [citation.as_dict() for citation in self.citations],
            "hits": [hit.as_dict() for hit in self.hits],
            "dropped": [hit.node_id for hit in self.dropped],
            "tokens": asdict(self.tokens),
            "timings_ms": {name: round(value, 1) for name, value in self.timings_ms.items()},
            "model": self.model,
        }


# --- ingest ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """A source and why it is not (wholly) in the index."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of a file, such as a member of an archive, that was passed over, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class HiddenText:
    """How many characters of a source no reader would see: they are not in the index."""

    source: str
    characters: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A file that holds the same bytes as another one: it is stored once, and found under both paths."""

    source: str
    same_as: str


@dataclass(frozen=True, slots=True)
class BlankPages:
    """The pages of a source that hold no text, such as scans."""

    source: str
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NodeCounts:
    """What an ingest did to the nodes."""

    added: int = 0
    embedded: int = 0
    reused: int = 0
    """Written with a vector that was already in the index."""
    deleted: int = 0
    pending: int = 0
    """Found by words already, and by meaning once they are embedded."""

    def __add__(self, other: NodeCounts) -> NodeCounts:
        return NodeCounts(
            self.added + other.added,
            self.embedded + other.embedded,
            self.reused + other.reused,
            self.deleted + other.deleted,
            self.pending + other.pending,
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage of an ingest cost."""

    name: str
    """plan, text (parse, chunk and commit) or vectors (embed and commit)."""
    seconds: float
    cores: float
    """How many cores were busy on average, parser processes included."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What an ingest would do with a source, and why."""

    source: str
    action: Literal["add", "update", "delete", "link"]
    reason: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an ingest is likely to take, from reading and embedding a sample."""

    nodes: int
    seconds: float
    sampled_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """Accounts for every path and every page. Counts are of documents."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    skipped: tuple[Problem, ...] = ()
    failed: tuple[Problem, ...] = ()
    pages_without_text: tuple[BlankPages, ...] = ()
    hidden_text: tuple[HiddenText, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    nodes: NodeCounts = NodeCounts()
    seconds: float = 0.0
    stages: tuple[Stage, ...] = ()
    dry_run: bool = False
    planned: tuple[Planned, ...] = ()
    """Of a dry run: every source that would be read, linked or deleted."""
    estimate: Estimate | None = None
    """Of a dry run."""

    def as_dict(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an ingest or delete stands."""

    step: str
    """The named step that has just been reached, such as "plan", "load", "embed", "nodes-written", "committed"."""
    source: str = ""
    bytes_done: int = 0
    bytes_total: int = 0
    documents: int = 0
    nodes: int = 0
    nodes_total: int = 0
    """While passages are embedded, how many there are to embed; `nodes` of them are done."""


def plain_value(value: MetadataValue) -> str | int | float | bool | list[str]:
    """The value as JSON holds it: datetimes become ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 6)
