"""How far the sheets of a workbook reach, told before a parser takes memory for the whole rectangle."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import IO

from lxml import etree

from docindex.errors import LoadError
from docindex.loaders.office_opendocument import CONTENT, q
from docindex.loaders.office_package import parsing
from docindex.schema import Source

_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_FAR = re.compile(rb"""\br\s*=\s*["'](?:[A-Za-z]{3}\d|[A-Za-z]{1,2}\d{6})""")
"""A cell beyond column ZZ or row 99,999. Without one, the rectangle has at most so many cells:"""
_NEAR_CELLS = 702 * 99_999
_BLOCK = 1 << 20
_OVERLAP = 64
"""Bytes; more than a cell's reference has."""
_CELL_BYTES = 48
"""What a cell of the rectangle costs while a sheet is read, about."""


def check_extents(source: Source, archive: zipfile.ZipFile) -> None:
    """Checks that each sheet fits the memory limit, from its first cell to its last.

    Raises:
        LoadError: One does not.
    """
    most = source.options.limits.memory_bytes // _CELL_BYTES
    for name in archive.namelist():
        with parsing(source, "a spreadsheet"):
            if _SHEET.fullmatch(name):
                cells = _open_xml_cells(archive, name, most)
            elif name == CONTENT:
                cells = _opendocument_cells(archive)
            else:
                continue
        if cells > most:
            reason = (
                f"a sheet of it spans {cells} cells, more than memory holds: delete stray cells far from the others"
            )
            raise LoadError(source.name, reason)


def _open_xml_cells(archive: zipfile.ZipFile, name: str, most: int) -> int:
    """The rectangle of a sheet; 0 where a quick look tells that it is not larger than `most`."""
    if most >= _NEAR_CELLS and not any(_FAR.search(window) for window in _windows(archive, name)):
        return 0
    columns: set[bytes] = set()
    rows = 0
    for window in _windows(archive, name):
        for column, row in _PLACE.findall(window):
            columns.add(column)
            rows = max(rows, int(row))
    return rows * max(map(_column_number, columns), default=0)


def _windows(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The part's bytes in blocks that overlap."""
    with archive.open(name) as file:
        rest = b""
        while block := file.read(_BLOCK):
            yield rest + block
            rest = block[-_OVERLAP:]


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _opendocument_cells(archive: zipfile.ZipFile) -> int:
    """The rectangle of the largest sheet; repeated cells count, unless they are empty."""
    most = rows = empty = width = 0
    with archive.open(CONTENT) as file:
        for element in _ended(file, q("table:table-row"), q("table:table")):
            if element.tag == q("table:table"):
                most = max(most, rows * width)
                rows = empty = width = 0
            else:
                filled = _filled_columns(element)
                repeated = _count(element.get(q("table:number-rows-repeated")))
                empty += repeated
                if filled:
                    rows, empty = rows + empty, 0
                    width = max(width, filled)
                element.clear()
    return most


def _ended(file: IO[bytes], *tags: str) -> Iterator[etree._Element]:
    for _, element in etree.iterparse(file, events=("end",), tag=tags, resolve_entities=False, no_network=True):
        yield element


def _filled_columns(row: etree._Element) -> int:
    """The number of the last filled cell."""
    column = last = 0
    for cell in row:
        column += _count(cell.get(q("table:number-columns-repeated")))
        if cell.get(q("office:value-type")) is not None or len(cell):
            last = column
    return last


def _count(value: str | None) -> int:
    return int(value) if value is not None and value.isascii() and value.isdigit() else 1
