"""What bears out the values of a form, and what only looks like them."""

from __future__ import annotations

import pytest

from docindex.answering.citations import Sources
from docindex.answering.evidence import Evidence
from docindex.answering.policy import AnswerPolicy
from docindex.schema import Document


@pytest.fixture
def borne_out(make_hit):
    """Whether a text bears out the value of a field."""

    def check(text: str, value: str | float | bool, label: str) -> bool:
        document = Document("d", "d.txt", text)
        hits, load, policy = [make_hit(document, 0, len(text))], {"d": document}.get, AnswerPolicy()
        evidence = Evidence(Sources(f"What is the {label}?", hits, load, policy), hits, load, policy)
        return evidence.of(value, label) is not None

    return check


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("The order number is 1234-56-78.", "1234-56-78", "order number"),
        ("The order number is 2024-02-30.", "2024-02-30", "order number"),
        ("The order came on 3 May 2024.", "2024-05-03", "order date"),
        ("The temperature is -20 °C at night.", -20, "temperature"),
        ("The temperature is −20.5 °C at night.", -20.5, "temperature"),
        ("The temperature is minus twenty degrees at night.", -20, "temperature"),
        ("The temperature is -20 °C at night.", "-20 °C", "temperature"),
        ("The temperature is 10-20 °C at night.", 20.0, "temperature"),
        ("The tolerance is 0.00005 metres.", 0.00005, "tolerance"),
        ("The price is 5 billion dollars.", 5_000_000_000, "price"),
        ("The price is 12345678901234567890123456789012 dollars.", 12345678901234567890123456789012, "price"),
        ("The shop opens at 9 am.", "9 a.m.", "opening"),
    ],
)
def test_a_value_is_borne_out_by_what_says_it(borne_out, text: str, value: str | float, label: str):
    assert borne_out(text, value, label)


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("The order number is 1234-56-78.", "1234-56-79", "order number"),
        ("The temperature is -20 °C at night.", 20, "temperature"),
        ("The temperature is minus 20 °C at night.", "20 °C", "temperature"),
        ("The temperature is -20 °C at night.", "20 °C", "temperature"),
        ("The temperature is 20 °C at night.", -20, "temperature"),
        ("The temperature is 10-20 °C at night.", -20, "temperature"),
        ("The weight is 1.5 kg.", 1.5e-7, "weight"),
        ("The weight is 1.5e-7 kg.", 1.5, "weight"),
        ("The weight is 1 kg.", float("inf"), "weight"),
        ("The weight is 1 kg.", float("nan"), "weight"),
        ("The weight is 9 kg.", int("9" * 400), "weight"),
        ("The price is 5 billion dollars.", 5, "price"),
        ("The shop opens at 9 pm.", "9 a.m.", "opening"),
    ],
)
def test_a_value_that_is_another_is_not(borne_out, text: str, value: str | float, label: str):
    assert not borne_out(text, value, label)
