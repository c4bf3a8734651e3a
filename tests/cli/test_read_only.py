"""An index in a folder that can't be written to: a copy on a medium, or one that belongs to somebody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

AS_OTHERS = (
    ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner", "--inh-caps", "-all"]
    if os.geteuid() == 0
    else []
)
"""Root may write everywhere unless it gives that up."""


@pytest.fixture
def unwritable(built: Path, tmp_path: Path):
    copy = tmp_path / "index"
    shutil.copytree(built, copy)
    folders = [copy, *(path for path in copy.rglob("*") if path.is_dir())]
    for path in [*folders, *(path for path in copy.rglob("*") if path.is_file())]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield copy
    for path in folders:
        path.chmod(0o755)


def ran(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*AS_OTHERS, sys.executable, "-m", "docindex.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["search", "turbines", "-k", "1"], "dam.md"),
        (["ls"], "bees.txt"),
        (["show", "bees.txt"], "Bees dance"),
        (["check"], "No problems."),
        (["query", "When was the turbine hall opened?", "--synthesis", "extract"], "1931"),
    ],
)
def test_it_is_read(unwritable: Path, command: list[str], said: str):
    found = ran(*command, "-i", unwritable)
    assert (found.returncode, found.stderr) == (0, "")
    assert said in found.stdout


def test_it_is_not_written_to_and_the_reason_is_told(unwritable: Path):
    refused = ran("tag", "now", "-i", unwritable)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.strip().endswith("writer.lock: Permission denied")
