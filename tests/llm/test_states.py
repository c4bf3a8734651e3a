from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from docindex.llm.prefixes import common_prefix, is_beginning, shared_length
from docindex.llm.state_files import StateFiles
from docindex.llm.states import SavedStates

TOKENS = st.lists(st.integers(0, 3), max_size=12)


def tokens(start: int, count: int = 100) -> list[int]:
    """A sequence that shares nothing with one that starts elsewhere."""
    return list(range(start, start + count))


def state(size: int = 1000, fill: int = 7) -> NDArray[np.uint8]:
    return np.full(size, fill, np.uint8)


def saved(memory_bytes: int = 1 << 20, files: StateFiles | None = None) -> SavedStates:
    return SavedStates(memory_bytes=memory_bytes, most_tokens=10_000, files=files)


@settings(deadline=None)
@given(TOKENS, TOKENS)
def test_what_two_sequences_share_is_counted_alike(one: list[int], other: list[int]):
    arrays = np.array(one, np.int32), np.array(other, np.int32)
    length = common_prefix(one, other)
    assert shared_length(*arrays) == length
    assert one[:length] == other[:length]
    assert is_beginning(*arrays) == (length == len(one))


def test_the_state_that_shares_most_is_found():
    states = saved()
    states.offer(tokens(0, 100), lambda: state(fill=1))
    states.offer(tokens(0, 100) + tokens(5000, 100), lambda: state(fill=2))
    states.offer(tokens(9000), lambda: state(fill=3))
    found = states.find(tokens(0, 100) + tokens(5000, 60) + tokens(7000, 10), beyond=0)
    assert found is not None
    assert found.data[0] == 2
    assert found.tokens.tolist() == tokens(0, 100) + tokens(5000, 100)


def test_a_state_is_restored_only_when_it_spares_a_good_deal():
    states = saved()
    states.offer(tokens(0), state)
    assert states.find(tokens(0, 100), beyond=90) is None
    assert states.find(tokens(0, 20), beyond=0) is None
    assert states.find(tokens(0, 100), beyond=50) is not None
    assert states.find([], beyond=0) is None


def test_what_is_known_in_great_part_is_not_saved_again():
    states = saved()
    reads: list[int] = []

    def read() -> NDArray[np.uint8]:
        reads.append(1)
        return state()

    states.offer(tokens(0, 40), read)
    assert reads == []
    states.offer(tokens(0, 400), read)
    states.offer(tokens(0, 400) + tokens(5000, 90), read)
    states.offer(tokens(0, 300) + tokens(6000, 60), read)
    assert len(reads) == 1
    states.offer(tokens(0, 400) + tokens(5000, 200), read)
    assert len(reads) == 2


def test_a_longer_state_takes_the_place_of_its_beginning():
    states = saved()
    states.offer(tokens(0, 100), state)
    states.offer(tokens(0, 300), state)
    assert states.used_bytes == 1000 + 300 * 4


def test_what_was_used_longest_ago_goes_first():
    states = saved(memory_bytes=3 * 1400)
    for start in (0, 1000, 2000):
        states.offer(tokens(start), state)
    assert states.find(tokens(0), beyond=0) is not None
    states.offer(tokens(3000), state)
    assert states.find(tokens(1000), beyond=0) is None
    assert states.find(tokens(0), beyond=0) is not None
    assert states.used_bytes <= 3 * 1400


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(64, 300), st.integers(0, 4000)), max_size=30))
def test_the_budget_is_kept(offers: list[tuple[int, int, int]]):
    states = saved(memory_bytes=5000)
    for start, count, size in offers:
        states.offer(tokens(start * 1000, count), lambda size=size: state(size))
        assert states.used_bytes <= 5000


def test_without_a_budget_nothing_is_read_or_kept():
    states = saved(memory_bytes=0)
    states.offer(tokens(0), lambda: pytest.fail("a state was read"))
    assert states.find(tokens(0), beyond=0) is None


def test_a_state_that_cant_be_read_is_not_kept():
    states = saved()
    states.offer(tokens(0), lambda: None)
    assert states.find(tokens(0), beyond=0) is None


def test_a_discarded_state_is_gone_from_memory_and_disk(tmp_path: Path):
    files = StateFiles(tmp_path, budget_bytes=1 << 20, key=b"k" * 16)
    states = saved(files=files)
    states.offer(tokens(0), state)
    found = states.find(tokens(0), beyond=0)
    assert found is not None
    states.discard(found)
    assert states.find(tokens(0), beyond=0) is None
    assert list(tmp_path.iterdir()) == []


def test_states_on_disk_are_found_by_the_next_process_and_then_kept_in_memory(tmp_path: Path):
    saved(files=StateFiles(tmp_path, budget_bytes=1 << 20, key=b"k" * 16)).offer(tokens(0), lambda: state(fill=5))
    states = saved(files=StateFiles(tmp_path, budget_bytes=1 << 20, key=b"k" * 16))
    found = states.find(tokens(0), beyond=0)
    assert found is not None
    assert found.data.tolist() == [5] * 1000
    assert states.used_bytes == 1400
    for path in tmp_path.iterdir():
        path.unlink()
    assert states.find(tokens(0), beyond=0) is not None


def test_states_that_the_context_cant_hold_are_left_alone(tmp_path: Path):
    files = StateFiles(tmp_path, budget_bytes=1 << 20, key=b"k" * 16)
    saved(files=files).offer(tokens(0, 300), state)
    small = SavedStates(memory_bytes=1 << 20, most_tokens=256, files=files)
    assert small.find(tokens(0, 200), beyond=0) is None
    assert len(list(tmp_path.iterdir())) == 1
