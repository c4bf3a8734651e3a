from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import odfdo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from docindex.errors import LoadError
from docindex.loaders.office_sheet_tables import Remark, sheet_parts
from docindex.loaders.sheets import SheetLoader
from docindex.schema import Document, DocumentTable, Limits, LoadOptions, Source
from docindex.testing.loader_contract import LoaderContract

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
NO_OPTIONS = LoadOptions()
NOON = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)


def put(sheet: Worksheet, rows: Sequence[Sequence[object]], row: int = 1, column: int = 1) -> None:
    for down, cells in enumerate(rows):
        for across, cell in enumerate(cells):
            if cell is not None:
                sheet.cell(row + down, column + across, cell)


def sample() -> Workbook:
    book = Workbook()
    book.properties.title, book.properties.creator = "The prices", "Ann"
    book.properties.created, book.properties.modified = datetime(2024, 5, 1), datetime(2024, 5, 2)
    prices = book.active
    prices.title = "Prices"
    put(prices, [["part", "qty", "price", "made", "fresh"], ["bolt", 3, 1.5, datetime(2024, 5, 1, 12, 30), True]], 3)
    put(prices, [["nut", 12, 2, date(2024, 5, 2), False]], 5)
    rates = book.create_sheet("Rates")
    put(rates, [["code", "rate"], ["A", 0.5]])
    return book


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def opendocument(rows: Sequence[Sequence[object]], row: int = 1) -> bytes:
    document = odfdo.Document("spreadsheet")
    document.body.clear()
    table = odfdo.Table("Prices")
    for down, cells in enumerate(rows):
        for across, cell in enumerate(cells):
            if cell is not None:
                table.set_value((across, row - 1 + down), cell)
    document.body.append(table)
    document.meta.title, document.meta.initial_creator = "The prices", "Ann"
    document.meta.creation_date, document.meta.date = datetime(2024, 5, 1), datetime(2024, 5, 2)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


class TestSheetLoader(LoaderContract):
    media_type = XLSX
    suffix = ".xlsx"

    def loader(self) -> SheetLoader:
        return SheetLoader()

    def write(self, path: Path) -> None:
        path.write_bytes(saved(sample()))


class TestOpenDocumentSheets(TestSheetLoader):
    media_type = ODS
    suffix = ".ods"

    def write(self, path: Path) -> None:
        path.write_bytes(opendocument([["part", "qty"], ["bolt", 3], ["nut", 4]]))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Document]:
    def write_and_read(book: Workbook | bytes, options: LoadOptions = NO_OPTIONS) -> Document:
        path = tmp_path / "book"  # a file in an archive may have no suffix
        path.write_bytes(book if isinstance(book, bytes) else saved(book))
        (loaded,) = SheetLoader().load(Source("folder/book.xlsx", path, XLSX, options))
        return loaded

    return write_and_read


def book(*rows: Sequence[object]) -> Workbook:
    new = Workbook()
    put(new.active, rows)
    return new


def rows_of(table: DocumentTable) -> list[tuple[int, tuple[object, ...]]]:
    return [(row.number, row.cells) for row in table.rows]


def test_sheets_are_pages_with_typed_tables(read):
    document = read(sample())
    assert [(page.number, page.label) for page in document.pages] == [(1, "Prices"), (2, "Rates")]
    assert [(heading.level, heading.text) for heading in document.headings] == [(1, "Prices"), (1, "Rates")]
    assert document.text.startswith("Prices\n\n| part | qty | price | made | fresh |\n| --- |")
    prices, rates = document.tables
    assert (prices.name, rates.name) == ("Prices", "Rates")
    assert [(column.name, column.type) for column in prices.columns] == [
        ("part", "text"),
        ("qty", "integer"),
        ("price", "number"),
        ("made", "date"),
        ("fresh", "boolean"),
    ]
    assert rows_of(prices) == [
        (4, ("bolt", 3, 1.5, NOON, True)),
        (5, ("nut", 12, 2.0, datetime(2024, 5, 2, tzinfo=UTC), False)),
    ]
    for row in prices.rows:
        assert document.text[row.start : row.end].startswith(f"| {row.cells[0]} |")
    assert document.page_at(rates.start).label == "Rates"


def test_opendocument_sheets_are_read_alike(read):
    values = [["part", "qty", "price", "made", "fresh"], ["bolt", 3, 1.5, datetime(2024, 5, 1, 12, 30), True]]
    document = read(opendocument(values, row=3))
    assert rows_of(document.tables[0]) == [(4, ("bolt", 3, 1.5, NOON, True))]
    assert document.title == "The prices"
    assert document.metadata["author"] == "Ann"
    assert document.metadata["date"] == datetime(2024, 5, 1, tzinfo=UTC)
    assert document.metadata["modified"] == datetime(2024, 5, 2, tzinfo=UTC)
    assert document.pages[0].label == "Prices"


