from __future__ import annotations

import pytest

from docindex.llm.llamacpp import LlamaCppLLM
from docindex.protocols import LLM, Message
from docindex.testing.llm_contract import LLMContract
from docindex.testing.scripted_llm import ScriptedLLM


class TestLlamaCppLLM(LLMContract):
    @pytest.fixture
    def llm(self, local_llm: LlamaCppLLM) -> LLM:
        return local_llm


class TestScriptedLLM(LLMContract):
    @pytest.fixture
    def llm(self) -> LLM:
        return ScriptedLLM("One, two, three, four, five, six, seven.", context_tokens=512)


def test_a_scripted_model_gives_its_replies_in_turn_and_keeps_what_it_was_asked():
    llm = ScriptedLLM("first", "then this")
    ask = (Message("user", "one two"),)
    replies = ["".join(token.text for token in llm.complete(ask, max_tokens=9)) for _ in range(3)]
    assert replies == ["first", "then this", "then this"]
    assert llm.requests == [ask] * 3
    assert llm.count_tokens(ask) == 3


def test_a_scripted_model_needs_a_reply():
    with pytest.raises(ValueError, match="at least one reply"):
        ScriptedLLM()
