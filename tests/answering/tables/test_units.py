"""Units in a question, and columns that have none; numbers that only number the rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from docindex.answering.tables.engine import TablesEngine

Engines = Callable[..., TablesEngine]
ORDERS = ("orders.csv", ("Order", "Customer", "Amount"), ((1001, "Ann", 1500), (1002, "Bob", 900), (1003, "Cid", 5000)))
TOTALS = ("orders.csv", ("Order", "Total", "Fee"), ((1001, 1500, 5), (1002, 900, 7), (1003, 5000, 8)))
STOCK = ("parts.csv", ("Part", "Stock"), (("A", 5), ("B", 15)))


@pytest.mark.parametrize("values", [(0.05, 0.1, 0.2), (0.5, 1.0, None)])
def test_percent_are_not_compared_with_what_may_be_fractions(engine_of: Engines, values: tuple) -> None:
    engine = engine_of(("orders.csv", ("Order", "Discount"), tuple(enumerate(values, 1))))
    assert engine.query("How many orders have a discount above 5%?").no_answer
    assert engine.result("How many orders have a discount above 0.04?").value == sum(one is not None for one in values)


@pytest.mark.parametrize("values", [("5%", "10%", "20%"), (0.5, 10.5, 20.0)])
def test_percent_are_compared_with_what_can_be_no_fractions(engine_of: Engines, values: tuple) -> None:
    engine = engine_of(("orders.csv", ("Order", "Discount"), tuple(enumerate(values, 1))))
    assert engine.result("How many orders have a discount above 5%?").value == 2


@pytest.mark.parametrize(
    "question",
    [
        "How many orders are above 1,000 EUR?",
        "How many orders cost more than 1,000 euros?",
        "How many orders have an amount above 1,000 EUR?",
    ],
)
def test_money_is_compared_with_the_only_column_of_money(engine_of: Engines, question: str) -> None:
    assert engine_of(ORDERS).result(question).rows == ((2,),)


@pytest.mark.parametrize(
    ("sheet", "question"),
    [(ORDERS, "How many orders are above 1,000?"), (TOTALS, "How many orders are above 1,000 EUR?")],
)
def test_the_numbers_of_rows_are_not_compared(engine_of: Engines, sheet: tuple, question: str) -> None:
    assert engine_of(sheet).query(question).no_answer


def test_a_row_is_found_by_its_number(engine_of: Engines) -> None:
    assert engine_of(ORDERS).result("What is the amount of order 1001?").value == 1500


def test_a_column_that_is_named_takes_any_money(engine_of: Engines) -> None:
    assert engine_of(TOTALS).result("How many orders have a total above 1,000 EUR?").rows == ((2,),)


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("How many orders have no amount?", 2),
        ("How many orders without amount?", 2),
        ("How many orders are out of stock?", 1),
    ],
)
def test_no_amount_is_none_or_nothing(engine_of: Engines, question: str, count: int) -> None:
    table = (("A", 0, 1), ("B", None, 0), ("C", 5, None))
    assert engine_of(("orders.csv", ("Order", "Amount", "Stock"), table)).result(question).rows == ((count,),)
