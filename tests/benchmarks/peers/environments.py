"""A virtual environment for each system, made once and kept."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
MARK = "built-from.json"


class SetupError(Exception):
    """An environment that could not be made."""


def python_of(system: str, home: Path, lists: Path = HERE, wheels: Sequence[Path] = ()) -> Path:
    """The interpreter of the environment with the packages that `SYSTEM.txt` in the folder of lists pins, and wheels.

    It is made now unless it is there, made from the same list. The packages come from the index that pip is set to.
    PyTorch's build for CPUs suffices, and spares gigabytes where pip is set to an index that has it.

    Raises:
        SetupError: pip failed; the message has its last lines.
    """
    folder = home / system
    wanted = {
        "python": sys.version.split()[0],
        "packages": [*map(str, wheels), *(lists / f"{system}.txt").read_text(encoding="utf-8").split()],
    }
    python = folder / "bin" / "python"
    mark = folder / MARK
    if mark.is_file() and json.loads(mark.read_text(encoding="utf-8")) == wanted:
        return python
    print(f"  making the environment of {system} in {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, *wanted["packages"]], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError("\n".join(done.stderr.strip().splitlines()[-12:]))
    mark.write_text(json.dumps(wanted), encoding="utf-8")
    return python


def frozen(python: Path) -> list[str]:
    """Every package in an environment with its version."""
    done = subprocess.run([str(python), "-m", "pip", "freeze"], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]
