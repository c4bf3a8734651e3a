from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.loaders.table_text import are_names, typed_table, unique_names
from docindex.loaders.writing import DocumentWriter
from docindex.schema import CellValue, Document, Source

SOURCE = Source("folder/a.x", Path("a.x"), "text/x")


def column(*cells: CellValue) -> tuple[str, list[CellValue]]:
    draft = typed_table("", ["c", "row"], [(number, [cell, "r"]) for number, cell in enumerate(cells, 1)])
    return draft.columns[0].type, [cells[0] for _, cells in draft.rows]


def day(year: int, month: int, date: int, hour: int = 0) -> datetime:
    return datetime(year, month, date, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (("1", "-20", " 0 "), "integer", [1, -20, 0]),
        (("1", "", None, "3"), "integer", [1, None, None, 3]),
        ((1, 2.0), "integer", [1, 2]),
        (("1", "2.50"), "number", [1.0, 2.5]),
        ((1, 2.5), "number", [1.0, 2.5]),
        (("1.0", "2.0"), "number", [1.0, 2.0]),
        (("true", "FALSE", True), "boolean", [True, False, True]),
        (("2024-05-01", day(2024, 5, 2)), "date", [day(2024, 5, 1), day(2024, 5, 2)]),
        (("2024-05-01T10:00+02:00",), "date", [day(2024, 5, 1, 8)]),
        ((datetime(2024, 5, 1, 10, tzinfo=timezone(timedelta(hours=2))),), "date", [day(2024, 5, 1, 8)]),
        (("007", "1"), "text", ["007", "1"]),
        (("1", "about 2"), "text", ["1", "about 2"]),
        ((1, True), "text", ["1", "true"]),
        (("1,234", "1,234,567"), "integer", [1234, 1234567]),
        (("1,234.50", "12"), "number", [1234.5, 12.0]),
        (("1,234", "12.5"), "number", [1234.0, 12.5]),
        (("1.234,50", "-3,5", "2"), "number", [1234.5, -3.5, 2.0]),
        (("1.234.567", "1"), "integer", [1234567, 1]),
        (("1,234", "5,678"), "text", ["1,234", "5,678"]),
        (("1.234", "5.678"), "number", [1.234, 5.678]),
        (("1,2,3", "4"), "text", ["1,2,3", "4"]),
        (("12 %", "3.5%"), "number", [12.0, 3.5]),
        (("12%", "50%"), "integer", [12, 50]),
        (("12%", "50"), "text", ["12%", "50"]),
        (("\u22123", "4"), "integer", [-3, 4]),
        (("9" * 30,), "text", ["9" * 30]),
        ((2**70, 1), "number", None),
        ((float("inf"), 1.5), "text", ["inf", "1.5"]),
        ((float("nan"), 1.5), "number", [None, 1.5]),
    ],
)
def test_a_column_has_a_type_only_if_all_its_cells_agree(cells, kind, values):
    found, read = column(*cells)
    if values is None:
        assert found == "text"
    else:
        assert (found, read[-len(values) :]) == (kind, list(values))
        assert all(type(one) is type(other) for one, other in zip(read[-len(values) :], values, strict=True))


@pytest.mark.parametrize(
    ("cells", "others", "kind", "values"),
    [
        (("950", "1.200", "2.500"), ("12,50", "3,75", "8,00"), "integer", [950, 1200, 2500]),
        (("1.200", None, "-2.500"), ("12,5 %", "3,7 %", "8,2 %"), "integer", [1200, None, -2500]),
        (("950", "1,200", "2,500"), ("12.50", "3.75", "8.00"), "integer", [950, 1200, 2500]),
        (("1,200", "2,500", "3"), ("12,50", "3,75", "1.000,00"), "number", [1.2, 2.5, 3.0]),
        (("1.200", "2.500", "3"), ("7", "8", "9"), "number", [1.2, 2.5, 3.0]),
        (("1.200", "0.500", "3"), ("12,50", "3,75", "8,00"), "number", [1.2, 0.5, 3.0]),
        (("1.200", "2.50", "3"), ("12,50", "3,75", "8,00"), "number", [1.2, 2.5, 3.0]),
        (("1", "2", "3"), ("12,50", "3,75", "8,00"), "integer", [1, 2, 3]),
        (("a", "1.200", "2.500"), ("12,50", "3,75", "8,00"), "text", ["a", "1.200", "2.500"]),
        ((1.2, 2.5, 3), ("12,50", "3,75", "8,00"), "number", [1.2, 2.5, 3.0]),
    ],
)
def test_numbers_are_read_as_the_other_columns_tell(cells, others, kind, values):
    draft = typed_table("", ["c", "o"], list(enumerate(zip(cells, others, strict=True), 1)))
    assert draft.columns[0].type == kind
    assert [row[0] for _, row in draft.rows] == values


