"""A given SQLite database: looked up, asked read-only, its rows cited."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex.answering.tables.database_tables import DatabaseTables
from docindex.answering.tables.engine import TablesEngine
from docindex.answering.tables.limits import TableLimits
from docindex.errors import QueryError

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT, since DATE);
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), product TEXT,
    amount NUMERIC(10, 2), ordered_on DATE, paid BOOLEAN, weight REAL, scan BLOB);
CREATE VIEW large_orders AS SELECT * FROM orders WHERE amount > 100;
INSERT INTO customers VALUES (1, 'Ann', 'Oslo', '2020-01-02'), (2, 'Bo', 'Rome', '2021-05-06'),
    (3, 'Cy', 'Oslo', '2022-07-08');
INSERT INTO orders VALUES (10, 1, 'Desk', 120.50, '2024-01-03', 1, 20.5, x'00'),
    (11, 2, 'Lamp', 30.25, '2024-02-03', 0, 1.1, NULL), (12, 1, 'Lamp', 30.25, '2024-02-10', 1, 1.1, NULL),
    (13, 3, 'Chair', 75, '2024-03-01', 0, 7.3, NULL);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript(SHOP)
    connection.close()
    return path


@pytest.fixture
def engine(path: Path) -> Iterator[TablesEngine]:
    limits = TableLimits(cited=3)
    engine = TablesEngine(DatabaseTables(f"sqlite:///{path}", limits), limits=limits)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("How many orders are there?", ((4,),)),
        ("How many large orders are there?", ((1,),)),
        ("What is the total amount of all orders?", ((256,),)),
        ("median amount of the orders", ((52.625,),)),
        ("How many orders were not paid?", ((2,),)),
        ("How many orders were placed in February 2024?", ((2,),)),
        ("total amount of orders by customers from Oslo", ((225.75,),)),
        ("Which customers are from Oslo?", (("Ann",), ("Cy",))),
        ("How many orders are there per product?", (("Chair", 1), ("Desk", 1), ("Lamp", 2))),
        ("Which product of the orders has the highest total weight?", (("Desk", 20.5),)),
    ],
)
def test_questions(engine: TablesEngine, question: str, rows: tuple) -> None:
    result = engine.result(question)
    assert result is not None
    assert result.rows == rows


def test_rows_are_cited_as_they_were_read(engine: TablesEngine, path: Path) -> None:
    response = engine.query("How many lamps were ordered in February 2024?")
    assert response.answer.startswith("There are 2 rows in orders")
    first, second = response.citations
    assert first.source == f"sqlite:///{path}#orders"
    assert first.quote.startswith("order_id: 11; customer_id: 2; product: Lamp; amount: 30.25; ordered_on: 2024-02-03")
    assert first.verified
    assert (second.start, second.end) == (0, len(second.quote))


def test_what_cannot_be_read_is_left_out_and_said(
    path: Path, engine: TablesEngine, caplog: pytest.LogCaptureFixture
) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE gone (a INTEGER); CREATE VIEW broken AS SELECT a FROM gone; DROP TABLE gone;"
        "CREATE VIEW labels AS SELECT order_id, printf('%d', amount) AS label FROM orders;"
    )
    connection.close()
    assert engine.query("How many orders are there?").answer.startswith("There are 4 rows in orders")
    assert [record.getMessage().partition("#")[2] for record in caplog.records] == [
        "broken is left out, as it can't be read: no such table: main.gone",
        "labels is left out, as it can't be read: not authorized to use function: printf",
    ]


def test_a_database_of_which_nothing_can_be_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "views.db"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE gone (a INTEGER); CREATE VIEW broken AS SELECT a FROM gone; DROP TABLE gone")
    connection.close()
    engine = TablesEngine(DatabaseTables(f"sqlite:///{path}", TableLimits()))
    with pytest.raises(QueryError, match=r"No table .* \(no such table: main\.gone\)"):
        engine.query("How many rows are there?")
    engine.close()


@pytest.mark.parametrize(
    ("question", "figure"),
    [
        ("What is the highest mass?", "is 1.989e+30,"),
        ("total mass of the stars", "is 3.1e+30,"),
        ("average mass of the stars", "is 1.55e+30,"),
        ("variance of the mass of the stars", "is 3.8"),
        ("maximum price of the stars", "(inf EUR)"),
        ("total price of the stars", "is inf EUR,"),
        ("average price of the stars", "is inf EUR,"),
        ("What is the average size?", "is 100,000,000,000,000,"),
        ("What share of the total price of the stars is of the sun?", "do not answer"),
    ],
)
def test_numbers_of_any_size_are_told(path: Path, engine: TablesEngine, question: str, figure: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE stars (name TEXT, mass REAL, [price (EUR)] NUMERIC(10, 2), size REAL);"
        "INSERT INTO stars VALUES ('Sun', 1.989e30, 9e999, 2e14), ('Proxima', 1.111e30, 1.25, 1e-9);"
    )
    connection.close()
    assert figure in engine.query(question).answer


def test_the_file_is_left_as_it_is(engine: TablesEngine, path: Path) -> None:
    before = path.read_bytes()
    for question in ("How many orders are there?", "Drop the table orders", "Delete all orders from Oslo"):
        engine.query(question)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["shop.db"]


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    from docindex.answering.tables.guarded import public_name

    assert public_name("postgresql+psycopg://me:secret@host:5432/shop?sslmode=require") == "postgresql://host:5432/shop"


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and no database. " * 100)
    engine = TablesEngine(DatabaseTables(f"sqlite:///{path}", TableLimits()))
    with pytest.raises(QueryError, match="can't be read"):
        engine.query("How many notes are there?")
    engine.close()


@pytest.mark.parametrize(
    ("question", "cited"),
    [
        ("What is the highest amount of the orders?", [10]),
        ("What is the lowest weight of the orders?", [11, 12]),
        ("What is the highest rate?", [3]),
        ("When was the latest reading sent?", [2]),
        ("What is the highest amount of orders by customers from Rome?", [11]),
        ("What percentage of orders were not paid?", [11, 13]),
        ("Which product of the orders has the highest total amount?", [10]),
        ("Which product of the orders has the second highest total amount?", [13]),
        ("Which month had the most orders?", [11, 12]),
        ("What is the total amount of all orders?", [10, 11, 12]),
    ],
)
def test_the_rows_that_a_value_rests_on_are_cited(
    path: Path, engine: TablesEngine, question: str, cited: list[int]
) -> None:
    """Also where what comes out of the database does not equal what is in it: long fractions, times kept as texts."""
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE readings (reading_id INTEGER PRIMARY KEY, rate NUMERIC, sent_at DATETIME);"
        "INSERT INTO readings VALUES (1, 0.1, '2024-01-03 10:00:00'), (2, 0.2, '2024-01-03 12:00:00'),"
        " (3, 1.23456789012345, '2024-01-03 11:00:00');"
    )
    connection.close()
    response = engine.query(question)
    quotes = [citation.quote for citation in response.citations]
    assert [int(quote.split(";")[0].split(": ")[1]) for quote in quotes] == cited, response.answer


@pytest.mark.parametrize(
    ("kind", "values", "question", "answer"),
    [
        ("NUMERIC", "'n/a', 10", "total amount of the sales", "do not answer"),
        ("NUMERIC", "'n/a', 10", "How many sales have an amount above 5?", "do not answer"),
        ("INTEGER", "'many', 10", "total amount of the sales", "do not answer"),
        ("DATETIME", "1700000000000, '2024-03-01 10:00:00'", "How many sales in March 2024?", "do not answer"),
        ("DATE", "'soon', '2024-03-01'", "How many sales in March 2024?", "do not answer"),
        ("BOOLEAN", "'perhaps', 1", "How many sales have an amount?", "do not answer"),
        ("NUMERIC", "'n/a', 10", "How many sales are there?", "There are 2 rows in sales"),
    ],
)
def test_a_column_with_a_value_of_another_type_is_text(
    path: Path,
    engine: TablesEngine,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    values: str,
    question: str,
    answer: str,
) -> None:
    """SQLite keeps any value in any column, and would count text as 0 and as more than any number."""
    one, other = values.split(", ")
    connection = sqlite3.connect(path)
    connection.executescript(
        f"CREATE TABLE sales (sale TEXT, amount {kind}, fee NUMERIC);"
        f"INSERT INTO sales VALUES ('S1', {one}, 1), ('S2', {other}, 2);"
    )
    connection.close()
    assert answer in engine.query(question).answer
    assert [record.getMessage().partition("#")[2] for record in caplog.records] == [
        "sales.amount is read as text, as not all of it is of its type"
    ]


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("How many calls were in March 2024?", 4),
        ("How many calls were on 1 March 2024?", 3),
        ("How many calls were before April 2024?", 5),
        ("How many calls were since April 2024?", 1),
        ("How many calls were after February 2024?", 5),
    ],
)
def test_moments_are_compared_however_they_are_written(
    path: Path, engine: TablesEngine, question: str, count: int
) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE calls (call TEXT, made_at DATETIME);"
        "INSERT INTO calls VALUES ('C1', '2024-02-29 23:59:59'), ('C2', '2024-03-01 00:00:00'),"
        " ('C3', '2024-03-01T10:00:00'), ('C4', '2024-03-01'), ('C5', '2024-03-31 23:59:59.5'),"
        " ('C6', '2024-04-01 00:00:00');"
    )
    connection.close()
    assert engine.result(question).rows == ((count,),)
