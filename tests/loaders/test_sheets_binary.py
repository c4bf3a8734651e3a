"""The binary forms of workbooks: the least of each that Excel's own specification asks for."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from docindex.errors import LoadError
from docindex.loaders.sheets import SheetLoader
from docindex.schema import Document, LoadOptions, Source
from docindex.testing.loader_contract import LoaderContract

XLS = "application/vnd.ms-excel"
XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def text_cell(row: int, column: int, text: str) -> bytes:
    return record(0x0204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + text.encode("utf-16-le"))


def number_cell(row: int, column: int, number: float) -> bytes:
    return record(0x0203, struct.pack("<HHHd", row, column, 0, number))


def xls(*, encrypted: bool = False) -> bytes:
    """A workbook with one sheet, "Prices", whose rows 3 to 5 are filled."""
    sheet = (
        record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
        + record(0x0200, struct.pack("<IIHHH", 2, 5, 0, 2, 0))
        + text_cell(2, 0, "pårt")
        + text_cell(2, 1, "qty")
        + text_cell(3, 0, "bolt")
        + number_cell(3, 1, 3.0)
        + text_cell(4, 0, "nut")
        + number_cell(4, 1, 2.5)
        + record(0x000A)
    )
    name = "Prices"
    globals_ = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    if encrypted:
        globals_ += record(0x002F, struct.pack("<HHH", 1, 1, 1) + bytes(48))
    globals_ += record(0x0042, struct.pack("<H", 1200))
    bound = struct.pack("<BBBB", 0, 0, len(name), 0) + name.encode("ascii")
    at = len(globals_) + 4 + 4 + len(bound) + 4
    globals_ += record(0x0085, struct.pack("<I", at) + bound) + record(0x000A)
    return compound("Workbook", globals_ + sheet)


def compound(name: str, stream: bytes) -> bytes:
    """The stream in the container of the formats before 2007."""
    stream = stream.ljust(4096, b"\0")
    sectors = -(-len(stream) // 512)
    free, end, fat_sector = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += (
        struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0)
        + struct.pack("<I", 0)
        + struct.pack("<I", free) * 108
    )
    chain = [fat_sector, end, *range(3, 2 + sectors), end]
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        encoded = title.encode("utf-16-le") + b"\0\0"
        links = struct.pack("<III", free, free, child)
        return (
            encoded.ljust(64, b"\0")
            + struct.pack("<HBB", len(encoded), kind, 1)
            + links
            + bytes(36)
            + struct.pack("<IQ", start, size)
        )

    directory = entry("Root Entry", 5, 1, end, 0) + entry(name, 2, free, 2, len(stream)) + bytes(256)
    return head + table + directory + stream.ljust(sectors * 512, b"\0")


def binary(kind: int, content: bytes = b"") -> bytes:
    """A record of the newer binary form: numbers in groups of seven bits."""

    def number(value: int) -> bytes:
        out = b""
        while value > 0x7F:
            out += bytes([value & 0x7F | 0x80])
            value >>= 7
        return out + bytes([value])

    return number(kind) + number(len(content)) + content


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb() -> bytes:
    def cell(column: int, content: bytes) -> bytes:
        return struct.pack("<II", column, 0) + content

    def row(number: int) -> bytes:
        return binary(0, struct.pack("<IIHBBBI", number, 0, 300, 0, 0, 0, 0))

    sheet = binary(0x81) + binary(0x94, struct.pack("<IIII", 2, 4, 0, 1)) + binary(0x91)
    for number, (text, value) in enumerate([("pårt", "qty"), ("bolt", 3.0), ("nut", 2.5)], 2):
        sheet += row(number) + binary(6, cell(0, wide(text)))
        sheet += (
            binary(6, cell(1, wide(value))) if isinstance(value, str) else binary(5, cell(1, struct.pack("<d", value)))
        )
    sheet += binary(0x92) + binary(0x82)
    book = (
        binary(0x83)
        + binary(0x8F)
        + binary(0x9C, struct.pack("<II", 0, 1) + wide("rId1") + wide("Prices"))
        + binary(0x90)
    )
    book += binary(0x84)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>',
        )
        for folder, kind, target in (
            ("", "officeDocument", "xl/workbook.bin"),
            ("xl/", "worksheet", "worksheets/sheet1.bin"),
        ):
            name = f"{folder}_rels/{'workbook.bin' if folder else ''}.rels"
            relation = f'<Relationship Id="rId1" Type="{OFFICE}/{kind}" Target="{target}"/>'
            writer.writestr(name, f'<Relationships xmlns="{RELATIONSHIPS}">{relation}</Relationships>')
        writer.writestr("xl/workbook.bin", book)
        writer.writestr("xl/worksheets/sheet1.bin", sheet)
    return out.getvalue()


class TestXls(LoaderContract):
    media_type = XLS
    suffix = ".xls"

    def loader(self) -> SheetLoader:
        return SheetLoader()

    def write(self, path: Path) -> None:
        path.write_bytes(xls())


class TestXlsb(TestXls):
    media_type = XLSB
    suffix = ".xlsb"

    def write(self, path: Path) -> None:
        path.write_bytes(xlsb())


def read(folder: Path, data: bytes) -> Document:
    path = folder / "book"
    path.write_bytes(data)
    (document,) = SheetLoader().load(Source("book.xls", path, XLS, LoadOptions()))
    return document


@pytest.mark.parametrize("data", [xls(), xlsb()], ids=["xls", "xlsb"])
def test_rows_and_values_are_as_in_the_newer_formats(tmp_path, data):
    document = read(tmp_path, data)
    assert document.text == "Prices\n\n| pårt | qty |\n| --- | --- |\n| bolt | 3 |\n| nut | 2.5 |"
    assert document.pages[0].label == "Prices"
    assert [(row.number, row.cells) for row in document.tables[0].rows] == [(4, ("bolt", 3.0)), (5, ("nut", 2.5))]


def test_encrypted_workbooks_say_so(tmp_path):
    for data in (xls(encrypted=True), compound("EncryptedPackage", b"")):
        with pytest.raises(LoadError, match="is encrypted: remove the password, or save it without one"):
            read(tmp_path, data)


def test_other_files_of_the_container_are_refused(tmp_path):
    with pytest.raises(LoadError, match="is not a spreadsheet"):
        read(tmp_path, compound("WordDocument", b""))
