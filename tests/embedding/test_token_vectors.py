"""Token vectors against the forward pass in plain numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from docindex.embedding.onnx import OnnxEmbedder
from docindex.embedding.token_vectors import OnnxTokenEncoder

TEXTS = ["", "rain", "raining, winds a b", "sun sun sun, a b a b rain wind rains and more than fits"]


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_each_token_has_the_vector_of_the_last_layer(tiny, tmp_path: Path, pooling: str) -> None:
    folder = tiny.write(tmp_path / "m", files={"1_Pooling/config.json": {"pooling_mode": pooling}})
    encoder = OnnxTokenEncoder(folder, threads=1)
    for text, found in zip(TEXTS, encoder.encode(TEXTS, kind="passage"), strict=True):
        ids = tiny.ids(text)
        if len(ids) > tiny.positions:
            ids = ids[: tiny.positions - 1] + ids[-1:]
        states = tiny.states(ids, [0] * len(ids))[1:-1]
        assert found.shape == states.shape
        assert np.abs(found - states / np.linalg.norm(states, axis=1, keepdims=True)).max(initial=0) < 2e-5


def test_it_shares_the_graph_of_the_embedder(tiny, tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "m")
    before = OnnxEmbedder(folder).embed(TEXTS, kind="passage")
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    encoder = OnnxTokenEncoder(folder, threads=1)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == files
    assert np.array_equal(OnnxEmbedder(folder).embed(TEXTS, kind="passage"), before)
    assert encoder.encode([], kind="query") == []


def test_prompts_are_tokens_too(tiny, tmp_path: Path) -> None:
    prompts = {"config_sentence_transformers.json": {"prompts": {"query": "query: "}}}
    prompted = OnnxTokenEncoder(tiny.write(tmp_path / "prompted", files=prompts), threads=1)
    plain = OnnxTokenEncoder(tiny.write(tmp_path / "plain"), threads=1)
    assert np.allclose(
        prompted.encode(["rain"], kind="query")[0], plain.encode(["query: rain"], kind="passage")[0], atol=1e-6
    )


def test_the_default_model(minilm_folder: Path) -> None:
    encoder = OnnxTokenEncoder(minilm_folder)
    passage, question = encoder.encode(["The cat sat on the mat.", "feline"], kind="passage")
    assert passage.shape[1] == encoder.dim == 384
    assert np.allclose(np.linalg.norm(passage, axis=1), 1, atol=1e-5)
    nearest = int((passage @ question[0]).argmax())
    assert nearest == 1  # "cat", after "the"
