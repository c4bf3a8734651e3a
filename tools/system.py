"""What the operating system must provide: found, installed through apt-get by root, or asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from progress import SetupError, Step, run_logged


def require_command(command: str, *, environment: str, package: str, purpose: str) -> None:
    """Sees to it that the command is there; the environment variable may name another one instead.

    Raises:
        SetupError: It is missing and can't be installed from here.
    """
    chosen = os.environ.get(environment, "").split() or [command]
    if shutil.which(chosen[0]) is None:
        install_package(package, f"{chosen[0]} is needed {purpose}")


def install_package(package: str, reason: str) -> None:
    """Installs a Debian package.

    Raises:
        SetupError: Not root, or not on a Debian system.
    """
    apt = shutil.which("apt-get")
    if apt is None:
        raise SetupError(f"{reason}: install the package that holds it (on Debian {package}) and try again.")
    if os.geteuid() != 0:
        raise SetupError(f"{reason}: run `sudo apt-get install {package}` and try again.")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log = Path(os.environ.get("TMPDIR", "/tmp")) / f"docindex-apt-{os.getpid()}.log"
    with Step(f"{reason}. Installing {package}"):
        subprocess.run([apt, "update", "-qq"], env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        run_logged([apt, "install", "-y", "-qq", "--no-install-recommends", package], log=log, env=env)
    log.unlink(missing_ok=True)
