from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.json_files import JsonLinesLoader
from docindex.loaders.sql_rows import MEDIA_TYPE, SqlRows, SqlSource, plain
from docindex.loaders.sql_statement import refusal
from docindex.schema import LoadOptions, Source


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "shop ä.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE parts (code TEXT, name TEXT, price NUMERIC, made DATE, photo BLOB, note TEXT)")
        connection.executemany(
            "INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?)",
            [
                ("007", "Bolt", 1.5, "2024-05-01", b"\xff\xd8", "Turn it\r\nright."),
                ("008", "Nut", 2, None, None, None),
            ],
        )
        connection.commit()
    return f"sqlite:///{path}"


def test_a_row_is_a_document(shop: str) -> None:
    options = LoadOptions(id_field="code", title_field="name", text_field="note")
    bolt, nut = SqlRows().load(SqlSource(shop, "SELECT * FROM parts ORDER BY code", "the shop"), options)
    assert (bolt.doc_id, bolt.title, bolt.text, bolt.source) == ("007", "Bolt", "Turn it\nright.", "the shop")
    assert bolt.metadata == {"price": 1.5, "made": datetime(2024, 5, 1, tzinfo=UTC)}
    assert nut.metadata == {"price": 2}


def test_without_fields_the_text_has_a_line_for_each(shop: str) -> None:
    bolt, nut = SqlRows().load(SqlSource(shop, "SELECT name, price AS cost FROM parts", "shop"))
    assert (bolt.doc_id, bolt.text) == ("shop#1", "name: Bolt\ncost: 1.5")
    assert (nut.doc_id, nut.text) == ("shop#2", "name: Nut\ncost: 2")


def test_the_written_file_holds_the_same_records(shop: str, tmp_path: Path) -> None:
    source, path = SqlSource(shop, "SELECT * FROM parts"), tmp_path / "rows.jsonl"
    options = LoadOptions(id_field="code", text_field="name")
    assert SqlRows().write(source, path) == 2
    assert list(JsonLinesLoader().load(Source(source.label, path, MEDIA_TYPE, options))) == list(
        SqlRows().load(source, options)
    )
    assert SqlRows().write(SqlSource(shop, "SELECT * FROM parts WHERE 0"), path) == 0
    assert path.read_bytes() == b""


def test_the_name_has_no_password_and_differs_by_query() -> None:
    one = SqlSource("postgresql://me:s3cret@host:5433/db?sslpassword=s3cret", "SELECT 1")
    assert one.label.startswith("postgresql://me@host:5433/db#")
    assert one.label == SqlSource(one.url, "  SELECT\n1 ").label
    assert one.label != SqlSource(one.url, "SELECT 2").label
    assert "s3cret" not in repr(one)
    assert SqlSource(one.url, "SELECT 1", "orders").label == "orders"


def test_the_location_does_not_depend_on_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = SqlSource("sqlite:///a.db", "SELECT 1")
    assert source.label.startswith("sqlite:///a.db#")
    assert source.location.startswith(f"sqlite:///{tmp_path / 'a.db'}#")


def test_columns_of_one_name_are_kept_apart(shop: str) -> None:
    (row,) = SqlRows().rows(SqlSource(shop, "SELECT 1 AS n, 2 AS n, 3 AS N"))
    assert list(row.items()) == [("n", 1), ("n (2)", 2), ("N (3)", 3)]


def test_rows_come_one_after_another(shop: str) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    rows = SqlRows().rows(SqlSource(shop, endless))
    assert [row["i"] for row in islice(rows, 3)] == [1, 2, 3]
    rows.close()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1.50"), 1.5),
        (Decimal("100"), 100),
        (Decimal("1E+2"), 100),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (Decimal(10**20), "100000000000000000000"),
        (Decimal("NaN"), None),
        (float("inf"), None),
        (date(2024, 5, 1), "2024-05-01"),
        (datetime(2024, 5, 1, 10, 30), "2024-05-01T10:30:00+00:00"),
        (datetime.fromisoformat("2024-05-01T10:30:00+02:00"), "2024-05-01T08:30:00+00:00"),
        (time(10, 30), "10:30:00"),
        (timedelta(hours=1), "1:00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([1, b"x", [Decimal(2)]], [1, [2]]),
        ({"a": b"x", "b": None, 3: "c"}, {"b": None, "3": "c"}),
    ],
)
def test_values_become_what_json_holds(value: object, expected: object) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


