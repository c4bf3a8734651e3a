"""Where people read: lines, tables and growing text, on a terminal with colours or as plain text in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Style = Literal["plain", "strong", "dim", "name", "good", "bad", "warn"]
Cell = str | int | datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line."""

    text: str
    style: Style = "plain"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    kind: Literal["text", "count", "bytes", "time"] = "text"
    on_terminal: bool = True
    """False for what would only make a terminal's table too wide; a pipe has every column, always in its place."""


class Screen(Protocol):
    """Shows things to people."""

    def line(self, *spans: Span | str, indent: int = 0) -> None:
        """Shows one line; a terminal wraps it with all of it indented."""
        ...

    def text(self, text: str) -> None:
        """Shows a document's text as it is."""
        ...

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """Shows a table; in a pipe, rows of tab-separated values, without a header."""
        ...

    def stream(self, pieces: Iterable[str]) -> None:
        """Shows text as it grows, and ends the line."""
        ...


class PlainScreen:
    """A pipe or a file: no colours, no wrapping, nothing that a program would have to undo."""

    def line(self, *spans: Span | str, indent: int = 0) -> None:
        """Writes one line."""
        text = "".join(span if isinstance(span, str) else span.text for span in spans)
        sys.stdout.write(f"{' ' * indent}{' '.join(text.splitlines())}\n")

    def text(self, text: str) -> None:
        """Writes the text, and a line's end where it has none."""
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """Writes tab-separated values: sizes in bytes, times in ISO 8601."""
        for row in rows:
            sys.stdout.write("\t".join(_value(cell) for cell, _ in zip(row, columns, strict=True)) + "\n")

    def stream(self, pieces: Iterable[str]) -> None:
        """Writes each piece at once."""
        for piece in pieces:
            sys.stdout.write(piece)
            sys.stdout.flush()
        sys.stdout.write("\n")


def _value(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat()
    return " ".join(str(cell).split()) if isinstance(cell, str) else str(cell)
