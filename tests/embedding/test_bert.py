from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from docindex.embedding import derived
from docindex.embedding.onnx import OnnxEmbedder
from docindex.errors import ModelError

TEXTS = ["", "rain", "raining, winds a b", "sun sun sun, a b a b rain wind rains and more than fits"]


def modules(*steps: str) -> list[dict[str, str]]:
    return [{"type": f"sentence_transformers.models.{step}"} for step in steps]


def pooling(**modes: bool) -> dict[str, object]:
    return {"1_Pooling/config.json": {f"pooling_mode_{mode}": on for mode, on in modes.items()}}


def assert_is_the_model(tiny, embedder: OnnxEmbedder, how: str = "mean", texts: list[str] | None = None) -> None:
    found = embedder.embed(texts or TEXTS, kind="passage")
    for text, vector in zip(texts or TEXTS, found, strict=True):
        ids = tiny.ids(text)
        if len(ids) > embedder.max_tokens:
            ids = ids[: embedder.max_tokens - 1] + ids[-1:]
        assert np.abs(vector - tiny.forward(ids, how)).max() < 2e-5


def test_bare_folder_is_pooled_by_the_mean(tiny, tmp_path: Path) -> None:
    embedder = OnnxEmbedder(tiny.write(tmp_path / "m"))
    assert (embedder.dim, embedder.max_tokens) == (16, tiny.positions)
    assert_is_the_model(tiny, embedder)


@pytest.mark.parametrize(
    "config",
    [
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False, "word_embedding_dimension": 16},
        {"pooling_mode": "cls", "embedding_dimension": 16},
    ],
)
def test_cls_pooling(tiny, tmp_path: Path, config: dict[str, object]) -> None:
    folder = tiny.write(tmp_path / "m", files={"1_Pooling/config.json": config})
    assert_is_the_model(tiny, OnnxEmbedder(folder), "cls")


def test_own_length_and_prompts(tiny, tmp_path: Path) -> None:
    files = {
        "sentence_bert_config.json": {"max_seq_length": 8},
        "config_sentence_transformers.json": {"prompts": {"query": "query: ", "document": "passage: "}},
        "modules.json": modules("Transformer", "Pooling", "Normalize"),
    }
    embedder = OnnxEmbedder(tiny.write(tmp_path / "prompted", files=files))
    plain = OnnxEmbedder(tiny.write(tmp_path / "plain"))
    assert embedder.max_tokens == 6  # the prompt's two tokens take their room from the text
    longest = embedder.embed(["rain rain rain rain", "rain rain rain wind", "rain rain rain wind rain"], kind="passage")
    assert not np.allclose(longest[0], longest[1])
    assert np.allclose(longest[1], longest[2], atol=1e-6)
    for kind, prefix in (("query", "query: "), ("passage", "passage: ")):
        assert np.allclose(embedder.embed(["rain"], kind=kind), plain.embed([prefix + "rain"], kind=kind), atol=1e-6)


def test_names_of_other_trainers(tiny, tmp_path: Path) -> None:
    renamed = {
        "bert."
        + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): weight
        for name, weight in tiny.weights.items()
    }
    assert_is_the_model(tiny, OnnxEmbedder(tiny.write(tmp_path / "m", weights=renamed)))


def test_half_precision_weights(tiny, tmp_path: Path) -> None:
    assert_is_the_model(tiny, OnnxEmbedder(tiny.write(tmp_path / "f16", dtype="F16")))
    found = OnnxEmbedder(tiny.write(tmp_path / "bf16", dtype="BF16")).embed(TEXTS, kind="passage")
    exact = OnnxEmbedder(tiny.write(tmp_path / "f32")).embed(TEXTS, kind="passage")
    assert 0.99 < (found * exact).sum(axis=1).min() < 0.999999


