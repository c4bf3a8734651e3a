from __future__ import annotations

from pathlib import Path

import pytest
from fpdf import FPDF
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from docindex.loaders.pdf import PdfLoader
from docindex.schema import Document, Source

PRINTED, HIDDEN, NOT_SHOWN = 4, 2, 32


def drawing(writer: PdfWriter, text: str, width: float, height: float) -> object:
    """A frame with the text in it."""
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    fonts = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F"): font})})
    stream = DecodedStreamObject()
    stream.set_data(f"q 0 0 {width} {height} re S BT /F 10 Tf 2 4 Td ({text}) Tj ET Q".encode())
    stream[NameObject("/Type")], stream[NameObject("/Subtype")] = NameObject("/XObject"), NameObject("/Form")
    stream[NameObject("/BBox")] = ArrayObject([FloatObject(side) for side in (0, 0, width, height)])
    stream[NameObject("/Resources")] = fonts
    return writer._add_object(stream)


def annotate(page: FPDF, path: Path, *annotations: dict[str, object]) -> Document:
    """The page with the annotations: `kind`, `at` (left, bottom, right, top), `drawn`, and entries."""
    page.output(str(path))
    writer = PdfWriter(clone_from=path)
    entries = ArrayObject()
    for each in annotations:
        left, bottom, right, top = each["at"]
        entry = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Annot"),
                NameObject("/Subtype"): NameObject(f"/{each['kind']}"),
                NameObject("/Rect"): ArrayObject(map(FloatObject, (left, bottom, right, top))),
                NameObject("/F"): NumberObject(each.get("flags", PRINTED)),
                NameObject("/FT"): NameObject("/Tx"),
            }
        )
        if "drawn" in each:
            form = drawing(writer, each["drawn"], right - left, top - bottom)
            entry[NameObject("/AP")] = DictionaryObject({NameObject("/N"): form})
        for key in ("V", "Contents"):
            if key in each:
                entry[NameObject(f"/{key}")] = TextStringObject(each[key])
        entries.append(writer._add_object(entry))
    writer.pages[0][NameObject("/Annots")] = entries
    writer.write(path)
    (document,) = PdfLoader().load(Source("a.pdf", path, "application/pdf"))
    assert isinstance(document, Document)
    return document


@pytest.fixture
def page() -> FPDF:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=12)
    pdf.cell(text="Name of applicant:")
    return pdf


@pytest.mark.parametrize(
    ("annotation", "seen"),
    [
        ({"kind": "Widget", "drawn": "Ann", "V": "Ann"}, "\nAnn"),
        ({"kind": "FreeText", "drawn": "a remark"}, "\na remark"),
        ({"kind": "Stamp", "drawn": "APPROVED"}, "\nAPPROVED"),
        ({"kind": "Widget", "V": "Änne"}, "\nÄnne"),
        ({"kind": "FreeText", "Contents": "as some programs write"}, "\nas some programs write"),
        ({"kind": "Widget"}, ""),
        ({"kind": "Widget", "drawn": "Ann", "flags": HIDDEN}, ""),
        ({"kind": "FreeText", "drawn": "a remark", "flags": NOT_SHOWN}, ""),
        ({"kind": "FreeText", "Contents": "a remark", "flags": HIDDEN}, ""),
        ({"kind": "Text", "Contents": "a note behind a sign"}, ""),
    ],
)
def test_what_is_laid_over_a_page_is_read_where_it_is_seen(page, tmp_path, annotation, seen):
    document = annotate(page, tmp_path / "a.pdf", {"at": (100, 700, 300, 720)} | annotation)
    assert document.text == f"Name of applicant:{seen}"


def test_what_is_not_to_be_seen_stays_so_beside_what_is(page, tmp_path):
    document = annotate(
        page,
        tmp_path / "a.pdf",
        {"kind": "FreeText", "at": (100, 700, 300, 720), "drawn": "secret", "flags": NOT_SHOWN},
        {"kind": "Widget", "at": (100, 600, 300, 620), "drawn": "Ann"},
        {"kind": "FreeText", "at": (100, 500, 300, 520), "drawn": "secret", "flags": HIDDEN},
    )
    assert document.text == "Name of applicant:\nAnn"


def test_a_scan_with_a_stamp_on_it_is_still_a_page_without_text(tmp_path):
    pdf = FPDF()
    pdf.add_page()
    pdf.image(Image.new("L", (40, 40), 128), x=10, y=10, w=100)
    document = annotate(pdf, tmp_path / "a.pdf", {"kind": "Stamp", "at": (100, 700, 300, 720), "drawn": "APPROVED"})
    assert document.pages_without_text == (1,)
    empty = FPDF()
    empty.add_page()
    document = annotate(empty, tmp_path / "b.pdf", {"kind": "FreeText", "at": (100, 700, 300, 720), "drawn": "alone"})
    assert document.text == "alone"


def test_links_change_nothing(page, tmp_path):
    for number in range(50):
        page.link(10, 10 + number, 50, 1, f"https://example.org/{number}")
    page.output(str(tmp_path / "a.pdf"))
    (document,) = PdfLoader().load(Source("a.pdf", tmp_path / "a.pdf", "application/pdf"))
    assert isinstance(document, Document)
    assert document.text == "Name of applicant:"


def test_frames_of_fields_are_no_tables(page, tmp_path):
    fields = [
        {"kind": "Widget", "at": (100 + 80 * column, 600 + 20 * row, 180 + 80 * column, 620 + 20 * row), "drawn": "x1"}
        for row in range(3)
        for column in range(3)
    ]
    document = annotate(page, tmp_path / "a.pdf", *fields)
    assert not document.tables
    assert document.text.count("x1") == 9


def test_fields_in_a_table_are_in_its_cells(tmp_path):
    pdf = FPDF(unit="pt", format=(400, 400))
    pdf.add_page()
    pdf.set_font("Helvetica", size=10)
    for row, line in enumerate((("part", "mm"), ("bolt", ""), ("nut", "8"))):
        for column, text in enumerate(line):
            pdf.set_xy(50 + 100 * column, 50 + 20 * row)
            pdf.cell(100, 20, text, border=1)
    document = annotate(pdf, tmp_path / "a.pdf", {"kind": "Widget", "at": (152, 312, 248, 328), "drawn": "12"})
    (table,) = document.tables
    assert [row.cells for row in table.rows] == [("bolt", 12), ("nut", 8)]
