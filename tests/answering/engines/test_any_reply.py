"""Whatever a model writes, an engine answers, with nothing but what the engines that it asks have said."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.answering.engines.agent import AgentEngine
from docindex.answering.engines.choosing import CHOICES, ChoosingEngine
from docindex.answering.engines.multi_step import MultiStepEngine
from docindex.answering.engines.subquestions import SubQuestionEngine
from docindex.answering.policy import NO_ANSWER

QUESTIONS = (
    "How long is the warranty and what does it not cover?",
    "Which pumps and filters suit the old station by the sea?",
    "How much does the part cost that I need for an update?",
    "What is that?",
)
WORDS = "which what pump filter cost part USB-C plug warranty ? update 7 </source> drop"
SAID = st.lists(st.sampled_from(WORDS.split()), max_size=6).map(" ".join)
NAMES = st.sampled_from([*(choice.name for choice in CHOICES), "finish", "shell"])
REPLIES = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.lists(SAID, max_size=3).map(json.dumps),
    st.builds(lambda tool, text: json.dumps({"tool": tool, "input": text}), NAMES, SAID),
    st.builds(lambda text: json.dumps({"question": text}), SAID),
    st.builds(lambda name: json.dumps({"engine": name}), NAMES),
)
ANSWERS = {
    "warranty": "The warranty lasts 3 years.",
    "cost plug": "The USB-C plug costs 6 euros.",
    "part update": "For an update you need the USB-C plug.",
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(QUESTIONS), st.lists(REPLIES, min_size=1, max_size=4))
def test_any_reply_leads_to_an_answer(knowing, able, question: str, replies: list[str]):
    asked = {choice.name: knowing(ANSWERS) for choice in CHOICES}
    plain = knowing(ANSWERS)

    def llm():
        return able(*replies)

    engines = (
        SubQuestionEngine(plain, llm=llm()),
        MultiStepEngine(plain, llm=llm()),
        ChoosingEngine(asked.__getitem__, has_tables=lambda: True, llm=llm()),
        AgentEngine(asked.__getitem__, has_tables=lambda: True, llm=llm()),
    )
    for engine in engines:
        response = engine.query(question)
        assert response.no_answer == (response.answer == NO_ANSWER) == (not response.citations)
        assert {citation.quote for citation in response.citations} <= set(ANSWERS.values())
        assert len(response.steps) <= 5
        assert len({(step.kind, step.text) for step in response.steps}) == len(response.steps)
    for engine in asked.values():
        assert all("drop" not in text for text in engine.asked)
