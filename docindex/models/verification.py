"""What of a model's folder is known to be right: a record of the files that were hashed, and of their state then."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from docindex.errors import ModelError
from docindex.models.catalogue import ModelFile, ModelSpec
from docindex.protocols import OnProgress
from docindex.schema import Progress

RECORD = "verified.json"

_FORMAT = 1
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Verified:
    """The state of a file when its hash was found to be right."""

    sha256: str
    bytes: int
    modified_ns: int


def is_verified(spec: ModelSpec, folder: Path) -> bool:
    """Whether every file is there, as it was when it was last hashed. Costs a few calls of stat, whatever the size."""
    record = read_record(folder)
    return record.get("settings") == _settings(spec) and all(
        is_unchanged(file, folder, record.get("files")) for file in spec.files
    )


def is_unchanged(file: ModelFile, folder: Path, files: object) -> bool:
    """Whether the file is as the record's `files` say, and what they say is what the catalogue wants."""
    try:
        state = (folder / file.name).stat()
    except OSError:
        return False
    return (
        isinstance(files, dict)
        and state.st_size == file.bytes
        and files.get(file.name) == asdict(Verified(file.sha256, file.bytes, state.st_mtime_ns))
    )


def read_record(folder: Path) -> Mapping[str, object]:
    """The record of the folder; empty where there is none that can be used."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and record.get("format") == _FORMAT else {}


def write_record(spec: ModelSpec, folder: Path) -> None:
    """Records that the files in the folder are those of the catalogue: call it once they have been hashed."""
    files = {
        file.name: asdict(Verified(file.sha256, file.bytes, (folder / file.name).stat().st_mtime_ns))
        for file in spec.files
    }
    record = {"format": _FORMAT, "model": spec.name, "settings": _settings(spec), "files": files}
    scratch = folder / f"{RECORD}.part"
    scratch.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    scratch.replace(folder / RECORD)


def check(file: ModelFile, path: Path, label: str, on_progress: OnProgress) -> None:
    """Hashes the file at the path.

    Raises:
        ModelError: It is not the catalogue's; the message names both hashes.
    """
    found = _sha256(path, label, on_progress)
    if found != file.sha256:
        raise ModelError(
            f"{label}: {path.name} has the SHA-256 {found}, and the catalogue says {file.sha256}: "
            f"it was not used; run `docindex models pull {label}` to get it again."
        )


def flush(path: Path) -> None:
    """Brings the file to the disk, or after a power cut the record could vouch for a file that is only half there."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path, label: str, on_progress: OnProgress) -> str:
    state, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            state.update(block)
            done += len(block)
            on_progress(Progress("verify", label, done, total))
    return state.hexdigest()


def _settings(spec: ModelSpec) -> dict[str, object] | None:
    return None if spec.embedder is None else asdict(spec.embedder)
