"""Pins every dependency with its hashes in `constraints/`, for all Pythons from 3.11 and all platforms.

Pins that still fit stay; `--upgrade` takes the newest of everything, `--upgrade-package NAME` of one package.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMON = ("--generate-hashes", "--universal", "--python-version", "3.11", "--no-header", "--no-annotate", "--quiet")


def main(options: list[str]) -> None:
    """Writes `all.txt` and `build.txt` with uv, which resolves for all platforms at once; it is kept nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder) / "venv"
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        uv: list[str | Path] = [venv / "bin" / "uv", "pip", "compile", *COMMON, *options]
        groups = ["--all-extras", "--group", "dev"]
        everything = [*uv, *groups, "pyproject.toml", "--output-file", "constraints/all.txt"]
        subprocess.run(everything, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        build = [*uv, "constraints/build.in", "--output-file", "constraints/build.txt"]
        subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    print("constraints/ is pinned anew: `make setup` installs it.")


if __name__ == "__main__":
    main(sys.argv[1:])