@pytest.mark.parametrize(
    ("config", "files", "names"),
    [
        ({"model_type": "t5"}, {}, "model_type 't5'"),
        ({"hidden_act": "relu"}, {}, "hidden_act 'relu'"),
        ({"position_embedding_type": "relative_key"}, {}, "position_embedding_type"),
        ({"num_hidden_layers": None}, {}, "num_hidden_layers"),
        ({}, {"modules.json": modules("Transformer", "Pooling", "Dense")}, "Dense"),
        ({}, pooling(max_tokens=True), "pooling_mode_max_tokens"),
        ({}, pooling(mean_tokens=True, max_tokens=True), "2 ways"),
        ({"num_hidden_layers": 3}, {}, "encoder.layer.2"),
        ({"hidden_size": 32}, {}, "shape"),
    ],
)
def test_what_is_not_computed_is_refused(
    tiny, tmp_path: Path, config: dict[str, object], files: dict[str, object], names: str
) -> None:
    folder = tiny.write(tmp_path / "m", config=config, files=files)
    with pytest.raises(ModelError, match=names):
        OnnxEmbedder(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_damaged_files_are_named(tiny, tmp_path: Path, name: str, damage: str) -> None:
    path = tiny.write(tmp_path / "m") / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "empty" else path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match=name):
        OnnxEmbedder(tmp_path / "m")


def test_fingerprint_changes_with_what_changes_vectors(tiny, tmp_path: Path) -> None:
    scaled = {name: weight * np.float32(0.9) for name, weight in tiny.weights.items()}
    folders = [
        tiny.write(tmp_path / "base"),
        tiny.write(tmp_path / "weights", weights=scaled),
        tiny.write(tmp_path / "pooling", files=pooling(cls_token=True)),
        tiny.write(tmp_path / "length", files={"sentence_bert_config.json": {"max_seq_length": 8}}),
        tiny.write(tmp_path / "prompt", files={"config_sentence_transformers.json": {"prompts": {"query": "query: "}}}),
        tiny.write(tmp_path / "heads", config={"num_attention_heads": 2}),
        tiny.write(tmp_path / "tokenizer"),
    ]
    tokenizer = json.loads((folders[-1] / "tokenizer.json").read_text())
    tokenizer["normalizer"]["lowercase"] = False
    (folders[-1] / "tokenizer.json").write_text(json.dumps(tokenizer))
    fingerprints = [OnnxEmbedder(folder).fingerprint for folder in folders]
    assert len(set(fingerprints)) == len(folders)
    moved = shutil.copytree(folders[0], tmp_path / "moved")
    assert OnnxEmbedder(moved).fingerprint == fingerprints[0]


def test_changed_weights_are_noticed(tiny, tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "m")
    before = OnnxEmbedder(folder)
    scaled = {name: weight * np.float32(0.9) for name, weight in tiny.weights.items()}
    tiny.write(folder, weights=scaled)
    after = OnnxEmbedder(folder)
    assert after.fingerprint != before.fingerprint
    assert np.abs(after.embed(["rain"], kind="query") - before.embed(["rain"], kind="query")).max() > 1e-3


def test_graph_is_written_once(tiny, tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "m")
    with ThreadPoolExecutor(4) as pool:
        embedders = list(pool.map(OnnxEmbedder, [folder] * 4))
    for embedder in embedders:
        assert_is_the_model(tiny, embedder, texts=["rain"])
    [graph] = [path for path in (folder / ".docindex").iterdir() if path.is_dir()]
    written = (graph / "model.onnx").stat()
    OnnxEmbedder(folder)
    assert (graph / "model.onnx").stat() == written


def test_what_a_killed_process_left_is_cleared(tiny, tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "m")
    left = folder / ".docindex" / "graph-1-0123456789ab.part"
    left.mkdir(parents=True)
    (left / "weights.bin").write_bytes(b"half")
    (folder / ".docindex" / "digests.json").write_text('{"model.saf')
    assert_is_the_model(tiny, OnnxEmbedder(folder))
    assert not left.exists()


def test_folder_that_cannot_be_written_is_left_alone(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.write(tmp_path / "m")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(derived.os, "access", lambda path, mode: False)  # root may write anywhere
    assert_is_the_model(tiny, OnnxEmbedder(folder))
    assert not (folder / ".docindex").exists()
    assert list((tmp_path / "cache").rglob("model.onnx"))


def test_damaged_graph_says_what_to_delete(tiny, tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "m")
    OnnxEmbedder(folder)
    [graph] = folder.glob(".docindex/graph-*/model.onnx")
    graph.write_bytes(graph.read_bytes()[:100])
    with pytest.raises(ModelError, match="delete that folder"):
        OnnxEmbedder(folder)
