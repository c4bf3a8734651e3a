from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter, Transformation
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, StreamObject

from docindex.loaders.pdf import PdfLoader
from docindex.loaders.pdf_grid import Ruling, find_grids
from docindex.loaders.pdf_layout import PageText
from docindex.loaders.pdf_rulings import read_rulings
from docindex.loaders.pdf_tables import UnreadTablesError, cut_tables
from docindex.loaders.pdfium import read_pdf
from docindex.schema import Document, Source
from docindex.testing.loader_contract import LoaderContract

STOCK = [["Part", "Maker", "Price"], ["Bolt", "Ann", "1.50"], ["Nut", "Bob", "0.25"], ["Washer", "Ann", "0.10"]]
MARKDOWN = """\
| Part | Maker | Price |
| --- | --- | --- |
| Bolt | Ann | 1.50 |
| Nut | Bob | 0.25 |
| Washer | Ann | 0.10 |"""


def blank(orientation: str = "portrait") -> FPDF:
    pdf = FPDF(orientation=orientation)
    pdf.set_font("Helvetica", size=11)
    pdf.add_page()
    return pdf


def say(pdf: FPDF, text: str) -> None:
    pdf.multi_cell(0, 6, text, new_x="LMARGIN")


def grid(
    pdf: FPDF,
    rows: Sequence[Sequence[str]],
    x: float = 10,
    y: float | None = None,
    width: float = 30,
    height: float = 8,
) -> None:
    """Lines first and words after them, as office programs draw a table."""
    y = pdf.get_y() if y is None else y
    columns = max(map(len, rows))
    for row in range(len(rows) + 1):
        pdf.line(x, y + row * height, x + columns * width, y + row * height)
    for column in range(columns + 1):
        pdf.line(x + column * width, y, x + column * width, y + len(rows) * height)
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            pdf.text(x + column * width + 2, y + number * height + 5.5, text)
    pdf.set_xy(10, y + len(rows) * height + 2)


def table(pdf: FPDF, rows: Sequence[Sequence[str]], **options: object) -> None:
    with pdf.table(**options) as made:  # type: ignore[arg-type]
        for row in rows:
            made.row(list(row))


@pytest.fixture
def read(tmp_path: Path) -> Callable[[FPDF | PdfWriter], Document]:
    def load(pdf: FPDF | PdfWriter) -> Document:
        path = tmp_path / "a.pdf"
        if isinstance(pdf, FPDF):
            pdf.output(str(path))
        else:
            pdf.write(path)
        (document,) = PdfLoader().load(Source("a.pdf", path, "application/pdf"))
        assert isinstance(document, Document)
        for found in document.tables:
            for row in found.rows:
                line = document.text[row.start : row.end]
                assert line.startswith("| ")
                assert "\n" not in line
        return document

    return load


def cells(document: Document, number: int = 0) -> list[tuple[object, ...]]:
    return [row.cells for row in document.tables[number].rows]


def names(document: Document, number: int = 0) -> list[str]:
    return [column.name for column in document.tables[number].columns]


class TestTablesOfPdf(LoaderContract):
    media_type = "application/pdf"
    suffix = ".pdf"

    def loader(self) -> PdfLoader:
        return PdfLoader()

    def write(self, path: Path) -> None:
        pdf = blank()
        pdf.set_creation_date(datetime(2024, 1, 31, tzinfo=UTC))
        for _ in range(2):
            say(pdf, "Before.")
            table(pdf, STOCK)
            pdf.start_section("After")
            say(pdf, "After.")
        table(pdf, [STOCK[0], *([f"{n}", "Cy", "2"] for n in range(60))])
        pdf.output(str(path))