def test_properties_are_metadata(read):
    document = read(sample())
    assert document.title == "The prices"
    assert document.metadata["author"] == "Ann"
    assert document.metadata["date"] == datetime(2024, 5, 1, tzinfo=UTC)


def test_the_name_of_the_file_is_the_title_of_a_book_without_one(read):
    assert read(book(["a", 1])).title == "book"


def test_whole_numbers_are_integers_and_others_are_exact(read):
    document = read(book(["n", "x"], [2.0, 0.1], [9007199254740991, 1e300], [-3, -2.5]))
    assert [column.type for column in document.tables[0].columns] == ["integer", "number"]
    assert [row.cells for row in document.tables[0].rows] == [(2, 0.1), (9007199254740991, 1e300), (-3, -2.5)]


def test_times_and_durations_are_text_and_errors_are_empty(read):
    sheet = Workbook()
    put(
        sheet.active,
        [["what", "value"], ["time", time(3, 4)], ["long", timedelta(hours=30, minutes=5)], ["bad", "#N/A"]],
    )
    sheet.active["B4"].data_type = "e"
    assert [row.cells for row in read(sheet).tables[0].rows] == [
        ("time", "03:04:00"),
        ("long", "30:05:00"),
        ("bad", None),
    ]


def test_codes_that_are_no_numbers_stay_as_they_are(read):
    document = read(book(["code", "n"], ["007", 1], ["12", 2]))
    assert [row.cells for row in document.tables[0].rows] == [("007", 1), ("12", 2)]


def test_formulas_have_the_value_that_was_computed(read):
    data = saved(book(["a", "b"], [1, "=A2*2"]))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as reader, zipfile.ZipFile(out, "w") as writer:
        for name in reader.namelist():
            writer.writestr(name, reader.read(name).replace(b"<v></v>", b"<v>2</v>").replace(b"<v />", b"<v>2</v>"))
    assert rows_of(read(out.getvalue()).tables[0]) == [(2, (1, 2))]


def test_hidden_sheets_are_labelled_and_very_hidden_ones_counted(read):
    workbook = sample()
    workbook["Rates"].sheet_state = "hidden"
    secret = workbook.create_sheet("Secret")
    secret["A1"], secret["B1"] = "password", 1234
    secret.sheet_state = "veryHidden"
    document = read(workbook)
    assert [page.label for page in document.pages] == ["Prices", "Rates (hidden)"]
    assert "password" not in document.text
    assert document.hidden == len("password") + len("1234")


def test_sheets_without_cells_are_pages_without_text(read):
    workbook = sample()
    workbook.create_sheet("Empty")
    workbook.create_chartsheet("Chart")
    document = read(workbook)
    assert [page.label for page in document.pages] == ["Prices", "Rates", "Empty", "Chart"]
    assert document.pages_without_text == (3, 4)


def test_titles_and_remarks_are_text_and_not_rows(read):
    document = read(
        book(
            ["Prices of 2024"],
            ["in euros"],
            ["part", "price"],
            ["bolt", 1.5],
            [],
            ["nut", 2],
            [],
            ["Source: the catalogue"],
        )
    )
    assert document.text == (
        "Sheet\n\nPrices of 2024\n\nin euros\n\n| part | price |\n| --- | --- |\n| bolt | 1.5 |\n| nut | 2 |\n\n"
        "Source: the catalogue"
    )
    assert rows_of(document.tables[0]) == [(4, ("bolt", 1.5)), (6, ("nut", 2.0))]
    assert document.tables[0].name == "Sheet"


def test_tables_below_each_other_are_told_apart(read):
    document = read(
        book(
            ["Parts"],
            ["part", "qty"],
            ["bolt", 3],
            [],
            ["People"],
            ["name", "age"],
            ["Ann", 30],
            [],
            ["city", "people", "since"],
            ["Kent", 4, 1900],
        )
    )
    assert [(table.name, [column.name for column in table.columns]) for table in document.tables] == [
        ("Parts", ["part", "qty"]),
        ("People", ["name", "age"]),
        ("Sheet", ["city", "people", "since"]),
    ]
    assert [rows_of(table) for table in document.tables] == [
        [(3, ("bolt", 3))],
        [(7, ("Ann", 30))],
        [(10, ("Kent", 4, 1900))],
    ]


