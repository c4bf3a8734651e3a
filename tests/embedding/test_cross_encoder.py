"""The cross-encoder against a forward pass in plain numpy, over a model of a few kilobytes that is made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from docindex.embedding.cross_encoder import OnnxCrossEncoder
from docindex.errors import ModelError

QUERY = "rain wind"
TEXTS = ["sun", "", "rains, raining a b", "a b a b a b a b a b a b a b a b", "rain"]


class PairModel:
    """The tiny BERT with the head of a sequence classifier, and what it gives in plain numpy."""

    def __init__(self, tiny, labels: int) -> None:
        self.tiny = tiny
        random = np.random.default_rng(labels)
        hidden = tiny.weights["embeddings.LayerNorm.weight"].shape[0]
        self.head = {
            "bert.pooler.dense.weight": random.normal(0, 0.2, (hidden, hidden)).astype(np.float32),
            "bert.pooler.dense.bias": random.normal(0, 0.2, hidden).astype(np.float32),
            "classifier.weight": random.normal(0, 1, (labels, hidden)).astype(np.float32),
            "classifier.bias": np.zeros(labels, np.float32),
        }
        # Random weights make nearly the same of every text: the head is scaled until it tells them apart.
        logits = np.stack([self.logits(QUERY, text) for text in TEXTS])
        self.head["classifier.weight"] /= logits.std(axis=0).astype(np.float32)[:, None]
        self.head["classifier.bias"] -= (logits.mean(axis=0) / logits.std(axis=0)).astype(np.float32)

    def write(self, folder: Path, **changes: NDArray[np.float32]) -> Path:
        weights = {f"bert.{name}": weight for name, weight in self.tiny.weights.items()}
        return self.tiny.write(folder, weights=weights | self.head | changes)

    def score(self, query: str, text: str) -> float:
        logits = self.logits(query, text)
        margin = logits[0] if len(logits) == 1 else logits[1] - logits[0]
        return float(1 / (1 + np.exp(-margin)))

    def logits(self, query: str, text: str) -> NDArray[np.float64]:
        first, second = self.tiny.ids(query), self.tiny.ids(text)[1:]
        while len(first) + len(second) > self.tiny.positions:  # the longer one loses its end, but for its [SEP]
            longest = first if len(first) - 1 > len(second) else second
            del longest[-2]
        states = self.tiny.states(first + second, [0] * len(first) + [1] * len(second))
        pooled = np.tanh(self.head["bert.pooler.dense.weight"] @ states[0] + self.head["bert.pooler.dense.bias"])
        return self.head["classifier.weight"] @ pooled + self.head["classifier.bias"]


@pytest.mark.parametrize("labels", [1, 2])
def test_scores_are_those_of_the_model(tiny, tmp_path: Path, labels: int) -> None:
    model = PairModel(tiny, labels)
    encoder = OnnxCrossEncoder(model.write(tmp_path / "m"), threads=1)
    found = encoder.score(QUERY, TEXTS)
    assert found.dtype == np.float32
    assert found == pytest.approx([model.score(QUERY, text) for text in TEXTS], abs=1e-3)
    assert np.ptp(found) > 0.3  # or the comparison would say little
    assert encoder.score(QUERY, []).shape == (0,)


def test_the_query_comes_first(tiny, tmp_path: Path) -> None:
    encoder = OnnxCrossEncoder(PairModel(tiny, 1).write(tmp_path / "m"), threads=1)
    assert abs(float(encoder.score("rain", ["sun a"])[0] - encoder.score("sun a", ["rain"])[0])) > 1e-3


def test_a_long_query_leaves_room_for_the_text(tiny, tmp_path: Path) -> None:
    model = PairModel(tiny, 1)
    encoder = OnnxCrossEncoder(model.write(tmp_path / "m"), threads=1)
    query = "rain wind sun a b " * 4
    assert encoder.score(query, ["sun", "wind"]) == pytest.approx(
        [model.score(query, "sun"), model.score(query, "wind")], abs=1e-3
    )


def test_many_texts_at_once_are_those_one_by_one(tiny, tmp_path: Path) -> None:
    encoder = OnnxCrossEncoder(PairModel(tiny, 1).write(tmp_path / "m"), threads=1)
    texts = [" ".join(["rain", "sun", "a", "b"][: number % 5]) for number in range(300)]
    one_by_one = [float(encoder.score(QUERY, [text])[0]) for text in texts[:10]]
    assert encoder.score(QUERY, texts)[:10] == pytest.approx(one_by_one, abs=1e-4)


@pytest.mark.parametrize("labels", [1, 2])
def test_an_exported_graph_gives_the_same(tiny, tmp_path: Path, labels: int) -> None:
    folder = PairModel(tiny, labels).write(tmp_path / "m")
    expected = OnnxCrossEncoder(folder, threads=1).score(QUERY, TEXTS)
    exported = tmp_path / "exported"
    exported.mkdir()
    for name in ("tokenizer.json", "config.json"):
        (exported / name).write_bytes((folder / name).read_bytes())
    [graph] = folder.glob(".docindex/graph-*/model.onnx")
    onnx.save(_as_exported(onnx.load(graph)), exported / "model.onnx")
    assert OnnxCrossEncoder(exported, threads=1).score(QUERY, TEXTS) == pytest.approx(expected, abs=1e-4)


def test_what_is_no_cross_encoder_is_refused(tiny, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"classifier\.weight are missing"):
        OnnxCrossEncoder(tiny.write(tmp_path / "embedder"))
    three = PairModel(tiny, 3).write(tmp_path / "three")
    with pytest.raises(ModelError, match="3 labels"):
        OnnxCrossEncoder(three, threads=1).score(QUERY, TEXTS)
    with pytest.raises(ModelError, match=r"no model\.safetensors"):
        OnnxCrossEncoder(tmp_path)
    shapeless = PairModel(tiny, 1).write(tmp_path / "w", **{"classifier.weight": np.zeros((1, 3), np.float32)})
    with pytest.raises(ModelError, match="shape"):
        OnnxCrossEncoder(shapeless)
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "tokenizer.json").write_bytes((three / "tokenizer.json").read_bytes())
    value = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["pixels"], ["out"])], "odd", [value], [out])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), odd / "model.onnx")
    with pytest.raises(ModelError, match="the input pixels"):
        OnnxCrossEncoder(odd)
    (odd / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="get the model again"):
        OnnxCrossEncoder(odd)


def _as_exported(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with the inputs that exporters give: their names, and 64 bits."""
    names = {"ids": "input_ids", "mask": "attention_mask", "types": "token_type_ids"}
    graph = model.graph
    del graph.input[:]
    for ours, theirs in names.items():
        graph.input.append(helper.make_tensor_value_info(theirs, TensorProto.INT64, ["batch", "tokens"]))
        graph.node.insert(0, helper.make_node("Cast", [theirs], [ours], to=TensorProto.INT32))
    return model
