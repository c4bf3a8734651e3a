"""What an ingest did: its report and its progress."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


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
class Behind:
    """An index on top of the passages that could not follow, and why."""

    kind: str
    waiting: int
    """Documents that it lacks; 0 where a tree lacks only what stands above them."""
    reason: str


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
    behind: tuple[Behind, ...] = ()
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