def test_a_table_with_gaps_and_sparse_columns_stays_one(read):
    document = read(
        book(
            ["name", "n", None, "note"],
            ["a", 1, None, None],
            [],
            ["b", 2, None, "odd"],
            [],
            [None, 3, None, None],
        )
    )
    assert rows_of(document.tables[0]) == [(2, ("a", 1, None)), (4, ("b", 2, "odd")), (6, (None, 3, None))]


def test_tables_beside_each_other_are_told_apart(read):
    workbook = book(["part", "qty"], ["bolt", 3], ["nut", 4], ["rod", 5])
    put(workbook.active, [["name", "age"], ["Ann", 30]], column=5)
    document = read(workbook)
    assert [rows_of(table) for table in document.tables] == [
        [(2, ("bolt", 3)), (3, ("nut", 4)), (4, ("rod", 5))],
        [(2, ("Ann", 30))],
    ]


def test_a_text_that_spans_rows_holds_for_each(read):
    workbook = book(["kind", "name", "qty"], ["metal", "bolt", 7], [None, "nut", None], ["wood", "peg", 1])
    workbook.active.merge_cells("A2:A3")
    workbook.active.merge_cells("C2:C3")
    workbook.active.merge_cells("A6:C7")
    workbook.active["A6"] = "the end"
    document = read(workbook)
    assert [row.cells for row in document.tables[0].rows] == [
        ("metal", "bolt", 7),
        ("metal", "nut", None),
        ("wood", "peg", 1),
    ]
    assert document.text.endswith("\n\nthe end")


CELLS = st.one_of(st.none(), st.integers(0, 9), st.sampled_from(["a", "b", "name", "x y"]))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=7), max_size=12))
def test_every_cell_is_in_one_table_or_remark(grid):
    parts = sheet_parts([(number, cells) for number, cells in enumerate(grid, 1)])
    found: list[str] = []
    for part in parts:
        if isinstance(part, Remark):
            found += part.lines
        else:
            numbers = [number for number, _ in part.rows]
            assert numbers == sorted(set(numbers))
            assert len({len(cells) for _, cells in part.rows}) == 1
            for number, cells in part.rows:
                values = [cell for cell in cells if cell is not None]
                found += map(str, values)
                rest = iter(grid[number - 1])
                assert all(value in rest for value in values)  # in the order of its row
    assert sorted(found) == sorted(str(cell) for cells in grid for cell in cells if cell is not None)


def test_more_sheets_than_the_limit_are_refused(read):
    with pytest.raises(LoadError, match="has 2 sheets, more than 1: raise the limit pages"):
        read(sample(), LoadOptions(limits=Limits(pages=1)))


def test_a_stray_cell_far_away_is_refused_before_memory_is_taken(read):
    workbook = book(["a", "b"])
    workbook.active["XFD1048576"] = 1
    with pytest.raises(LoadError, match="spans 17179869184 cells, more than memory holds"):
        read(workbook)


def test_cells_that_are_repeated_without_end_are_refused(read):
    table = odfdo.Table("S")
    table.set_value((0, 0), 1)
    document = odfdo.Document("spreadsheet")
    document.body.clear()
    document.body.append(table)
    file = io.BytesIO()
    document.save(file)
    out = io.BytesIO()
    with zipfile.ZipFile(file) as reader, zipfile.ZipFile(out, "w") as writer:
        for name in reader.namelist():
            data = reader.read(name)
            if name == "content.xml":
                data = data.replace(b"<table:table-row", b'<table:table-row table:number-rows-repeated="1000000"')
                data = data.replace(b"<table:table-cell", b'<table:table-cell table:number-columns-repeated="1000"')
            writer.writestr(name, data)
    with pytest.raises(LoadError, match="more than memory holds"):
        read(out.getvalue())


def encrypted_opendocument() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(opendocument([["a"]]))) as reader, zipfile.ZipFile(out, "w") as writer:
        for name in reader.namelist():
            data = reader.read(name)
            if name == "META-INF/manifest.xml":
                data = data.replace(
                    b"</manifest:manifest>",
                    b"<manifest:file-entry><manifest:encryption-data/></manifest:file-entry></manifest:manifest>",
                )
            writer.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "is an HTML page: rename it to .html"),
        (b"<?xml version='1.0'?><Workbook/>", "is XML, such as Excel 2003 wrote: save it as .xlsx"),
        (b"a\tb\n1\t2\n", "is not a spreadsheet"),
        (saved(sample())[:2000], "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1600), "is damaged: it can't be read as a spreadsheet"),
        (encrypted_opendocument(), "is encrypted: remove the password, or save it without one"),
    ],
)
def test_what_can_not_be_read_says_why(read, data, reason):
    with pytest.raises(LoadError, match=reason):
        read(data)


def test_an_empty_book_is_an_empty_document(read):
    assert read(Workbook()).text == ""
