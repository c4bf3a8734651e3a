from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.answering.citations import CitationList, Sources
from docindex.answering.policy import AnswerPolicy
from docindex.schema import Document, Heading, Hit

POLICY = AnswerPolicy()


def sources(question: str, hits: list[Hit], document: Document | None) -> Sources:
    return Sources(question, hits, lambda _: document, POLICY)


def test_a_sentence_is_tied_to_the_source_sentence_that_bears_it_out(manual: Document, manual_hits: list[Hit]):
    found = sources("How long is the warranty?", manual_hits, manual).judge("The warranty is three years.")
    assert found.verified
    assert found.sentence is not None
    assert found.sentence.text == ("The Nimbus R7 is covered by a warranty of three years from the day of purchase.")
    assert found.sentence.place == 2


@pytest.mark.parametrize(
    "claim",
    [
        "The warranty is five years.",
        "The warranty covers damage by water.",
        "The warranty is three months.",
        "How long is the warranty?",
        "The warranty.",
        "Bananas are rich in potassium.",
        "",
    ],
)
def test_what_no_source_says_is_not_shown(manual: Document, manual_hits: list[Hit], claim: str):
    found = sources("How long is the warranty?", manual_hits, manual).judge(claim)
    assert not found.shown
    assert not found.verified


def test_what_goes_beyond_its_quote_is_shown_but_not_verified(manual: Document, manual_hits: list[Hit]):
    claim = "The Nimbus R7 is covered by a generous warranty of three years from purchase."
    found = sources("How long is the warranty?", manual_hits, manual).judge(claim)
    assert found.shown
    assert not found.verified


def test_a_true_sentence_about_something_else_is_not_shown(manual: Document, manual_hits: list[Hit]):
    found = sources("How long is the warranty?", manual_hits, manual).judge("The adapter supplies 12 V at 2 A.")
    assert found.support.sound
    assert not found.shown


def test_a_bare_number_is_read_with_the_question(manual: Document, manual_hits: list[Hit]):
    assert sources("How many wireless clients does it serve?", manual_hits, manual).judge("64.").verified
    assert not sources("How many buttons has the remote control?", manual_hits, manual).judge("64.").shown


@pytest.mark.parametrize(
    ("before", "verified"),
    [
        ("The Alpha pump was built in Oslo.", True),
        ("The Alpha pump was built in Oslo. It has two valves.", True),
        ("The Alpha pump was built in Oslo. The cellar is damp.", False),
        ("The cellar was built for the Alpha pump.", False),
        ("", False),
    ],
)
def test_what_a_sentence_points_back_at_is_the_subject_of_the_one_before(make_hit, before: str, verified: bool):
    text = f"{before} It weighs 12 kg.".lstrip()
    document = Document("d", "d", text)
    found = sources("How much does the Alpha pump weigh?", [make_hit(document, 0, len(text), rank=1)], document)
    assert found.judge("The Alpha pump weighs 12 kg.").verified == verified


def test_the_source_that_the_model_names_wins_among_equals(make_hit):
    text = "The tide comes twice a day."
    documents = [Document(name, name, text) for name in ("a", "b", "c")]
    hits = [make_hit(document, 0, len(text), rank=at) for at, document in enumerate(documents, 1)]
    judge = Sources("How often does the tide come?", hits, {d.doc_id: d for d in documents}.get, POLICY).judge
    assert judge("It comes twice a day: the tide.").sentence.place == 1
    assert judge("It comes twice a day: the tide.", cited={3}).sentence.place == 3
    assert judge("It comes twice a day: the tide.", cited={9}).sentence.place == 1


def test_headings_are_no_part_of_quotes(manual: Document, manual_hits: list[Hit]):
    texts = [sentence.text for sentence in sources("What?", manual_hits, manual).sentences]
    assert texts[0].startswith("To reset")
    assert not any("Warranty" in text for text in texts)


def test_an_answer_follows_its_question(make_hit):
    text = (
        "id: T-7\nstatus: closed\nquestion: I have lost the reset pin. What else can I use?\n"
        "answer: A paper clip does the same. A needle can pierce the switch."
    )
    document = Document("t", "tickets.jsonl", text)
    found = sources("What can I use if I have lost the reset pin?", [make_hit(document, 0, len(text))], document)
    best = found.quotable()
    assert best is not None
    assert best.text == "A paper clip does the same."


