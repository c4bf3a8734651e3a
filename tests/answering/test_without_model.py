"""Answers that no model writes: sentences and passages as they stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from docindex.answering.policy import AnswerPolicy
from docindex.schema import Document, Hit, SynthesisMode

WITHOUT_MODEL = ("extract", "context-only")
LENGTH = "How long is the warranty of the Nimbus R7?"


def test_extract_quotes_the_best_sentences_and_none_twice(answered, make_hit):
    texts = [
        "The motor of the pump turns 40 times a second. The pump is blue.",
        "The motor of the pump turns 40 times a second.",
        "At night, for the sleep of the neighbours and their cats, the motor of the pump turns 20 times a second.",
    ]
    documents = [Document(f"d{at}", f"d{at}.txt", text) for at, text in enumerate(texts)]
    hits = [make_hit(one, 0, len(one.text), rank=at) for at, one in enumerate(documents, 1)]
    response, pieces = answered("extract", None, "How often does the motor of the pump turn?", hits, *documents)
    assert response.answer == f"“{texts[1]}” [1] “{texts[2]}” [2]"
    assert len(pieces) == 2
    assert [citation.quote for citation in response.citations] == texts[1:]


def test_extract_says_so_where_no_sentence_answers(answered, manual: Document, manual_hits: list[Hit]):
    assert answered("extract", None, "What is the population of the capital?", manual_hits, manual)[0].no_answer


def test_context_only_gives_the_passages_whole(answered, manual: Document, manual_hits: list[Hit]):
    response, pieces = answered("context-only", None, LENGTH, manual_hits, manual)
    assert len(pieces) == 3
    assert pieces[0].startswith("[1] manual.pdf, page i\n1 Reset\nTo reset")
    assert [citation.quote for citation in response.citations] == [hit.text for hit in manual_hits]
    assert [citation.page_label for citation in response.citations] == ["i", "1", "2"]


def test_context_only_strict_leaves_out_passages_that_are_stored_otherwise(
    answered, manual: Document, manual_hits: list[Hit]
):
    changed = replace(manual, text=manual.text.replace("three years", "thirty days"[:11]))
    assert len(changed.text) == len(manual.text)
    response, _ = answered("context-only", None, LENGTH, manual_hits, changed, policy=AnswerPolicy(strict=True))
    assert [hit.rank for hit in response.dropped] == [2]
    assert [citation.page for citation in response.citations] == [1, 3]


@pytest.mark.parametrize("mode", WITHOUT_MODEL)
def test_some_modes_never_load_a_model(answered, mode: SynthesisMode, manual: Document, manual_hits: list[Hit]):
    response, _ = answered(mode, None, LENGTH, manual_hits, manual)
    assert not response.no_answer
    assert response.model == mode
    assert response.tokens.prompt == response.tokens.completion == 0
    assert all(citation.verified for citation in response.citations)