def test_a_table_is_typed_rows_and_markdown_in_its_place(read):
    pdf = blank()
    say(pdf, "Some words above.")
    table(pdf, STOCK)
    say(pdf, "Some words below.")
    pdf.add_page()
    grid(pdf, STOCK)
    document = read(pdf)
    assert document.text == f"Some words above.\n\n{MARKDOWN}\n\nSome words below.\n\n{MARKDOWN}"
    assert len(document.tables) == 2
    for number, found in enumerate(document.tables):
        assert document.text[found.start : found.end] == MARKDOWN
        assert [(column.name, column.type) for column in found.columns] == [
            ("Part", "text"),
            ("Maker", "text"),
            ("Price", "number"),
        ]
        assert [(row.number, *row.cells) for row in found.rows] == [
            (2, "Bolt", "Ann", 1.5),
            (3, "Nut", "Bob", 0.25),
            (4, "Washer", "Ann", 0.1),
        ]
        assert [document.page_at(row.start) for row in found.rows] == [document.pages[number]] * 3
    assert document.pages_without_text == ()


def test_what_is_no_table_stays_as_it_is(read):
    def page(*, ruled: bool) -> FPDF:
        pdf = blank()
        border = 1 if ruled else 0
        if ruled:
            pdf.rect(5, 5, 200, 287)  # around the page
            pdf.set_fill_color(240, 240, 240)
        pdf.set_font(style="U" if ruled else "")
        say(pdf, "An underlined heading")
        pdf.set_font(style="")
        pdf.multi_cell(0, 6, "A note in a frame of its own.\nIt has two lines.", border=border, new_x="LMARGIN")
        pdf.ln(5)
        pdf.multi_cell(0, 6, "def code():\n    return 1  |  2", border=border, fill=ruled, new_x="LMARGIN")
        pdf.ln(5)
        pdf.multi_cell(0, 6, "A title", border=border, new_x="LMARGIN")
        pdf.multi_cell(0, 6, "and what stands in the box below it", border=border, new_x="LMARGIN")
        pdf.ln(5)
        if ruled:
            grid(pdf, [[""] * 5] * 5)  # squared paper
            pdf.line(20, 180, 20, 240)  # the axes of a chart
            pdf.line(20, 240, 120, 240)
            for tick in range(8):
                pdf.line(20 + 12 * tick, 239, 20 + 12 * tick, 241)
                pdf.line(19, 240 - 7 * tick, 21, 240 - 7 * tick)
            for x in (130, 165):  # boxes that are joined by arrows
                for y in (180, 210):
                    pdf.rect(x, y, 25, 15)
            for y in (187, 217):
                pdf.line(155, y, 165, y)
            for x in (142, 177):
                pdf.line(x, 195, x, 210)
        for x in (132, 167):
            for y in (188, 218):
                pdf.text(x, y, f"box {x}-{y}")
        for tick in range(8):
            pdf.text(22 + 12 * tick, 238, str(tick))
        return pdf

    document = read(page(ruled=True))
    assert document.tables == ()
    assert document.text == read(page(ruled=False)).text


def test_a_grid_with_labels_at_one_side_is_no_table(read):
    pdf = blank()
    grid(pdf, [["2020", "here"], ["2021", ""], ["2022", ""]])
    assert read(pdf).tables == ()


def test_a_drawing_whose_cells_hold_dashes_is_no_table(read):
    pdf = blank()
    grid(pdf, [["a", "b", "c"], ["----", "....", "----"], ["----", "----", "...."]])
    assert read(pdf).tables == ()


def test_a_table_may_have_dashes_where_nothing_is_known(read):
    pdf = blank()
    grid(pdf, [["Part", "Maker", "Price"], ["Bolt", "-", "-"], ["Nut", "-", "0.25"]])
    assert len(read(pdf).tables) == 1


def test_white_areas_behind_words_are_no_lines(read):
    pdf = blank()
    pdf.set_fill_color(255, 255, 255)
    for row, line in enumerate(STOCK):
        for column, text in enumerate(line):
            pdf.rect(10 + 30 * column, 30 + 8 * row, 30, 8, style="F")
            pdf.text(12 + 30 * column, 35.5 + 8 * row, text)
    assert read(pdf).tables == ()


def test_marks_on_the_lines_of_a_table_make_no_columns(read):
    pdf = blank()
    grid(pdf, STOCK, y=30)
    pdf.line(25, 29.5, 25, 30.5)
    assert read(pdf).text == MARKDOWN


