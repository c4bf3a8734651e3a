"""What is to be read, how, and at what cost."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path


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

    def __str__(self) -> str:
        """Those that are not the usual ones, as `pages=7 seconds=9`."""
        names = (each.name for each in fields(self) if getattr(self, each.name) != each.default)
        return " ".join(f"{name}={getattr(self, name)}" for name in names)


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
