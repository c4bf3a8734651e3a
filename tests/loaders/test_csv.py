from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from docindex.errors import LoadError
from docindex.loaders.csv_files import ROWS_A_DOCUMENT, CsvLoader
from docindex.schema import LoadOptions, Source
from docindex.testing.loader_contract import LoaderContract

SAMPLE = (
    "code,name,price,made,fresh,note\r\n"
    '007,"Bolt, long",1.50,2024-05-01,true,"first\r\nsecond | third"\r\n'
    "\r\n"
    "12,Nut,-3,,FALSE,\r\n"
)


class TestCsvLoader(LoaderContract):
    media_type = "text/csv"
    suffix = ".csv"

    def loader(self) -> CsvLoader:
        return CsvLoader()

    def write(self, path: Path) -> None:
        path.write_text(SAMPLE, newline="")


class TestCsvRecords(TestCsvLoader):
    options = LoadOptions(id_field="code")


def test_a_table_is_one_markdown_document(load):
    document = load("prices.csv", SAMPLE)[0]
    assert (document.doc_id, document.title) == ("prices.csv", "prices")
    assert document.text.split("\n") == [
        "| code | name | price | made | fresh | note |",
        "| --- | --- | --- | --- | --- | --- |",
        "| 007 | Bolt, long | 1.50 | 2024-05-01 | true | first second \\| third |",
        "| 12 | Nut | -3 |  | FALSE |  |",
    ]


def test_a_table_is_typed_rows_numbered_by_line(load):
    document = load("prices.csv", SAMPLE)[0]
    (table,) = document.tables
    assert table.name == "prices"
    assert [(column.name, column.type) for column in table.columns] == [
        ("code", "text"),
        ("name", "text"),
        ("price", "number"),
        ("made", "date"),
        ("fresh", "boolean"),
        ("note", "text"),
    ]
    bolt, nut = table.rows
    made = datetime(2024, 5, 1, tzinfo=UTC)
    assert (bolt.number, bolt.cells) == (3, ("007", "Bolt, long", 1.5, made, True, "first\nsecond | third"))
    assert (nut.number, nut.cells) == (5, ("12", "Nut", -3.0, None, False, None))
    assert document.text[nut.start : nut.end] == "| 12 | Nut | -3 |  | FALSE |  |"
    assert document.text[table.start : table.end] == document.text


def test_a_long_table_is_several_documents(load):
    def rows(count: int) -> str:
        return "a,b\n" + "".join(f"{number},x\n" for number in range(count))

    (whole,) = load("a.csv", rows(ROWS_A_DOCUMENT))
    assert (whole.doc_id, whole.title) == ("a.csv", "a")
    first, second = load("b.csv", rows(ROWS_A_DOCUMENT + 1))
    assert (first.doc_id, first.title) == ("b.csv#1", f"b, lines 2 to {ROWS_A_DOCUMENT + 1}")
    assert second.doc_id == "b.csv#2"
    assert second.text == f"| a | b |\n| --- | --- |\n| {ROWS_A_DOCUMENT} | x |"
    assert second.tables[0].rows[0].number == ROWS_A_DOCUMENT + 2


def test_rows_are_records_when_fields_are_named(load):
    bolt, nut = load("prices.csv", SAMPLE, LoadOptions(id_field="code", title_field="name", text_field="note"))
    assert (bolt.doc_id, bolt.title, bolt.text) == ("007", "Bolt, long", "first\nsecond | third")
    assert bolt.metadata == {"price": 1.5, "made": datetime(2024, 5, 1, tzinfo=UTC), "fresh": True}
    assert (nut.doc_id, nut.text, nut.metadata) == ("12", "", {"price": -3, "fresh": False})


