"""The terminal, by Rich. Imported only where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from docindex.cli.output import harmless, one_line, readable_bytes
from docindex.cli.screen import Cell, Column, Span, Style

STYLES: dict[Style, str] = {
    "plain": "",
    "strong": "bold",
    "dim": "dim",
    "name": "cyan",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
}
LONGEST_WORD = 40
"""Cells after which a run of text without blanks is shown without waiting for its end."""


def wrapped(pieces: Iterable[str], width: int) -> Iterator[str]:
    """The pieces again, broken between words where a line would become longer than `width` cells."""
    column, gap, word = 0, "", ""

    def finished() -> str:
        nonlocal column, gap, word
        length = cell_len(word)
        if column and column + len(gap) + length > width:
            column, lead = 0, "\n"
        else:
            lead = gap
        column += (0 if lead == "\n" else len(lead)) + length
        done, gap, word = lead + word, "", ""
        return done

    for character in chain.from_iterable(pieces):
        if character == "\n":
            yield (finished() if word else "") + "\n"
            column, gap = 0, ""
        elif character.isspace():
            if word:
                yield finished()
            gap += " "
        else:
            word += character
            if cell_len(word) > LONGEST_WORD:
                yield finished()
    if word:
        yield finished()


class RichScreen:
    """A terminal with colours, unless NO_COLOR is set."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, emoji=False, markup=False)

    def line(self, *spans: Span | str, indent: int = 0) -> None:
        """Shows one line, wrapped between words."""
        text = Text()
        for span in spans:
            if isinstance(span, str):
                text.append(one_line(span))
            else:
                text.append(one_line(span.text), STYLES[span.style])
        for part in text.wrap(self._console, max(self._console.width - indent, 20)):
            part.rstrip()
            self._console.print(Text(" " * indent) + part, soft_wrap=True)

    def text(self, text: str) -> None:
        """Shows the text; the terminal wraps it."""
        self._console.print(Text(harmless(text).rstrip("\n")), soft_wrap=True)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """Shows a table with a header."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for column in columns:
            if column.on_terminal:
                justify: Literal["left", "right"] = "right" if column.kind in ("count", "bytes") else "left"
                table.add_column(column.title, justify=justify, overflow="fold", no_wrap=column.kind != "text")
        for row in rows:
            cells = zip(row, columns, strict=True)
            table.add_row(*(Text(_cell(cell, column)) for cell, column in cells if column.on_terminal))
        self._console.print(table)

    def stream(self, pieces: Iterable[str]) -> None:
        """Shows words as they are completed, the markers of citations in colour."""
        for words in wrapped((harmless(piece) for piece in pieces), self._console.width):
            text = Text(words)
            text.highlight_regex(r"\[\d+\]", "cyan")
            self._console.print(text, end="", soft_wrap=True)
        self._console.print()


def _cell(cell: Cell, column: Column) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone().strftime("%Y-%m-%d")
    if isinstance(cell, int):
        return readable_bytes(cell) if column.kind == "bytes" else f"{cell:,}"
    return one_line(cell)
