"""The null model of an index as a JSON file."""

from __future__ import annotations

import json
from pathlib import Path

from docindex.errors import ConfigError
from docindex.retrieval.nulls import NullModel
from docindex.whole_files import write_whole

NULLS = "nulls.json"
"""Its name in the folder of the index."""


def write_nulls(file: Path, model: NullModel) -> None:
    """Writes the model whole or not at all."""
    write_whole(file, json.dumps(model.as_dict(), allow_nan=False) + "\n")


def read_nulls(file: Path, fingerprint: str) -> NullModel | None:
    """The model in the file; None where there is none, or it is of another embedder or version: fit it anew."""
    try:
        saved = json.loads(file.read_bytes())
        model = NullModel.from_dict(saved) if isinstance(saved, dict) else None
    except (FileNotFoundError, NotADirectoryError, ValueError, ConfigError):
        return None
    return model if model is not None and model.fingerprint == fingerprint else None
