"""What Word shows in its own ways: formulas, raised digits, joined paragraphs, imports, headings of tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from docindex.loaders.word import DocxLoader
from docindex.protocols import Loaded
from docindex.schema import Document, Source, Unread

NAMES = nsdecls("w", "m", "r")
IMPORTS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/aFChunk"
ENDS_DELETED = '<w:pPr>{}<w:rPr><w:del w:id="1" w:author="A"/></w:rPr></w:pPr>'


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., list[Loaded]]:
    def write_and_load(*blocks: str, part: Part | None = None) -> list[Loaded]:
        document = docx.Document()
        for block in blocks:
            document.element.body[-1].addprevious(parse_xml(block.replace(">", f" {NAMES}>", 1)))
        if part is not None:
            relation = document.part.relate_to(part, IMPORTS)
            chunk = f'<w:altChunk {NAMES} r:id="{relation}"/>'
            document.element.body[-1].addprevious(parse_xml(chunk))
        path = tmp_path / "a.docx"
        document.save(str(path))
        return list(DocxLoader().load(Source("a.docx", path, "application/x")))

    return write_and_load


@pytest.fixture
def read(load: Callable[..., list[Loaded]]) -> Callable[..., Document]:
    def one(*blocks: str) -> Document:
        (document,) = load(*blocks)
        assert isinstance(document, Document)
        return document

    return one


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def raised(text: str) -> str:
    return run(text, '<w:vertAlign w:val="superscript"/>')


def paragraph(content: str, properties: str = "") -> str:
    return f"<w:p>{properties}{content}</w:p>"


def math(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def part(name: str, content: str, properties: str = "") -> str:
    return f"<m:{name}>{properties}{content}</m:{name}>"


def power(base: str, exponent: str) -> str:
    return part("sSup", part("e", base) + part("sup", exponent))


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (power(math("10"), math("6")), "10^6"),
        (power(math("10"), math("-6")), "10^-6"),
        (power(math("x"), math("n+1")), "x^(n+1)"),
        (power(math("f"), math("′")), "f′"),
        (part("sSub", part("e", math("x")) + part("sub", math("12"))), "x_12"),
        (part("sSubSup", part("e", math("x")) + part("sub", math("i")) + part("sup", math("2"))), "x_i^2"),
        (part("f", part("num", math("1")) + part("den", math("2"))), "1/2"),
        (part("f", part("num", math("a+b")) + part("den", math("2c"))), "(a+b)/(2c)"),
        (
            part("f", part("num", math("n")) + part("den", math("k")), '<m:fPr><m:type m:val="noBar"/></m:fPr>'),
            "n¦k",
        ),
        (part("rad", part("deg", "") + part("e", math("2"))), "√(2)"),
        (part("rad", part("deg", math("3")) + part("e", math("x"))), "x^(1/3)"),
        (math("f") + part("d", part("e", math("x"))), "f(x)"),
        (part("d", part("e", math("0,1")), '<m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr>'), "[0,1]"),
        (power(part("d", part("e", math("a+b"))), math("2")), "(a+b)^2"),
        (
            part(
                "nary",
                part("sub", math("i=1")) + part("sup", math("n")) + part("e", math("i")),
                '<m:naryPr><m:chr m:val="∑"/></m:naryPr>',
            ),
            "∑_(i=1)^n i",
        ),
        (part("func", part("fName", math("sin")) + part("e", math("x"))), "sin x"),
        (
            part("m", "".join(part("mr", part("e", math(a)) + part("e", math(b))) for a, b in ("10", "01"))),
            "1, 0; 0, 1",
        ),
        (math("a=b"), "a=b"),
    ],
)
def test_formulas_stand_on_a_line(read, formula, text):
    content = f"{run('So ')}<m:oMath>{formula}</m:oMath>{run(' it is.')}"
    assert read(paragraph(content)).text == f"So {text} it is."


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (run("10") + raised("6") + run(" cells"), "10^6 cells"),
        (run("10") + raised("-") + raised("6"), "10^-6"),
        (run("2") + raised("1") + run("/2"), "2 1/2"),
        (run("m") + raised("2"), "m2"),
        (run("2") + raised("nd"), "2nd"),
        (run("of ") + raised("14") + run("C"), "of 14C"),
        (run("in 2020") + '<w:r><w:rPr/><w:footnoteReference w:id="7"/></w:r>', "in 2020[^1]"),
    ],
)
def test_raised_digits_do_not_melt_into_the_number_before(read, content, text):
    assert read(paragraph(content)).text == text


def test_paragraphs_whose_end_was_deleted_go_on_in_the_next(read):
    document = read(
        paragraph(run("one ")),
        paragraph(run("two "), ENDS_DELETED.format("")),
        paragraph("", ENDS_DELETED.format('<w:pStyle w:val="Heading1"/>')),
        paragraph(run("three")),
        paragraph(run("four"), ENDS_DELETED.format("")),
        "<w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>",
        paragraph(run("five"), ENDS_DELETED.format("")),
    )
    assert document.text == "one\n\ntwo three\n\nfour\n\nfive"
    assert not document.headings


def test_a_list_item_that_was_deleted_is_not_counted(read):
    item = '<w:pStyle w:val="ListNumber"/>'
    gone = '<w:del w:id="2" w:author="A"><w:r><w:delText>gone</w:delText></w:r></w:del>'
    document = read(
        paragraph(run("first"), f"<w:pPr>{item}</w:pPr>"),
        paragraph(gone, ENDS_DELETED.format(item)),
        paragraph(run("second"), f"<w:pPr>{item}</w:pPr>"),
    )
    assert document.text == "1. first\n2. second"
    assert document.hidden == len("gone")


def imported(name: str, media_type: str, data: bytes) -> Part:
    return Part(PackURI(f"/word/{name}"), media_type, data)


def test_imported_pages_and_texts_are_read_where_they_stand(load):
    page = b"<h2>Sizes</h2><p>Import\xe9</p><p hidden>secret</p><table><tr><th>a<th>b<tr><td>1<td>2</table>"
    (document,) = load(paragraph(run("before")), part=imported("c.html", "text/html", page))
    assert isinstance(document, Document)
    assert document.text == "before\n\nSizes\n\nImporté\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert [document.text[heading.start :][:5] for heading in document.headings] == ["Sizes"]
    assert [row.cells for row in document.tables[0].rows] == [(1, 2)]
    assert document.hidden == len("secret")
    (document,) = load(paragraph(run("before")), part=imported("c.txt", "text/plain", b"plain\ntext"))
    assert isinstance(document, Document)
    assert document.text == "before\n\nplain\ntext"


@pytest.mark.parametrize(
    ("name", "media_type", "data"),
    [("c.rtf", "application/rtf", rb"{\rtf1 x}"), ("c.txt", "text/plain", bytes(1000))],
)
def test_what_can_not_be_read_of_imports_is_told(load, name, media_type, data):
    document, unread = load(paragraph(run("before")), part=imported(name, media_type, data))
    assert isinstance(document, Document)
    assert document.text == "before"
    assert unread == Unread("a.docx", f"the text that it imports from word/{name} is not read")


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p>{run(text)}</w:p></w:tc>"


WIDE, TALL, BELOW = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
HEAD = "<w:trPr><w:tblHeader/></w:trPr>"


def row(*cells: str, properties: str = "") -> str:
    return f"<w:tr>{properties}{''.join(cells)}</w:tr>"


def test_several_rows_may_name_the_columns(read):
    rows = (
        row(cell("Region", TALL), cell("2024", WIDE), properties=HEAD),
        row(cell("", BELOW), cell("Q1"), cell("Q2"), properties=HEAD),
        row(cell("North"), cell("10"), cell("20")),
        row(cell("all", WIDE), cell("30")),
    )
    (table,) = read(f"<w:tbl>{''.join(rows)}</w:tbl>").tables
    assert [(column.name, column.type) for column in table.columns] == [
        ("Region", "text"),
        ("2024 Q1", "integer"),
        ("2024 Q2", "integer"),
    ]
    assert [(line.number, line.cells) for line in table.rows] == [(3, ("North", 10, 20)), (4, ("all", None, 30))]


def test_not_all_rows_name_the_columns(read):
    rows = (row(cell("part"), cell("mm"), properties=HEAD), row(cell("bolt"), cell("12"), properties=HEAD))
    (table,) = read(f"<w:tbl>{''.join(rows)}</w:tbl>").tables
    assert [column.name for column in table.columns] == ["part", "mm"]
    assert [line.cells for line in table.rows] == [("bolt", 12)]
