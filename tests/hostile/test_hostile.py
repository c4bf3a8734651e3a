"""A folder of hostile files: each is in the index or in the report, and none takes the others with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from docindex import Document, Index, IngestOptions, IngestReport, LoadOptions
from docindex.schema import Limits

MAKE = Path(__file__).parent / "make.py"
SECRET = "the-combination-is-4711"
LIMITS = Limits(
    file_bytes=3_000_000, seconds=3.0, inflated_bytes=48_000_000, depth=4, memory_bytes=1_000_000_000, attempts=1
)


@dataclass(frozen=True)
class Outcome:
    """The folder, what the index made of it, and how long that took."""

    folder: Path
    paths: frozenset[str]
    """Every file, and every folder or link that leads nowhere new, as the report writes it."""
    index: Index
    report: IngestReport
    again: IngestReport
    cpu_seconds: float
    """Of the first run, its parsers' too: what else runs on the machine doesn't matter."""
    documents: tuple[Document, ...]

    def accounted(self) -> set[str]:
        """The names that the index and the report know."""
        report = self.report
        known = {record.source for record in self.index.documents()}
        known |= {problem.source for problem in (*report.skipped, *report.failed)}
        return known | {duplicate.source for duplicate in report.duplicates}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    root = tmp_path_factory.mktemp("hostile")
    folder = root / "folder"
    subprocess.run([sys.executable, str(MAKE), str(folder)], check=True, timeout=60)
    options = IngestOptions(wait="text", processes=2, load=LoadOptions(limits=LIMITS))
    try:
        with Index.create(root / "index") as index:
            before = sum(os.times()[:4])
            report = index.ingest(folder, options=options)
            cpu_seconds = sum(os.times()[:4]) - before
            again = index.ingest(folder, options=options)
            documents = tuple(texts_of(index))
            yield Outcome(folder, frozenset(listed(folder)), index, report, again, cpu_seconds, documents)
    finally:
        (folder / "links" / "closed").chmod(0o700)  # or nobody could delete it


def listed(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        for name in [*files, *(name for name in folders if Path(parent, name).is_symlink())]:
            path = Path(parent, name).relative_to(folder).as_posix()
            yield os.fsencode(path).decode("utf-8", "backslashreplace")


def texts_of(index: Index) -> Iterator[Document]:
    for record in index.documents():
        document = index.document(record.doc_id)
        assert document is not None
        yield document


def test_there_are_enough_of_them(outcome: Outcome) -> None:
    assert len(outcome.paths) >= 400


def test_every_file_is_accounted_for(outcome: Outcome) -> None:
    accounted = outcome.accounted()
    # What a container holds is named below it.
    containers = {name[:at] for name in accounted for at in range(len(name)) if name[at] in "/#"}
    known = {name.rstrip("/") for name in accounted} | containers
    assert sorted(outcome.paths - known) == []


def test_every_reason_says_something_and_is_one_line_of_text(outcome: Outcome) -> None:
    for problem in (*outcome.report.skipped, *outcome.report.failed):
        assert problem.reason.strip(), problem
        assert len(problem.reason) < 1000, problem
        assert "Traceback" not in problem.reason, problem
        assert problem.reason.isprintable(), problem
        problem.source.encode()


def test_the_sound_files_are_in_the_index(outcome: Outcome) -> None:
    sources = {document.source.removeprefix("good/").partition("/")[0] for document in outcome.documents}
    sound = {path.name for path in (outcome.folder / "good").iterdir()}
    bad = [problem for problem in outcome.report.failed if problem.source.startswith("good/")]
    assert bad == []
    assert sound - sources == set()
    assert len(sound) >= 40
    hits = outcome.index.search("who counts the ships that pass the lighthouse", k=5, mode="lexical")
    assert any("keeper of the lighthouse" in hit.text for hit in hits)


def test_odd_names_do_not_matter(outcome: Outcome) -> None:
    texts = {document.text for document in outcome.documents if document.text.startswith("This file has an unus")}
    files = [path for path in (outcome.folder / "names").rglob("*") if path.is_file() and path.suffix != ".exe"]
    hidden = [path for path in files if path.name.startswith(".")]
    assert len(texts) >= len(files) - len(hidden)


def test_nothing_outside_of_the_folder_is_read_or_written(outcome: Outcome) -> None:
    assert outcome.folder.with_name("folder-secret.txt").read_text().strip() == SECRET
    for document in outcome.documents:
        assert SECRET not in document.text, document.source
        assert SECRET not in str(document.metadata), document.source
    root = outcome.folder.parent
    assert {path.name for path in root.iterdir()} == {"folder", "folder-secret.txt", "index"}
    assert not Path("/etc/escaped.txt").exists()


def test_no_file_holds_the_others_up(outcome: Outcome) -> None:
    late = [problem for problem in outcome.report.failed if "took longer than" in problem.reason]
    assert outcome.cpu_seconds < 60 + LIMITS.seconds * len(late)
    assert len(late) < 5


def test_bombs_do_not_go_off(outcome: Outcome) -> None:
    most = max(len(document.text) for document in outcome.documents)
    assert most < 5_000_000
    failed = {problem.source for problem in outcome.report.failed}
    assert failed > {f"bombs/{name}" for name in ("flat.zip", "overlapping.zip", "zeros.txt.gz", "zeros.tar.gz")}


def test_the_index_is_sound_and_a_second_run_finds_nothing_new(outcome: Outcome) -> None:
    assert outcome.index.check() == []
    assert outcome.again.added == 0
    assert outcome.again.updated == 0
    assert outcome.again.deleted == 0


def test_the_script_makes_the_same_files_every_time(outcome: Outcome, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    try:
        subprocess.run([sys.executable, str(MAKE), str(folder)], check=True, timeout=60)
        assert frozenset(listed(folder)) == outcome.paths
        for part in ("good", "flipped", "bombs", "archives", "encodings", "encrypted"):
            for path in (folder / part).iterdir():
                assert path.read_bytes() == (outcome.folder / part / path.name).read_bytes(), path
    finally:
        (folder / "links" / "closed").chmod(0o700)
