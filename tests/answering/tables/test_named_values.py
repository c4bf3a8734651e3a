"""Values that a question names: which spelling is meant, and words that are none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from docindex.answering.tables.engine import TablesEngine

Engines = Callable[..., TablesEngine]
ORDERS = (
    "orders.csv",
    ("Order", "Product", "Amount", "Discount", "State"),
    (
        (1, "A", 100, 5, "ME"),
        (2, "B", 200, 15, "IN"),
        (3, "C", 300, 25, "US"),
        (4, "A", 50, None, "IT"),
    ),
)
SMALL_WORDS = {
    "How many orders have a discount above 10?": 2,
    "average amount of an order with a discount below 20?": 150,
    "Tell me how many orders have an amount above 90.": 3,
    "Tell us how many orders have an amount above 90.": 3,
    "How many orders in IN have an amount above 100?": 1,
    "total amount of product A": 150,
    "total amount of product a": 150,
    "total amount of products a and b": 350,
    "total amount of products B and A": 350,
    "How many A orders are there?": 2,
    "How many orders are from ME?": 1,
    "How many orders are from US and IT?": 2,
}
PARCELS = (
    "parcels.csv",
    ("Parcel", "Status", "Department"),
    (
        ("P1", "Shipped", "Market"),
        ("P2", "Shipped", "Marketing"),
        ("P3", "Shipping", "Marketing"),
        ("P4", "shipping", "Market"),
        ("P5", "Processed", "Marketing"),
    ),
)
SPELT = {
    "How many parcels are shipped?": 2,
    "How many parcels are shipping?": 2,
    'How many parcels have the status "Shipped"?': 2,
    'How many parcels have the status "processed"?': 1,
    "How many parcels are of the Marketing department?": 3,
    "How many parcels did we ship?": 4,
}


@pytest.mark.parametrize("question", SMALL_WORDS)
def test_small_words_are_values_only_where_they_are_written_so(question: str, engine_of: Engines) -> None:
    assert engine_of(ORDERS).result(question).rows == ((SMALL_WORDS[question],),)


@pytest.mark.parametrize("question", SPELT)
def test_of_values_with_one_stem_the_one_that_is_spelt_so_is_meant(question: str, engine_of: Engines) -> None:
    assert engine_of(PARCELS).result(question).rows == ((SPELT[question],),)
