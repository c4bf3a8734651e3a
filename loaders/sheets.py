"""Spreadsheets (.xlsx, .xlsm, .xlsb, .xls, .ods): a page a sheet, with typed tables."""

from __future__ import annotations

import contextlib
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path, PurePosixPath

from docx.opc.coreprops import CoreProperties
from docx.oxml.coreprops import CT_CoreProperties
from docx.oxml.parser import parse_xml
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetMetadata,
    SheetVisibleEnum,
)

from docindex.errors import LoadError
from docindex.loaders.cell_types import shown
from docindex.loaders.decoding import reading
from docindex.loaders.limits import check_file_size, cure, read_member
from docindex.loaders.office_opendocument import CONTENT, Properties, opendocument_properties, refuse_encrypted
from docindex.loaders.office_package import COMPOUND, ENCRYPTED, compound_streams, open_office_zip, parsing
from docindex.loaders.office_properties import chosen_title, core_metadata
from docindex.loaders.office_sheet_size import check_extents
from docindex.loaders.office_sheet_tables import Remark, SheetRow, sheet_parts
from docindex.loaders.writing import DocumentWriter
from docindex.schema import CellValue, Document, Source

_KIND = "a spreadsheet"
_CORE = "docProps/core.xml"
_DISGUISES = (
    ((b"<html", b"<!doctype html", b"<table", b"<head", b"<meta"), "is an HTML page: rename it to .html"),
    ((b"<?xml",), "is XML, such as Excel 2003 wrote: save it as .xlsx"),
    ((b"mime-version:",), "is a web archive: save it as .xlsx"),
)
"""What programs export under the suffix of a spreadsheet."""

_Cell = int | float | str | bool | time | date | datetime | timedelta


class SheetLoader:
    """One document a file: a page a sheet, labelled with its name and headed by it, with its tables.

    Cells have the values that were last computed; errors such as #N/A are empty. Hidden sheets are read, and labelled
    "Rates (hidden)"; sheets that only a program can show again are left out and counted. Sheets without any cell are
    pages without text. Of merged cells, a text that spans rows holds for each of them.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file is no spreadsheet, is damaged, encrypted, or exceeds a limit.
        """
        properties = _checked(source)
        with parsing(source, _KIND), source.path.open("rb") as file:
            try:
                workbook = CalamineWorkbook.from_filelike(file)
            except CalamineError:
                _refuse_encrypted(source)
                raise
            with contextlib.closing(workbook):
                yield _document(source, workbook, properties)


def _refuse_encrypted(source: Source) -> None:
    """Says that a workbook of the format before 2007 is encrypted: the library tells only of a file with its suffix."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "book.xls")
        link.symlink_to(source.path.resolve())
        with contextlib.suppress(CalamineError):
            try:
                CalamineWorkbook.from_path(link).close()
            except PasswordError as error:
                raise LoadError(source.name, ENCRYPTED) from error


def _checked(source: Source) -> Properties:
    """The document's properties, once what they lie in has been found sound."""
    check_file_size(source)
    with reading(source), source.path.open("rb") as file:
        start = file.read(512)
        file.seek(0)
        if start.startswith(COMPOUND):
            streams = compound_streams(file) or frozenset()
            if "EncryptedPackage" in streams:
                raise LoadError(source.name, ENCRYPTED)
            if "WordDocument" in streams or "PowerPoint Document" in streams:
                raise LoadError(source.name, f"is not {_KIND}")
            return Properties()
    for beginnings, reason in _DISGUISES:
        if start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(beginnings):
            raise LoadError(source.name, reason)
    with open_office_zip(source, _KIND) as archive:
        check_extents(source, archive)
        return _properties(source, archive)


def _properties(source: Source, archive: zipfile.ZipFile) -> Properties:
    names = archive.namelist()
    if CONTENT in names:
        refuse_encrypted(source, archive)
        return opendocument_properties(source, archive)
    if _CORE not in names:
        return Properties()
    with parsing(source, _KIND):
        root = parse_xml(read_member(source, archive, _CORE))
        if not isinstance(root, CT_CoreProperties):
            return Properties()
        core = CoreProperties(root)
        return Properties(chosen_title(core.title, ""), core_metadata(core))


def _document(source: Source, workbook: CalamineWorkbook, properties: Properties) -> Document:
    sheets = workbook.sheets_metadata
    limit = source.options.limits.pages
    if len(sheets) > limit:
        raise LoadError(source.name, f"has {len(sheets)} sheets, more than {limit}: {cure('pages')}")
    writer = DocumentWriter()
    page = 0
    for about in sheets:
        sheet = workbook.get_sheet_by_name(about.name)
        rows = list(_rows(sheet))
        if about.visible == SheetVisibleEnum.VeryHidden:
            writer.hidden(sum(len(shown(cell)) for _, cells in rows for cell in cells))
            continue
        page += 1
        writer.page(page, _label(about))
        if rows:
            _write(writer, about.name, rows)
    title = properties.title or PurePosixPath(source.name).stem
    return writer.document(source, title=title, metadata=properties.fields)


def _label(about: SheetMetadata) -> str:
    return f"{about.name} (hidden)" if about.visible == SheetVisibleEnum.Hidden else about.name


def _write(writer: DocumentWriter, name: str, rows: list[SheetRow]) -> None:
    writer.heading(1, name)
    parts = sheet_parts(rows)
    lone = sum(not isinstance(part, Remark) for part in parts) == 1
    caption = ""
    for part in parts:
        if isinstance(part, Remark):
            writer.paragraph("\n".join(part.lines))
            caption = part.lines[-1]
        else:
            writer.table(name if lone or not caption else caption, None, part.rows)
            caption = ""


def _rows(sheet: CalamineSheet) -> Iterator[SheetRow]:
    """The rows that hold anything."""
    if sheet.start is None:
        return
    tall = _tall_cells(sheet, sheet.start[1])
    texts: dict[int, tuple[int, CellValue]] = {}
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = [_value(cell) for cell in row]
        if all(cell is None for cell in cells):
            continue
        for column, (last, text) in texts.items():
            if number <= last and cells[column] is None:
                cells[column] = text
        for column, last in tall.get(number, ()):
            if isinstance(cells[column], str):
                texts[column] = (last, cells[column])
        yield number, cells


def _tall_cells(sheet: CalamineSheet, left: int) -> dict[int, list[tuple[int, int]]]:
    """The merged cells that span rows: by their first row, with the place in the row and the last row."""
    found: dict[int, list[tuple[int, int]]] = {}
    for (top, first), (bottom, _) in sheet.merged_cell_ranges or ():
        if bottom > top and 0 <= first - left < sheet.width:
            found.setdefault(top + 1, []).append((first - left, bottom + 1))
    return found


def _value(cell: _Cell) -> CellValue:
    match cell:
        case "":
            return None
        case float():
            return int(cell) if cell.is_integer() and abs(cell) < 2**53 else cell
        case datetime():
            return cell.replace(tzinfo=UTC)
        case date():
            return datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
        case time():
            return cell.isoformat()
        case timedelta():
            return _duration(cell)
        case _:
            return cell


def _duration(duration: timedelta) -> str:
    seconds = round(duration.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
