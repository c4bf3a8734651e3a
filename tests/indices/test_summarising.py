"""Summaries in the texts' own words and in a model's."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.indices.summarising import ExtractiveSummarizer, LLMSummarizer
from docindex.testing.fakes import HashingEmbedder
from docindex.testing.scripted_llm import ScriptedLLM

SENTENCES = [
    "The pump moves water from the well to the tank.",
    "The pump needs oil every nine hundred hours of work.",
    "Oil for the pump is kept in the red tank.",
    "A heron was seen at the pond last Tuesday morning.",
    "Water from the tank runs to the house through the pump.",
]


def test_the_most_central_sentences_are_chosen_in_their_order() -> None:
    summary = ExtractiveSummarizer(HashingEmbedder(), words=22).summarize([" ".join(SENTENCES)])
    chosen = [sentence for sentence in SENTENCES if sentence in summary]
    assert summary == " ".join(chosen)
    assert 1 <= len(chosen) <= 2
    assert SENTENCES[3] not in chosen


def test_short_texts_are_their_own_summary() -> None:
    assert (
        ExtractiveSummarizer(HashingEmbedder()).summarize(["One thing.", "Another\nthing."])
        == "One thing. Another thing."
    )


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(max_size=300), max_size=6), st.integers(5, 60))
def test_a_summary_is_made_of_words_of_the_texts_and_not_long(texts: list[str], words: int) -> None:
    summary = ExtractiveSummarizer(HashingEmbedder(), words=words).summarize(texts)
    assert set(summary.split()) <= {word for text in texts for word in text.split()}
    assert len(summary.split()) <= max(words, *(len(text.split()) for text in texts), 0) if texts else summary == ""


@settings(deadline=None, max_examples=20)
@given(st.lists(st.lists(st.sampled_from(SENTENCES), max_size=9), max_size=70))
def test_many_are_summarised_as_each_is_alone(groups: list[list[str]]) -> None:
    summarizer = ExtractiveSummarizer(HashingEmbedder(), words=22)
    assert summarizer.summarize_all(groups) == [summarizer.summarize(texts) for texts in groups]


def test_the_model_writes_the_summary_and_sees_every_passage() -> None:
    llm = ScriptedLLM("It is about a pump.")
    summarizer = LLMSummarizer(llm, ExtractiveSummarizer(HashingEmbedder()), words=20)
    assert summarizer.summarize(SENTENCES) == "It is about a pump."
    (request,) = llm.requests
    assert all(sentence in request[-1].content for sentence in SENTENCES)


def test_what_is_too_long_for_the_model_is_summarised_in_parts() -> None:
    llm = ScriptedLLM(*(f"Part {number}." for number in range(9)), context_tokens=105)
    summary = LLMSummarizer(llm, ExtractiveSummarizer(HashingEmbedder()), words=8).summarize(SENTENCES)
    asked = "\n".join(request[-1].content for request in llm.requests)
    assert all(sentence in asked for sentence in SENTENCES)
    assert len(llm.requests) > 1
    assert summary.startswith("Part ")


def test_where_the_model_says_nothing_the_sentences_stand_in() -> None:
    summarizer = LLMSummarizer(ScriptedLLM(" "), ExtractiveSummarizer(HashingEmbedder(), words=12), words=12)
    assert summarizer.summarize(SENTENCES) in " ".join(SENTENCES)
