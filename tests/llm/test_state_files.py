from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from docindex.llm.gguf import GgufModel
from docindex.llm.prefixes import name_of
from docindex.llm.state_files import StateFiles, state_key

KEY, OTHER_KEY = b"a" * 16, b"b" * 16
MOST = 1000


def tokens(start: int, count: int = 50) -> NDArray[np.int32]:
    return np.arange(start, start + count, dtype=np.int32)


def data(size: int = 1000) -> NDArray[np.uint8]:
    return np.arange(size).astype(np.uint8)


def put(files: StateFiles, start: int, size: int = 1000) -> Path:
    """Saves a state and says where."""
    name = name_of(tokens(start))
    files.save(name, tokens(start), data(size))
    return files.folder / f"{files._key.hex()}-{name}.state"


def held(files: StateFiles, start: int) -> bool:
    """Whether the state is there and whole."""
    name, length = files.longest(tokens(start), MOST)
    return length == 50 and files.load(name) is not None


@pytest.fixture
def files(tmp_path: Path) -> StateFiles:
    return StateFiles(tmp_path / "states", budget_bytes=1 << 20, key=KEY)


def fresh(files: StateFiles, key: bytes = KEY) -> StateFiles:
    """The same folder as another process sees it."""
    return StateFiles(files.folder, budget_bytes=files.budget_bytes, key=key)


def test_a_state_comes_back_as_it_was(files: StateFiles):
    put(files, 0)
    name, length = fresh(files).longest(tokens(0, 70), MOST)
    assert length == 50
    loaded = fresh(files).load(name)
    assert loaded is not None
    assert np.array_equal(loaded[0], tokens(0))
    assert np.array_equal(loaded[1], data())


def test_a_folder_that_is_not_there_holds_nothing(files: StateFiles):
    assert files.longest(tokens(0), MOST) == ("", 0)
    assert files.load("0" * 32) is None
    assert not files.folder.exists()


def test_the_files_are_for_this_user_only(files: StateFiles):
    path = put(files, 0)
    assert path.stat().st_mode & 0o077 == 0
    assert files.folder.stat().st_mode & 0o077 == 0


def test_another_model_sees_nothing_of_it(files: StateFiles):
    path = put(files, 0)
    assert fresh(files, OTHER_KEY).longest(tokens(0), MOST) == ("", 0)
    assert path.exists()


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def _flip(at: int) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)

    return flip


def _foreign(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + bytes(4000))


@pytest.mark.parametrize(
    "damage",
    [_cut, _empty, _longer, _flip(0), _flip(10), _flip(26), _flip(34), _flip(45), _flip(60), _flip(-1), _foreign],
)
@pytest.mark.parametrize("seen_before", [True, False])
def test_a_damaged_or_foreign_file_is_ignored_and_deleted(
    files: StateFiles, damage: Callable[[Path], None], seen_before: bool
):
    path = put(files, 0)
    put(files, 1000)
    damage(path)
    files = files if seen_before else fresh(files)
    assert not held(files, 0)
    assert not path.exists()
    assert held(files, 1000)


def test_a_file_that_another_process_deleted_is_done_without(files: StateFiles):
    path = put(files, 0)
    name, _ = files.longest(tokens(0), MOST)
    path.unlink()
    assert files.load(name) is None
    files.touch(name)
    files.delete(name)
    assert files.longest(tokens(0), MOST) == ("", 0)


def test_a_name_that_lies_about_its_tokens_is_deleted(files: StateFiles):
    path = put(files, 0)
    lie = path.with_name(f"{KEY.hex()}-{'0' * 32}.state")
    path.rename(lie)
    assert fresh(files).longest(tokens(0), MOST) == ("", 0)
    assert not lie.exists()


def test_a_longer_state_takes_the_place_of_its_beginning(files: StateFiles):
    path = put(files, 0)
    longer = tokens(0, 80)
    files.save(name_of(longer), longer, data())
    assert not path.exists()
    assert files.longest(tokens(0, 80), MOST) == (name_of(longer), 80)


def test_the_state_that_was_used_longest_ago_goes_first_whoever_used_it(files: StateFiles):
    one_file = put(files, 0).stat().st_size
    tight = StateFiles(files.folder, budget_bytes=3 * one_file, key=KEY)
    other = StateFiles(files.folder, budget_bytes=3 * one_file, key=OTHER_KEY)
    second = put(other, 1000)
    third = put(tight, 2000)
    for age, path in ((300, second), (200, third)):
        os.utime(path, (time.time() - age, time.time() - age))
    assert held(fresh(files), 0)
    put(tight, 3000)
    assert not second.exists()
    assert third.exists()
    assert held(tight, 0)
    assert sum(path.stat().st_size for path in files.folder.iterdir()) <= 3 * one_file


def test_what_is_larger_than_the_budget_is_not_kept(tmp_path: Path):
    files = StateFiles(tmp_path, budget_bytes=1000, key=KEY)
    put(files, 0)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_cleared_away(files: StateFiles):
    put(files, 0)
    old, new = files.folder / ".part-old", files.folder / ".part-new"
    for path in (old, new):
        path.write_bytes(b"half a state")
    os.utime(old, (0, 0))
    put(files, 1000)
    assert not old.exists()
    assert new.exists()


def test_a_disk_that_takes_nothing_is_told_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "file").write_text("no folder")
    put(StateFiles(tmp_path / "file" / "states", budget_bytes=1 << 20, key=KEY), 0)
    assert "can't be kept" in caplog.text


def test_the_key_tells_models_and_layouts_apart(vocabulary: GgufModel, llm_path: Path, tmp_path: Path):
    same = state_key(vocabulary, layout="f16")
    assert len(same) == 16
    assert state_key(vocabulary, layout="f16") == same
    assert state_key(vocabulary, layout="q8_0") != same
    copy = tmp_path / "model.gguf"
    copy.write_bytes(llm_path.read_bytes())
    os.utime(copy, (1, 1))
    with GgufModel(copy, vocabulary_only=True) as changed:
        assert state_key(changed, layout="f16") != same


HAMMER = """
import sys, random
from pathlib import Path
import numpy as np
from docindex.llm.prefixes import name_of
from docindex.llm.state_files import StateFiles
seed, folder = int(sys.argv[1]), Path(sys.argv[2])
files = StateFiles(folder, budget_bytes=40_000, key=b"a" * 16)
choose = random.Random(seed)
hits = 0
for _ in range(150):
    start = choose.randrange(8) * 1000
    tokens = np.arange(start, start + 50, dtype=np.int32)
    name, length = files.longest(tokens, 1000)
    found = files.load(name) if length == 50 else None
    if found is None:
        files.save(name_of(tokens), tokens, np.full(8000, start // 1000, np.uint8))
    else:
        hits += 1
        assert found[0].tolist() == tokens.tolist()
        assert len(found[1]) == 8000 and set(found[1].tolist()) == {start // 1000}
print(hits)
"""


def test_processes_share_a_folder(files: StateFiles):
    files.folder.mkdir()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, str(seed), str(files.folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for seed in range(3)
    ]
    ended = [(process.communicate(timeout=120), process.returncode) for process in running]
    assert [(errors, code) for (_, errors), code in ended] == [(b"", 0)] * 3
    assert sum(int(hits) for (hits, _), _ in ended) > 0
    assert sum(path.stat().st_size for path in files.folder.iterdir()) <= 40_000
    assert not list(files.folder.glob(".part-*"))
