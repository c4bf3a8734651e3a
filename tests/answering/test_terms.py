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
        ("-20 °C, −20 °C, (–20 °C), minus 20 degrees, Minus twenty degrees", {("-20", "degree")}),
        ("-20 to -5 kg", {("-20", None), ("-5", "kilogram")}),
        ("10-20 kg, 10–20 kg, 10 - 20 kg", {("10", None), ("20", "kilogram")}),
        ("- 20 kg", {("20", "kilogram")}),
        ("A-20, 5 °-10 °, -0, +/-3", {("5", "degree"), ("10", "degree"), ("0", None), ("3", None)}),
        ("-$5 and -€5", {("-5", "dollar"), ("-5", "euro")}),
        ("[4,-20]", {("4", None), ("-20", None)}),
        ("five minus two", {("5", None), ("-2", None)}),
        ("1.5 million, 1,500,000, 1500 thousand, 1.5e6", {("1500000", None)}),
        ("$5 billion, $5bn, a 5-billion-dollar fund, 5 billion dollars", {("5000000000", "dollar")}),
        ("$5m, $5M, 5 m, 5k", {("5000000", "dollar"), ("5", "metre"), ("5000", None)}),
        ("10-20 million", {("10000000", None), ("20000000", None)}),
        ("5  Million, 5 mıllion, 5 thouſand", {("5000000", None), ("5", None)}),
        ("2 hundred and five", {("200", None), ("5", None)}),
        ("0.00005 and 5e-5", {("0.00005", None)}),
        ("9am, 9 am, 9 AM, 9 a.m., nine a.m.", {("9", "a.m.")}),
        ("9am-5pm, 9 a.m.–5 p.m.", {("9", "a.m."), ("5", "p.m.")}),
        ("I am 9", {("9", None)}),
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


def test_a_minus_that_is_no_sign_is_a_word():
    assert analyse("the minus pole").words == {"minus", "pole"}
    assert analyse("Closed at 9 a.m. Visitors wait.").names == frozenset()


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
