"""Conditions that a question denies: the answer is of the rows that do not meet them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from docindex.answering.tables.engine import TablesEngine

ORDERS = (
    "orders.csv",
    ("Number", "Product", "Amount", "Status", "City"),
    (
        (1, "Lamp", 100, "Open", "Oslo"),
        (2, "Desk", 200, "Shipped", "Rome"),
        (3, "Sofa", 300, "Open", "Bern"),
        (4, "Lamp", 50, "Returned", "Oslo"),
        (5, "Lamp", 150, "Open", "Oslo"),
    ),
)
ONE_VALUE = {
    "Total amount for all products except Lamp": 500,
    "How many orders whose status is not Open?": 2,
    "How many orders have a status other than Open?": 2,
    "How many orders have no status Open?": 2,
    "How many orders whose city is neither Oslo nor Rome?": 1,
    "How many orders whose amount is not between 100 and 200?": 2,
    "How many orders whose amount is not at least 100?": 1,
    "How many orders whose amount isn't more than 100?": 2,
    "How many orders whose amount is not more than 100?": 2,
    "How many orders whose amount is no more than 100?": 2,
    "How many orders have a city that does not contain o?": 1,
    "How many orders have a product that does not start with L?": 2,
    "How many orders with an amount not below 100 whose status is not Open?": 1,
}


@pytest.mark.parametrize("question", ONE_VALUE)
def test_a_negation_between_a_column_and_its_value_counts(
    question: str, engine_of: Callable[..., TablesEngine]
) -> None:
    assert engine_of(ORDERS).result(question).rows == ((ONE_VALUE[question],),)


def test_no_before_a_number_is_no_negation(engine_of: Callable[..., TablesEngine]) -> None:
    assert engine_of(ORDERS).result("Which order has number no 3?").rows == ((3,),)


def test_what_is_denied_twice_is_declined(engine_of: Callable[..., TablesEngine]) -> None:
    assert engine_of(ORDERS).query("How many orders whose status is not not Open?").no_answer
