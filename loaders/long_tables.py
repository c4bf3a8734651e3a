"""A file that is one table: a document with typed rows, or several where it is too long to be held whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import TypeVar

from docindex.loaders.table_text import TableDraft
from docindex.schema import Document, Source

Row = TypeVar("Row")

ROWS_A_DOCUMENT = 50_000
"""A table with more rows becomes several documents, so that it is never held whole."""


def table_documents(
    source: Source,
    rows: Iterator[tuple[int, Row]],
    drafted: Callable[[str, Sequence[tuple[int, Row]]], TableDraft],
    place: str,
) -> Iterator[Document]:
    """The table of the rows; of one that is too long each part, named `source#1` and so on, with types of its own.

    Args:
        source: The file, which gives the table its name.
        rows: Each with its number in the file.
        drafted: Makes a table of a name and some rows.
        place: What the numbers count: "line".
    """
    part, number = list(islice(rows, ROWS_A_DOCUMENT)), 1
    while number == 1 or part:
        following = list(islice(rows, ROWS_A_DOCUMENT))
        yield _table(source, drafted, part, place, number if following or number > 1 else None)
        part, number = following, number + 1


def _table(
    source: Source,
    drafted: Callable[[str, Sequence[tuple[int, Row]]], TableDraft],
    rows: Sequence[tuple[int, Row]],
    place: str,
    part: int | None,
) -> Document:
    """The rows as one document, `part` of several."""
    stem = PurePosixPath(source.name).stem
    draft = drafted(stem, rows)
    return Document(
        doc_id=f"{source.name}#{part}" if part else source.name,
        source=source.name,
        text=draft.markdown,
        media_type=source.media_type,
        title=f"{stem}, {place}s {rows[0][0]} to {rows[-1][0]}" if part else stem,
        tables=(draft.placed(0),) if draft.lines else (),
    )