def test_a_record_is_not_quoted_for_its_title(make_hit):
    text = "title: Lost the reset pin\nanswer: A paper clip does the same.\nstatus: closed"
    document = Document("t", "tickets.jsonl", text, title="Lost the reset pin")
    found = sources("Where do I get a reset pin?", [make_hit(document, 0, len(text))], document)
    assert [sentence.text for sentence in found.sentences if "pin" in sentence.text] == []
    assert "A paper clip does the same." in [sentence.text for sentence in found.sentences]


def test_markdown_questions_lead_to_their_answers_and_are_not_quoted(make_hit):
    text = "## Can I use rechargeable cells?\n\nNo. They fail in the cold.\n\n## Is it loud?\n\nIt hums at 20 decibels."
    document = Document("f", "faq.md", text, headings=(Heading(2, 0, "Can I use rechargeable cells?"),))
    found = sources("Can I use rechargeable cells?", [make_hit(document, 0, len(text))], document)
    assert [sentence.text for sentence in found.sentences] == ["They fail in the cold.", "It hums at 20 decibels."]
    assert found.quotable() is found.sentences[0]


def test_questions_about_names_that_no_source_has_are_seen(manual: Document, manual_hits: list[Hit]):
    assert sources("Does the Nimbus R7 support Bluetooth?", manual_hits, manual).lacks_subject
    assert sources("How much does the Nimbus R7 cost?", manual_hits, manual).lacks_subject
    assert not sources("How do I reset the Nimbus R7?", manual_hits, manual).lacks_subject


def test_embeddings_sharpen_what_is_relevant(manual: Document, manual_hits: list[Hit]):
    import numpy as np

    def embed(texts):
        return np.array([[1.0, 0.0] if "client" in text or text == "ask" else [0.0, 1.0] for text in texts], np.float32)

    assert Sources("ask", manual_hits, lambda _: manual, POLICY).quotable() is None
    best = Sources("ask", manual_hits, lambda _: manual, POLICY, embed).quotable()
    assert best is not None
    assert "64 wireless clients" in best.text


def test_a_citation_has_the_page_and_the_words_of_the_stored_document(manual: Document, manual_hits: list[Hit]):
    found = sources("How long is the warranty?", manual_hits, manual)
    sentence = found.judge("The warranty is three years.").sentence
    assert sentence is not None
    citations = CitationList({"manual": manual}.get)
    assert citations.cite(sentence, verified=True) == 1
    assert citations.cite(found.sentences[0], verified=True) == 2
    assert citations.cite(sentence, verified=True) == 1
    first = citations.as_tuple()[0]
    assert (first.page, first.page_label, first.verified) == (2, "1", True)
    assert manual.text[first.start : first.end] == first.quote
    assert first.node_id == manual_hits[1].node_id


def test_of_several_sentences_a_citation_has_the_least_scores(manual: Document, manual_hits: list[Hit]):
    sentence = sources("How long is the warranty?", manual_hits, manual).sentences[0]
    citations = CitationList({"manual": manual}.get)
    citations.quote(sentence)
    citations.cite(sentence, verified=True, support=0.9, similarity=0.6)
    citations.cite(sentence, verified=True, support=0.95, similarity=0.5)
    (citation,) = citations.as_tuple()
    assert (citation.support, citation.similarity) == (0.9, 0.5)


def test_nothing_is_verified_against_a_document_that_says_something_else_or_is_gone(
    manual: Document, manual_hits: list[Hit]
):
    sentence = sources("Warranty?", manual_hits, manual).sentences[2]
    changed = replace(manual, text=manual.text.replace("three years", "three weeks"))
    for document in (changed, replace(manual, text="\n" + manual.text), None):
        citations = CitationList(lambda _, document=document: document)
        citations.cite(sentence, verified=True)
        (citation,) = citations.as_tuple()
        assert not citation.verified
        assert citation.quote == sentence.text


@settings(deadline=None, max_examples=80)
@given(st.text(max_size=200), st.integers(0, 200), st.integers(0, 200), st.text("abc .?\n:", max_size=20))
def test_every_source_sentence_is_a_slice_of_its_document(make_hit, text: str, one: int, other: int, question: str):
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    document = Document("d", "d.txt", text, headings=(Heading(1, start, text[start:end][:5]),))
    for sentence in sources(question, [make_hit(document, start, end)], document).sentences:
        assert document.text[sentence.start : sentence.end] == sentence.text
        assert start <= sentence.start < sentence.end <= end
