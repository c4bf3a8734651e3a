"""What is computed once from a model's folder and kept: the digests of its files and its ONNX graph.

It lies in the model's own folder, under `.docindex`, or in the user's cache where that folder can't be written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from docindex.embedding.bert_folder import WEIGHTS, BertSettings
from docindex.errors import ModelError
from docindex.schema import digest

GRAPH_VERSION = 1
"""Goes up with every change of what bert_graph writes."""

_DIGESTS = "digests.json"


def derived_folder(folder: Path) -> Path:
    """Where what is derived from the model in the folder belongs."""
    if os.access(folder, os.W_OK):
        return folder / ".docindex"
    return user_cache_path("docindex") / "derived" / digest(str(folder.resolve()))


def file_digests(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of each of the files in the folder, read anew only where a size or a time has changed."""
    return _digests(folder, names, derived_folder(folder) / _DIGESTS)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file alone, read anew only where its size or time has changed.

    It may lie in a folder of anything, so what is known of it is kept in the user's cache.
    """
    record = user_cache_path("docindex") / "derived" / digest(str(path.resolve())) / _DIGESTS
    return _digests(path.parent, (path.name,), record)[path.name]


def _digests(folder: Path, names: Sequence[str], record: Path) -> dict[str, str]:
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = None
    known = known if isinstance(known, dict) else {}
    found = {name: _entry(folder / name, known.get(name)) for name in names}
    if found != known:
        with contextlib.suppress(OSError):  # the digests are right all the same, and are computed again next time
            _replace(record, json.dumps(found, indent=1))
    return {name: str(entry["sha256"]) for name, entry in found.items()}


def _entry(path: Path, known: object) -> dict[str, int | str]:
    """The file's state and digest; the digest is the known one where the state has not changed."""
    state = path.stat()
    now = {"bytes": state.st_size, "modified_ns": state.st_mtime_ns}
    if isinstance(known, dict) and isinstance(sha256 := known.get("sha256"), str):
        entry = now | {"sha256": sha256}
        if entry == known:
            return entry
    with path.open("rb") as file:
        return now | {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def graph_folder(folder: Path, settings: BertSettings, weights_sha256: str) -> Path:
    """The folder that holds the model's ONNX graph, written now if it is missing.

    Raises:
        ModelError: The weights are not those of the model, or there is no place to write to.
    """
    shape = (settings.layers, settings.heads, settings.hidden, settings.layer_norm_eps, settings.pooling)
    place = derived_folder(folder) / f"graph-{GRAPH_VERSION}-{digest(weights_sha256, repr(shape))[:12]}"
    if place.is_dir():
        return place
    # Only here, since it imports onnx: a graph is written once and read for years.
    from docindex.embedding.bert_graph import write_graph

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.parent / "lock"):
            for abandoned in place.parent.glob("graph-*.*"):
                shutil.rmtree(abandoned, ignore_errors=True)
            if not place.is_dir():
                write_graph(folder, settings, place)
    except OSError as error:
        raise ModelError(
            f"The graph of {folder / WEIGHTS} can't be written to {place} ({error}): make room there, "
            "or set DOCINDEX_MODELS to a folder that can be written."
        ) from error
    return place


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(scratch).replace(path)
