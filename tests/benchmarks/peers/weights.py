"""The model folder that all other systems load, with the very weights that docindex embeds with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docindex.config import DEFAULT_EMBEDDER, Environment
from docindex.embedding.onnx import OnnxEmbedder
from docindex.models.acquire import ModelStore

LEAST_COSINE = 0.999
KEPT = ("model.safetensors", "tokenizer.json", "config.json", "modules.json", "sentence_bert_config.json")
SAMPLE = (
    "Hold the reset button until the amber light turns off.",
    "cerebral white matter of preterm infants",
    "How many rows may a data frame have?",
    "The naïve café – 3.5 µg/ml, β-catenin (p < 0.001)",
    "git rebase --interactive replays commits on top of another base tip",
    " ".join(
        f"Measurement {number} differed from the one before it by {number * 7 % 13} units." for number in range(9)
    ),
)


def prepare(folder: Path) -> Path:
    """Writes the folder in the sentence-transformers layout; the model is brought now if it is missing."""
    environment = Environment.read()
    source = ModelStore(environment.models, offline=environment.offline).path(DEFAULT_EMBEDDER)
    (folder / "1_Pooling").mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        if not (folder / name).is_file() or (folder / name).stat().st_size != (source / name).stat().st_size:
            shutil.copyfile(source / name, folder / name)
    shutil.copyfile(source / "1_Pooling" / "config.json", folder / "1_Pooling" / "config.json")
    tokenizer = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "model_max_length": 512,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")},
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder


def expected_vectors(folder: Path) -> NDArray[np.float32]:
    """What docindex's own embedder makes of SAMPLE."""
    return OnnxEmbedder(folder).embed(SAMPLE, kind="passage")


def least_cosine(expected: NDArray[np.float32], found: Sequence[Sequence[float]]) -> float:
    """How far a system is from them: 1 is the same model."""
    vectors = np.asarray(found, dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return float((expected * vectors).sum(axis=1).min())
