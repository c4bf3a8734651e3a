from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docindex.errors import LoadError
from docindex.loaders import sqlite_file
from docindex.loaders.sqlite_file import SqliteFileLoader
from docindex.protocols import Loaded
from docindex.schema import Column, Document, LoadOptions, Problem, Source, Unread
from docindex.testing.loader_contract import LoaderContract

NO_OPTIONS = LoadOptions()
SAMPLE = (
    "CREATE TABLE parts (code TEXT PRIMARY KEY, name TEXT, price REAL, made TEXT, photo BLOB)",
    "INSERT INTO parts VALUES ('007', 'Bolt | long', 1.5, '2024-05-01', x'FFD8'), ('008', 'Nut', 2, NULL, NULL)",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)",
    "INSERT INTO notes VALUES (5, 'Press the red button.'), (9, 'Wait' || char(13, 10) || 'a while.')",
    "CREATE VIEW all_notes AS SELECT * FROM notes",
)


def make(path: Path, statements: Sequence[str] = SAMPLE) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def load(path: Path, options: LoadOptions = NO_OPTIONS) -> list[Loaded]:
    return list(SqliteFileLoader().load(Source(path.name, path, "application/vnd.sqlite3", options)))


def documents(path: Path, options: LoadOptions = NO_OPTIONS) -> list[Document]:
    return [found for found in load(path, options) if isinstance(found, Document)]


class TestContract(LoaderContract):
    media_type = "application/vnd.sqlite3"
    suffix = ".sqlite"

    def loader(self) -> SqliteFileLoader:
        return SqliteFileLoader()

    def write(self, path: Path) -> None:
        make(path)


class TestContractOfRecords(TestContract):
    options = LoadOptions(id_field="id", text_field="body")


def test_each_table_is_a_document_with_typed_rows(tmp_path: Path) -> None:
    parts, notes = documents(make(tmp_path / "shop.db"))
    assert (parts.doc_id, parts.title, parts.source) == ("shop.db#parts", "parts", "shop.db")
    assert parts.metadata == {"table": "parts"}
    assert [heading.text for heading in parts.headings] == ["parts"]
    assert "| 007 | Bolt \\| long | 1.5 | 2024-05-01 |" in parts.text
    (table,) = parts.tables
    assert table.columns[:4] == (
        Column("code", "text"),
        Column("name", "text"),
        Column("price", "number"),
        Column("made", "date"),
    )
    assert table.rows[0].cells[:4] == ("007", "Bolt | long", 1.5, datetime(2024, 5, 1, tzinfo=UTC))
    assert [row.number for row in table.rows] == [1, 2]
    assert notes.doc_id == "shop.db#notes"
    assert "Wait a while." in notes.text


def test_with_fields_each_row_is_a_document(tmp_path: Path) -> None:
    found = load(make(tmp_path / "shop.db"), LoadOptions(id_field="id", text_field="body"))
    assert found[0] == Unread("shop.db#parts", "has no column 'id'")
    assert [(each.doc_id, each.text) for each in found[1:] if isinstance(each, Document)] == [
        ("5", "Press the red button."),
        ("9", "Wait\na while."),
    ]
    (code, *_) = documents(tmp_path / "shop.db", LoadOptions(id_field="code"))
    assert code.metadata["price"] == 1.5
    assert "photo" not in code.metadata


def test_ids_that_two_tables_have_are_told_of(tmp_path: Path) -> None:
    rows = ("CREATE TABLE {0} (id INTEGER, body TEXT)", "INSERT INTO {0} VALUES (1, '{0} one'), (2, '{0} two')")
    statements = [text.format(name) for name in ("a", "b") for text in rows]
    found = load(
        make(tmp_path / "a.db", [*statements, "INSERT INTO b VALUES (3, 'three')"]), LoadOptions(id_field="id")
    )
    assert [each.doc_id for each in found if isinstance(each, Document)] == ["1", "2", "3"]
    assert [each for each in found if isinstance(each, Problem)] == [
        Problem("a.db#b", "2 rows have an id that a row of an earlier table has")
    ]


def test_fields_that_no_table_has_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="has no table with the columns 'key'"):
        load(make(tmp_path / "shop.db"), LoadOptions(id_field="key", title_field="name"))


