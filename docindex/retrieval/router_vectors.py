"""The vectors of routes' utterances, kept beside the file of routes: an edit embeds what is new in it."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from docindex.protocols import Embedder, Vectors
from docindex.schema import digest
from docindex.whole_files import written_whole

logger = logging.getLogger("docindex")


def vectors_file(routes: Path) -> Path:
    """Where the vectors of a file of routes are kept. It may be deleted at any time."""
    return routes.with_name(f".{routes.name}.vectors.npz")


def cached_vectors(texts: Sequence[str], embedder: Embedder, file: Path) -> Vectors:
    """One vector a text, as queries: from the file, where this embedder made it, else embedded and kept there.

    A file that is damaged, or that can't be written, costs time and is no error.
    """
    keys = [digest(embedder.fingerprint, text) for text in texts]
    known = _read(file, embedder.dim)
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        known |= dict(zip(missing, embedder.embed(list(missing.values()), kind="query"), strict=True))
    vectors = np.stack([known[key] for key in keys])
    if missing or len(known) > len(set(keys)):
        _write(file, keys, vectors)
    return vectors


def _read(file: Path, dim: int) -> dict[str, Vectors]:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as saved:
            keys, vectors = saved["keys"], saved["vectors"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        logger.debug("%s is made anew: %s", file, error)
        return {}
    if vectors.dtype != np.float32 or vectors.shape != (len(keys), dim) or keys.dtype.kind != "S":
        return {}
    return dict(zip([key.decode("ascii", "replace") for key in keys.tolist()], vectors, strict=True))


def _write(file: Path, keys: Sequence[str], vectors: Vectors) -> None:
    try:
        with written_whole(file) as stream:
            np.savez(stream, keys=np.array(keys, dtype="S32"), vectors=vectors)
    except OSError as error:
        logger.debug("The vectors of the routes are not kept: %s", error)
