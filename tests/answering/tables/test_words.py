"""Words, stretches of time, and how values are written."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docindex.answering.tables.dates import Stretch, stretch_at
from docindex.answering.tables.tokens import akin, words_of
from docindex.answering.tables.wording import cell, number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("70,000", "70000"),
        ("1.5 million", "1500000"),
        ("three", "3"),
        ("0.50", "0.5"),
        ("-5", "-5"),
        ("\N{MINUS SIGN}1,200.50", "-1200.5"),
        ("-2 million", "-2000000"),
    ],
)
def test_numbers(text: str, expected: str) -> None:
    (word,) = words_of(text)
    assert word.key == expected


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("below -5 degrees", "below -5 degre"),
        ("between -5 and 5", "between -5 and 5"),
        ("(-3 to -1)", "-3 to -1"),
        ("$-5", "$ -5"),
        ("-$5", "- $ 5"),
        ("5-10", "5 10"),
        ("2023-2024", "2023 2024"),
        ("TW-114", "tw 114"),
        ("2024-01-31 -2024-02-01", "2024-01-31 2024-02-01"),
        ("1.1.2024 -31.1.2024", "1.1.2024 31.1.2024"),
        ("- 5", "5"),
        ("-5th", "5th"),
    ],
)
def test_a_minus_is_what_stands_right_before_a_number_alone(text: str, keys: str) -> None:
    assert [word.key for word in words_of(text)] == keys.split()


@given(st.text())
def test_any_text_is_taken_apart(text: str) -> None:
    for word in words_of(text):
        assert 0 <= word.start < word.end <= len(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("driver", "driv", True),
        ("departur", "depart", True),
        ("departur", "department", False),
        ("attendanc", "attend", True),
        ("popul", "population", True),
        ("sal", "salari", False),
    ],
)
def test_words_are_akin(one: str, other: str, same: bool) -> None:
    assert akin(one, other) is same
    assert akin(other, one) is same


@pytest.mark.parametrize(
    ("text", "at", "stretch"),
    [
        ("in March 2025", 1, Stretch(2025, 3)),
        ("on 12 March 2025", 1, Stretch(2025, 3, 12)),
        ("on the 12th of March", 2, Stretch(None, 3, 12)),
        ("on March 12, 2025", 1, Stretch(2025, 3, 12)),
        ("on 2025-03-12", 1, Stretch(2025, 3, 12)),
        ("on 12.3.2025", 1, Stretch(2025, 3, 12)),
        ("on the 21st", 2, Stretch(day=21)),
        ("in 2024", 1, Stretch(2024)),
        ("in Q2 2024", 1, Stretch(2024, 4, months=3)),
        ("the first quarter of 2024", 1, Stretch(2024, 1, months=3)),
        ("the second half of 2024", 1, Stretch(2024, 7, months=6)),
        ("in the 1990s", 2, Stretch(1990, years=10)),
        ("more than 2000", 2, None),
        ("you may go", 1, None),
        ("on 2025-13-45", 1, None),
    ],
)
def test_stretches_of_time(text: str, at: int, stretch: Stretch | None) -> None:
    assert stretch_at(words_of(text), at)[1] == stretch


def test_a_month_is_of_the_only_year_that_has_it() -> None:
    march = Stretch(month=3)
    bounds = (datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))
    assert march.bounds({(2025, 3), (2024, 4)}) == bounds
    assert march.bounds({(2025, 3), (2024, 3)}) is None
    assert march.bounds(set()) is None
    assert Stretch(2025, 2, 30).bounds(set()) is None
    assert Stretch(2024, 10, months=3).bounds(set()) == (
        datetime(2024, 10, 1, tzinfo=UTC),
        datetime(2025, 1, 1, tzinfo=UTC),
    )


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3))
def test_numbers_are_written_as_they_are(value: Decimal) -> None:
    assert Decimal(number(float(value)).replace(",", "")) == value.normalize()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "(empty)"), (True, "yes"), (1234567, "1,234,567"), (0.1 + 0.2, "0.30000000000000004"), ("a", "a")],
)
def test_cells(value: object, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1.989e30, None, "1.989e+30"),
        (-1e28, None, "-1e+28"),
        (1e27, None, "1e+27"),
        (9e26, None, "900,000,000,000,000,000,000,000,000"),
        (9e26, 2, "9e+26"),
        (9e24, 2, "9,000,000,000,000,000,000,000,000.00"),
        (float("inf"), None, "inf"),
        (float("-inf"), 2, "-inf"),
        (float("nan"), 2, "nan"),
        (10**30, None, str(10**30)),
    ],
)
def test_numbers_too_large_to_be_rounded(value: float, digits: int | None, text: str) -> None:
    assert number(value, digits) == text


@given(st.floats(), st.integers(0, 17))
def test_any_number_is_written(value: float, digits: int) -> None:
    assert number(value)
    assert number(value, digits)