def test_of_columns_that_tell_different_things_none_is_followed():
    rows = [(1, ["1.200", "12,50", "1.5"]), (2, ["2.500", "3,75", "2.5"])]
    assert [column.type for column in typed_table("", ["a", "b", "c"], rows).columns] == ["number"] * 3


def test_markdown_shows_what_the_source_shows():
    draft = typed_table(
        "T",
        ["a|b", "when", "n"],
        [(4, ["x\ny", day(2024, 5, 1), 2.0]), (5, [None, None, None]), (9, ["p|q", day(2024, 5, 1, 9), 1e-7])],
    )
    assert draft.lines == (
        "| a\\|b | when | n |",
        "| --- | --- | --- |",
        "| x y | 2024-05-01 | 2 |",
        "| p\\|q | 2024-05-01 09:00 | 1e-07 |",
    )
    assert [number for number, _ in draft.rows] == [4, 9]
    assert draft.rows[0][1] == ("x\ny", day(2024, 5, 1), 2.0)


@pytest.mark.parametrize(
    ("row", "names"),
    [
        (["a", "b"], True),
        (["a", None, "c"], True),
        (["a", None], True),
        ([None, "b"], False),
        (["a", "a"], False),
        (["a", "3"], False),
        (["city", 2023, 2024.0], True),
        (["a", day(2024, 5, 1)], False),
        (["a", True], False),
        ([], False),
        ([None], False),
    ],
)
def test_what_looks_like_names(row, names):
    assert are_names(row) is names


def test_the_first_row_names_the_columns_if_it_can():
    assert [c.name for c in typed_table("", None, [(1, ["a", "b"]), (2, [1, 2])]).columns] == ["a", "b"]
    assert [c.name for c in typed_table("", None, [(1, [1, 2]), (2, [3, 4])]).columns] == ["column 1", "column 2"]
    lone = typed_table("", None, [(1, ["a", "b"])])
    assert lone.rows == ((1, ("a", "b")),)


def test_names_are_unique_and_not_empty():
    assert unique_names(["a", "A", "", "a (2)", "column 3"]) == ["a", "A (3)", "column 3 (2)", "a (2)", "column 3"]
    ragged = typed_table("", ["a", ""], [(1, ["x"]), (2, ["x", "y", "z"]), (3, ["", "", "", ""])])
    assert [c.name for c in ragged.columns] == ["a", "column 2", "column 3"]
    assert ragged.rows[0] == (1, ("x", None, None))


def test_nothing_is_an_empty_table():
    for draft in (typed_table("", None, []), typed_table("", [], [(1, [None, ""])]), typed_table("", ["", ""], [])):
        assert (draft.lines, draft.columns, draft.rows) == ((), (), ())
    assert typed_table("", ["a"], []).lines == ("| a |", "| --- |")


# --- the writer ------------------------------------------------------------------------------------------------------


