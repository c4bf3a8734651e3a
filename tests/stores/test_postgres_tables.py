"""Questions about the tables of a PostgreSQL database, which they leave as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import create_engine, text

from docindex.answering.tables.database_tables import DatabaseTables
from docindex.answering.tables.engine import TablesEngine
from docindex.answering.tables.guarded import given_database
from docindex.answering.tables.limits import TableLimits
from docindex.errors import QueryError

pytestmark = pytest.mark.postgres
SHOP = (
    "CREATE TABLE customers (id integer PRIMARY KEY, name text, city text)",
    "CREATE TABLE orders (order_id integer PRIMARY KEY, customer_id integer, product text, amount numeric(10, 2), "
    "ordered_on date, sent_at timestamptz, paid boolean, weight double precision, rate real)",
    "INSERT INTO customers VALUES (1, 'Ann', 'Oslo'), (2, 'Bo', 'Rome'), (3, 'Cy', 'Oslo')",
    "INSERT INTO orders VALUES (10, 1, 'Desk', 120.50, '2024-01-03', '2024-01-04 10:00+00', true, 20.5, 0.7), "
    "(11, 2, 'Lamp', 30.25, '2024-02-03', NULL, false, 0.1, 0.1), "
    "(12, 1, 'Lamp', 30.25, '2024-02-10', NULL, true, 0.2, 0.2), "
    "(13, 3, 'Chair', 75, '2024-03-01', NULL, false, 7.3, NULL)",
)


@pytest.fixture
def url(postgres_url: Callable[[], str]) -> str:
    url = postgres_url()
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in SHOP:
            connection.exec_driver_sql(statement)
    engine.dispose()
    return url


@pytest.fixture
def engine(url: str) -> Iterator[TablesEngine]:
    engine = TablesEngine(DatabaseTables(url, TableLimits()))
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("How many orders are there?", ((4,),)),
        ("What is the total amount of all orders?", ((256,),)),
        ("total weight of the lamps", ((0.3,),)),
        ("average amount of the orders", ((64,),)),
        ("median amount of the orders", ((52.625,),)),
        ("variance of the amount of the orders", ((5591.375 / 3,),)),
        ("How many orders were not paid?", ((2,),)),
        ("total amount of orders by customers from Oslo", ((225.75,),)),
        ("How many orders are there per product?", (("Chair", 1), ("Desk", 1), ("Lamp", 2))),
        ("What percentage of orders were paid?", ((50.0, 2, 4),)),
    ],
)
def test_questions(engine: TablesEngine, question: str, rows: tuple) -> None:
    result = engine.result(question)
    assert result is not None, engine.query(question).answer
    assert len(result.rows) == len(rows)
    for found, wanted in zip(result.rows, rows, strict=True):
        assert found == pytest.approx(wanted) if isinstance(wanted[0], int | float) else found == wanted


@pytest.mark.parametrize(
    ("question", "cited"),
    [
        ("What is the highest rate of the orders?", ["10"]),
        ("What percentage of orders were not paid?", ["11", "13"]),
        ("Which product of the orders has the lowest total amount?", ["11", "12"]),
    ],
)
def test_the_rows_that_a_value_rests_on_are_cited(engine: TablesEngine, question: str, cited: list[str]) -> None:
    response = engine.query(question)
    assert [one.quote.split(";")[0].removeprefix("order_id: ") for one in response.citations] == cited, response.answer


def test_dates(engine: TablesEngine) -> None:
    """Of two date columns the one that is named; where none is, nothing is guessed."""
    assert engine.result("total amount of the orders sent in January 2024").rows == ((120.5,),)
    assert engine.result("total amount of the lamps ordered in February 2024").rows == ((60.5,),)
    assert engine.result("total amount of lamps in February 2024") is None


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE orders",
        "DELETE FROM orders",
        "WITH gone AS (DELETE FROM orders RETURNING 1) SELECT count(*) FROM gone",
        "SELECT 1; DROP TABLE orders",
        "SELECT nextval('s')",
        "SELECT * INTO copied FROM orders",
        "COPY orders TO '/tmp/copied.csv'",
        "SET default_transaction_read_only = off",
    ],
)
def test_harmful_statements_change_nothing(url: str, statement: str) -> None:
    guarded, looking = given_database(url, TableLimits())
    with looking.begin() as connection:
        connection.exec_driver_sql("CREATE SEQUENCE s")
    with pytest.raises(QueryError):
        guarded.run(text(statement))
    assert guarded.run(text("SELECT count(*), sum(amount) FROM orders")).rows[0][0] == 4
    with looking.begin() as connection:
        assert connection.exec_driver_sql("SELECT last_value, is_called FROM s").one() == (1, False)
    looking.dispose()
    guarded.close()


def test_a_statement_that_takes_too_long_is_stopped(url: str) -> None:
    guarded, looking = given_database(url, TableLimits(seconds=0.2))
    with pytest.raises(QueryError, match=r"longer than 0\.2 seconds"):
        guarded.run(text("SELECT pg_sleep(20)"))
    guarded.close()
    looking.dispose()