def test_a_frame_with_two_columns_of_prose_is_no_table(read):
    pdf = blank()
    grid(pdf, [["Left of it", "Right of it"]], width=80, height=30)
    assert read(pdf).tables == ()


def test_text_beside_a_table_keeps_its_order(read):
    pdf = blank()
    pdf.text(12, 20, "Left column above.")
    grid(pdf, STOCK, y=30, width=20)
    pdf.text(12, 80, "Left column below.")
    for line in range(8):
        pdf.text(110, 20 + 8 * line, f"Right column, line {line}.")
    document = read(pdf)
    right = "\n".join(f"Right column, line {line}." for line in range(8))
    assert document.text == f"Left column above.\n\n{MARKDOWN}\n\nLeft column below.\n{right}"


def test_text_that_the_file_holds_between_the_cells_is_kept(read):
    pdf = blank()
    for row, line in enumerate(STOCK):
        for column, text in enumerate(line):
            pdf.text(12 + 30 * column, 35.5 + 8 * row, text)
        pdf.text(120, 35.5 + 8 * row, f"Aside {row}")
    grid(pdf, [[""] * 3] * 4, y=30)
    assert read(pdf).text == f"{MARKDOWN}\n\nAside 0\nAside 1\nAside 2\nAside 3"


def test_merged_cells_fill_what_they_cover(read):
    pdf = blank()
    with pdf.table(num_heading_rows=2) as made:
        row = made.row()
        row.cell("Region", rowspan=2)
        row.cell("Sales", colspan=2)
        made.row(["net", "gross"])
        row = made.row()
        row.cell("North", rowspan=2)
        row.cell("10")
        row.cell("12")
        made.row(["20", "24"])
        made.row(["South", "30", "36"])
    document = read(pdf)
    assert names(document) == ["Region", "Sales net", "Sales gross"]
    assert cells(document) == [("North", 10, 12), ("North", 20, 24), ("South", 30, 36)]


def test_a_table_without_names_of_columns(read):
    pdf = blank()
    grid(pdf, [["Bolt", "4"], ["Nut", "5"]])
    document = read(pdf)
    assert names(document) == ["column 1", "column 2"]
    assert cells(document) == [("Bolt", 4), ("Nut", 5)]


def test_words_that_are_broken_in_a_cell_are_put_together(read):
    pdf = blank()
    wide = ["A description that needs two or three lines in its cell", "7"]
    table(pdf, [["Text", "Count"], wide, ["Short", "8"]], width=60)
    assert cells(read(pdf)) == [(wide[0], 7), ("Short", 8)]
    pdf = blank()  # lines of all cells before the next lines of all cells
    for x, y, text in ((39.9 - pdf.get_string_width("One"), 34, "One"), (40.1, 34, "Three"), (12, 39, "two")):
        pdf.text(x, y, text)
    pdf.text(42, 39, "four")
    grid(pdf, [["", ""]], y=30, height=12)
    grid(pdf, [["a | b", "c"]], y=42, height=12)
    assert read(pdf).text == "| One two | Three four |\n| --- | --- |\n| a \\| b | c |"


def test_the_name_is_its_caption_or_what_its_frame_begins_with(read):
    pdf = blank()
    say(pdf, "Prices are for a hundred pieces.\nTable 2: Spare parts")
    grid(pdf, STOCK)
    say(pdf, "The same, by maker:")
    top = pdf.get_y()
    pdf.rect(10, top, 90, 8)
    pdf.text(12, top + 5.5, "Parts of all makers")
    grid(pdf, STOCK, y=top + 8)
    document = read(pdf)
    assert [found.name for found in document.tables] == ["Table 2: Spare parts", "Parts of all makers"]
    assert f"Parts of all makers\n\n{MARKDOWN}" in document.text
    assert cells(document, 0) == cells(document, 1)


def columns_only(pdf: FPDF, rows: Sequence[Sequence[str]], *, names: bool = True) -> None:
    """Lines between columns, around the table, and below the names of the columns, as LaTeX users draw them."""
    width, bottom = 30 * len(rows[0]), 30 + 6 * len(rows) + 2
    for y in (30, 37, bottom) if names else (30, bottom):
        pdf.line(10, y, 10 + width, y)
    for column in range(len(rows[0]) + 1):
        pdf.line(10 + 30 * column, 30, 10 + 30 * column, bottom)
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            pdf.text(12 + 30 * column, 35 + 6 * number, text)


