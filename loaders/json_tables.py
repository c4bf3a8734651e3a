"""Objects that are the rows of a table: which are, and the table that they make."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from docindex.loaders.table_text import TableDraft, typed_table
from docindex.schema import CellValue

SAMPLE = 200
"""So many objects tell whether all of a file are rows."""
_LONGEST_CELL = 200
"""Characters; what holds longer texts is read record by record."""
_WORDY = 6
"""So many words are prose; with a full stop after them, half of them are."""
_PROSE_SHARE = 0.25
"""Of a column's texts: where so many are prose, the objects are texts with an id, say, and no rows."""


def are_rows(records: Sequence[object]) -> bool:
    """Whether these are flat objects with much the same fields, two or more, and short values in them, no prose."""
    objects = [record for record in records if isinstance(record, dict)]
    names = _names(objects)
    if len(objects) < max(2, len(records)) or len(names) < 2:
        return False
    if sum(map(len, objects)) * 2 < len(names) * len(objects):
        return False
    return all(_is_column([record.get(name) for record in objects]) for name in names)


def drafted(name: str, rows: Sequence[tuple[int, Mapping[str, object]]]) -> TableDraft:
    """The table of some objects; a column is a field that any of them has."""
    names = _names([record for _, record in rows])
    cells = [(number, [_cell(record.get(name)) for name in names]) for number, record in rows]
    return typed_table(name, names, cells)


def _names(records: Sequence[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def _is_column(values: Sequence[object]) -> bool:
    if any(isinstance(value, dict | list) for value in values):
        return False
    texts = [value for value in values if isinstance(value, str)]
    if any(len(text) > _LONGEST_CELL for text in texts):
        return False
    return not texts or sum(map(_is_prose, texts)) < _PROSE_SHARE * len(texts)


def _is_prose(text: str) -> bool:
    return len(text.split()) >= (_WORDY // 2 if text.rstrip().endswith((".", "!", "?")) else _WORDY)


def _cell(value: object) -> CellValue:
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, ensure_ascii=False)
