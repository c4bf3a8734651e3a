"""What counts as borne out. The false ones are what small models really write."""

from __future__ import annotations

import pytest

from docindex.answering.questions import Kind, adds_nothing, could_answer, is_refusal, kind_of, subjects
from docindex.answering.support import Relevance, Support, support
from docindex.answering.terms import analyse

RESET = "To reset the router to its factory settings, press and hold the reset button for ten seconds."
WARRANTY = "The Nimbus R7 is covered by a warranty of three years from the day of purchase."
NO_WATER = "The warranty does not cover damage by water."
LIGHTHOUSE = "The lighthouse of Port Alba was built in 1874 by the engineer Clara Whitfield."
BOX = (
    "The box holds the outdoor unit, the display unit, a USB-C power adapter, a bracket, two AA cells and a reset pin."
)


def check(claim: str, quote: str, context: str = "Nimbus R7 router") -> Support:
    return support(analyse(claim), analyse(quote), analyse(context))


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Press and hold the reset button for 10 seconds.", RESET),
        ("The warranty of the Nimbus R7 is three years.", WARRANTY),
        ("The warranty is 3 years from the day of purchase.", WARRANTY),
        ("The warranty does not cover water damage.", NO_WATER),
        ("Damage by water is not covered.", NO_WATER),
        ("It serves 64 wireless clients.", "The router weighs 420 grams and serves up to 64 wireless clients."),
        ("Port Alba's lighthouse was built by Clara Whitfield in 1874.", LIGHTHOUSE),
        ("It is 38 meters tall.", "It stands 38 metres tall and was automated in 1986."),
        ("It stands minus 20 degrees.", "It stands −20 °."),
        ("It opens at 9am.", "It opens at 9 a.m. on 2024-05-03."),
        ("It opens at 9.", "It opens at 9 pm."),
        ("It cost 1,500,000 dollars.", "It cost 1.5 million dollars."),
        ("It holds 10-20 kg.", "It holds 10–20 kg."),
    ],
)
def test_what_the_quote_says_is_sound(claim: str, quote: str):
    found = check(claim, quote)
    assert found.sound
    assert found.score >= 0.99
    assert found.linked >= 0.7


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Press and hold the reset button for 5 seconds.", RESET),
        ("Press and hold the reset button for ten minutes.", RESET),
        ("The warranty is five years from the day of purchase.", WARRANTY),
        ("The warranty is three months from the day of purchase.", WARRANTY),
        ("The Nimbus R7 is not covered by a warranty of three years.", WARRANTY),
        ("The warranty covers damage by water.", NO_WATER),
        ("The box holds two outdoor units.", BOX),
        ("The display unit costs $12.", "The display unit costs 12 euros."),
        ("It stands 20 °C at night.", "It stands -20 °C at night."),
        ("It stands -20 °C at night.", "It stands 20 °C at night."),
        ("It opens at 9 am.", "It opens at 9 pm."),
        ("It opens at 9 am.", "It opens at 9."),
        ("It costs 5 dollars.", "It costs 5 billion dollars."),
        ("It costs 5 dollars.", "It costs $5m."),
        ("It costs 10 dollars.", "It costs 10-20 million dollars."),
    ],
)
def test_a_number_unit_or_negation_that_differs_contradicts(claim: str, quote: str):
    assert check(claim, quote).contradicts


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Press and hold the red button for ten seconds.", RESET),
        ("Press and hold the reset button for at least ten seconds.", RESET),
        ("The Nimbus R9 is covered by a warranty of three years.", WARRANTY),
        ("Acme covers the router by a warranty of three years.", WARRANTY),
        ("The warranty is three years before the day of purchase.", WARRANTY),
    ],
)
def test_words_names_and_qualifiers_that_the_quote_lacks_stray(claim: str, quote: str):
    assert not check(claim, quote).sound


def test_words_thrown_together_from_a_list_are_not_linked():
    assert check("The display unit is powered by two AA cells.", BOX).linked < 0.7


def test_a_number_may_not_come_from_the_title():
    assert check("The router weighs 7 grams.", "The router weighs 420 grams.", "Nimbus 7 router").contradicts


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many eggs does a queen lay?", Kind.NUMBER),
        ("On which port does it listen?", Kind.NUMBER),
        ("How do I reset it?", Kind.OPEN),
        ("How much does the soup cost?", Kind.MONEY),
        ("When was it built?", Kind.TIME),
        ("Since when is it open?", Kind.TIME),
        ("What stops when it rains?", Kind.OPEN),
        ("When the light is red, is it broken?", Kind.OPEN),
        ("Who built it?", Kind.NAME),
        ("Does it float?", Kind.YES_NO),
        ("What is in the box?", Kind.OPEN),
    ],
)
def test_questions_ask_for_kinds_of_things(question: str, kind: Kind):
    assert kind_of(question) is kind


def test_a_kind_is_recognised_in_a_sentence():
    assert could_answer(Kind.NUMBER, analyse("It lays 2,000 eggs."))
    assert not could_answer(Kind.NUMBER, analyse("It was built in 1874."))
    assert could_answer(Kind.TIME, analyse("It was built in 1874."))
    assert could_answer(Kind.MONEY, analyse("It costs 5 euros."))
    assert not could_answer(Kind.MONEY, analyse("It needs 5 eggs."))
    assert not could_answer(Kind.NAME, analyse("Nobody knows."))


def test_the_names_in_a_question_are_what_it_is_about():
    assert subjects("Does the Nimbus support Bluetooth?", analyse("Does the Nimbus support Bluetooth?")) == {
        "nimbus",
        "bluetooth",
    }
    shouted = "HOW DO I RESET THE DEVICE?"
    assert subjects(shouted, analyse(shouted)) == frozenset()


@pytest.mark.parametrize("text", ["When should I treat the bees?", "Treat the bees.", "?", ""])
def test_an_echo_of_the_question_adds_nothing(text: str):
    question = "When should I treat the bees?"
    assert adds_nothing(Kind.TIME, analyse(question), text, analyse(text))


@pytest.mark.parametrize(
    "text",
    [
        "The sources do not contain the answer.",
        "The text doesn't mention a phone number.",
        "There is no information about this.",
        "I don't know.",
        "It is not specified in the sources.",
    ],
)
def test_refusals_are_recognised(text: str):
    assert is_refusal(text)


@pytest.mark.parametrize("text", [NO_WATER, RESET, "It does not erase the readings.", "No tools are needed."])
def test_denials_of_fact_are_no_refusals(text: str):
    assert not is_refusal(text)


def test_rare_words_of_a_question_weigh_more():
    sentences = [analyse(text) for text in ("The unit is red.", "The unit beeps.", "The unit has a funnel.")]
    measure = Relevance(analyse("How do I clean the funnel of the unit?"), sentences)
    none = analyse("")
    values = [measure(sentence, none) for sentence in sentences]
    assert values[2] > 2 * values[0] == 2 * values[1] > 0
    assert measure(none, analyse("The funnel")) < measure(none, none, analyse("The funnel"), follows=True) < 1
