"""A model that remembers what it wrote."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import ModelError
from docindex.llm.batches import complete_many
from docindex.llm.caching import CachingLLM
from docindex.protocols import KeptCompletion, Message
from docindex.stores import completions
from docindex.stores.completions import COMPLETIONS_FILE, CompletionCache
from docindex.testing.scripted_llm import ScriptedLLM

ASKED = [Message("user", "How long is the warranty?")]
REPLY = "It is two years. It covers the motor, and no more."


@pytest.fixture
def cache(tmp_path: Path):
    opened = CompletionCache(tmp_path)
    yield opened
    opened.close()


def text_of(llm, messages=ASKED, **options) -> str:
    return "".join(token.text for token in llm.complete(messages, max_tokens=50, **options))


def test_what_was_asked_is_not_asked_again(cache: CompletionCache, tmp_path: Path):
    model = ScriptedLLM(REPLY, "Another reply.")
    llm = CachingLLM(model, cache, "model", lambda: 1)
    assert text_of(llm) == REPLY
    again = list(llm.complete(ASKED, max_tokens=50))
    assert "".join(token.text for token in again) == REPLY
    assert len(model.requests) == 1
    assert again[0].prompt_tokens == again[0].cached_tokens == model.count_tokens(ASKED)
    elsewhere = CompletionCache(tmp_path)
    other = ScriptedLLM("Never said.")
    assert text_of(CachingLLM(other, elsewhere, "model", lambda: 1)) == REPLY
    assert other.requests == []
    elsewhere.close()


def test_another_prompt_version_model_or_setting_is_asked(cache: CompletionCache):
    model = ScriptedLLM(*[f"Reply {number}." for number in range(9)])
    versions = [1]
    llm = CachingLLM(model, cache, "model", lambda: versions[-1])
    replies = [text_of(llm), text_of(llm, [Message("system", "How long is the warranty?")])]
    replies += [text_of(llm, grammar="root ::= [a-z]*"), text_of(llm, stop=["."])]
    replies.append("".join(token.text for token in llm.complete(ASKED, max_tokens=49)))
    versions.append(2)
    replies.append(text_of(llm))
    replies.append(text_of(CachingLLM(model, cache, "other model", lambda: 2)))
    assert len(model.requests) == len(replies) == 7
    assert text_of(llm) == replies[5]


def test_for_what_depends_on_the_prompt_alone_the_version_is_no_other_question(cache: CompletionCache):
    versions = [1]
    model = ScriptedLLM("Reply.", "Another reply.")
    llm = CachingLLM(model, cache, "model", lambda: versions[-1], any_version=True)
    assert text_of(llm) == "Reply."
    versions.append(2)
    assert text_of(llm) == llm.complete_many([ASKED], max_tokens=50)[0].text == "Reply."
    cache.erase(3)
    assert [text_of(llm), cache.count()] == ["Another reply.", 0], (
        "what a purge erased comes back from no older version"
    )


def test_chance_is_not_remembered(cache: CompletionCache):
    model = ScriptedLLM("One.", "Two.")
    llm = CachingLLM(model, cache, "model", lambda: 1)
    assert [text_of(llm, temperature=0.7), text_of(llm, temperature=0.7)] == ["One.", "Two."]
    assert cache.count() == 0


@settings(deadline=None)
@given(first=st.integers(0, 14), second=st.integers(0, 14))
def test_a_beginning_is_gone_on_with(tmp_path_factory: pytest.TempPathFactory, first: int, second: int):
    cache = CompletionCache(tmp_path_factory.mktemp("cache"))
    model = ScriptedLLM(REPLY)
    llm = CachingLLM(model, cache, "model", lambda: 1)
    whole = [token.text for token in ScriptedLLM(REPLY).complete(ASKED, max_tokens=50)]
    for count in (first, second):
        tokens = llm.complete(ASKED, max_tokens=50)
        read = [token.text for token, _ in zip(tokens, range(count), strict=False)]
        tokens.close()
        assert read == whole[:count]
    before = len(model.requests)
    assert text_of(llm) == REPLY
    assert text_of(llm) == REPLY
    assert len(model.requests) <= before + 1
    cache.close()


def test_of_a_model_that_may_write_otherwise_only_whole_completions_are_used(cache: CompletionCache):
    model = ScriptedLLM("It lasts two years.", "Two years it is.", "Never said.")
    llm = CachingLLM(model, cache, "model", lambda: 1, beginnings=False)
    tokens = llm.complete(ASKED, max_tokens=50)
    begun = next(tokens).text
    tokens.close()
    assert begun
    assert cache.count() == 0
    assert [text_of(llm), text_of(llm)] == ["Two years it is."] * 2
    assert len(model.requests) == 2


def test_a_beginning_that_another_kept_is_not_gone_on_with_by_such_a_model(cache: CompletionCache):
    first = CachingLLM(ScriptedLLM("It lasts two years."), cache, "model", lambda: 1)
    tokens = first.complete(ASKED, max_tokens=50)
    next(tokens)
    tokens.close()
    assert cache.count() == 1
    other = CachingLLM(ScriptedLLM("Two years it is, and no more."), cache, "model", lambda: 1, beginnings=False)
    assert text_of(other) == "Two years it is, and no more."


def test_a_beginning_never_takes_the_place_of_more(cache: CompletionCache):
    cache.add("key", KeptCompletion(("a", "b", "c"), whole=True), 1)
    cache.add("key", KeptCompletion(("a",), whole=False), 1)
    assert cache.get("key") == KeptCompletion(("a", "b", "c"), whole=True)


def test_only_the_newest_stay(cache: CompletionCache, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(completions, "KEEP", 3)
    for number in range(8):
        cache.add(f"key {number}", KeptCompletion((str(number),), whole=True), 1)
    assert cache.count() == 3
    assert [cache.get(f"key {number}") is not None for number in range(8)] == [False] * 5 + [True] * 3


def test_an_erasure_leaves_no_byte_and_takes_nothing_older(cache: CompletionCache, tmp_path: Path):
    cache.add("key", KeptCompletion(("quetzalcoatlus",), whole=True), 3)
    cache.erase(5)
    cache.add("key", KeptCompletion(("quetzalcoatlus",), whole=True), 4)
    assert cache.get("key") is None
    assert not any(b"quetzalcoatlus" in file.read_bytes() for file in tmp_path.iterdir())
    cache.add("key", KeptCompletion(("new",), whole=True), 5)
    assert cache.get("key") is not None


def test_a_file_that_fails_costs_nothing_but_the_cache(tmp_path: Path, cache: CompletionCache):
    (tmp_path / COMPLETIONS_FILE).write_bytes(b"no database" * 100)
    model = ScriptedLLM("One.", "Two.")
    llm = CachingLLM(model, cache, "model", lambda: 1)
    assert [text_of(llm), text_of(llm)] == ["One.", "Two."]


def test_a_locked_file_is_waited_for_and_then_done_without(tmp_path: Path, cache: CompletionCache):
    cache.add("key", KeptCompletion(("a",), whole=True), 1)
    other = sqlite3.connect(tmp_path / COMPLETIONS_FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache.add("other", KeptCompletion(("b",), whole=True), 1)
    other.execute("ROLLBACK")
    other.close()
    assert cache.get("other") is None
    assert cache.get("key") is not None


def test_a_prompt_that_does_not_fit_is_refused_at_once(cache: CompletionCache):
    llm = CachingLLM(ScriptedLLM(REPLY, context_tokens=20), cache, "model", lambda: 1)
    with pytest.raises(ModelError, match="do not fit"):
        llm.complete(ASKED, max_tokens=50)


def test_several_chats_ask_for_those_that_are_new(cache: CompletionCache):
    model = ScriptedLLM("One.", "Two.", "Three.")
    llm = CachingLLM(model, cache, "model", lambda: 1)
    chats = [[Message("user", f"Question {number}?")] for number in range(3)]
    assert text_of(llm, chats[1]) == "One."
    made = complete_many(llm, chats, max_tokens=50)
    assert [completion.text for completion in made] == ["Two.", "One.", "Three."]
    assert len(model.requests) == 3
    assert [completion.text for completion in complete_many(llm, chats, max_tokens=50)] == ["Two.", "One.", "Three."]
    assert len(model.requests) == 3
