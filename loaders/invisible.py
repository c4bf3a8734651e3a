"""Takes out what no reader sees: zero-width, bidirectional, tag and other control characters.

Such characters hide words from search, or carry text that only a machine reads. Those that a script
or an emoji needs to be drawn right stay: joiners between Arabic or Indic letters, variation selectors after what has
variants.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from docindex.loaders.table_text import unique_names
from docindex.schema import (
    CellValue,
    Column,
    Document,
    DocumentTable,
    Heading,
    MetadataValue,
    Page,
    TableRow,
)

Span = tuple[int, int]

_ASCII_CONTROLS = bytes({*range(32), 127} - set(b"\n\t"))
_RUN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad"
    "\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"  # fillers and the like
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f"  # zero width, bidirectional, invisible operators
    "\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff"  # not characters at all, or marks around annotations
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags, and more variation selectors
    "]+"
)
_JOINED_SCRIPTS = re.compile(
    "[\u0600-\u06ff\u0700-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1900-\u1aaf\u1b00-\u1c4f\ua840-\ua8ff"
    "\ua980-\uaaff\uabc0-\uabff\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefe\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
"""Letters that a joiner or non-joiner draws differently."""
_UNSPACED_SCRIPTS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1a20-\u1aaf]")
"""Scripts without spaces, where a zero-width space parts words."""
_PICTURES = re.compile("[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_MONGOLIAN = re.compile("[\u1800-\u18af]")
_JAMO = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")
_FLAG_OF_A_REGION = re.compile("\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067"
                               "|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f")  # fmt: skip
_BLACK_FLAG = "\U0001f3f4"
_KEYCAP = "\u20e3"
_VIRAMA = 9  # the combining class


def without_invisible(document: Document) -> Document:
    """The document without invisible characters in its text, title and metadata; `hidden` counts them.

    Pages, headings and tables stand where the text that they stand for is then. A document that has none is returned
    as it is.
    """
    spans = invisible_spans(document.text)
    title = visible(document.title)
    metadata = _visible_metadata(document.metadata)
    if not spans and title == document.title and metadata == document.metadata:
        return document
    document = replace(
        document,
        title=" ".join(title.split()),
        metadata=metadata,
        hidden=document.hidden
        + len(document.title)
        - len(title)
        + _characters(document.metadata)
        - _characters(metadata)
        + sum(end - start for start, end in spans),
    )
    return _cut(document, spans) if spans else document


def visible(text: str) -> str:
    """The text without what no reader sees."""
    return _without(text, invisible_spans(text))


def invisible_spans(text: str) -> list[Span]:
    """Where the text has characters that no reader sees, in order."""
    if text.isascii():
        data = text.encode()
        if len(data.translate(None, _ASCII_CONTROLS)) == len(data):
            return []
    spans: list[Span] = []
    for run in _RUN.finditer(text):
        before = text[run.start() - 1] if run.start() else ""
        kept = _needed(before, run[0], text[run.end() : run.end() + 1])
        spans += _rest(run[0], kept, run.start())
    return spans


def _needed(before: str, run: str, after: str) -> str:
    """What of a run of invisible characters its neighbours need."""
    if not before:
        return ""
    selector = _selector(before, run[0], run[1:2] or after)
    if _PICTURES.match(before):
        if before == _BLACK_FLAG and (flag := _FLAG_OF_A_REGION.match(run)):
            return flag[0]
        joiner = "\u200d" if "\u200d" in run and _PICTURES.match(after) else ""
        return selector + joiner
    if selector:
        return selector
    if _JOINED_SCRIPTS.match(before) and (_JOINED_SCRIPTS.match(after) or unicodedata.combining(before) == _VIRAMA):
        wanted = "\u200c\u200d\u180e" if _MONGOLIAN.match(before) else "\u200c\u200d"
        joiner = next((character for character in run if character in wanted), "")
        if joiner:
            return joiner
    if _UNSPACED_SCRIPTS.match(before) and _UNSPACED_SCRIPTS.match(after) and "\u200b" in run:
        return "\u200b"
    if _JAMO.match(before) or _JAMO.match(after):
        return "".join(character for character in run if character in "\u115f\u1160")[:1]
    return ""


def _selector(before: str, selector: str, after: str) -> str:
    """The variation selector, if what stands before it has variants."""
    if "\ufe0e" <= selector <= "\ufe0f":
        keycap = before in "0123456789#*" and after == _KEYCAP
        return selector if keycap or _PICTURES.match(before) else ""
    if "\ufe00" <= selector <= "\ufe0d":
        return selector if before > "\xff" and unicodedata.category(before) in ("Lo", "Sm", "So") else ""
    if "\U000e0100" <= selector <= "\U000e01ef":
        return selector if before >= "\u3400" and unicodedata.category(before) == "Lo" else ""
    return ""


def _rest(run: str, kept: str, offset: int) -> list[Span]:
    """The spans of a run at the offset that are not among the kept characters, which stand in it in their order."""
    spans: list[Span] = []
    start = 0
    for character in kept:
        at = run.index(character, start)
        if at > start:
            spans.append((offset + start, offset + at))
        start = at + 1
    if start < len(run):
        spans.append((offset + start, offset + len(run)))
    return spans


def _without(text: str, spans: Sequence[Span]) -> str:
    if not spans:
        return text
    starts = [0, *(end for _, end in spans)]
    ends = [*(start for start, _ in spans), len(text)]
    return "".join(text[start:end] for start, end in zip(starts, ends, strict=True))


def _cut(document: Document, spans: Sequence[Span]) -> Document:
    """The document without these spans of its text."""
    starts = [start for start, _ in spans]
    gone = list(accumulate((end - start for start, end in spans), initial=0))

    def moved(offset: int) -> int:
        before = bisect_left(starts, offset)
        overlap = max(0, spans[before - 1][1] - offset) if before else 0
        return offset - gone[before] + overlap

    text = _without(document.text, spans)
    headings = (
        Heading(heading.level, moved(heading.start), " ".join(visible(heading.text).split()))
        for heading in document.headings
    )
    return replace(
        document,
        text=text,
        pages=tuple(Page(page.number, moved(page.start), moved(page.end), page.label) for page in document.pages),
        headings=tuple(heading for heading in headings if heading.text),
        tables=tuple(
            DocumentTable(
                visible(table.name),
                _visible_columns(table.columns),
                tuple(
                    TableRow(row.number, moved(row.start), moved(row.end), tuple(map(_visible_cell, row.cells)))
                    for row in table.rows
                ),
                moved(table.start),
                moved(table.end),
            )
            for table in document.tables
        ),
    )


def _visible_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    names = unique_names([visible(column.name) for column in columns])
    return tuple(Column(name, column.type) for name, column in zip(names, columns, strict=True))


def _visible_cell(cell: CellValue) -> CellValue:
    return (visible(cell).strip() or None) if isinstance(cell, str) else cell


def _visible_metadata(metadata: Mapping[str, MetadataValue]) -> Mapping[str, MetadataValue]:
    """The fields, without those of which nothing is left."""
    found: dict[str, MetadataValue] = {}
    for name, value in metadata.items():
        seen: MetadataValue = value
        if isinstance(value, str):
            seen = visible(value)
        elif isinstance(value, tuple):
            seen = tuple(item for item in map(visible, value) if item)
        key = visible(name)
        if key and (seen == value or seen not in ("", ())):
            found[key] = seen
    return found


def _characters(metadata: Mapping[str, MetadataValue]) -> int:
    return sum(
        len(value) if isinstance(value, str) else sum(map(len, value))
        for value in metadata.values()
        if isinstance(value, str | tuple)
    )