def test_blocks_lines_and_items():
    writer = DocumentWriter()
    writer.heading(1, " Setting\n up\0 ")
    writer.paragraph("Press  the\n\n red button.")
    writer.item("one\ntwo", marker="1.")
    writer.item("deep", depth=1)
    writer.line("a  line")
    writer.paragraph(" \n ")
    writer.heading(2, "")
    writer.code("\n  if x:\n\tgo()  \n\n")
    writer.table("Sizes", ["part"], [])
    writer.table("Empty", None, [])
    writer.hidden(3)
    document = writer.document(SOURCE, title=" A  title", metadata={"n": 1})
    assert document == Document(
        doc_id="folder/a.x",
        source="folder/a.x",
        text=(
            "Setting up\n\nPress the\nred button.\n\n1. one\n   two\n  - deep\na line\n\n  if x:\n\tgo()\n\n"
            "| part |\n| --- |"
        ),
        media_type="text/x",
        title="A title",
        metadata={"n": 1},
        headings=document.headings,
        tables=document.tables,
        hidden=3,
    )
    assert [(heading.level, heading.text) for heading in document.headings] == [(1, "Setting up")]
    assert [(table.name, table.rows) for table in document.tables] == [("Sizes", ())]


def test_pages():
    writer = DocumentWriter()
    writer.paragraph("before")
    writer.page(1, "i")
    writer.item("one")
    writer.page(2)
    writer.page(4)
    writer.item("four")
    document = writer.document(SOURCE, doc_id="x", media_type="text/y")
    assert (document.doc_id, document.media_type, document.text) == ("x", "text/y", "before\n\n- one\n\n- four")
    assert [(page.number, page.label, document.text[page.start : page.end]) for page in document.pages] == [
        (1, "i", "before\n\n- one"),
        (2, None, ""),
        (4, None, "- four"),
    ]
    assert document.pages_without_text == (2,)
    with pytest.raises(ValueError, match="page 4 follows page 4"):
        writer.page(4)


WORDS = st.text(alphabet="ab |\n\t\r\0é#", max_size=8)
CELLS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | WORDS | st.just("1,234.5")
ROWS = st.lists(st.lists(CELLS, max_size=3), max_size=4)
BLOCKS = st.one_of(
    st.tuples(st.just("heading"), st.integers(0, 3), WORDS),
    st.tuples(st.sampled_from(["paragraph", "item", "code", "line"]), WORDS),
    st.tuples(st.just("table"), WORDS, st.none() | st.lists(WORDS, max_size=3), ROWS),
    st.tuples(st.just("page")),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(BLOCKS, max_size=12))
def test_structure_points_at_its_text(blocks):
    writer = DocumentWriter()
    number = 0
    for name, *arguments in blocks:
        if name == "page":
            number += 2
            arguments = [number]
        elif name == "table":
            arguments[2] = list(enumerate(arguments[2], 1))
        getattr(writer, name)(*arguments)
    document = writer.document(SOURCE)
    text = document.text
    assert text == text.strip("\n")
    assert "\n\n\n" not in text or any(name == "code" for name, *_ in blocks)
    for heading in document.headings:
        assert text[heading.start :].startswith(heading.text)
        assert heading.text
    end = 0
    for page in document.pages:
        assert not text[end : page.start].strip()
        assert end <= page.start <= page.end
        end = page.end
    assert not document.pages or end == len(text)
    for table in document.tables:
        lines = text[table.start : table.end].split("\n")
        assert [text[row.start : row.end] for row in table.rows] == lines[2:]
        for line in lines:
            assert len(line.replace("\\|", "").split("|")) == len(table.columns) + 2
        assert all(len(row.cells) == len(table.columns) for row in table.rows)


def test_a_long_document_takes_linear_time():
    def seconds(blocks: int) -> float:
        writer = DocumentWriter()
        started = time.process_time()
        for number in range(blocks):
            writer.page(number + 1)
            writer.heading(2, "A heading")
            writer.paragraph("Some words of a paragraph.")
            writer.table("", ["a", "b"], [(1, ["x", number])])
        writer.document(SOURCE)
        return time.process_time() - started

    seconds(100)
    assert seconds(8000) < 100 * max(seconds(500), 0.005)


def test_many_columns_of_one_name_are_told_apart():
    names = unique_names(["same"] * 50_000)
    assert names[:3] == ["same", "same (2)", "same (3)"]
    assert len(set(names)) == 50_000