def test_rows_without_a_text_field(load):
    bolt = load("prices.csv", SAMPLE, LoadOptions(title_field="name"))[0]
    assert bolt.doc_id == "prices.csv#1"
    assert bolt.text.startswith("code: 007\nname: Bolt, long\nprice: 1.50\n")
    assert bolt.metadata["code"] == "007"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "part;price\nbolt;1,5\nnut;2,7\n"),
        ("a.csv", "part|price\nbolt|1,5\nnut|2,7\n"),
        ("a.tsv", "part\tprice\nbolt\t1,5\nnut\t2,7\n"),
        ("a.csv", "sep=;\r\npart;price\r\nbolt;1,5\r\nnut;2,7\r\n"),
        ("a.csv", 'part,price\nbolt,"1,5"\nnut,"2,7"\n'),
        ("a.csv", "\ufeffpart;price\nbolt;1,5\nnut;2,7"),
    ],
)
def test_delimiters(load, name, text):
    lines = load(name, text)[0].text.split("\n")
    assert lines == ["| part | price |", "| --- | --- |", "| bolt | 1,5 |", "| nut | 2,7 |"]
    ids = [document.doc_id for document in load(name, text, LoadOptions(id_field="part"))]
    assert ids == ["bolt", "nut"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1,2\n", "| a | b |"),
        ("1,2\n3,4\n", "| column 1 | column 2 |"),
        ("2024-01-01,x\n2024-01-02,y\n", "| column 1 | column 2 |"),
        ("x,x\ny,z\n", "| column 1 | column 2 |"),
        ("city,2023,2024\nOslo,1,2\n", "| city | 2023 | 2024 |"),
        (",min,max\njan,1,2\n", "| column 1 | min | max |"),
        ("only\none\ncolumn\n", "| only |"),
    ],
)
def test_names_of_columns(load, text, names):
    assert load("a.csv", text)[0].text.split("\n")[0] == names


def test_ragged_rows_lose_nothing(load):
    lines = load("a.csv", "a,b\n1\n1,2,3\n")[0].text.split("\n")
    assert lines == ["| a | b | column 3 |", "| --- | --- | --- |", "| 1 |  |  |", "| 1 | 2 | 3 |"]
    records = load("a.csv", "a,b\n1\n1,2,3\n", LoadOptions(text_field="b"))
    assert [record.text for record in records] == ["", "2"]
    assert records[1].metadata == {"a": 1, "column 3": 3}


def test_a_misspelt_field_names_those_that_exist(load):
    with pytest.raises(LoadError, match=r"no field 'Code': the fields are code, name, price"):
        load("a.csv", SAMPLE, LoadOptions(id_field="Code"))


def test_ids_that_are_missing_or_used_twice(load):
    with pytest.raises(LoadError, match=r"2 of 4 rows can't be read: row 3: no usable field 'id'; row 4: an id that"):
        load("a.csv", "id,text\na,1\n,2\na,3\nb,4\n", LoadOptions(id_field="id"))


def test_a_cell_too_long_for_csv(load, monkeypatch):
    monkeypatch.setattr("docindex.loaders.csv_files._LONGEST_CELL", 100_000)
    with pytest.raises(LoadError, match="line 3 is not CSV"):
        load("a.csv", f"a,b\n1,2\n3,{'x' * 200_000}\n")


def test_latin1(load):
    assert "Höhe" in load("a.csv", "Ort;Höhe über dem Meer\nKöln;53\nMünchen;519\n".encode("latin-1"))[0].text


@pytest.mark.parametrize("text", ["", "\n\n", ",,,\n"])
def test_an_empty_table_is_an_empty_document(load, text):
    assert load("a.csv", text)[0].text == ""


def test_a_cell_may_hold_a_long_text(tmp_path: Path):
    path = tmp_path / "long.csv"
    path.write_text(f"name,text\na,{'word ' * 60_000}\n")
    [document] = CsvLoader().load(Source("long.csv", path, "text/csv"))
    assert document.text.count("word") == 60_000


def test_a_line_of_very_many_cells_is_a_table_of_as_many_columns(tmp_path: Path):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(["same"] * 100_000) + "\n")
    [document] = CsvLoader().load(Source("wide.csv", path, "text/csv"))
    assert len(document.tables[0].columns) == 100_000
