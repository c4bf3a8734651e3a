"""Every command that writes waits for another writer when it is told to, and only then."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from docindex.stores.commit import open_stores
from docindex.stores.lease import HOLDER_FILE, LOCK_FILE, lease


@pytest.fixture(scope="session")
def carried(run_with, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lease") / "all.bundle"
    assert run_with("export", path, "--index", built).code == 0
    return path


@contextmanager
def beside(work: Callable[[Callable[[], None]], None], seconds: float) -> Iterator[threading.Event]:
    """Work in a thread, which is given what to call to wait for so many seconds; the event says that it has waited."""
    held, free, ended = threading.Event(), threading.Event(), threading.Event()

    def pause() -> None:
        held.set()
        free.wait(seconds)
        ended.set()

    worker = threading.Thread(target=work, args=(pause,))
    worker.start()
    held.wait(60)
    try:
        yield ended
    finally:
        free.set()
        worker.join()


def busy(index: Path, seconds: float) -> AbstractContextManager[threading.Event]:
    """Another writer, for so many seconds."""

    def hold(pause: Callable[[], None]) -> None:
        stores = open_stores(index)
        with stores.writer():
            pause()
        stores.close()

    return beside(hold, seconds)


def making(index: Path, seconds: float, made: Path | None) -> AbstractContextManager[threading.Event]:
    """Another process that makes an index like one there is, or gives up on it."""
    index.mkdir()

    def make(pause: Callable[[], None]) -> None:
        with lease(index):
            pause()
            if made is not None:
                shutil.copytree(made, index, dirs_exist_ok=True, ignore=shutil.ignore_patterns(LOCK_FILE, HOLDER_FILE))

    return beside(make, seconds)


def commands(carried: Path) -> dict[str, tuple[str | Path, ...]]:
    return {
        "embed": ("embed",),
        "tag": ("tag", "here"),
        "untag": ("tag", "before", "--delete"),
        "rm": ("rm", "bees.txt"),
        "rollback": ("rollback", "before"),
        "check": ("check", "--repair"),
        "merge": ("merge", carried),
        "purge": ("purge",),
    }


def test_each_waits_for_the_first_writer(run, copy: Path, carried: Path):
    assert run("tag", "before", "-i", copy).code == 0
    for name, command in sorted(commands(carried).items(), key=lambda item: item[0] in ("untag", "purge")):
        with busy(copy, 0.4) as ended:
            ran = run(*command, "-i", copy, "--lease-wait", "60", "--json")
            assert (ran.code, ran.err) == (0, ""), name
            assert ended.is_set(), name
    assert run("check", "-i", copy).code == 0


def test_none_waits_without_being_told_and_each_says_who_writes(run, copy: Path, carried: Path):
    run("tag", "before", "-i", copy)
    with busy(copy, 300):
        for name, command in commands(carried).items():
            for wait in ((), ("--lease-wait", "0.1")):
                ran = run(*command, "-i", copy, *wait)
                assert (ran.code, ran.out) == (1, ""), name
                assert f"process {os.getpid()} on " in ran.err, name
                assert ran.err.count("\n") == 1, name


def test_an_import_takes_the_option_too(run, carried: Path, tmp_path: Path):
    assert run("import", carried, "-i", tmp_path / "made", "--lease-wait", "5").code == 0


@pytest.mark.parametrize("is_made", [True, False], ids=["made", "given-up"])
def test_a_first_ingest_waits_for_the_index_that_another_process_makes(
    run, built: Path, folder: Path, tmp_path: Path, is_made: bool
):
    with making(tmp_path / "new", 1.0, built if is_made else None) as ended:
        ran = run("ingest", folder / "bees.txt", "-i", tmp_path / "new", "--lease-wait", "60", "--json")
        assert (ran.code, ran.err) == (0, "")
        assert ended.is_set()
    assert (ran.json["unchanged"], ran.json["added"]) == ((1, 0) if is_made else (0, 1))


def test_an_import_waits_and_does_not_add_to_an_index_that_was_made_meanwhile(
    run, built: Path, carried: Path, tmp_path: Path
):
    with making(tmp_path / "free", 0.4, None) as ended:
        assert run("import", carried, "-i", tmp_path / "free", "--lease-wait", "60").code == 0
        assert ended.is_set()
    with making(tmp_path / "taken", 0.4, built) as ended:
        ran = run("import", carried, "-i", tmp_path / "taken", "--lease-wait", "60")
        assert (ran.code, ran.err.partition(" at ")[0]) == (1, "Error: There is an index")
        assert ended.is_set()


@pytest.mark.parametrize("wait", [(), ("--lease-wait", "0.1")], ids=["at-once", "soon"])
def test_a_first_ingest_gives_up_on_an_index_that_another_process_makes(run, folder: Path, tmp_path: Path, wait):
    with making(tmp_path / "new", 300, None):
        ran = run("ingest", folder, "-i", tmp_path / "new", *wait)
        assert (ran.code, ran.out) == (1, "")
        assert f"process {os.getpid()} on " in ran.err


@pytest.mark.parametrize("wait", ["-1", "soon"])
def test_a_time_that_can_not_be_waited_is_a_usage_error(run, copy: Path, wait: str):
    ran = run("rm", "bees.txt", "-i", copy, "--lease-wait", wait)
    assert (ran.code, ran.out) == (2, "")
