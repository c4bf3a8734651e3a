"""Sources that disagree are shown; sources that speak of different things are left in peace."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.answering.compact import CompactSynthesizer
from docindex.answering.extract import ExtractSynthesizer
from docindex.answering.modes import synthesizer
from docindex.schema import Document, Heading, Hit
from docindex.testing.scripted_llm import ScriptedLLM


def hits_of(texts: list[str], make_hit, titles: list[str] | None = None) -> tuple[dict[str, Document], list[Hit]]:
    documents = [
        Document(f"d{at}", f"d{at}.txt", text, title=titles[at] if titles else "") for at, text in enumerate(texts)
    ]
    hits = [make_hit(one, 0, len(one.text), rank=at) for at, one in enumerate(documents, 1)]
    return {document.doc_id: document for document in documents}, hits


def answer(question: str, reply: str, texts: list[str], make_hit, titles: list[str] | None = None) -> str:
    documents, hits = hits_of(texts, make_hit, titles)
    return CompactSynthesizer(ScriptedLLM(reply), documents.get).synthesize(question, hits).response.answer


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("How long is the warranty?", "The warranty is three years.", "The warranty is two years."),
        (
            "How long is the warranty of the R7?",
            "The R7 is covered by a warranty of three years from the day of purchase.",
            "The warranty of the R7 is 24 years.",
        ),
        (
            "How many litres does the pump deliver?",
            "The pump delivers 40 litres in a minute.",
            "In a minute the pump delivers thirty litres.",
        ),
        ("When does the museum open?", "The museum opens at 9:00.", "The museum opens at 10:30."),
        ("When was the bridge built?", "The bridge was built in 1874.", "The bridge was built in 1912."),
        ("How much does a ticket cost?", "A ticket costs 12 euros.", "A ticket costs 15 euros."),
        ("How many units can I add?", "You can add up to 3 outdoor units.", "You can add up to 4 outdoor units."),
        ("Is the unit waterproof?", "The outdoor unit is waterproof.", "The outdoor unit is not waterproof."),
        (
            "Can I use rechargeable cells?",
            "Rechargeable cells cannot be used.",
            "Rechargeable cells can be used.",
        ),
    ],
)
def test_another_number_or_a_denial_is_told(make_hit, question: str, one: str, other: str):
    for said, denied in ((one, other), (other, one)):
        assert answer(question, said, [said, denied], make_hit) == f"{said} [1] But another source says: “{denied}” [2]"


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        # the same in other words or units
        ("How long is the warranty?", "The warranty is three years.", "The warranty is 3 years."),
        ("How long is the warranty?", "The warranty is three years.", "The warranty is 36 months."),
        ("How tall is the tower?", "The tower is 2 metres tall.", "The tower is 200 cm tall."),
        ("When does the museum open?", "The museum opens at 9:00.", "The museum opens at 09:00."),
        ("When does the museum close?", "The museum closes at 17:00.", "The museum closes at 5 pm."),
        # compatible
        ("How many units can I add?", "You can add 3 outdoor units.", "You can add up to 4 outdoor units."),
        ("How far is it?", "The town is 12 kilometres away.", "The town is at least 10 kilometres away."),
        ("How far is it?", "The town is 12 kilometres away.", "The town is about 10 kilometres away."),
        # of something else
        ("How much is a ticket?", "A ticket costs 12 euros.", "A ticket for children costs 5 euros."),
        ("When does the museum open?", "The museum opens at 9:00.", "The museum opens at 10:00 on Sundays."),
        ("How long do cells last?", "The cells last 18 months.", "The cells last 6 months in the cold."),
        ("How long is the warranty?", "The warranty of the R7 is three years.", "The warranty of the R9 is two years."),
        ("What does error E2 mean?", "Error E2 means 3 blinks.", "Error E5 means 5 blinks."),
        ("How much does pump F deliver?", "Pump F delivers 3 litres.", "Pump I delivers 4 litres."),
        ("How many ports has type A?", "Type A has 3 ports.", "Type I has 4 ports."),
        ("How many seats are there?", "Room 5 has 20 seats.", "Room 6 has 30 seats."),
        ("How long should I wait?", "Wait 30 seconds before you plug it in.", "Wait 10 minutes for the glue."),
        ("Is the unit waterproof?", "The outdoor unit is waterproof.", "The indoor unit is not waterproof."),
        ("Is it loud?", "The fan is loud at night.", "The fan is not loud."),
        ("Does it rain?", "It may rain in May in Kent.", "It does not rain in Kent."),
        ("How long is the warranty?", "The warranty is three years.", "The warranty began 2 years ago."),
        # of several things at once
        (
            "How much does it weigh?",
            "The box weighs 420 grams and holds 64 pins.",
            "The box weighs 430 grams and holds 32 pins.",
        ),
    ],
)
def test_what_can_both_be_true_is_not_told(make_hit, question: str, one: str, other: str):
    for said, beside in ((one, other), (other, one)):
        text = answer(question, said, [said, beside], make_hit)
        assert text.count("[") == 1
        assert "But another source" not in text


def test_within_a_document_nothing_contradicts(make_hit):
    text = "The warranty is three years.\n\nThe warranty is two years."
    document = Document("d", "d.txt", text)
    hits = [make_hit(document, 0, 28), make_hit(document, 30, len(text), rank=2)]
    reply = "The warranty is three years."
    response = CompactSynthesizer(ScriptedLLM(reply), {"d": document}.get).synthesize("How long is the warranty?", hits)
    assert response.response.answer == f"{reply} [1]"


def test_titles_of_other_models_or_years_say_that_it_is_another_matter(make_hit):
    texts = ["The warranty is three years.", "The warranty is two years."]
    question = "How long is the warranty?"
    assert "But" in answer(question, texts[0], texts, make_hit, ["Manual", "Questions and answers"])
    assert "But" in answer(question, texts[0], texts, make_hit, ["Manual of the R7", "Warranty of the R7"])
    assert "But" not in answer(question, texts[0], texts, make_hit, ["Manual of the R7", "Manual of the R9"])
    assert "But" not in answer(question, texts[0], texts, make_hit, ["Prices in 2023", "Prices in 2024"])


def test_only_what_the_answer_says_is_contradicted(make_hit):
    texts = ["The router weighs 420 grams and serves 64 clients.", "The router weighs 410 grams and serves 64 clients."]
    question = "How many clients does the router serve?"
    assert answer(question, "The router serves 64 clients.", texts, make_hit) == "The router serves 64 clients. [1]"
    question = "How many grams does the router weigh?"
    assert "410 grams" in answer(question, "The router weighs 420 grams.", texts, make_hit)


def test_where_the_answer_gives_both_it_says_that_they_contradict(make_hit):
    texts = ["The warranty is three years.", "The warranty is two years."]
    text = answer("How long is the warranty?", " ".join(texts), texts, make_hit)
    assert text == f"{texts[0]} [1] {texts[1]} [2] [1] and [2] contradict each other."


def test_a_list_and_quotes_tell_of_contradictions_too(make_hit):
    texts = ["The warranty is three years.", "The warranty is two years."]
    documents, hits = hits_of(texts, make_hit)
    question = "How long is the warranty?"
    listed = synthesizer("accumulate", lambda: ScriptedLLM(*texts), documents.get).synthesize(question, hits).response
    assert listed.answer == f"- {texts[0]} [1]\n- {texts[1]} [2]\n[1] and [2] contradict each other."
    quoted = ExtractSynthesizer(documents.get).synthesize(question, hits).response
    assert quoted.answer == f"“{texts[0]}” [1] But another source says: “{texts[1]}” [2]"
    assert [citation.verified for citation in quoted.citations] == [True, True]


SUBJECTS = st.sampled_from(["pump", "tank", "bridge", "engine", "boiler"])
MEASURES = st.sampled_from([("holds", "litres"), ("weighs", "kilograms"), ("lasts", "years"), ("needs", "volts")])


@settings(deadline=None, max_examples=100)
@given(subject=SUBJECTS, measure=MEASURES, one=st.integers(2, 900), other=st.integers(2, 900), other_subject=SUBJECTS)
def test_numbers_of_one_thing_contradict_if_and_only_if_they_differ(
    make_hit, subject: str, measure: tuple[str, str], one: int, other: int, other_subject: str
):
    verb, unit = measure
    said = f"The {subject} {verb} {one} {unit}."
    question = f"What is it that the {subject} {verb}?"
    texts = [said, f"The {other_subject} {verb} {other} {unit}."]
    text = answer(question, said, texts, make_hit)
    assert ("But another source" in text) == (subject == other_subject and one != other)
    assert text == answer(question, said, texts, make_hit)


def test_headings_of_other_matters_are_seen(make_hit):
    texts = ["Funnel\n\nThe price is 9 euros.", "Bracket\n\nThe price is 12 euros."]
    documents = {
        f"d{at}": Document(f"d{at}", f"d{at}.txt", text, headings=(Heading(1, 0, text.split("\n")[0]),))
        for at, text in enumerate(texts)
    }
    hits = [make_hit(one, 0, len(one.text), rank=at) for at, one in enumerate(documents.values(), 1)]
    llm = ScriptedLLM("The price is 9 euros.")
    response = CompactSynthesizer(llm, documents.get).synthesize("What is the price of the funnel?", hits).response
    assert response.answer == "The price is 9 euros. [1]"