@pytest.mark.parametrize("names", [True, False])
def test_rows_without_lines_between_them_are_told_apart(read, names):
    pdf = blank()
    columns_only(pdf, STOCK, names=names)
    assert read(pdf).text == MARKDOWN


def test_numbers_tell_rows_apart_in_two_columns(read):
    pdf = blank()
    columns_only(pdf, [["Part", "Count"], ["Bolt", "4"], ["Nut", "5"]])
    assert cells(read(pdf)) == [("Bolt", 4), ("Nut", 5)]


def test_rows_or_paragraphs_that_nothing_tells_apart_are_no_table(read):
    pdf = blank()
    columns_only(pdf, [["Good", "Bad"], ["It is", "It does"], ["small and", "not last"], ["cheap.", "long."]])
    assert read(pdf).tables == ()


def test_cells_of_several_lines_stay_one_row_where_rows_have_lines(read):
    pdf = blank()
    rows = [("Unit price", "Made by hand of", "From day"), ("one bolt", "of grey steel", "2024-01-31")]
    rows.append(("some nuts", "of thin tin", "2024-02-29"))
    table(pdf, rows, width=57)
    document = read(pdf)
    assert names(document) == list(rows[0])
    assert [(*row[:2], str(row[2])[:10]) for row in cells(document)] == rows[1:]


@pytest.mark.parametrize("layout", ["ALL", "INTERNAL"])
def test_sides_may_be_open(read, layout):
    pdf = blank()
    table(pdf, STOCK, borders_layout=layout)
    assert cells(read(pdf)) == [("Bolt", "Ann", 1.5), ("Nut", "Bob", 0.25), ("Washer", "Ann", 0.1)]


def test_coloured_cells_and_thin_areas_are_lines_too(read):
    pdf = blank()
    for row, line in enumerate(STOCK):
        for column, text in enumerate(line):
            pdf.set_fill_color(200 + 10 * ((row + column) % 2), 220, 220)
            pdf.rect(10 + 30 * column, 30 + 8 * row, 30, 8, style="F")
            pdf.text(12 + 30 * column, 35.5 + 8 * row, text)
    pdf.add_page()
    pdf.set_fill_color(0, 0, 0)
    for row in range(5):
        pdf.rect(10, 30 + 8 * row, 90, 0.2, style="F")
    for column in range(4):
        pdf.rect(10 + 30 * column, 30, 0.2, 32, style="F")
    for row, line in enumerate(STOCK):
        for column, text in enumerate(line):
            pdf.text(12 + 30 * column, 35.5 + 8 * row, text)
    assert read(pdf).text == f"{MARKDOWN}\n\n{MARKDOWN}"


def long_table(pdf: FPDF, rows: Sequence[Sequence[str]], *, repeat: bool) -> None:
    table(pdf, rows, first_row_as_headings=repeat, num_heading_rows=1 if repeat else 0, repeat_headings=int(repeat))


@pytest.mark.parametrize("repeat", [True, False])
@pytest.mark.parametrize("count", [30, 36, 90])
def test_a_table_that_goes_on_over_pages_is_one(read, repeat, count):
    class Book(FPDF):
        def header(self) -> None:
            self.cell(0, 8, "The catalogue of parts", new_x="LMARGIN", new_y="NEXT")

        def footer(self) -> None:
            self.set_y(-15)
            self.cell(0, 8, f"page {self.page_no()}")

    pdf = Book()
    pdf.set_font("Helvetica", size=11)
    pdf.add_page()
    rows = [[f"part {number}", "Ann", str(number)] for number in range(1, count + 1)]
    long_table(pdf, [["Part", "Maker", "Stock"], *rows], repeat=repeat)
    document = read(pdf)
    (found,) = document.tables
    assert cells(document) == [(f"part {number}", "Ann", number) for number in range(1, count + 1)]
    assert [row.number for row in found.rows] == list(range(2, count + 2))
    pages = {document.page_at(row.start) for row in found.rows}
    assert pages == set(document.pages)
    for page in document.pages:
        text = document.text[page.start : page.end]
        assert text.startswith("The catalogue of parts\n\n| Part | Maker | Stock |\n| --- | --- | --- |\n| part ")
        assert text.endswith(f"|\n\npage {page.number}")


