"""CSV and TSV: a table to read, or rows that are records."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import TextIO

from docindex.errors import LoadError
from docindex.loaders.decoding import clean, open_text, reading
from docindex.loaders.records import RecordReader
from docindex.loaders.table_text import are_names, typed_table, unique_names
from docindex.schema import Document, LoadOptions, Source

ROWS_A_DOCUMENT = 50_000
"""A table with more rows becomes several documents, so that it is never held whole."""

_SAMPLE = 1 << 16
_LONGEST_CELL = 64 << 20
"""Characters. The parser's own limit of 131,072 would refuse files that hold a long text in a cell."""
_DELIMITERS = ",;\t|"
_NAMED_DELIMITER = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
"""The line by which spreadsheet programs tell each other the delimiter."""


@dataclass(frozen=True, slots=True)
class _Form:
    delimiter: str
    names: tuple[str, ...]
    first: int
    """The number of the first row that is data, from 0."""


class CsvLoader:
    """With field options a row is a document, as `RecordReader` says, and the file is read row by row.

    Without them the file is one document: a Markdown table, which is what a small table is best read as, and its typed
    rows, numbered by the file's lines. Of a table with more than 50,000 rows each 50,000 are a document, named
    `source#1` and so on, with types of their own.

    The delimiter is the one that gives the most rows of equal width. The first row is taken for names unless a cell
    of it is empty, a number or a date, or is there twice; without names the columns are "column 1" and so on.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The table, or the rows in order.

        Raises:
            LoadError: The file can't be read, rows of it can't, or a column that the options name is missing.
        """
        csv.field_size_limit(_LONGEST_CELL)
        with open_text(source) as file:
            form = _form(file, source)
            if any((source.options.id_field, source.options.title_field, source.options.text_field)):
                yield from _records(source, file, form)
            else:
                yield from _tables(source, file, form)


def _form(file: TextIO, source: Source) -> _Form:
    sample = file.read(_SAMPLE)
    named = _NAMED_DELIMITER.match(sample)
    if named:
        delimiter = named[1]
    else:
        delimiter = "\t" if source.media_type == "text/tab-separated-values" else _likely_delimiter(sample)
    rows = _sample_rows(sample, delimiter)[1 if named else 0 :]
    file.seek(0)
    skipped = 1 if named else 0
    if not rows:
        return _Form(delimiter, (), skipped)
    width = max(map(len, rows))
    numbered = [f"column {number}" for number in range(1, width + 1)]
    if not _are_names(rows[0], source.options):
        return _Form(delimiter, tuple(numbered), skipped)
    names = [name or numbered[column] for column, name in enumerate(rows[0])]
    if len(set(names)) < len(names):
        names = unique_names(names)
    return _Form(delimiter, (*names, *numbered[len(names) :]), skipped + 1)


def _likely_delimiter(sample: str) -> str:
    best, score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        rows = _sample_rows(sample, delimiter)
        for width, rows_so_wide in Counter(map(len, rows)).most_common(1):
            if width > 1 and (rows_so_wide / len(rows), width) > score:
                best, score = delimiter, (rows_so_wide / len(rows), width)
    return best


def _sample_rows(sample: str, delimiter: str) -> list[list[str]]:
    lines = sample.splitlines(keepends=True)
    if len(sample) == _SAMPLE and len(lines) > 1:
        lines.pop()  # it may be cut
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return []
    return [cells for cells in (_clean_row(row) for row in rows) if any(cells)]


def _are_names(row: Sequence[str], options: LoadOptions) -> bool:
    return bool({options.id_field, options.title_field, options.text_field} & set(row)) or are_names(row)


def _rows(source: Source, file: TextIO, form: _Form) -> Iterator[tuple[int, list[str]]]:
    """The data rows that hold anything, each with the number of its last line in the file."""
    reader = csv.reader(file, delimiter=form.delimiter)
    number = 0
    try:
        with reading(source):
            for row in reader:
                cells = _clean_row(row)
                if any(cells):
                    number += 1
                    if number > form.first:
                        yield reader.line_num, cells
    except csv.Error as error:
        raise LoadError(source.name, f"line {reader.line_num} is not CSV ({error})") from error


def _clean_row(row: Sequence[str]) -> list[str]:
    return [(cell if cell.isprintable() else clean(cell)).strip() for cell in row]


def _records(source: Source, file: TextIO, form: _Form) -> Iterator[Document]:
    reader = RecordReader(source, "row", untyped=True)
    for line, cells in _rows(source, file, form):
        names = [*form.names, *(f"column {number}" for number in range(len(form.names) + 1, len(cells) + 1))]
        padded = [*cells, *[""] * (len(names) - len(cells))]
        document = reader.document(dict(zip(names, padded, strict=True)), line)
        if document is not None:
            yield document
    reader.finish()


def _tables(source: Source, file: TextIO, form: _Form) -> Iterator[Document]:
    rows = _rows(source, file, form)
    part, number = list(islice(rows, ROWS_A_DOCUMENT)), 1
    while number == 1 or part:
        following = list(islice(rows, ROWS_A_DOCUMENT))
        yield _table(source, form, part, number if following or number > 1 else None)
        part, number = following, number + 1


def _table(source: Source, form: _Form, rows: Sequence[tuple[int, list[str]]], part: int | None) -> Document:
    """The rows as one document, `part` of several."""
    stem = PurePosixPath(source.name).stem
    draft = typed_table(stem, form.names, rows)
    return Document(
        doc_id=f"{source.name}#{part}" if part else source.name,
        source=source.name,
        text=draft.markdown,
        media_type=source.media_type,
        title=f"{stem}, lines {rows[0][0]} to {rows[-1][0]}" if part else stem,
        tables=(draft.placed(0),) if draft.lines else (),
    )
