"""Whatever the rows are, counts, totals, filters and groups are those that Python computes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from statistics import median

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docindex.answering.tables.engine import TablesEngine

NAMES = ("Order", "Colour", "Quantity", "Price (EUR)")
COLOURS = ("red", "green", "blue")
ROWS = st.lists(
    st.tuples(
        st.sampled_from(COLOURS),
        st.one_of(st.none(), st.integers(-50, 50)),
        st.decimals(min_value=0, max_value=10_000, places=2).map(float),
    ),
    min_size=2,
    max_size=30,
)


def table(rows: list) -> tuple:
    # Two fixed rows keep the types of the columns what they are.
    fixed = [("red", 1, 0.25), ("green", 2, 1.75)]
    return "orders.csv", NAMES, tuple((f"O{at}", *row) for at, row in enumerate([*fixed, *rows], 100))


@given(ROWS, st.integers(-50, 50), st.sampled_from(COLOURS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_answers_are_exact(engine_of: Callable[..., TablesEngine], rows: list, limit: int, colour: str) -> None:
    sheet = table(rows)
    engine = engine_of(sheet)
    data = [dict(zip(NAMES, row, strict=True)) for row in sheet[2]]
    price = [Decimal(str(row["Price (EUR)"])) for row in data]
    known = [row["Quantity"] for row in data if row["Quantity"] is not None]

    def value(question: str) -> object:
        result = engine.result(question)
        assert result is not None, question
        return result.value

    assert value("How many orders are there?") == len(data)
    assert Decimal(str(value("What is the total price?"))) == sum(price)
    assert value("total quantity of the orders") == sum(known)
    assert value("What is the median quantity?") == median(known)
    assert value("What is the highest quantity?") == max(known)
    asked = f"How many orders have a quantity of more than {limit}?" if limit >= 0 else None
    if asked:
        assert value(asked) == sum(one > limit for one in known)
    mine = [row for row in data if row["Colour"] == colour]
    if mine:
        assert value(f"How many {colour} orders are there?") == len(mine)
        assert value(f"How many orders are not {colour}?") == len(data) - len(mine)
        whole = sum(Decimal(str(row["Price (EUR)"])) for row in mine)
        assert Decimal(str(value(f"total price of the {colour} orders"))) == whole
        share = value(f"What percentage of orders are {colour}?")
        assert share == pytest.approx(100 * len(mine) / len(data))
    groups = engine.result("How many orders are there per colour?")
    assert groups is not None
    assert dict(groups.rows) == {one: n for one in COLOURS if (n := sum(row["Colour"] == one for row in data))}


@given(st.text(max_size=120))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_question_gets_a_response(shop: TablesEngine, question: str) -> None:
    if question.strip():
        assert shop.query(question).question == question


WORDS = [
    *("how", "many", "what", "which", "total", "average", "highest", "lowest", "number", "of", "most", "cheapest"),
    *("parts", "price", "weight", "maker", "makers", "rain", "days", "Brix", "Italy", "March", "2025", "the", "3rd"),
    *("in", "by", "per", "and", "or", "not", "more", "less", "than", "10", "between", "top", "5", "from"),
    *("percentage", "difference"),
]


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_known_words_gets_a_response(shop: TablesEngine, question: str) -> None:
    response = shop.query(question)
    assert response.no_answer == (not response.steps)
