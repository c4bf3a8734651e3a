"""The same command again, as a process that outlives the terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from docindex.cli.output import print_json
from docindex.cli.terminal import open_screen


def start_in_background(index: Path, *, as_json: bool) -> None:
    """Runs this process's command with `--wait vectors` in a session of its own; its report goes to a file."""
    log = log_beside(index)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "docindex.cli", *waiting_for_vectors(sys.argv[1:])]
    # Appended to, also by a process that is still at it: each keeps its lines whole.
    with log.open("ab") as output:
        output.truncate(0)
        process = subprocess.Popen(  # noqa: S603 - our own command again
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    if as_json:
        print_json({"pid": process.pid, "log": str(log)})
    else:
        open_screen().line(f"Process {process.pid} goes on in the background; its report will be in {log}.")


def log_beside(index: Path) -> Path:
    """Where the report goes: beside the index, since the folder of one that is yet to be made must be empty.

    It is hidden, so that an ingest of the folder that holds both does not take it for a document.
    """
    index = index.absolute()
    return index.with_name(f".{index.name.removeprefix('.')}.ingest.log")


def waiting_for_vectors(arguments: Sequence[str]) -> list[str]:
    """The arguments with another `--wait`: of an option that is given twice, the last one counts."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [*arguments[:end], "--wait", "vectors", *arguments[end:]]