def test_a_last_row_alone_on_a_page_belongs_to_its_table(read):
    pdf = blank()
    grid(pdf, [*STOCK, *STOCK[1:]], y=200)
    pdf.add_page()
    grid(pdf, [["Rivet", "Cy", "3"]], y=10)
    document = read(pdf)
    assert len(document.tables) == 1
    assert cells(document)[-1] == ("Rivet", "Cy", 3)
    assert document.page_at(document.tables[0].rows[-1].start) == document.pages[1]


@pytest.mark.parametrize("change", ["names", "columns", "caption", "heading", "prose", "again"])
def test_a_table_of_its_own_on_the_next_page_is_another_one(read, change):
    pdf = blank()
    if change == "again":
        say(pdf, "Each of the pages begins with the same long words. " * 5)
    grid(pdf, STOCK, y=200)
    if change == "prose":
        say(pdf, "That was the first one.")
    pdf.add_page()
    if change == "caption":
        say(pdf, "Table 2")
    elif change == "again":
        say(pdf, "Each of the pages begins with the same long words. " * 5)
    elif change == "heading":
        say(pdf, "2 Parts of the other machine")
    top = [["Tool", "Owner", "Weight"]] if change == "names" else [STOCK[0]]
    grid(pdf, [*top, *STOCK[1:]], width=40 if change == "columns" else 30)
    assert len(read(pdf).tables) == 2


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("shown", ["upright", "turned"])
def test_turned_pages(read, tmp_path, quarters, shown):
    pdf = blank()
    pdf.text(12, 20, "Above it.")
    grid(pdf, STOCK, y=30)
    pdf.text(12, 80, "Below it.")
    pdf.output(str(tmp_path / "straight.pdf"))
    writer = PdfWriter()
    (page,) = PdfReader(tmp_path / "straight.pdf").pages
    page = writer.add_page(page)
    page.add_transformation(Transformation().translate(-300, -420).rotate(90 * quarters).translate(420, 420))
    page.mediabox.upper_right = (842, 842)
    if shown == "upright":
        page.rotate(90 * quarters)
    document = read(writer)
    assert len(document.tables) == 1
    if shown == "upright":
        assert document.text == f"Above it.\n\n{MARKDOWN}\n\nBelow it."
    else:  # PDFium gives lines that do not lie level in an order of its own
        assert sorted(document.text.replace(MARKDOWN, "").split()) == ["Above", "Below", "it.", "it."]


def test_tables_in_forms_that_are_moved_and_scaled(read, tmp_path):
    pdf = blank()
    grid(pdf, STOCK)
    pdf.output(str(tmp_path / "inner.pdf"))
    (inner,) = PdfReader(tmp_path / "inner.pdf").pages
    writer = PdfWriter()
    page = writer.add_blank_page(595, 842)
    form = StreamObject()
    form.set_data(inner.get_contents().get_data())
    form.update({NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Form")})
    form[NameObject("/BBox")] = inner.mediabox
    form[NameObject("/Resources")] = inner["/Resources"].clone(writer)
    form[NameObject("/Matrix")] = ArrayObject(map(FloatObject, (0.8, 0, 0, 0.8, 40, 50)))
    forms = DictionaryObject({NameObject("/Form"): writer._add_object(form)})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): forms})
    drawing = StreamObject()
    drawing.set_data(b"q 0.5 0 0 0.5 100 100 cm /Form Do Q")
    page[NameObject("/Contents")] = writer._add_object(drawing)
    assert read(writer).text == MARKDOWN


