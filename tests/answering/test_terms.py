from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docindex.answering.terms import Quantity, Terms, analyse, stem


def quantities(text: str) -> set[tuple[str, str | None]]:
    return {(quantity.value, quantity.unit) for quantity in analyse(text).quantities}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ten seconds, 10 sec, 10.0 s", {("10", "second")}),
        ("twenty-five metres or 25 meters", {("25", "metre")}),
        ("two hundred and five", {("205", None)}),
        ("three thousand two hundred km", {("3200", "kilometre")}),
        ("1,000 grams", {("1000", "gram")}),
        ("€3.50, EUR 3.5, 3.50 euros", {("3.5", "euro")}),
        ("12 V at 2 A", {("12", "volt"), ("2", "ampere")}),
        ("10-20 seconds", {("10", None), ("20", "second")}),
        ("at 10:30 on 2024-05-01", {("10:30", None), ("2024-05-01", None)}),
        ("one minute", {("1", "minute")}),
        ("one of them", set()),
        ("50 % and 50 percent", {("50", "percent")}),
        ("007", {("7", None)}),
        ("version 1.2.3", {("1.2.3", None)}),
    ],
)
def test_numbers_are_read_however_they_are_written(text: str, expected: set[tuple[str, str | None]]):
    assert quantities(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        "erase erased erases erasing",
        "battery batteries",
        "press pressed pressing presses",
        "colour color colours",
        "organise organize organised",
        "stop stopped stops",
        "hold held holding",
        "bee bees",
    ],
)
def test_forms_of_a_word_have_one_stem(forms: str):
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(("one", "other"), [("bus", "bu"), ("reset", "red"), ("press", "print"), ("thing", "th")])
def test_different_words_stay_apart(one: str, other: str):
    assert stem(one) != stem(other)


def test_names_are_words_with_a_capital_inside_a_sentence_or_with_digits():
    terms = analyse("Press the MODE button of the WS-210. Clara knows Port Alba.")
    assert terms.names == {"mode", "ws-210", "port", "alba"}


def test_what_is_denied_is_known():
    terms = analyse("The warranty does not cover water.")
    assert terms.negates
    assert "cover" in terms.negated
    assert not analyse("Not only the cover is red.").negates


def test_scripts_without_spaces_are_compared_by_pairs_of_characters():
    assert analyse("リセットボタン").words & analyse("ボタンを押す").words


@given(st.text(max_size=60))
def test_any_text_can_be_taken_apart(text: str):
    terms = analyse(text)
    assert isinstance(terms, Terms)
    assert set(terms.order) == set(terms.places)
    assert all(isinstance(quantity, Quantity) for quantity in terms.quantities)


def test_a_number_of_ten_thousand_digits_is_no_trouble():
    assert quantities("9" * 10_000) == {("9" * 10_000, None)}