# --- only reading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        *("SELECT 1", "select 1;", " ( SELECT 1 ) ;; ", "WITH a AS (SELECT 1) SELECT * FROM a", "VALUES (1), (2)"),
        *("-- a; b\nSELECT 1", "/* DELETE; */ SELECT 1", "SELECT ';', \";\" FROM t", "SELECT 'it''s; so'"),
        *("TABLE parts", "SELECT(1)", "SELECT '/*' || '*/'", "SELECT 1 -- the end;"),
    ],
)
def test_single_selects_are_run(statement: str) -> None:
    assert refusal(statement) is None


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM parts", "begins with 'DELETE'"),
        ("/* SELECT */ UPDATE parts SET name = 1", "begins with 'UPDATE'"),
        ("selection", "begins with 'selection'"),
        ("PRAGMA journal_mode = WAL", "begins with 'PRAGMA'"),
        ("", "is empty: give a SELECT"),
        ("-- SELECT 1", "is empty"),
        ("SELECT 1; DELETE FROM parts", "more than one statement"),
        ("SELECT '\\'; DELETE FROM parts; --'", "more than one statement"),
        ("SELECT '\\''; DELETE FROM parts; --'", "more than one statement"),
        ("SELECT $$'$$; DELETE FROM parts; --'", "more than one statement"),
        ("SELECT 1 # it's\n; DELETE FROM parts -- '", "more than one statement"),
        ("SELECT 1 /*! ; DELETE FROM parts */", "more than one statement"),
        ("SELECT 1--1; DELETE FROM parts", "more than one statement"),
        ("SELECT [a'b] FROM t; DELETE FROM parts --'", "more than one statement"),
    ],
)
def test_all_else_is_refused(shop: str, statement: str, reason: str) -> None:
    with pytest.raises(LoadError, match=f"its query .*{reason}"):
        list(SqlRows().rows(SqlSource(shop, statement)))
    assert len(list(SqlRows().rows(SqlSource(shop, "SELECT * FROM parts")))) == 2


def test_sqlite_is_opened_for_reading(shop: str, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="readonly database"):
        list(SqlRows().rows(SqlSource(shop, "WITH a AS (SELECT 1) DELETE FROM parts")))
    missing = tmp_path / "none.db"
    with pytest.raises(LoadError, match="unable to open database file"):
        list(SqlRows().rows(SqlSource(f"sqlite:///{missing}", "SELECT 1")))
    assert not missing.exists()


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("a:\\%'\"?1 ;-{}$"), max_size=12))
def test_what_is_quoted_reaches_the_database_as_it_is(tmp_path: Path, value: str) -> None:
    path = tmp_path / "a.db"
    path.touch()
    statement = "SELECT '" + value.replace("'", "''") + "' AS v"
    if refusal(statement) is None:  # what another dialect would see as the end of the text is refused
        assert list(SqlRows().rows(SqlSource(f"sqlite:///{path}", statement))) == [{"v": value}]


# --- what can't be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "is no database URL"),
        ("nosuch://me:s3cret@host/db", "of a kind that SQLAlchemy does not know: nosuch"),
        ("postgresql+pg8000://me:s3cret@host/db", "needs the Python package pg8000"),
        ("postgresql+psycopg://me:s3cret@127.0.0.1:1/db?connect_timeout=2", "can't be read"),
    ],
)
def test_databases_that_are_not_there(url: str, reason: str) -> None:
    with pytest.raises(LoadError, match=reason) as caught:
        list(SqlRows().rows(SqlSource(url, "SELECT 1")))
    assert "s3cret" not in str(caught.value)


def test_errors_of_the_query_are_told_in_the_words_of_the_database(shop: str) -> None:
    with pytest.raises(LoadError, match="can't be read: no such column: colour") as caught:
        list(SqlRows().rows(SqlSource(shop, "SELECT colour FROM parts", "shop")))
    assert caught.value.source == "shop"
    with pytest.raises(LoadError, match="has no field 'key': the fields are code, name"):
        list(SqlRows().load(SqlSource(shop, "SELECT code, name FROM parts"), LoadOptions(id_field="key")))
