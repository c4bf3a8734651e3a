from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from docindex.config import Environment
from docindex.embedding.onnx import OnnxEmbedder
from docindex.models.acquire import ModelStore

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "rain",
    "wind",
    "sun",
    "a",
    "b",
    "##ing",
    "##s",
    ",",
    "query",
    "passage",
    ":",
]
LAYERS, HEADS, HIDDEN, WIDE, POSITIONS = 2, 4, 16, 24, 12
EPS = 1e-12


class TinyBert:
    """A BERT of a few kilobytes with random weights, and its forward pass in plain numpy to compare with."""

    positions = POSITIONS

    def __init__(self) -> None:
        self.weights: dict[str, NDArray[np.float32]] = {}
        random = np.random.default_rng(7)

        def add(name: str, *shape: int) -> None:
            self.weights[name] = random.normal(0, 0.5, shape).astype(np.float16).astype(np.float32)

        add("embeddings.word_embeddings.weight", len(WORDS), HIDDEN)
        add("embeddings.position_embeddings.weight", POSITIONS, HIDDEN)
        add("embeddings.token_type_embeddings.weight", 2, HIDDEN)
        norms = ["embeddings.LayerNorm"]
        for layer in range(LAYERS):
            stem = f"encoder.layer.{layer}"
            squares = [f"{stem}.attention.self.{part}" for part in ("query", "key", "value")]
            for name, outputs, inputs in [
                *((square, HIDDEN, HIDDEN) for square in squares),
                (f"{stem}.attention.output.dense", HIDDEN, HIDDEN),
                (f"{stem}.intermediate.dense", WIDE, HIDDEN),
                (f"{stem}.output.dense", HIDDEN, WIDE),
            ]:
                add(f"{name}.weight", outputs, inputs)
                add(f"{name}.bias", outputs)
            norms += [f"{stem}.attention.output.LayerNorm", f"{stem}.output.LayerNorm"]
        for norm in norms:
            add(f"{norm}.weight", HIDDEN)
            add(f"{norm}.bias", HIDDEN)

    def forward(self, ids: list[int], pooling: str) -> NDArray[np.float64]:
        x = self.states(ids, [0] * len(ids))
        pooled = x[0] if pooling == "cls" else x.mean(axis=0)
        return pooled / np.linalg.norm(pooled)

    def states(self, ids: list[int], types: list[int]) -> NDArray[np.float64]:
        """The vector of each token."""
        w = {name: weight.astype(np.float64) for name, weight in self.weights.items()}

        def dense(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
            return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

        def norm(name: str, x: NDArray[np.float64]) -> NDArray[np.float64]:
            centred = x - x.mean(axis=-1, keepdims=True)
            scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPS)
            return scaled * w[f"{name}.LayerNorm.weight"] + w[f"{name}.LayerNorm.bias"]

        def heads(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return x.reshape(len(ids), HEADS, HIDDEN // HEADS).transpose(1, 0, 2)

        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][types]
        x = norm("embeddings", x + w["embeddings.position_embeddings.weight"][: len(ids)])
        for layer in range(LAYERS):
            stem = f"encoder.layer.{layer}"
            q, k, v = (heads(dense(f"{stem}.attention.self.{part}", x)) for part in ("query", "key", "value"))
            scores = q @ k.transpose(0, 2, 1) / math.sqrt(HIDDEN // HEADS)
            shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
            shares /= shares.sum(axis=-1, keepdims=True)
            attended = (shares @ v).transpose(1, 0, 2).reshape(len(ids), HIDDEN)
            x = norm(f"{stem}.attention.output", dense(f"{stem}.attention.output.dense", attended) + x)
            wide = dense(f"{stem}.intermediate.dense", x)
            wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
            x = norm(f"{stem}.output", dense(f"{stem}.output.dense", wide) + x)
        return x

    def write(
        self,
        folder: Path,
        *,
        dtype: str = "F32",
        config: dict[str, object] | None = None,
        files: dict[str, object] | None = None,
        weights: dict[str, NDArray[np.float32]] | None = None,
    ) -> Path:
        """Saves it as a folder; the config is added to its own, files are JSON by path."""
        own = {
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "max_position_embeddings": POSITIONS,
            "layer_norm_eps": EPS,
        }
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in {"config.json": own | (config or {}), **(files or {})}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(json.dumps(content), encoding="utf-8")
        tokenizer().save(str(folder / "tokenizer.json"))
        _write_safetensors(folder / "model.safetensors", weights or self.weights, dtype)
        return folder

    def ids(self, text: str) -> list[int]:
        whole = tokenizer()
        whole.no_truncation()
        whole.no_padding()
        return whole.encode(text).ids


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made.enable_truncation(5)  # as some files do: it must not matter
    made.enable_padding(length=5)
    return made


def _write_safetensors(path: Path, weights: dict[str, NDArray[np.float32]], dtype: str = "F32") -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    body = b""
    arrays = {"embeddings.position_ids": np.arange(POSITIONS, dtype="<i8")} | weights
    for name, array in arrays.items():
        saved = "I64" if array.dtype == np.int64 else dtype
        if saved == "BF16":
            data = (array.view(np.uint32) >> 16).astype("<u2").tobytes()
        else:
            data = array.astype({"F32": "<f4", "F16": "<f2", "I64": "<i8"}.get(saved, "<f4")).tobytes()
        header[name] = {"dtype": saved, "shape": array.shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    head = json.dumps(header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + body)


@pytest.fixture(scope="session")
def minilm_folder() -> Path:
    environment = Environment.read()
    return ModelStore(environment.models, offline=environment.offline).path("all-minilm-l6-v2")


@pytest.fixture(scope="session")
def minilm(minilm_folder: Path) -> OnnxEmbedder:
    return OnnxEmbedder(minilm_folder)


@pytest.fixture(scope="session")
def tiny() -> TinyBert:
    return TinyBert()
