from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pptx
import pytest
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.presentation import Presentation
from pptx.util import Inches

from docindex.errors import LoadError
from docindex.loaders.slides import PptxLoader
from docindex.schema import Document, Limits, LoadOptions, Source
from docindex.testing.loader_contract import LoaderContract

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
NO_OPTIONS = LoadOptions()
BOX = (Inches(1), Inches(1), Inches(5), Inches(2))
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0f01f00050001ff56c72f0d0000000049454e44ae426082"
)


def sample() -> Presentation:
    deck = pptx.Presentation()
    properties = deck.core_properties
    properties.title, properties.author, properties.keywords = "Pumps", "Ann", "pump, valve"
    properties.created, properties.modified = datetime(2024, 5, 1), datetime(2024, 5, 2, 10, 30)
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = "All about pumps"
    first.placeholders[1].text = "A talk"
    second = deck.slides.add_slide(deck.slide_layouts[1])
    second.shapes.title.text = "Setting\vup"
    frame = second.placeholders[1].text_frame
    frame.text = "Press the button"
    deeper = frame.add_paragraph()
    deeper.text, deeper.level = "the red one", 1
    second.notes_slide.notes_text_frame.text = "Say it slowly.\nPause."
    third = deck.slides.add_slide(deck.slide_layouts[6])
    table = third.shapes.add_table(3, 2, *BOX).table
    for row, cells in enumerate([["part", "mm"], ["bolt", "12"], ["nut", "8"]]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    return deck


def saved(deck: Presentation) -> bytes:
    file = io.BytesIO()
    deck.save(file)
    return file.getvalue()


class TestPptxLoader(LoaderContract):
    media_type = MEDIA_TYPE
    suffix = ".pptx"

    def loader(self) -> PptxLoader:
        return PptxLoader()

    def write(self, path: Path) -> None:
        path.write_bytes(saved(sample()))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Document]:
    def write_and_read(deck: Presentation | bytes, options: LoadOptions = NO_OPTIONS) -> Document:
        path = tmp_path / "a.pptx"
        path.write_bytes(deck if isinstance(deck, bytes) else saved(deck))
        (loaded,) = PptxLoader().load(Source("a.pptx", path, MEDIA_TYPE, options))
        return loaded

    return write_and_read


def blank(deck: Presentation | None = None):
    deck = deck or pptx.Presentation()
    return deck, deck.slides.add_slide(deck.slide_layouts[6])


def test_slides_are_pages(read):
    document = read(sample())
    texts = [document.text[page.start : page.end].strip() for page in document.pages]
    assert texts == [
        "All about pumps\n\nA talk",
        "Setting up\n\n- Press the button\n  - the red one\n\nNotes:\n\nSay it slowly.\n\nPause.",
        "| part | mm |\n| --- | --- |\n| bolt | 12 |\n| nut | 8 |",
    ]
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert [(heading.level, heading.text) for heading in document.headings] == [
        (1, "All about pumps"),
        (2, "Setting up"),
    ]
    assert [[row.cells for row in table.rows] for table in document.tables] == [[("bolt", 12), ("nut", 8)]]
    assert [row.number for row in document.tables[0].rows] == [2, 3]


def test_properties_are_metadata(read):
    document = read(sample())
    assert document.title == "Pumps"
    assert document.metadata == {
        "author": "Ann",
        "keywords": ("pump", "valve"),
        "date": datetime(2024, 5, 1, tzinfo=UTC),
        "modified": datetime(2024, 5, 2, 10, 30, tzinfo=UTC),
    }


def test_a_title_that_the_program_made_up_is_not_believed(read):
    deck = sample()
    deck.core_properties.title = "PowerPoint Presentation"
    assert read(deck).title == "All about pumps"


def test_groups_are_read_where_they_stand(read):
    deck, slide = blank()
    slide.shapes.add_textbox(*BOX).text_frame.text = "one"
    group = slide.shapes.add_group_shape()
    inner = group.shapes.add_group_shape()
    inner.shapes.add_textbox(*BOX).text_frame.text = "two"
    group.shapes.add_textbox(*BOX).text_frame.text = "three"
    slide.shapes.add_textbox(*BOX).text_frame.text = "four"
    assert read(deck).text == "one\n\ntwo\n\nthree\n\nfour"


