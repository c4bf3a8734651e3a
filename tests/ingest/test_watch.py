from __future__ import annotations

import queue
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docindex.ingest.ignore import IGNORE_FILE
from docindex.ingest.watch import changes

LONG = 20.0
"""Seconds to wait for what must come; it comes in less than one, unless the machine is busy."""
QUIET = 0.1


class Watching:
    """The batches of a watch, taken by a thread of its own."""

    def __init__(self, *roots: Path, index: Path | None = None, polling: bool = False) -> None:
        self.stop = threading.Event()
        self.batches: queue.Queue[frozenset[Path]] = queue.Queue()
        self._found: set[Path] = set()
        self._watch = changes(roots, stop=self.stop, index=index, debounce_seconds=QUIET, polling=polling)
        self.thread = threading.Thread(target=self._take)
        self.thread.start()
        assert self.batches.get(timeout=LONG) == frozenset()

    def _take(self) -> None:
        for batch in self._watch:
            self.batches.put(batch)

    def until(self, *paths: Path) -> set[Path]:
        """Waits for all of the paths, and returns what has come since the last time."""
        end = time.monotonic() + LONG
        while not self._found.issuperset(paths):
            self._found |= self.batches.get(timeout=max(0.01, end - time.monotonic()))
        found, self._found = self._found, set()
        return found

    def end(self) -> None:
        self.stop.set()
        self.thread.join(LONG)
        assert not self.thread.is_alive()


@pytest.fixture
def watching() -> Iterator[Callable[..., Watching]]:
    begun: list[Watching] = []

    def begin(*roots: Path, index: Path | None = None, polling: bool = False) -> Watching:
        begun.append(Watching(*roots, index=index, polling=polling))
        return begun[-1]

    yield begin
    for each in begun:
        each.end()


@pytest.mark.parametrize("polling", [False, True])
def test_changes_of_every_kind_come(tmp_path: Path, watching: Callable[..., Watching], polling: bool) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/old.txt").write_text("old")
    watch = watching(tmp_path, polling=polling)
    (tmp_path / "new.txt").write_text("new")
    (tmp_path / "sub/old.txt").write_text("longer than it was")
    watch.until(tmp_path / "new.txt", tmp_path / "sub/old.txt")
    (tmp_path / "new.txt").unlink()
    watch.until(tmp_path / "new.txt")


def test_a_folder_that_is_made_later_is_watched(tmp_path: Path, watching: Callable[..., Watching]) -> None:
    watch = watching(tmp_path)
    (tmp_path / "made").mkdir()
    watch.until(tmp_path / "made")
    (tmp_path / "made/a.txt").write_text("a")
    watch.until(tmp_path / "made/a.txt")


def test_reading_is_no_change(tmp_path: Path, watching: Callable[..., Watching]) -> None:
    (tmp_path / "read.txt").write_text("text")
    watch = watching(tmp_path)
    (tmp_path / "read.txt").read_text()
    assert list(tmp_path.iterdir())
    (tmp_path / "a.txt").write_text("a")
    assert watch.until(tmp_path / "a.txt") == {tmp_path / "a.txt"}


def test_the_index_and_hidden_files_do_not_count(tmp_path: Path, watching: Callable[..., Watching]) -> None:
    index = tmp_path / "index"
    index.mkdir()
    (tmp_path / ".git").mkdir()
    link = tmp_path / "link"
    link.symlink_to(index)
    watch = watching(tmp_path, index=link)
    (index / "registry.db").write_text("x")
    (tmp_path / ".git/HEAD").write_text("x")
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / IGNORE_FILE).write_text("*.log")
    (tmp_path / "a.txt").write_text("a")
    found = watch.until(tmp_path / "a.txt", tmp_path / IGNORE_FILE)
    assert found == {tmp_path / "a.txt", tmp_path / IGNORE_FILE}


def test_a_root_below_a_hidden_folder_counts(tmp_path: Path, watching: Callable[..., Watching]) -> None:
    root = tmp_path / ".notes"
    root.mkdir()
    watch = watching(root)
    (root / "a.txt").write_text("a")
    watch.until(root / "a.txt")


def test_a_lone_file_is_watched_and_its_neighbours_are_not(tmp_path: Path, watching: Callable[..., Watching]) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one")
    watch = watching(file)
    (tmp_path / "b.txt").write_text("b")
    fresh = tmp_path / "a.txt.new"
    fresh.write_text("two, saved the way that editors do")
    fresh.replace(file)
    assert watch.until(file) == {file}
    file.unlink()
    assert watch.until(file) == {file}
    file.write_text("three")
    assert watch.until(file) == {file}


def test_a_root_that_goes_and_comes_back_is_watched_again(tmp_path: Path, watching: Callable[..., Watching]) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    watch = watching(root, other)
    (root / "a.txt").write_text("a")
    watch.until(root / "a.txt")
    shutil.rmtree(root)
    watch.until(root)
    (other / "b.txt").write_text("b")
    watch.until(other / "b.txt")
    root.mkdir()
    watch.until(root)
    (root / "c.txt").write_text("c")
    watch.until(root / "c.txt")


def test_the_only_root_may_be_missing_at_first(tmp_path: Path, watching: Callable[..., Watching]) -> None:
    watch = watching(tmp_path / "later")
    (tmp_path / "later").mkdir()
    watch.until(tmp_path / "later")
    (tmp_path / "later/a.txt").write_text("a")
    watch.until(tmp_path / "later/a.txt")


def test_what_changes_while_nobody_asks_comes_later(tmp_path: Path) -> None:
    stop = threading.Event()
    watch = changes([tmp_path], stop=stop, debounce_seconds=QUIET)
    assert next(watch) == frozenset()
    names = {tmp_path / f"{number}.txt" for number in range(5)}
    for path in names:
        path.write_text("text")
    assert next(watch) == names
    watch.close()


def test_a_relative_root_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    watch = changes([Path("x/..")], stop=threading.Event(), debounce_seconds=QUIET)
    next(watch)
    Path("a.txt").write_text("a")
    assert next(watch) == {tmp_path / "a.txt"}
    watch.close()


def test_it_ends_when_it_is_told(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "none"):
        stop = threading.Event()
        watch = changes([root], stop=stop, debounce_seconds=QUIET)
        next(watch)
        timer = threading.Timer(0.3, stop.set)
        timer.start()
        assert list(watch) == []
        timer.join()


SCRIPT = """
    import sys, threading
    from pathlib import Path
    from docindex.ingest.watch import changes

    for _ in changes([Path(sys.argv[1])], stop=threading.Event(), debounce_seconds=0.1):
        print("watching", flush=True)
    print("ended", flush=True)
"""


@pytest.mark.parametrize("name", ["", "file.txt"])
def test_ctrl_c_ends_it(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path / name)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "watching\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=LONG)
    assert (output, errors, process.returncode) == ("ended\n", "", 0)


POLLING = """
    import logging, os, resource, sys, threading
    from pathlib import Path
    from docindex.ingest.watch import changes

    logging.basicConfig(format="%(message)s")
    folder = Path(sys.argv[1])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    watch = changes([folder], stop=threading.Event(), debounce_seconds=0.1)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, hard))  # no further one
    next(watch)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    (folder / "a.txt").write_text("a")
    for batch in watch:
        if folder / "a.txt" in batch:
            break
    print("found")
"""


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts the open files of a process")
def test_it_looks_again_and_again_where_there_are_no_notifications(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(POLLING), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)
    assert ran.stdout == "found\n", ran.stderr
    assert "no notifications of changes" in ran.stderr
    assert "every second instead" in ran.stderr
