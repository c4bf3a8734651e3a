"""Contexts that were read before are not read again, and change no answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex import Index
from docindex.config import Environment, LLMConfig
from docindex.errors import ConfigError, ModelError, RequestCancelledError
from docindex.llm import optimizing
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.protocols import Message, Token

CONTEXTS = (
    "The orchard in Kent has four hundred apple trees. Most were planted in 1962 by the Harrow family. The oldest, a "
    "Bramley near the gate, still bears fruit each autumn. Cider is pressed in October in the stone barn, and the "
    "orchard opens to visitors on the first Sunday of each month from ten until four.",
    "The AX-200 pump needs 4.2 litres of oil, changed every 9,000 hours. Use grade 46 only. If the red lamp blinks "
    "twice, the filter is blocked: stop the motor, wait ten minutes, and replace the filter. The warranty lasts "
    "thirty months and is void when the seal on the housing is broken.",
    "Tides rise and fall twice daily, because the moon draws the water on both sides of the earth. At full and new "
    "moon the sun pulls in line with it, and spring tides come. Half way between, neap tides are lower. In the Bay "
    "of Fundy the difference between high and low water can be more than sixteen metres.",
    "The library lends books for three weeks and films for one. A late book costs ten pence a day, a film fifty. "
    "Members under sixteen pay nothing. The reading room is open until nine on weekdays; on Saturdays the building "
    "closes at five. Lost cards are replaced for two pounds at the front desk.",
)
QUESTIONS = (
    "What is this text about?",
    "Name one number in it and what it counts.",
    "How often does something happen?",
    "Which words describe a time?",
)


def chat(context: str, question: str) -> list[Message]:
    return [
        Message("system", "Answer from the text."),
        Message("user", f"{context}\n\n{question}"),
    ]


CHATS = [chat(context, question) for question in QUESTIONS for context in CONTEXTS]
"""Neighbours have different contexts, so that only what was saved can help."""


def tokens(llm: LlamaCppLLM, messages: list[Message], max_tokens: int = 4) -> list[Token]:
    return list(llm.complete(messages, max_tokens=max_tokens))


def text(llm: LlamaCppLLM, messages: list[Message], max_tokens: int = 4) -> str:
    return "".join(token.text for token in tokens(llm, messages, max_tokens))


@pytest.fixture(scope="module")
def plain(llm_path: Path) -> Iterator[LlamaCppLLM]:
    """Without saved states; tests forget what it holds."""
    with LlamaCppLLM(llm_path, LLMConfig(context_tokens=1024, state_cache_bytes=0), name="plain") as llm:
        yield llm


def restoring(path: Path, folder: Path | None = None, *, context_tokens: int = 1024) -> LlamaCppLLM:
    config = LLMConfig(context_tokens=context_tokens, state_disk_bytes=1 << 30 if folder else 0)
    return LlamaCppLLM(path, config, name="restoring", states=folder)


def test_the_texts_of_restored_and_of_parallel_answers_are_those_of_plain_greedy_decoding(
    plain: LlamaCppLLM, llm_path: Path, tmp_path: Path
):
    expected = []
    for messages in CHATS:
        plain._live.forget()
        cold = tokens(plain, messages, 12)
        assert cold[0].cached_tokens == 0
        expected.append("".join(token.text for token in cold))
    with restoring(llm_path, tmp_path) as llm:
        for messages in CHATS[: len(CONTEXTS)]:
            tokens(llm, messages, 12)
        restored = [tokens(llm, messages, 12) for messages in CHATS]
        assert all(found[0].cached_tokens > found[0].prompt_tokens * 0.75 for found in restored)
        assert ["".join(token.text for token in found) for found in restored] == expected
    with restoring(llm_path, tmp_path) as llm:
        from_disk = tokens(llm, CHATS[5], 12)
        assert from_disk[0].cached_tokens > from_disk[0].prompt_tokens * 0.75
        assert "".join(token.text for token in from_disk) == expected[5]
    together = plain.complete_many(CHATS, max_tokens=12)
    assert [completion.text for completion in together] == expected


def test_a_prompt_that_is_restored_gives_the_same_logits_bit_by_bit(plain: LlamaCppLLM, llm_path: Path):
    yes_no = ("yes", "no", "perhaps")
    plain._live.forget()
    cold = plain.choose(CHATS[0], yes_no)
    with restoring(llm_path) as llm:
        assert llm.choose(CHATS[0], yes_no) == cold
        assert llm.choose(CHATS[1], yes_no) != cold
        assert llm.choose(CHATS[0], yes_no) == cold


def test_an_index_keeps_states_beside_its_models_where_they_may_be_kept(llm_path: Path, tmp_path: Path):
    environment = Environment(models=tmp_path / "models", offline=True)
    (tmp_path / "orchard.txt").write_text(CONTEXTS[0])
    questions = iter(("How many apple trees has the orchard?", "Where is cider pressed?", "Who planted the trees?"))
    with Index.create(tmp_path / "index") as index:
        index.ingest(tmp_path / "orchard.txt")

    def cached_tokens(state_disk_bytes: int) -> int:
        """What an index that is opened anew need not read of a prompt with the passage."""
        llm = LLMConfig(model=str(llm_path), context_tokens=1024, max_tokens=2, state_disk_bytes=state_disk_bytes)
        with Index.open(tmp_path / "index", llm=llm, environment=environment) as index:
            return index.engine(k=1, mode="lexical").query(next(questions)).tokens.prompt_cached

    assert cached_tokens(0) == 0
    assert not (tmp_path / "models" / "states").exists()
    assert cached_tokens(1 << 30) == 0
    assert len(list((tmp_path / "models" / "states").glob("*.state"))) == 1
    assert cached_tokens(1 << 30) > 60


def test_a_smaller_context_leaves_longer_states_on_disk_to_others(llm_path: Path, tmp_path: Path):
    long = chat(" ".join(CONTEXTS[:3]), QUESTIONS[0])
    with restoring(llm_path, tmp_path) as llm:
        tokens(llm, long)
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 1
    with restoring(llm_path, tmp_path, context_tokens=256) as llm:
        assert tokens(llm, CHATS[1])[0].cached_tokens == 0
    assert kept[0].exists()


def test_a_damaged_file_is_read_around(llm_path: Path, tmp_path: Path):
    with restoring(llm_path, tmp_path) as llm:
        expected = text(llm, CHATS[0])
    (kept,) = tmp_path.iterdir()
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    with restoring(llm_path, tmp_path) as llm:
        again = tokens(llm, CHATS[0])
    assert again[0].cached_tokens == 0
    assert "".join(token.text for token in again) == expected


def test_a_state_that_llama_cpp_refuses_is_forgotten(llm_path: Path):
    with restoring(llm_path) as llm:
        expected = text(llm, CHATS[0])
        text(llm, CHATS[1])
        for name, state in list(llm._live._states._kept.items()):
            llm._live._states._kept[name] = type(state)(state.tokens, state.data[: len(state.data) // 2].copy())
        again = tokens(llm, CHATS[0])
        assert again[0].cached_tokens == 0
        assert "".join(token.text for token in again) == expected


def test_other_cache_types_keep_states_of_their_own(llm_path: Path, tmp_path: Path):
    with restoring(llm_path, tmp_path) as llm:
        text(llm, CHATS[0])
    config = LLMConfig(context_tokens=1024, cache_type="f16", state_disk_bytes=1 << 30)
    with LlamaCppLLM(llm_path, config, name="large", states=tmp_path) as llm:
        assert llm.device.cache_type == "f16"
        assert llm.device.cache_bytes == 1024 * 30 * 2 * 192 * 2
        assert tokens(llm, CHATS[0])[0].cached_tokens == 0
        text(llm, CHATS[1])
        assert tokens(llm, CHATS[0])[0].cached_tokens > 60


def test_flash_attention_can_be_off_which_takes_a_cache_in_f16(llm_path: Path):
    config = LLMConfig(context_tokens=1024, flash_attention=False)
    with LlamaCppLLM(llm_path, config, name="slow") as llm:
        assert not llm.device.flash_attention
        assert llm.device.cache_type == "f16"
        assert text(llm, CHATS[0])
    with pytest.raises(ConfigError, match="needs flash_attention"):
        LLMConfig(cache_type="q8_0", flash_attention=False)


def test_a_model_that_is_not_quantised_runs_without_flash_attention_unless_told_otherwise(
    llm_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(optimizing, "FORMS", {"BF16": optimizing.FORMS["BF16"]})
    ((_, path),) = optimizing._requantized(llm_path, tmp_path, lambda name: None)
    ways = (
        ({}, False, "f16"),
        ({"flash_attention": True}, True, "q8_0/f16"),
        ({"cache_type": "f16"}, False, "f16"),
        ({"cache_type": "q8_0"}, True, "q8_0"),
    )
    for settings, flash, cache_type in ways:
        with LlamaCppLLM(path, LLMConfig(context_tokens=512, **settings), name="floats") as llm:
            assert (llm.device.flash_attention, llm.device.cache_type) == (flash, cache_type)
            assert text(llm, CHATS[0])


def test_the_off_switch(plain: LlamaCppLLM, llm_path: Path, tmp_path: Path):
    text(plain, CHATS[0])
    text(plain, CHATS[1])
    assert tokens(plain, CHATS[0])[0].cached_tokens < 40  # what all chats begin with
    with LlamaCppLLM(llm_path, LLMConfig(context_tokens=1024), name="memory", states=tmp_path / "states") as llm:
        text(llm, CHATS[0])
    assert not (tmp_path / "states").exists()


def test_a_request_that_was_given_up_leaves_what_it_read(llm_path: Path):
    with restoring(llm_path) as llm:
        unread = llm.complete(CHATS[0], max_tokens=8)
        next(unread)
        unread.close()
        text(llm, CHATS[1])
        assert tokens(llm, CHATS[0])[0].cached_tokens > 60


def test_an_answer_that_takes_too_long_ends(llm_path: Path):
    with LlamaCppLLM(llm_path, LLMConfig(context_tokens=1024, answer_seconds=1e-6), name="hasty") as llm:
        with pytest.raises(ModelError, match="answer_seconds"):
            text(llm, CHATS[0])
        with pytest.raises(ModelError, match="answer_seconds"):
            llm.complete_many(CHATS[:2], max_tokens=4)


def test_a_cancelled_prompt_can_be_read_on(plain: LlamaCppLLM):
    class AtSecondBatch(threading.Event):
        checks = 0

        def is_set(self) -> bool:
            self.checks += 1
            return self.checks > 2

    long = chat(" ".join(CONTEXTS), QUESTIONS[0])
    expected = text(plain, long)
    plain._live.forget()
    with pytest.raises(RequestCancelledError):
        list(plain.complete(long, max_tokens=4, cancel=AtSecondBatch()))
    again = tokens(plain, long)
    assert 0 < again[0].cached_tokens < again[0].prompt_tokens - 1
    assert "".join(token.text for token in again) == expected


@pytest.mark.parametrize(
    ("setting", "value"),
    [("cache_type", "q4_0"), ("state_cache_bytes", -1), ("state_disk_bytes", -1), ("answer_seconds", 0.0)],
)
def test_settings_out_of_range_are_named(setting: str, value: object):
    with pytest.raises(ConfigError, match=setting):
        LLMConfig(**{setting: value})  # type: ignore[arg-type]