def test_hidden_slides_are_labelled_and_hidden_shapes_counted(read):
    deck, slide = blank()
    slide.shapes.add_textbox(*BOX).text_frame.text = "shown"
    for shapes in (slide.shapes, slide.shapes.add_group_shape().shapes):
        shapes.add_textbox(*BOX).text_frame.text = "secret"
    slide.shapes[1]._element.nvGrpSpPr.cNvPr.set("hidden", "1")
    slide.shapes[2]._element.nvSpPr.cNvPr.set("hidden", "1")
    _, second = blank(deck)
    second.shapes.add_textbox(*BOX).text_frame.text = "spare"
    second.element.set("show", "0")
    document = read(deck)
    assert document.text == "shown\n\nspare"
    assert document.hidden == 2 * len("secret")
    assert [page.label for page in document.pages] == [None, "2 (hidden)"]


def test_charts_are_tables(read):
    deck, slide = blank()
    data = CategoryChartData()
    data.categories = ["North", "South"]
    data.add_series("2023", (4.5, 100))
    data.add_series("2024", (None, 7))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *BOX, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Output"
    points = XyChartData()
    points.add_series("load").add_data_point(1.5, 2.5)
    slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *BOX, points)
    document = read(deck)
    bars, dots = document.tables
    assert document.text.startswith("Output\n\n|")
    assert bars.name == "Output"
    assert [column.name for column in bars.columns][1:] == ["2023", "2024"]
    assert [row.cells for row in bars.rows] == [("North", 4.5, None), ("South", 100.0, 7)]
    assert [row.cells for row in dots.rows] == [(1.5, 2.5)]


def test_pictures_are_told_by_their_description(read):
    deck, slide = blank()
    picture = slide.shapes.add_picture(io.BytesIO(PIXEL), *BOX)
    picture._element.nvPicPr.cNvPr.set("descr", "a valve")
    assert read(deck).text == "a valve"


def test_a_slide_of_pictures_only_is_a_page_without_text(read):
    deck, slide = blank()
    slide.shapes.add_picture(io.BytesIO(PIXEL), *BOX)
    _, second = blank(deck)
    second.shapes.add_textbox(*BOX).text_frame.text = "text"
    assert read(deck).pages_without_text == (1,)


def test_numbers_and_bullets_of_paragraphs(read):
    deck, slide = blank()
    frame = slide.shapes.add_textbox(*BOX).text_frame
    frame.text = "plain"
    for text, level, bullet in [
        ("first", 0, '<a:buAutoNum {} type="arabicPeriod" startAt="3"/>'),
        ("in", 1, '<a:buAutoNum {} type="alphaLcParenR"/>'),
        ("second", 0, '<a:buAutoNum {} type="arabicPeriod"/>'),
        ("bullet", 0, '<a:buChar {} char="•"/>'),
        ("end", 0, "<a:buNone {}/>"),
    ]:
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = text, level
        paragraph._p.get_or_add_pPr().append(parse_xml(bullet.format(nsdecls("a"))))
    assert read(deck).text == "plain\n\n3. first\n  a) in\n4. second\n- bullet\n\nend"


def test_placeholders_have_the_bullets_of_their_layout(read):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[2])  # a section: its body has no bullets
    slide.shapes.title.text = "Part two"
    slide.placeholders[1].text = "About it"
    document = read(deck)
    assert document.text == "Part two\n\nAbout it"
    assert document.headings[0].level == 1


def test_footers_come_once_and_dates_and_numbers_not_at_all(read):
    deck = pptx.Presentation()
    for number in (1, 2):
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        for kind, text in (("ftr", "ACME"), ("sldNum", str(number)), ("dt", "today")):
            box = slide.shapes.add_textbox(*BOX)
            box.text_frame.text = text
            box._element.nvSpPr.nvPr.append(parse_xml(f'<p:ph {nsdecls("p")} type="{kind}"/>'))
    assert read(deck).text == "ACME"


def relate(slide, kind: str, name: str, xml: str) -> str:
    part = Part(PackURI(name), "application/vnd.test+xml", slide.part.package, xml.encode())
    return slide.part.relate_to(part, kind)


def test_smart_art_and_comments_are_read(read):
    deck, slide = blank()
    texts = "".join(
        f"<dgm:pt><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>" for text in ("Plan", "Do")
    )
    namespaces = f'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" {nsdecls("a", "p", "r")}'
    data = relate(
        slide, "http://x/diagramData", "/ppt/diagrams/data1.xml", f"<dgm:dataModel {namespaces}>{texts}</dgm:dataModel>"
    )
    slide.shapes._spTree.append(
        parse_xml(
            f"<p:graphicFrame {namespaces}><p:nvGraphicFramePr><p:cNvPr id='9' name='x'/><p:cNvGraphicFramePr/>"
            "<p:nvPr/>"
            "</p:nvGraphicFramePr><a:graphic><a:graphicData uri='u'>"
            f"<dgm:relIds r:dm='{data}'/></a:graphicData></a:graphic></p:graphicFrame>"
        )
    )
    relate(
        slide,
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/comments",
        "/ppt/comments/comment1.xml",
        f"<p:cmLst {nsdecls('p')}><p:cm><p:text>Why?</p:text></p:cm></p:cmLst>",
    )
    relate(
        slide,
        "http://schemas.microsoft.com/office/2018/10/relationships/comments",
        "/ppt/comments/modern1.xml",
        f"<q:cmLst xmlns:q='http://x' {nsdecls('a')}><q:cm><q:txBody><a:p><a:r><a:t>Because</a:t></a:r></a:p>"
        "</q:txBody></q:cm></q:cmLst>",
    )
    assert read(deck).text == "- Plan\n- Do\n\nComments:\n\n- Why?\n- Because"


