"""docindex.json: what an index is built with. Its presence says that the directory is an index."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from docindex.config import FORMAT_VERSION, IndexConfig
from docindex.errors import ConfigError, FormatError, IndexNotFoundError, StoreError

MANIFEST_FILE = "docindex.json"
USUAL_K = 10


@dataclass(frozen=True, slots=True)
class Canary:
    """A short text and the vector that the index's embedder gives it."""

    text: str
    vector: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an index is built with."""

    config: IndexConfig
    embedder: str
    """The embedder's name, for messages."""
    fingerprint: str
    dim: int
    canaries: tuple[Canary, ...] = ()
    """Texts with their vectors, to tell whether an embedder still is the same."""
    index_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Ties a registry in a shared database server to its index."""
    format_version: int = FORMAT_VERSION
    """What the file on disk says."""
    k: int = USUAL_K
    """How many passages a search gives that names no number. It stands beside the config: versions of docindex that do
    not know it open the index all the same."""


def read_manifest(path: Path) -> Manifest:
    """The manifest of the index in a directory.

    Raises:
        IndexNotFoundError: The directory holds no index.
        FormatError: A newer docindex wrote it.
        StoreError: The file is damaged.
        ConfigError: It holds a setting that this version does not know.
    """
    try:
        saved = json.loads((path / MANIFEST_FILE).read_bytes())
        found = saved["format_version"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexNotFoundError(path) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    if not isinstance(found, int):
        raise _damaged(path, f"its format_version is {found!r}")
    if found > FORMAT_VERSION:
        raise FormatError(found, FORMAT_VERSION)
    try:
        embedder = saved["embedder"]
        return Manifest(
            config=IndexConfig.from_dict(saved["config"]),
            embedder=embedder["name"],
            fingerprint=embedder["fingerprint"],
            dim=embedder["dim"],
            canaries=tuple(Canary(canary["text"], tuple(canary["vector"])) for canary in saved["canaries"]),
            index_id=saved["index_id"],
            format_version=found,
            k=saved.get("k", USUAL_K),
        )
    except ConfigError:
        raise
    except (KeyError, TypeError) as error:
        raise _damaged(path, f"it lacks {error}" if isinstance(error, KeyError) else error) from error


def _damaged(path: Path, why: object) -> StoreError:
    return StoreError(
        f"{path / MANIFEST_FILE} is damaged ({why}): restore it from a copy of the index, or ingest into a new index."
    )


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Writes the manifest whole or not at all, and waits until it is on the disk."""
    saved = {
        "format_version": FORMAT_VERSION,
        "index_id": manifest.index_id,
        "embedder": {"name": manifest.embedder, "fingerprint": manifest.fingerprint, "dim": manifest.dim},
        "config": manifest.config.as_dict(),
        "k": manifest.k,
        "canaries": [
            {"text": canary.text, "vector": [round(value, 6) for value in canary.vector]}
            for canary in manifest.canaries
        ],
    }
    draft = path / f".{MANIFEST_FILE}.{os.getpid()}"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(saved, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path / MANIFEST_FILE)