def test_headings_keep_their_places(read):
    pdf = blank()
    pdf.start_section("Before it")
    say(pdf, "Before it\nBolt\nSome words.")
    table(pdf, STOCK)
    pdf.start_section("After it")
    say(pdf, "After it\nMore words.")
    table(pdf, STOCK)
    pdf.start_section("Bolt")
    say(pdf, "Bolt\nAn entry of its own.")
    pdf.add_page()
    table(pdf, STOCK)
    pdf.start_section("Last")
    say(pdf, "Last")
    document = read(pdf)
    assert len(document.tables) == 3
    lines = [document.text[heading.start :].split("\n")[0] for heading in document.headings]
    assert lines == ["Before it", "After it", "Bolt", "Last"]
    assert document.text[document.headings[2].start :].startswith("Bolt\nAn entry")


def test_a_table_at_the_top_gives_no_title(read):
    pdf = blank()
    grid(pdf, STOCK)
    assert read(pdf).title == ""


def test_a_drawing_of_many_lines_is_left_alone(read):
    pdf = blank()
    say(pdf, "A map.")
    for number in range(30_000):
        pdf.line(10 + number % 173, 20, 10 + number % 173, 200 + number % 7)
        if number % 3 == 0:
            pdf.line(10, 20 + number % 180, 190, 20 + number % 180)
    document = read(pdf)
    assert document.text == "A map."
    assert document.tables == ()


def test_where_letters_do_not_agree_the_page_keeps_its_text_and_is_named(tmp_path):
    path = tmp_path / "a.pdf"
    pdf = blank()
    grid(pdf, STOCK)
    pdf.output(str(path))
    opened = pypdfium2.PdfDocument(path)
    page = opened.get_page(0)
    reader = page.get_textpage()
    with pytest.raises(UnreadTablesError):
        cut_tables(page.raw, reader.raw, "Other letters", read_rulings(page.raw), None)
    reader.close()
    page.close()
    opened.close()


def test_unread_tables_are_named():
    from docindex.loaders.pdf import unread_tables

    pages = [PageText("a"), PageText("b", unread_tables=True), PageText("c", unread_tables=True)]
    (named,) = unread_tables(Source("a.pdf", Path("a.pdf"), "application/pdf"), pages)
    assert named.source == "a.pdf"
    assert named.reason.startswith("the tables of page 2 and 1 more are only lines of text")


def test_pages_without_lines_cost_no_look_at_letters(tmp_path, monkeypatch):
    pdf = blank()
    say(pdf, "Words and nothing else.")
    pdf.output(str(tmp_path / "a.pdf"))
    monkeypatch.setattr("docindex.loaders.pdf_tables._letters", None)
    pages, _ = read_pdf(tmp_path / "a.pdf", None)
    assert [page.text for page in pages] == ["Words and nothing else."]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.text("ab1", min_size=1, max_size=6), min_size=3, max_size=3), min_size=2, max_size=9),
    st.floats(-1.4, 1.4),
)
def test_every_cell_is_where_it_was_drawn(tmp_path_factory, rows, off):
    pdf = blank()
    grid(pdf, [["Names", "of", "columns"], *rows], y=30 + off)
    path = tmp_path_factory.mktemp("pdf") / "a.pdf"
    pdf.output(str(path))
    pages, _ = read_pdf(path, None)
    lines = pages[0].text.split("\n")
    assert [line.strip("| ").split(" | ") for line in lines[2:]] == rows


def test_grids_are_found_though_lines_miss_each_other():
    def lines(*, shaken: float) -> list[Ruling]:
        level = [Ruling(20 * at + shaken * (at % 2), 0 + shaken, 90 - shaken, upright=False) for at in range(4)]
        upright = [Ruling(30 * at - shaken, 0, 60 + shaken, upright=True) for at in range(4)]
        return level + upright

    for shaken in (0, 1.0):
        (found,) = find_grids(lines(shaken=shaken))
        assert len(found.regions) == 9
        assert [found.region_at(x, 50) for x in (10, 40, 70)] == [0, 1, 2]
        assert found.region_at(10, 10) == 6
        assert found.region_at(100, 10) == -1


def test_lines_of_which_many_meet_are_given_up():
    many = [Ruling(4.0 * at, 0, 40_000, upright=upright) for at in range(10_000) for upright in (False, True)]
    assert find_grids(many) == []