def test_merged_cells_hold_for_each_row_that_they_span(read):
    deck, slide = blank()
    table = slide.shapes.add_table(3, 2, *BOX).table
    for row, cells in enumerate([["kind", "qty"], ["metal", "1"], ["", "2"]]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    assert [row.cells for row in read(deck).tables[0].rows] == [("metal", 1), ("metal", 2)]


def test_several_rows_may_name_the_columns(read):
    deck, slide = blank()
    table = slide.shapes.add_table(4, 3, *BOX).table
    rows = [["Region", "Sales", ""], ["", "Q1", "Q2"], ["North", "10", "20"], ["South", "30", "40"]]
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(0, 1).merge(table.cell(0, 2))
    (read_table,) = read(deck).tables
    assert [(column.name, column.type) for column in read_table.columns] == [
        ("Region", "text"),
        ("Sales Q1", "integer"),
        ("Sales Q2", "integer"),
    ]
    assert [(row.number, row.cells) for row in read_table.rows] == [(3, ("North", 10, 20)), (4, ("South", 30, 40))]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('<a:r><a:t>10</a:t></a:r><a:r><a:rPr baseline="30000"/><a:t>6</a:t></a:r>', "10^6"),
        ('<a:r><a:t>10</a:t></a:r><a:r><a:rPr baseline="-25000"/><a:t>6</a:t></a:r>', "106"),
        ('<a:r><a:t>x</a:t></a:r><a:r><a:rPr baseline="30000"/><a:t>2</a:t></a:r>', "x2"),
        ('<a:r><a:rPr><a:sym typeface="Symbol"/></a:rPr><a:t>5 \uf06d</a:t></a:r><a:r><a:t>g</a:t></a:r>', "5 μg"),
        (
            '<a14:m xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"><m:oMath '
            'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:sSup><m:e><m:r><m:t>10</m:t></m:r>'
            "</m:e><m:sup><m:r><m:t>6</m:t></m:r></m:sup></m:sSup></m:oMath></a14:m>",
            "10^6",
        ),
    ],
)
def test_symbols_and_exponents_are_read_as_they_are_shown(read, content, text):
    deck, slide = blank()
    frame = slide.shapes.add_textbox(*BOX).text_frame
    frame._txBody.append(parse_xml(f"<a:p {nsdecls('a')}>{content}</a:p>"))
    assert read(deck).text == text


def test_shows_are_read(read):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(sample()))) as reader, zipfile.ZipFile(out, "w") as writer:
        for name in reader.namelist():
            content = reader.read(name).replace(b"presentation.main+xml", b"slideshow.main+xml")
            if not name.startswith("docProps"):
                writer.writestr(name, content)
    document = read(out.getvalue())
    assert len(document.pages) == 3
    assert document.metadata == {}


def test_more_slides_than_the_limit_are_refused(read):
    with pytest.raises(LoadError, match="has 3 slides, more than 2: raise the limit pages"):
        read(sample(), LoadOptions(limits=Limits(pages=2)))


def test_a_deck_without_slides_is_an_empty_document(read):
    assert read(pptx.Presentation()).text == ""


def test_what_can_not_be_read_says_why(read):
    data = saved(sample())
    document = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as reader, zipfile.ZipFile(document, "w") as writer:
        for name in reader.namelist():
            writer.writestr(name, b"<p" if name.endswith("slide2.xml") else reader.read(name))
    for content, reason in [
        (b"", "is empty"),
        (data[:9000], "damaged"),
        (b"%PDF-1.7", "is not a PowerPoint presentation"),
        (document.getvalue(), "is damaged: it can't be read as a PowerPoint presentation"),
    ]:
        with pytest.raises(LoadError, match=reason):
            read(content)


def test_a_document_of_another_kind_is_refused(read):
    import docx

    file = io.BytesIO()
    docx.Document().save(file)
    with pytest.raises(LoadError, match="is not a PowerPoint presentation"):
        read(file.getvalue())
