"""Ingests that go on: in the background, watching, and after a file that no parser survives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from docindex.cli.watch import News
from docindex.schema import Behind, IngestReport, NodeCounts, Problem

PROGRAM = [sys.executable, "-m", "docindex.cli"]
LONGEST = 90.0


def until(holds: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < limit, f"never came: {what}"
        time.sleep(0.2)


# --- in the background ----------------------------------------------------------------------------------------------


def test_wait_none_returns_at_once_and_ends_in_the_background(run, docs: Path, tmp_path: Path):
    index = tmp_path / "index"
    command = [*PROGRAM, "ingest", "--json", "-i", index, "--wait", "none", "--", docs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert set(said) == {"pid", "log"}
    log = Path(said["log"])
    assert log == tmp_path / ".index.ingest.log"

    def is_done() -> bool:
        if not (index / "docindex.json").exists():
            return False
        status = run("status", "-i", index, "--json").json
        return bool(status["documents"] == 3 and status["embedded"] == status["nodes"] > 0)

    until(is_done, "every vector")
    until(lambda: not is_alive(said["pid"]), "the end of the process")
    report = json.loads(log.read_text())
    assert (report["added"], report["nodes"]["pending"]) == (3, 0)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


# --- watching -------------------------------------------------------------------------------------------------------


@contextmanager
def watching(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*PROGRAM, "ingest", "--watch", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_watch_takes_up_what_changes_and_ends_well_by_ctrl_c(run, docs: Path, tmp_path: Path):
    index = tmp_path / "index"
    with watching(docs, "-i", index, "--json") as process:
        assert process.stdout is not None

        def report() -> dict[str, Any]:
            assert process.stdout is not None
            found: dict[str, Any] = json.loads(process.stdout.readline())
            return found

        assert report()["added"] == 3
        (docs / "new.txt").write_text("Otters hold hands while they sleep.\n")
        assert report()["added"] == 1
        assert run("search", "otters", "-i", index, "-k", "1", "--json").json["hits"][0]["doc_id"] == "new.txt"
        (docs / "new.txt").unlink()
        assert report()["deleted"] == 1
        assert run("rm", "sea.md", "-i", index).code == 0, "between two rounds others may write"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    assert run("check", "-i", index).code == 0


def test_a_watch_says_only_what_is_new():
    news = News()
    binary, late = Problem("tool.bin", "no loader"), Problem("late.bin", "no loader")
    broken = Problem("old.pdf", "damaged")
    first = IngestReport(added=3, skipped=(binary,), failed=(broken,))
    assert news.of(first) == first
    assert news.of(IngestReport(unchanged=3, skipped=(binary,), failed=(broken,))) is None
    assert news.of(IngestReport(unchanged=3, skipped=(binary, late), failed=(broken,))) == IngestReport(
        unchanged=3, skipped=(late,)
    )
    changed = IngestReport(updated=1, unchanged=2, skipped=(binary, late), nodes=NodeCounts(added=1))
    assert news.of(changed) == IngestReport(updated=1, unchanged=2, nodes=NodeCounts(added=1))
    assert news.of(IngestReport(unchanged=3, failed=(broken,))) == IngestReport(unchanged=3, failed=(broken,))
    behind = IngestReport(unchanged=3, behind=(Behind("tree", 1, "no model"),))
    assert [news.of(behind), news.of(behind)] == [behind, None]


def test_a_watch_begins_with_a_report_even_if_nothing_has_changed():
    nothing = IngestReport(unchanged=3)
    assert News().of(nothing) == nothing


# --- a format of a third party, and a file that no parser survives --------------------------------------------------

SLEEPY = """
import os
import time

from docindex.loaders.registry import Format
from docindex.schema import Document


class SleepyLoader:
    def load(self, source):
        time.sleep(float(os.environ["SLEEP"]))
        yield Document(source.name, source.name, source.path.read_text())


SLEEPY = Format("sleepy files", "sleepy_format:SleepyLoader", {".sleepy": "application/x-sleepy"})
"""


@pytest.fixture
def sleepy(tmp_path: Path) -> Path:
    """A folder on which a package with a format is installed."""
    site = tmp_path / "site"
    (site / "sleepy_format-1.0.dist-info").mkdir(parents=True)
    (site / "sleepy_format.py").write_text(SLEEPY)
    (site / "sleepy_format-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: sleepy-format\nVersion: 1.0\n"
    )
    (site / "sleepy_format-1.0.dist-info" / "entry_points.txt").write_text(
        "[docindex.loaders]\nsleepy = sleepy_format:SLEEPY\n"
    )
    return site


def test_a_file_that_takes_too_long_is_left_alone_until_it_is_to_be_tried_again(sleepy: Path, tmp_path: Path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "late.sleepy").write_text("Sloths come down from their tree once a week.\n")
    (docs / "early.txt").write_text("Larks sing before sunrise.\n")

    def ingest(*options: str, sleep: float) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [*PROGRAM, "ingest", docs, "-i", tmp_path / "index", "--json", "--wait", "text", *options],
            env=os.environ | {"PYTHONPATH": str(sleepy), "SLEEP": str(sleep)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    code, report = ingest("--max-seconds", "1", sleep=60)
    assert (code, report["added"]) == (3, 1)
    (failed,) = report["failed"]
    assert failed["source"] == "late.sleepy"
    assert "1 s" in failed["reason"]
    code, report = ingest("--max-seconds", "1", sleep=0)
    assert (code, report["unchanged"]) == (3, 1)
    assert "--retry" in report["failed"][0]["reason"]
    code, report = ingest("--max-seconds", "1", "--retry", sleep=0)
    assert (code, report["added"], report["failed"]) == (0, 1, [])
