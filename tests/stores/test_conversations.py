"""The file of the conversations: what is kept comes back in order, and what goes leaves no byte."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import ConfigError, StoreError
from docindex.schema import Citation, SavedTurn
from docindex.stores.conversations import CONVERSATIONS_FILE, ConversationLog

CITATION = Citation(1, "n", "manual", "manual.txt", 3, "iii", 10, 20, "two years", verified=True, row=7)
TURN = SavedTurn(
    datetime(2026, 3, 1, 12, 30, tzinfo=UTC), "How long?", "How long is the warranty?", "Two years [1]", no_answer=False
)


@pytest.fixture
def log(tmp_path: Path):
    opened = ConversationLog(tmp_path)
    yield opened
    opened.close()


def holds(folder: Path, text: str) -> bool:
    return any(text.encode() in file.read_bytes() for file in folder.iterdir())


def test_nothing_is_written_before_the_first_turn(tmp_path: Path, log: ConversationLog):
    assert log.turns("a") == []
    assert log.summaries() == []
    assert list(tmp_path.iterdir()) == []


def test_turns_come_back_in_order_also_in_another_process(tmp_path: Path, log: ConversationLog):
    said = [replace(TURN, question=f"Question {number}", citations=(CITATION,), model="m") for number in range(12)]
    for turn in said:
        log.add("warranty", turn, 1)
    log.add("other", TURN, 1)
    again = ConversationLog(tmp_path)
    assert again.turns("warranty") == said
    assert again.turns("other") == [TURN]
    again.close()


text = st.text(max_size=60)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "ä ö"]), text, text, text, st.booleans()), max_size=12))
def test_any_text_can_be_kept(tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[str, str, str, str, bool]]):
    log = ConversationLog(tmp_path_factory.mktemp("chats"))
    expected: dict[str, list[SavedTurn]] = {}
    for name, question, standalone, answer, none in turns:
        turn = SavedTurn(TURN.at, question, standalone, answer, none, (CITATION,), "model")
        log.add(name, turn, 1)
        expected.setdefault(name, []).append(turn)
    assert {name: log.turns(name) for name in expected} == expected
    assert {one.name: one.turns for one in log.summaries()} == {name: len(said) for name, said in expected.items()}
    log.close()


def test_what_is_no_character_is_written_out(log: ConversationLog):
    log.add("a", replace(TURN, question="caf\udce9"), 1)
    assert log.turns("a")[0].question == "caf\\udce9"


def test_the_list_has_the_newest_first(log: ConversationLog):
    log.add("old", TURN, 1)
    log.add("new", replace(TURN, at=datetime(2026, 3, 2, tzinfo=UTC), question="First?"), 1)
    log.add("new", replace(TURN, at=datetime(2026, 3, 3, tzinfo=UTC), question="Second?"), 1)
    newest, old = log.summaries()
    assert (newest.name, newest.turns, newest.question) == ("new", 2, "First?")
    assert (newest.began.day, newest.last.day) == (2, 3)
    assert old.name == "old"


def test_two_processes_add_to_one_conversation(tmp_path: Path):
    logs = [ConversationLog(tmp_path) for _ in range(4)]

    def speak(number: int) -> None:
        for count in range(10):
            logs[number].add("together", replace(TURN, question=f"{number}-{count}"), 1)

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    questions = [turn.question for turn in logs[0].turns("together")]
    assert len(questions) == 40
    for number in range(4):
        assert [one for one in questions if one.startswith(f"{number}-")] == [f"{number}-{at}" for at in range(10)]
    for log in logs:
        log.close()


def test_a_deleted_conversation_leaves_no_byte(tmp_path: Path, log: ConversationLog):
    log.add("secret", replace(TURN, answer="quetzalcoatlus"), 1)
    log.add("other", TURN, 1)
    assert log.delete("secret") == 1
    assert log.turns("secret") == []
    assert log.turns("other") == [TURN]
    log.close()
    assert not holds(tmp_path, "quetzalcoatlus")
    with pytest.raises(StoreError, match="docindex conversations list"):
        log.delete("secret")


def test_an_erasure_takes_no_turn_from_before_it(tmp_path: Path, log: ConversationLog):
    log.add("a", replace(TURN, answer="quetzalcoatlus"), 3)
    log.erase(5)
    assert not holds(tmp_path, "quetzalcoatlus")
    log.add("a", replace(TURN, answer="quetzalcoatlus"), 4)
    assert log.turns("a") == []
    log.add("a", TURN, 5)
    assert log.turns("a") == [TURN]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_name_has_to_be_one(log: ConversationLog, name: str):
    with pytest.raises(ConfigError, match="1 to 100"):
        log.add(name, TURN, 1)


def test_a_damaged_file_is_named(tmp_path: Path, log: ConversationLog):
    (tmp_path / CONVERSATIONS_FILE).write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=CONVERSATIONS_FILE):
        log.turns("a")
