"""Rows of totals among the rows of data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from docindex.answering.tables.engine import TablesEngine

Engines = Callable[..., TablesEngine]
NAMES = ("Shop", "Amount")
LABELS = (
    "Total", "total:", "Grand total", "Average", "Total 2024", "Gesamtsumme", "Insgesamt", "Grand total (EUR)",
    "Total g\u00e9n\u00e9ral", "Net total", "Sub total", "\N{N-ARY SUMMATION}",
)  # fmt: skip


def rows(start: int, count: int = 4) -> tuple[tuple[str, int], ...]:
    return tuple((f"S{at}", at) for at in range(start, start + count))


@pytest.mark.parametrize("label", LABELS)
def test_a_row_of_totals_is_left_out(engine_of: Engines, label: str) -> None:
    last = 10.0 if label != "Average" else 2.5
    engine = engine_of(("shops.csv", NAMES, (*rows(1), (label, last))))
    assert engine.result("total amount").rows == ((10,),)
    assert engine.result("How many shops are there?").rows == ((4,),)


def test_a_row_that_is_only_called_so_stays(engine_of: Engines) -> None:
    engine = engine_of(("shops.csv", NAMES, (*rows(1), ("Total", 77))))
    assert engine.result("total amount").rows == ((87,),)


def test_subtotals_are_left_out(engine_of: Engines) -> None:
    table = (*rows(1, 2), ("Subtotal", 3), *rows(10, 2), ("Subtotal", 21), ("Total", 24))
    assert engine_of(("shops.csv", NAMES, table)).result("total amount").rows == ((24,),)


REGIONS = (
    ("North", "A", 100),
    ("North", "B", 200),
    ("North Total", None, 300),
    ("South", "A", 50),
    ("South Total", None, 50),
    ("East", "A", 0),
    ("East Total", None, 0),
    ("Grand Total", None, 350),
)


@pytest.mark.parametrize(
    ("question", "value"), [("total revenue", 350), ("How many sales are there?", 4), ("average revenue", 87.5)]
)
def test_totals_of_groups_are_left_out(engine_of: Engines, question: str, value: float) -> None:
    engine = engine_of(("sales.csv", ("Region", "Product", "Revenue"), REGIONS))
    assert engine.result(question).rows == ((value,),)


def test_totals_of_totals_are_left_out(engine_of: Engines) -> None:
    table = (
        *(("Oslo", "A", 1), ("Oslo", "B", 2), ("Oslo total", None, 3)),
        *(("Bergen", "A", 4), ("Bergen", "B", 5), ("Bergen total", None, 9), ("Norway total", None, 12)),
        *(("Rome", "A", 6), ("Rome", "B", 7), ("Rome total", None, 13), ("Italy total", None, 13), ("Total", None, 25)),
    )
    engine = engine_of(("sales.csv", ("City", "Product", "Revenue"), table))
    assert engine.result("total revenue").rows == ((25,),)


def test_the_label_may_stand_in_any_column(engine_of: Engines) -> None:
    table = ((1, "North", 100), (2, "South", 200), (3, "Total", 300))
    engine = engine_of(("sales.csv", ("Number", "Region", "Revenue"), table))
    assert engine.result("total revenue").rows == ((300,),)


def test_totals_of_amounts_that_are_texts_are_left_out(engine_of: Engines) -> None:
    table = (("S1", "\u20ac100.00"), ("S2", "\u20ac50.00"), ("Total", "\u20ac150.00"))
    assert engine_of(("shops.csv", NAMES, table)).result("How many shops are there?").rows == ((2,),)


@pytest.mark.parametrize(
    "table",
    [
        (("Basic care", 5, 1), ("Total care", 5, 2), ("Spare care", 9, 3)),
        (("Lamp", 5, 0), ("Desk", 7, 0), ("Total cleaner", 9, 0)),
        (("Lamp", 10, 1), ("Average desk", 10, 2), ("Sofa", 10, 3)),
    ],
)
def test_a_thing_whose_name_has_such_a_word_stays(engine_of: Engines, table: tuple) -> None:
    engine = engine_of(("things.csv", ("Thing", "Price", "Stock"), table))
    assert engine.result("How many things are there?").rows == ((3,),)


def test_a_grade_called_average_stays(engine_of: Engines) -> None:
    table = tuple((f"P{at}", grade, 10) for at, grade in enumerate(("Good", "Poor", "Average", "Average")))
    engine = engine_of(("parts.csv", ("Part", "Quality", "Price"), table))
    assert engine.result("total price").rows == ((40,),)
