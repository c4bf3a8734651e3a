"""What the documentation tells people to run is run: Python blocks, and `$ docindex ...` lines of console blocks."""

import doctest
import importlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docindex.cli.app import build_app, globals_first

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


def with_blocks(language: str) -> list[pytest.param]:
    return [pytest.param(page, id=page.name) for page in PAGES if blocks(page, language)]


@pytest.mark.parametrize("page", with_blocks("python"))
def test_python_blocks_run_in_order(page: Path, tmp_path: Path, example_documents: Path, monkeypatch):
    shutil.copytree(example_documents, tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"folder": tmp_path, "documents": example_documents}
    for number, block in enumerate(blocks(page, "python"), 1):
        exec(compile(block, f"{page.name} block {number}", "exec"), names)


@pytest.mark.parametrize("page", with_blocks("console"))
def test_console_lines_run_in_order(page: Path, tmp_path: Path, example_documents: Path, monkeypatch):
    shutil.copytree(example_documents, tmp_path / "docs")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "battery"}\n')
    monkeypatch.chdir(tmp_path)
    ran = 0
    for block in blocks(page, "console"):
        for line in re.findall(r"^\$ ((?:printf '[^']*' \| )?docindex .*)$", block, re.MULTILINE):
            command = line.split("  #")[0]
            code, said = in_a_shell(command) if needs_a_shell(command) else in_this_process(command)
            assert code == 0, f"{line}\n{said}"
            ran += 1
    assert ran, "a console block without a command that the test can run"


def needs_a_shell(command: str) -> bool:
    """Whether anything outside of quotes is more than words."""
    return re.search(r"[^\w\s,./=-]", re.sub(r"""'[^']*'|"[^"$`\\]*\"""", "", command)) is not None


def in_a_shell(command: str) -> tuple[int, str]:
    """The exit code and all that a command with pipes and the like says."""
    program = shlex.join([sys.executable, "-m", "docindex.cli"])
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", re.sub(r"\bdocindex\b", program, command, count=1)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, f"{done.stdout}\n{done.stderr}"


def in_this_process(command: str) -> tuple[int, str]:
    """The same of a plain one; a process takes a second to begin."""
    result = CliRunner().invoke(build_app(rich=False), globals_first(shlex.split(command)[1:]))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("module", ["docindex", "docindex.index"])
def test_docstring_examples_give_what_they_say(module: str, tmp_path: Path, example_documents: Path):
    names = {"folder": tmp_path, "documents": example_documents}
    result = doctest.testmod(importlib.import_module(module), extraglobs=names)
    assert result.attempted > 0
    assert result.failed == 0


def test_every_relative_link_leads_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
