"""No statement does anything but read, however it gets to the connection."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from docindex.answering.tables.guarded import GuardedDatabase, Watch, given_database, guard_sqlite, memory_database
from docindex.answering.tables.limits import TableLimits
from docindex.errors import QueryError, RequestCancelledError

HARMFUL = (
    "DROP TABLE t",
    "drop table t",
    "DELETE FROM t",
    "INSERT INTO t VALUES (9, 'x')",
    "UPDATE t SET n = 9",
    "CREATE TABLE u (a)",
    "CREATE TEMP TABLE u (a)",
    "CREATE VIEW v AS SELECT 1",
    "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
    "ALTER TABLE t RENAME TO u",
    "ATTACH DATABASE '{folder}/other.db' AS other",
    "DETACH DATABASE main",
    "VACUUM",
    "VACUUM INTO '{folder}/copy.db'",
    "REINDEX",
    "ANALYZE",
    "PRAGMA query_only = OFF",
    "PRAGMA writable_schema = ON",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA table_info(t)",
    "BEGIN IMMEDIATE",
    "SAVEPOINT s",
    "EXPLAIN SELECT 1",
    "REPLACE INTO t VALUES (1, 'x')",
    "SELECT load_extension('evil')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('{folder}/made', 'x')",
    "SELECT zeroblob(1000000000)",
    "SELECT randomblob(1000000000)",
    "SELECT hex(n) FROM t",
    "SELECT printf('%.*c', 100000000, 'x')",
    "SELECT group_concat(s) FROM t",
    "SELECT replace(s, 'a', 'b') FROM t",
    "SELECT fts3_tokenizer('simple')",
    "SELECT sqlite_compileoption_get(1)",
    "SELECT * FROM pragma_table_info('t')",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "WITH RECURSIVE c(x) AS (VALUES(1) UNION SELECT x + 1 FROM c LIMIT 1000000000) SELECT sum(x) FROM c",
    "SELECT 1; DROP TABLE t",
    "SELECT 1; SELECT 2",
    "SELECT 1 /* */ ; -- \nDELETE FROM t",
    "WITH x AS (SELECT 1) DELETE FROM t",
    "WITH x AS (SELECT 1) INSERT INTO t SELECT 1, 'x'",
)
SLOW = "SELECT count(*) FROM t AS a, t AS b, t AS c, t AS d, t AS e, t AS f"


def fill(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE t (n INTEGER, s TEXT)")
    connection.execute("CREATE INDEX by_n ON t (n)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(at, f"s{at}") for at in range(100)])
    connection.commit()


@pytest.fixture(params=["memory", "file"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GuardedDatabase]:
    limits = TableLimits(seconds=0.3, rows=10)
    if request.param == "memory":
        guarded = memory_database(limits, fill)
    else:
        path = tmp_path / "given.db"
        connection = sqlite3.connect(path)
        fill(connection)
        connection.close()
        guarded, looking = given_database(f"sqlite:///{path}", limits)
        looking.dispose()
    yield guarded
    guarded.close()


@pytest.mark.parametrize("statement", HARMFUL)
def test_harmful_statements_never_run(database: GuardedDatabase, statement: str, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(QueryError):
        database.run(text(statement.format(folder=tmp_path).replace(":", "\\:")))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert database.run(text("SELECT count(*), sum(n) FROM t")).rows == ((100, 4950),)


@pytest.mark.parametrize("statement", [one for one in HARMFUL if not one.startswith("SELECT 1")])
def test_the_connection_itself_refuses_them(statement: str, tmp_path: Path) -> None:
    """Past the look at the text: what SQLite is asked for is refused by SQLite."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    fill(raw)
    watch = Watch()
    guard_sqlite(raw, watch)
    watch.begin(5, None)
    if statement.startswith("EXPLAIN"):
        return  # it reads, and is refused for its text
    with pytest.raises(sqlite3.Error):
        raw.execute(statement.format(folder=tmp_path)).fetchall()
    assert list(tmp_path.iterdir()) == []
    assert raw.execute("SELECT count(*), sum(n) FROM t").fetchall() == [(100, 4950)]
    raw.close()


def test_extensions_can_not_be_switched_on() -> None:
    raw = sqlite3.connect(":memory:")
    guard_sqlite(raw, Watch())
    with pytest.raises(sqlite3.Error):
        raw.execute("SELECT load_extension('x')")
    raw.close()


def test_a_statement_that_runs_away_is_stopped(database: GuardedDatabase) -> None:
    began = time.monotonic()
    with pytest.raises(QueryError, match=r"longer than 0\.3 seconds"):
        database.run(text(SLOW))
    assert time.monotonic() - began < 3
    assert database.run(text("SELECT count(*) FROM t")).rows == ((100,),)


def test_a_statement_that_is_cancelled_is_stopped() -> None:
    database = memory_database(TableLimits(seconds=60), fill)
    cancel = threading.Event()
    timer = threading.Timer(0.1, cancel.set)
    timer.start()
    with pytest.raises(RequestCancelledError):
        database.run(text(SLOW), cancel=cancel)
    timer.join()
    database.close()


def test_rows_are_limited(database: GuardedDatabase) -> None:
    found = database.run(text("SELECT n FROM t"))
    assert len(found.rows) == 10
    assert found.cut
    assert not database.run(text("SELECT n FROM t WHERE n < 10")).cut


def test_reading_is_allowed(database: GuardedDatabase) -> None:
    found = database.run(text("SELECT median(n), round(avg(n), 2), upper(max(s)) FROM t WHERE s LIKE 's1%'"))
    assert found.rows == ((14.0, 11.82, "S19"),) or found.rows[0][2] == "S19"


def test_a_file_is_opened_for_reading_only(tmp_path: Path) -> None:
    path = tmp_path / "given.db"
    connection = sqlite3.connect(path)
    fill(connection)
    connection.close()
    path.chmod(0o444)
    guarded, looking = given_database(f"sqlite:///{path}", TableLimits())
    assert guarded.run(text("SELECT count(*) FROM t")).rows == ((100,),)
    with pytest.raises(Exception, match=r"readonly|not authorized"), looking.connect() as connected:
        connected.exec_driver_sql("DELETE FROM t")
    guarded.close()
    looking.dispose()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["given.db"]


@pytest.mark.parametrize("url", ["nonsense", "sqlite://", "sqlite:////nowhere/at/all.db", "nokind://host/db"])
def test_what_is_no_database_is_said(url: str) -> None:
    with pytest.raises(QueryError):
        given_database(url, TableLimits())
