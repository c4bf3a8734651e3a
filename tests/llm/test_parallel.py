"""Several answers at once, with the real model."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from docindex.config import LLMConfig
from docindex.errors import ModelError, QueryError, RequestCancelledError
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.protocols import BatchingLLM, Completion, Message

SYSTEM = Message("system", "You are brief. " * 8)
WORDS = ("sea", "tide", "moon", "apple", "engine", "library", "pump", "orchard", "film", "barn", "seal", "gate")


def ask(text: str) -> list[Message]:
    return [SYSTEM, Message("user", text)]


CHATS = [ask(f"Say something about the {word}.") for word in WORDS]


def alone(llm: LlamaCppLLM, messages: list[Message], max_tokens: int, stop: tuple[str, ...] = ()) -> str:
    return "".join(token.text for token in llm.complete(messages, max_tokens=max_tokens, stop=stop))


def texts(completions: list[Completion]) -> list[str]:
    return [completion.text for completion in completions]


def test_it_fits_the_protocol(local_llm: LlamaCppLLM):
    llm: BatchingLLM = local_llm
    assert isinstance(llm, BatchingLLM)
    assert llm.complete_many([], max_tokens=4) == []


def test_more_chats_than_sequences_get_the_answers_that_each_gets_alone(local_llm: LlamaCppLLM):
    assert len(CHATS) > local_llm._context.sequences
    expected = [alone(local_llm, chat, 8) for chat in CHATS]
    together = local_llm.complete_many(CHATS, max_tokens=8)
    assert texts(together) == expected
    assert [completion.prompt_tokens for completion in together] == [local_llm.count_tokens(chat) for chat in CHATS]
    assert all(1 <= completion.completion_tokens <= 8 for completion in together)
    shared = min(completion.cached_tokens for completion in together)
    assert shared > 30  # the system prompt was read once


def test_a_single_chat_is_answered_bit_by_bit_as_alone(local_llm: LlamaCppLLM):
    expected = alone(local_llm, CHATS[0], 24)
    alone(local_llm, CHATS[1], 1)
    assert texts(local_llm.complete_many(CHATS[:1], max_tokens=24)) == [expected]


def test_chats_that_share_nothing_or_everything(local_llm: LlamaCppLLM):
    different = [[Message("user", word)] for word in WORDS[:3]] + [[Message("system", "x"), Message("user", "y")]]
    expected = [alone(local_llm, chat, 6) for chat in different]
    assert texts(local_llm.complete_many(different, max_tokens=6)) == expected
    same = local_llm.complete_many([CHATS[2]] * 3, max_tokens=6)
    assert texts(same) == [alone(local_llm, CHATS[2], 6)] * 3


def test_requests_wait_for_room_and_join_as_others_end(llm_path: Path):
    with LlamaCppLLM(llm_path, LLMConfig(context_tokens=256), name="small") as llm:
        long = [ask(f"{word} " * 40) for word in WORDS[:4]]
        needs = [llm.count_tokens(chat) + 24 for chat in long]
        assert sum(needs) > 256 > sum(needs[:2])
        expected = [alone(llm, chat, 24) for chat in long]
        assert texts(llm.complete_many(long, max_tokens=24)) == expected


def test_each_answer_follows_the_grammar(local_llm: LlamaCppLLM):
    grammar = 'root ::= "{\\"n\\":" [0-9]+ "}"'
    for completion in local_llm.complete_many(CHATS[:6], max_tokens=24, grammar=grammar):
        if completion.completion_tokens < 24:
            assert isinstance(json.loads(completion.text)["n"], int)
        else:
            assert completion.text.startswith('{"n":')
    with pytest.raises(QueryError, match="grammar"):
        local_llm.complete_many(CHATS[:2], max_tokens=4, grammar="root ::= (")


def test_stop_strings_end_each_answer(local_llm: LlamaCppLLM):
    whole = alone(local_llm, CHATS[0], 12)
    stop = (whole[len(whole) // 2 :][:3],)
    expected = [alone(local_llm, chat, 12, stop) for chat in CHATS[:3]]
    assert texts(local_llm.complete_many(CHATS[:3], max_tokens=12, stop=stop)) == expected
    assert expected[0] != whole


def test_a_chat_that_does_not_fit_is_refused_before_any_work(local_llm: LlamaCppLLM):
    with pytest.raises(ModelError, match="do not fit"):
        local_llm.complete_many([CHATS[0], ask("word " * 2000)], max_tokens=4)


def test_a_run_can_be_cancelled_and_frees_its_sequences(local_llm: LlamaCppLLM):
    class AfterSteps(threading.Event):
        checks = 0

        def is_set(self) -> bool:
            self.checks += 1
            return self.checks > 6

    expected = alone(local_llm, CHATS[3], 8)
    with pytest.raises(RequestCancelledError):
        local_llm.complete_many(CHATS, max_tokens=40, cancel=AfterSteps())
    assert alone(local_llm, CHATS[3], 8) == expected
    assert texts(local_llm.complete_many(CHATS[3:5], max_tokens=8))[0] == expected


def test_a_run_waits_in_line_like_any_request(local_llm: LlamaCppLLM):
    running = local_llm.complete(CHATS[0], max_tokens=8)
    next(running)
    with ThreadPoolExecutor(1) as pool:
        many = pool.submit(local_llm.complete_many, CHATS[1:3], max_tokens=4)
        running.close()
        assert len(many.result(60)) == 2


def test_a_model_that_cant_share_answers_one_after_another(local_llm: LlamaCppLLM, monkeypatch: pytest.MonkeyPatch):
    expected = local_llm.complete_many(CHATS[:3], max_tokens=6)
    monkeypatch.setattr(local_llm._context, "sequences", 1)
    in_turn = local_llm.complete_many(CHATS[:3], max_tokens=6)
    assert texts(in_turn) == texts(expected)
    assert [one.completion_tokens for one in in_turn] == [one.completion_tokens for one in expected]
