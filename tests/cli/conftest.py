"""One small index for all tests of the command line, built by the command line."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF
from typer.testing import CliRunner

from docindex.cli.app import build_app

LEAD = "The turbine hall was opened in 1931 and holds three Kaplan turbines."


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def run_with() -> Run:
    def run(*arguments: str | Path, stdin: str | bytes = b"", variables: dict[str, str] | None = None) -> Ran:
        cleared: dict[str, str | None] = {name: None for name in os.environ if name.startswith("DOCINDEX_")}
        if models := os.environ.get("DOCINDEX_MODELS"):
            cleared["DOCINDEX_MODELS"] = models
        result = CliRunner(env=cleared | (variables or {})).invoke(
            build_app(rich=False), [str(argument) for argument in arguments], input=stdin
        )
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of several kinds; one is empty, and one is of a kind that nothing reads."""
    folder = tmp_path_factory.mktemp("cli") / "docs"
    (folder / "notes").mkdir(parents=True)
    (folder / "notes" / "dam.md").write_text(
        f"# The dam\n\n{LEAD}\n\n## Visits\n\nVisitors may walk along the crest on Sundays from April to October.\n"
    )
    (folder / "bees.txt").write_text("Bees dance to tell each other where flowers are. A hive holds 40,000 of them.\n")
    (folder / "facts.jsonl").write_text(
        '{"_id": "f1", "title": "Granite", "text": "Granite is made of quartz, feldspar and mica.", "area": "rocks"}\n'
        '{"_id": "f2", "title": "Chalk", "text": "Chalk is a soft white limestone.", "area": "rocks"}\n'
    )
    pdf = FPDF()
    pdf.set_title("Ferry timetable")
    pdf.set_font("helvetica", size=12)
    pdf.add_page()
    pdf.multi_cell(0, text="The ferry to Arran leaves Ardrossan at 7:05 in the morning.")
    pdf.add_page()
    pdf.add_page()
    pdf.multi_cell(0, text="Bicycles travel free of charge on the ferry.")
    pdf.output(str(folder / "ferry.pdf"))
    (folder / "empty.txt").touch()
    (folder / "tool.bin").write_bytes(b"\x7fELF\x00\x01\x02\x03" * 20)
    return folder


@pytest.fixture(scope="session")
def ingested(run_with: Run, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    path = tmp_path_factory.mktemp("cli-index") / "index"
    ran = run_with(
        *("ingest", folder, "--index", path, "--json"),
        *("--id-field", "_id", "--title-field", "title", "--text-field", "text"),
    )
    assert ran.code == 0, ran.err
    return path, ran


@pytest.fixture(scope="session")
def built(ingested: tuple[Path, Ran]) -> Path:
    """The index; tests read it and leave it as it is."""
    return ingested[0]


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """The index once more; a test may change it."""
    target = tmp_path / "copy"
    for _ in range(5):
        try:
            return Path(shutil.copytree(built, target))
        except shutil.Error:  # a program of an earlier test has just let go of it, and its log is gone
            shutil.rmtree(target)
            time.sleep(0.2)
    return Path(shutil.copytree(built, target))


@pytest.fixture
def run(run_with: Run) -> Run:
    return run_with


@pytest.fixture
def on(run_with: Run, built: Path) -> Run:
    """Runs a command on the shared index."""

    def run(command: str, *arguments: str | Path, stdin: str | bytes = b"") -> Ran:
        return run_with(command, "--index", built, *arguments, stdin=stdin)

    return run
