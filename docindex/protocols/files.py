"""What the stores hold of the files that documents were read from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docindex.schema import Problem


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
    """Why no parser could read it, however often it was tried: left alone until its bytes or the limits change."""
    problems: tuple[Problem, ...] = ()
    """What of it could not be read, though it was read to its end: members of an archive, pages."""
    validator: str | None = None
    """What a web server calls this state of a page (its ETag or date), so that it need not be fetched again."""
    limits: str | None = None
    """The limits within which it was read, as far as they were not the usual ones."""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """That a file which looks like this has these bytes, so that it need not be read to be known."""

    location: str
    """Its SourceRecord's."""
    state: str
    """What the file system said of it, or the server of a web page: differs whenever that does."""
    bytes_hash: str
    """SHA-256 of its bytes, hexadecimal; of a database with logs beside it, a digest of all of them."""
    media_type: str
