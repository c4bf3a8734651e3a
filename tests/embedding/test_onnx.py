from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.embedding.onnx import OnnxEmbedder, batches
from docindex.protocols import Embedder
from docindex.testing.embedder_contract import EmbedderContract

REFERENCE = json.loads((Path(__file__).parent / "data" / "reference_vectors.json").read_text(encoding="utf-8"))


class TestOnnxEmbedder(EmbedderContract):
    @pytest.fixture(autouse=True)
    def _shared(self, minilm: OnnxEmbedder) -> None:
        self._embedder = minilm

    def embedder(self) -> Embedder:
        return self._embedder


@pytest.mark.parametrize("number", range(len(REFERENCE["texts"])))
def test_agrees_with_sentence_transformers(minilm: OnnxEmbedder, number: int) -> None:
    expected = np.array(REFERENCE["vectors"][number])
    found = minilm.embed([REFERENCE["texts"][number]], kind="passage")[0]
    assert found @ expected / np.linalg.norm(expected) > 0.99999


def test_agrees_with_sentence_transformers_in_one_batch(minilm: OnnxEmbedder) -> None:
    expected = np.array(REFERENCE["vectors"])
    found = minilm.embed(REFERENCE["texts"], kind="query")
    assert ((found * expected).sum(axis=1) / np.linalg.norm(expected, axis=1)).min() > 0.99999


def test_reads_the_models_own_length(minilm: OnnxEmbedder) -> None:
    assert (minilm.dim, minilm.max_tokens) == (384, REFERENCE["max_tokens"])


def test_the_fingerprint_stays_what_it_was(minilm: OnnxEmbedder) -> None:
    # Every index that exists holds it: with another one, none of them would open.
    assert minilm.fingerprint == "367a9679485baff36cd2218301c6bf72"


def test_opening_again_gives_the_same_embedder(minilm: OnnxEmbedder, minilm_folder: Path) -> None:
    again = OnnxEmbedder(minilm_folder, threads=1)
    assert again.fingerprint == minilm.fingerprint
    assert again.embed(["same"], kind="query") @ minilm.embed(["same"], kind="query").T > 0.999999


def test_known_offsets(minilm: OnnxEmbedder) -> None:
    text = "😀 Ünder cafe\u0301s, 机器 resetting"
    spans = [text[start:end] for start, end in minilm.token_offsets(text).tolist()]
    assert spans == ["😀", "Ünder", "cafe\u0301s", ",", "机", "器", "reset", "ting"]


@given(st.lists(st.integers(1, 3000), max_size=60), st.integers(1, 4096))
def test_batches_hold_every_text_once_and_keep_the_budget(lengths: list[int], budget: int) -> None:
    found = list(batches(lengths, budget))
    assert sorted(member for group in found for member in group) == list(range(len(lengths)))
    for group in found:
        assert len(group) == 1 or len(group) * max(lengths[member] for member in group) <= budget


@settings(deadline=None, max_examples=25)
@given(st.lists(st.text(st.characters(exclude_categories=[]), max_size=40), max_size=6))
def test_any_text_embeds(minilm: OnnxEmbedder, texts: list[str]) -> None:
    vectors = minilm.embed(texts, kind="passage")
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_more_texts_than_a_batch_holds(minilm: OnnxEmbedder) -> None:
    texts = [f"passage {number} " * (number % 5 + 1) for number in range(minilm.batch_tokens // 4)]
    vectors = minilm.embed(texts, kind="passage")
    sample = [0, 17, len(texts) - 1]
    alone = np.concatenate([minilm.embed([texts[number]], kind="passage") for number in sample])
    assert np.abs(vectors[sample] - alone).max() < 1e-5
