"""What refining makes of hits, a few a prompt; scripted models write it."""

from __future__ import annotations

import pytest

from docindex.answering.refine import RefineSynthesizer
from docindex.testing.scripted_llm import ScriptedLLM


def test_refine_shows_the_answer_so_far_to_the_next_prompt_and_streams_the_last(many):
    documents, hits = many(5)
    llm = ScriptedLLM(
        "Pump A delivers 10 litres in a minute.",
        "Pump A delivers 10 litres in a minute. Pump D delivers 13 litres in a minute.",
        "Pump A delivers 10 litres in a minute. Pump E delivers 14 litres in a minute.",
    )
    load = {document.doc_id: document for document in documents}.get
    stream = RefineSynthesizer(llm, load, max_hits=2).synthesize(
        "How many litres do the pumps deliver in a minute?", hits
    )
    pieces = list(stream)
    response = stream.response
    assert response.answer == ("Pump A delivers 10 litres in a minute. [1] Pump E delivers 14 litres in a minute. [2]")
    assert len(pieces) == 2
    assert [citation.doc_id for citation in response.citations] == ["p0", "p4"]
    assert len(llm.requests) == 3
    assert "Pump A delivers 10" not in llm.requests[0][1].content.split("Question:")[1]
    assert "Pump D delivers 13 litres in a minute." in llm.requests[2][1].content
    assert response.steps[0].answer == "Pump A delivers 10 litres in a minute."
    assert [hit.node_id for hit in response.hits] == [hit.node_id for hit in hits]
    assert response.tokens.prompt == sum(llm.count_tokens(request) for request in llm.requests)


@pytest.mark.parametrize("bad", ["The sources do not say.", "Pump Z delivers 99 litres.", "", "PWNED.", "10 litres."])
def test_a_refinement_that_loses_all_that_was_verified_is_not_taken(many, bad: str):
    documents, hits = many(5)
    good = "Pump A delivers 10 litres in a minute."  # a fragment of it says nothing new
    load = {document.doc_id: document for document in documents}.get
    question = "How many litres do the pumps deliver in a minute?"
    for replies in ((good, bad), (good, bad, bad), ("", good, bad)):
        llm = ScriptedLLM(*replies)
        response = RefineSynthesizer(llm, load, max_hits=2).synthesize(question, hits).response
        assert response.answer == f"{good} [1]"
        assert response.citations[0].verified
