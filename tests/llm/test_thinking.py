"""Thoughts are left out, whatever spells them and however the text is cut."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.answering.usage import Clock, Usage
from docindex.errors import ModelError
from docindex.llm.thinking import ThinkingLLM
from docindex.llm.thoughts import CLOSINGS, FRAMES, OPENINGS, AnswerFilter, Opening, opening_of
from docindex.protocols import LLM, Message
from docindex.testing.llm_contract import LLMContract
from docindex.testing.scripted_llm import ScriptedLLM

ASK = (Message("user", "Which tide?"),)


class OpenScript(ScriptedLLM):
    """A scripted model that was opened, and chooses evenly."""

    closed = False
    stops: Sequence[str] = ()

    def complete(self, messages, *, max_tokens, grammar=None, temperature=0.0, stop=(), cancel=None):
        self.stops = stop
        return super().complete(messages, max_tokens=max_tokens, stop=stop, cancel=cancel)

    def choose(
        self, messages: Sequence[Message], choices: Sequence[str], *, cancel: threading.Event | None = None
    ) -> list[float]:
        return [1 / len(choices)] * len(choices)

    def close(self) -> None:
        self.closed = True


def answer_in(text: str, opening: Opening, sizes: Sequence[int] = ()) -> str:
    found, at = AnswerFilter(opening), 0
    answer = ""
    for size in sizes:
        answer += found.push(text[at : at + size])
        at += size
    return answer + found.push(text[at:]) + found.flush()


def thinking(*replies: str, opening: Opening = Opening.UNSURE, budget: int = 64) -> ThinkingLLM:
    return ThinkingLLM(OpenScript(*replies, context_tokens=1024), opening, budget=budget)


def told(llm: LLM, max_tokens: int = 16, **options) -> list[str]:
    return [token.text for token in llm.complete(ASK, max_tokens=max_tokens, **options)]


# --- what is an answer -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>\nThe moon?\n\nYes.\n</think>\n\nThe moon.", "The moon."),
        ("\n<thinking>Hm.</thinking> The moon.", "The moon."),
        ("<thought>Hm.</thought>The moon.", "The moon."),
        ("<reasoning>a < b </reasoning>\nThe moon.", "The moon."),
        ("<seed:think>Hm.</seed:think>The moon.", "The moon."),
        ("[THINK]Hm [sic].[/THINK]The moon.", "The moon."),
        ("◁think▷Hm.◁/think▷The moon.", "The moon."),
        ("<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>The moon.<|END_RESPONSE|>", "The moon."),
        (
            "<|begin_of_thought|>Hm<|end_of_thought|>\n\n<|begin_of_solution|> The moon. <|end_of_solution|>",
            "The moon. ",
        ),
        ("<|channel>thought\nHm.<channel|>The moon.", "The moon."),
        (
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>The moon.<|return|>",
            "The moon.",
        ),
        (
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>analysis<|message|>More.<|end|>"
            "<|start|>assistant<|channel|>final<|message|>The moon.",
            "The moon.",
        ),
        ("<|channel|>final<|message|>The moon.", "The moon."),
        ("<think>\nHm.\n</think>\n<answer>\nThe moon.\n</answer>", "The moon.\n"),
        ("Here is my thought process: Hm. Here is my response: The moon.", "The moon."),
        ("<think>One.</think>The <think>two</think>moon.", "The moon."),
        ("<think></think>The moon.", "The moon."),
        ("<think>It never ends", ""),
        ("The moon.", "The moon."),
        (" a < b and <p>", " a < b and <p>"),
        ("", ""),
        ("\n", "\n"),
        ("<thin", "<thin"),
    ],
)
@pytest.mark.parametrize("opening", [Opening.MODEL, Opening.UNSURE])
def test_what_a_tag_opens_is_left_out(text: str, answer: str, opening: Opening):
    assert answer_in(text, opening) == answer
    assert answer_in(text, opening, [1] * len(text)) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Hm.\n\nYes.\n</think>\n\nThe moon.", "The moon."),
        ("</think>The moon.", "The moon."),
        ("Hm. [/THINK]The moon.", "The moon."),
        ("Hm.</think><answer>The moon.</answer>", "The moon."),
        ("Hm. <think> again.</think> The moon.", None),
    ],
)
def test_what_only_a_closing_tag_ends_is_left_out(text: str, answer: str | None):
    assert answer_in(text, Opening.PROMPT) == (answer or "The moon.")
    assert answer_in(text, Opening.UNSURE) == (answer or "Hm. The moon.")


def test_a_thought_that_the_prompt_opened_and_nobody_closes_is_no_answer():
    assert answer_in("The moon is made of", Opening.PROMPT) == ""


def test_a_closing_tag_alone_is_text_where_the_model_opens_its_thoughts():
    assert answer_in("Use </think> to close it.", Opening.MODEL) == "Use </think> to close it."


def test_nothing_is_held_back_where_the_model_opens_its_thoughts():
    found = AnswerFilter(Opening.MODEL)
    assert [found.push(piece) for piece in ("The", " moon <", "p> moves")] == ["The", " moon ", "<p> moves"]
    found = AnswerFilter(Opening.UNSURE)
    assert [found.push("The"), found.push(" moon"), found.flush()] == ["", "", "The moon"]


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [*OPENINGS, *CLOSINGS, *FRAMES, "</answer>", "<|return|>", "\n\n", " ", "<", "<|", "The moon."]
        ),
        st.sampled_from([*OPENINGS, *CLOSINGS]).flatmap(lambda tag: st.integers(1, len(tag)).map(lambda n: tag[:n])),
        st.text("<|>/thinkTHINK[]", max_size=6),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(PIECES, st.lists(st.integers(1, 7), max_size=60), st.sampled_from(Opening))
def test_the_answer_is_the_same_however_the_text_is_cut(pieces: list[str], sizes: list[int], opening: Opening):
    text = "".join(pieces)
    whole = answer_in(text, opening)
    assert answer_in(text, opening, sizes) == whole
    assert answer_in(text, opening, [1] * len(text)) == whole
    assert answer_in(text, opening, [len(piece) for piece in pieces]) == whole


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from([Opening.MODEL, Opening.UNSURE]))
def test_a_text_without_tags_is_an_answer_as_it_stands(text: str, opening: Opening):
    if not any(tag in text for tag in (*OPENINGS, *CLOSINGS, *FRAMES)):
        assert answer_in(text, opening) == text


@settings(deadline=None)
@given(st.sampled_from(OPENINGS), st.text("ab <>|/", max_size=40), st.text("cd .", max_size=20).map(str.strip))
def test_no_thought_is_ever_shown(tag: str, thought: str, answer: str):
    closing = dict(zip(OPENINGS, _closings_of(), strict=True))[tag]
    if closing not in thought and not any(thought.endswith(closing[:n]) for n in range(1, len(closing))):
        assert answer_in(f"{tag}{thought}{closing}\n{answer}", Opening.UNSURE) == answer


def _closings_of() -> list[str]:
    return [next(closing for closing in CLOSINGS if _closes(tag, closing)) for tag in OPENINGS]


def _closes(tag: str, closing: str) -> bool:
    found = AnswerFilter(Opening.MODEL)
    found.push(tag + closing)
    return found.answers


def test_no_tag_hides_another():
    tags = {*OPENINGS, *CLOSINGS, *FRAMES, "</answer>", "<|END_RESPONSE|>", "<|end_of_solution|>", "<|return|>"}
    for one, other in itertools.permutations(tags, 2):
        assert not one.startswith(other)
        assert other not in one[:-1]


# --- who opens the thoughts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "turn", "opening"),
    [
        ("{{ messages }}", None, None),
        (None, None, None),
        ("{{ m.split('</think>') }}", None, Opening.UNSURE),
        ("{{ m.split('</think>') }}", "<|Assistant|><think>\n", Opening.PROMPT),
        ("{{ m.split('</think>') }}", "<|im_start|>assistant\n<think>\n\n</think>\n\n", Opening.MODEL),
        ("{{ m.split('</think>') }}", "<|im_start|>assistant\n", Opening.UNSURE),
        ("<|channel|>analysis<|message|>", "<|start|>assistant", Opening.UNSURE),
    ],
)
def test_the_template_tells_who_opens_the_thoughts(template: str | None, turn: str | None, opening: Opening | None):
    assert opening_of(template, turn) is opening


# --- the model -------------------------------------------------------------------------------------------------------


class TestThinkingLLM(LLMContract):
    @pytest.fixture
    def llm(self) -> LLM:
        return thinking("One, two, three, four, five, six, seven.", opening=Opening.MODEL)


class TestThinkingAloudLLM(LLMContract):
    @pytest.fixture
    def llm(self) -> LLM:
        return thinking("Let me see. </think> One, two, three, four, five, six, seven.", opening=Opening.PROMPT)

    def test_answers_end_at_max_tokens(self, llm: LLM) -> None:
        assert [text for text in told(llm, 3) if text] == ["One,", " two,", " three,"]


def test_the_tokens_of_a_thought_count_and_have_no_text():
    llm = thinking("<think> Which one? </think> The moon.")
    usage = Usage()
    tokens = list(usage.counted(iter(llm.complete(ASK, max_tokens=16)), Clock()))
    assert "".join(token.text for token in tokens) == "The moon."
    assert usage.tokens.completion == 6
    assert usage.tokens.prompt == llm.count_tokens(ASK)


def test_stop_strings_end_the_answer_and_not_the_thought():
    llm = thinking("Two\n\nthoughts. </think> The moon.\n\nAnd more.", opening=Opening.PROMPT)
    assert "".join(told(llm, stop=["\n\n"])) == "The moon."
    llm = thinking("Two END thoughts. </think> The moon END is.")
    assert "".join(told(llm, stop=[" END"])) == "The moon"


def test_the_context_keeps_room_to_think():
    llm = thinking("<think> a </think> b", budget=200)
    assert llm.context_tokens == 824
    with pytest.raises(ModelError, match="824"):
        llm.complete(ASK, max_tokens=824)
    assert ThinkingLLM(OpenScript("x", context_tokens=256), Opening.MODEL, budget=1024).context_tokens == 128


def test_a_thought_that_is_never_done_gives_no_answer_and_is_told(caplog: pytest.LogCaptureFixture):
    endless = " ".join(["hm"] * 200)
    for opening in (Opening.PROMPT, Opening.UNSURE):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            texts = told(thinking(endless, opening=opening, budget=32), max_tokens=8)
        assert texts == [""] * 40
        assert "not done with thinking after 40 tokens" in caplog.text


def test_an_answer_without_a_thought_is_as_long_as_it_may_be():
    texts = told(thinking("a b c d e f", opening=Opening.UNSURE), max_tokens=4)
    assert "".join(texts) == "a b c d"
    texts = told(thinking("a b c d e f", opening=Opening.MODEL), max_tokens=4)
    assert texts == ["a", " b", " c", " d"]


def test_with_a_grammar_the_model_answers_at_once():
    llm = thinking("yes", opening=Opening.PROMPT)
    assert told(llm, grammar='root ::= "yes"', stop=["!"]) == ["yes"]
    assert llm._llm.stops == ["!"]


def test_several_chats_are_answered_without_their_thoughts():
    llm = thinking("hm </think> One. END", "<think> hm </think> Two.", "Three.", "hm hm", opening=Opening.UNSURE)
    done = llm.complete_many([ASK] * 3, max_tokens=8, stop=[" END"])
    assert [completion.text for completion in done] == ["One.", "Two.", "Three."]
    assert [completion.completion_tokens for completion in done] == [4, 4, 1]
    assert llm.complete_many([ASK], max_tokens=8, grammar="root ::= [a-z ]+")[0].text == "hm hm"


def test_the_rest_is_the_models():
    llm = thinking("x")
    assert llm.choose(ASK, ["a", "b"]) == [0.5, 0.5]
    llm.close()
    assert llm._llm.closed
