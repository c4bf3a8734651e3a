"""How files become documents, and documents passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from docindex.schema import Document, Problem, Unread

if TYPE_CHECKING:
    from docindex.schema import Node, Source

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
