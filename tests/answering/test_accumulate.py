"""What comes of asking about each hit alone; scripted models answer."""

from __future__ import annotations

from docindex.answering.modes import synthesizer
from docindex.testing.scripted_llm import ScriptedLLM


def test_accumulate_lists_what_each_hit_says(answered, many):
    documents, hits = many(3)
    llm = ScriptedLLM(
        "Pump A delivers 10 litres in a minute.", "The source does not say.", "Pump C delivers 12 litres in a minute."
    )
    response, pieces = answered(
        "accumulate", llm, "How many litres do the pumps deliver in a minute?", hits, *documents
    )
    assert response.answer == (
        "- Pump A delivers 10 litres in a minute. [1]\n- Pump C delivers 12 litres in a minute. [2]"
    )
    assert pieces[0] == "- Pump A delivers 10 litres in a minute. [1]"
    assert [citation.doc_id for citation in response.citations] == ["p0", "p2"]


def test_an_item_is_borne_out_by_its_own_hit(answered, many):
    documents, hits = many(2)
    response, _ = answered(
        "accumulate",
        ScriptedLLM("Pump B delivers 11 litres in a minute.", "Pump B delivers 11 litres in a minute."),
        "How many litres do the pumps deliver in a minute?",
        hits,
        *documents,
    )
    assert response.answer == "- Pump B delivers 11 litres in a minute. [1]"
    assert response.citations[0].doc_id == "p1"


def test_accumulate_streams_each_item_when_it_is_done(many):
    documents, hits = many(3)
    llm = ScriptedLLM("Pump A delivers 10 litres in a minute.", "Pump B delivers 11 litres in a minute.")
    load = {document.doc_id: document for document in documents}.get
    stream = synthesizer("accumulate", lambda: llm, load).synthesize("How many litres do the pumps deliver?", hits)
    assert next(iter(stream)) == "- Pump A delivers 10 litres in a minute. [1]"
    assert len(llm.requests) == 1


def test_batches_give_what_one_after_another_gives(many, batching_llm):
    documents, hits = many(10)
    replies = [f"Pump {chr(65 + at)} delivers {10 + at} litres in a minute." for at in range(10)]
    load = {document.doc_id: document for document in documents}.get
    question = "How many litres do the pumps deliver in a minute?"
    batching = batching_llm(*replies)
    one = (
        synthesizer("accumulate", lambda: batching, load, batching=lambda: batching).synthesize(question, hits).response
    )
    other = synthesizer("accumulate", lambda: ScriptedLLM(*replies), load).synthesize(question, hits).response
    assert batching.batches == [8, 2]
    assert (one.answer, one.citations, one.tokens) == (other.answer, other.citations, other.tokens)