def test_a_large_table_goes_on_in_further_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_PART_ROWS", 4)
    path = make(tmp_path / "a.db", ["CREATE TABLE t (n INTEGER)"])
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(10)])
        connection.commit()
    found = documents(path)
    assert [each.doc_id for each in found] == ["a.db#t", "a.db#t#5", "a.db#t#9"]
    rows = [row for each in found for row in each.tables[0].rows]
    assert [row.number for row in rows] == list(range(1, 11))
    assert [row.cells for row in rows] == [(number,) for number in range(10)]


def test_long_texts_end_a_document_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_PART_CHARACTERS", 1000)
    path = make(tmp_path / "a.db", ["CREATE TABLE t (text)"])
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 400,)] * 7)
        connection.commit()
    assert [len(each.tables[0].rows) for each in documents(path)] == [3, 3, 1]


def test_full_text_tables_are_read_and_what_they_consist_of_is_not(tmp_path: Path) -> None:
    path = make(
        tmp_path / "a.db",
        [
            "CREATE VIRTUAL TABLE pages USING fts5(title, body)",
            "INSERT INTO pages VALUES ('Home', 'Welcome')",
            "CREATE VIRTUAL TABLE boxes USING rtree(id, low, high)",
            "CREATE TABLE other (id INTEGER PRIMARY KEY AUTOINCREMENT, b BLOB)",
            "INSERT INTO other (b) VALUES (x'00')",
        ],
    )
    assert [each.doc_id for each in documents(path)] == ["a.db#pages", "a.db#other"]


def test_odd_names_are_kept_apart(tmp_path: Path) -> None:
    path = make(
        tmp_path / "a.db",
        [
            'CREATE TABLE "a ""b"" [c]" ("x; y" TEXT, "select" TEXT)',
            """INSERT INTO "a ""b"" [c]" VALUES ('one', 'two')""",
            'CREATE TABLE "a\n""b"" [c]" (x TEXT)',
            """INSERT INTO "a\n""b"" [c]" VALUES ('three')""",
        ],
    )
    assert [each.doc_id for each in documents(path)] == ['a.db#a "b" [c]', 'a.db#a "b" [c] (2)']


def test_tables_without_text_are_told_of(tmp_path: Path) -> None:
    path = make(tmp_path / "a.db", ["CREATE TABLE none (x)", "CREATE TABLE b (x)", "INSERT INTO b VALUES (x'00')"])
    reason = "holds no rows, or none but of binary values"
    assert load(path) == [Unread("a.db#none", reason), Unread("a.db#b", reason)]
    empty = make(tmp_path / "empty.db", ["CREATE TABLE t (x)", "DROP TABLE t"])
    assert load(empty) == [Unread("empty.db", "holds no tables")]


def test_what_waits_in_the_log_is_read(tmp_path: Path) -> None:
    path = make(tmp_path / "a.db", ["PRAGMA journal_mode = WAL", "CREATE TABLE t (x)"])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("INSERT INTO t VALUES ('fresh')")
        connection.commit()
        assert path.with_name("a.db-wal").stat().st_size
        (found,) = documents(path)
    assert "fresh" in found.text


def test_text_that_is_not_utf8_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = make(tmp_path / "a.db", ["CREATE TABLE t (x)", "INSERT INTO t VALUES (CAST(x'4772FC6E' AS TEXT))"])
    assert "Gr\ufffdn" in documents(path)[0].text


def test_a_damaged_table_ends_nothing_but_itself(tmp_path: Path) -> None:
    path = make(tmp_path / "a.db", ["PRAGMA page_size = 512", "CREATE TABLE bad (x)", "CREATE TABLE good (x)"])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO bad VALUES ('bad')")
        connection.execute("INSERT INTO good VALUES ('good')")
        connection.commit()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'bad'").fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * 512 : page * 512] = b"\xff" * 512
    path.write_bytes(data)
    problem, document = load(path)
    assert isinstance(problem, Problem)
    assert problem.source == "a.db#bad"
    assert isinstance(document, Document)
    assert document.doc_id == "a.db#good"


def test_what_is_no_database_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"SQLite format 4\0" + b"\0" * 2000)
    with pytest.raises(LoadError, match="is not an SQLite database, or is encrypted"):
        load(path)
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 2000)
    with pytest.raises(LoadError, match="can't be read as an SQLite database"):
        load(path)
