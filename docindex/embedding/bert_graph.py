"""Writes a BERT model as an ONNX graph of ONNX Runtime's fused operators, straight from its safetensors.

The graph of an embedding model takes token ids and a mask, (batch, tokens) int32 each, and gives (batch, hidden)
float32 unit vectors. That of a cross-encoder takes the tokens' types too, 0 for the query's and 1 for the passage's,
and gives (batch, labels) float32 logits. The weights go to a file of their own beside it: ONNX Runtime maps that file
into memory, which loads a model of 90 MB in a few hundredths of a second where parsing it out of the graph's file
takes several times as long.

Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers"; Reimers and Gurevych 2019,
"Sentence-BERT", section 3 (pooling); Nogueira and Cho 2019, "Passage Re-ranking with BERT", section 3 (logits).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from docindex.embedding.bert_folder import GRAPH_FILE, WEIGHTS, BertSettings
from docindex.embedding.safetensors import read_safetensors
from docindex.errors import ModelError

_WEIGHTS_FILE = "weights.bin"
_ALIGNMENT = 4096
"""Arrays that are mapped into memory start at a page."""
_FUSED = "com.microsoft"

_Array = NDArray[np.float32]


def write_graph(source: Path, settings: BertSettings, destination: Path) -> None:
    """Writes the graph of the model in the folder `source` to the new folder `destination`, whole or not at all.

    Takes about half a second for a model of 90 MB. One process at a time.

    Raises:
        ModelError: The weights are not those of the BERT model that the settings describe.
        OSError: The destination can't be written.
    """
    weights = read_safetensors(source / WEIGHTS)
    scratch = destination.with_name(f"{destination.name}.part")
    scratch.mkdir()
    try:
        with (scratch / _WEIGHTS_FILE).open("wb") as file:
            graph = _Writer(source, weights, settings, file).graph()
            _flush(file)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)],
            ir_version=8,
            producer_name="docindex",
        )
        with (scratch / GRAPH_FILE).open("wb") as file:
            file.write(model.SerializeToString())
            _flush(file)
        scratch.rename(destination)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())  # or a power cut could leave a whole name over half a file


class _Writer:
    """Collects the nodes of one graph, and writes its weights as they are named."""

    def __init__(self, source: Path, weights: Mapping[str, _Array], settings: BertSettings, file: BinaryIO) -> None:
        self._source = source
        self._weights = weights
        self._settings = settings
        self._file = file
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        stem = "embeddings.word_embeddings.weight"
        self._prefix = next((name.removesuffix(stem) for name in weights if name.endswith(stem)), "")
        """What some trainers put before every name, such as "bert."."""

    def graph(self) -> onnx.GraphProto:
        states = self._embeddings()
        for layer in range(self._settings.layers):
            states = self._layer(f"encoder.layer.{layer}", states)
        pairs = self._settings.pooling == "pair"
        output, width = self._classified(states) if pairs else self._pooled(states)
        inputs = ("ids", "mask", "types") if pairs else ("ids", "mask")
        return helper.make_graph(
            self._nodes,
            "bert",
            [helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", "tokens"]) for name in inputs],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", width])],
            self._constants,
        )

    def _embeddings(self) -> str:
        types = self._weight("embeddings.token_type_embeddings.weight")
        positions = self._weight("embeddings.position_embeddings.weight")
        pairs = self._settings.pooling == "pair"
        return self._fused(
            "EmbedLayerNormalization",
            [
                "ids",
                "types" if pairs else "",
                self._stored("embeddings.word_embeddings.weight"),
                # A text alone is all of type 0, so its embedding joins the positions' and that input falls away.
                self._constant("positions", positions if pairs else positions + types[0]),
                self._constant("type_embeddings", types) if pairs else "",
                *self._layer_norm("embeddings"),
                "mask",
            ],
            ["embeddings", "lengths"],
            ("epsilon", self._settings.layer_norm_eps),
        )

    def _layer(self, name: str, states: str) -> str:
        attention, hidden = f"{name}.attention", self._settings.hidden
        parts = [f"{attention}.self.{part}" for part in ("query", "key", "value")]
        attended = self._fused(
            "Attention",
            [
                states,
                self._constant(
                    f"{attention}.weight",
                    np.concatenate([self._weight(f"{part}.weight", hidden, hidden).T for part in parts], axis=1),
                ),
                self._constant(f"{attention}.bias", np.concatenate([self._weight(f"{part}.bias") for part in parts])),
                "lengths",
            ],
            [f"{attention}.out"],
            ("num_heads", self._settings.heads),
        )
        states = self._add_and_norm(f"{attention}.output", attended, states)
        widened = self._matmul(f"{name}.intermediate.dense", states)
        activated = self._fused(
            "BiasGelu", [widened, self._stored(f"{name}.intermediate.dense.bias")], [f"{name}.activated"]
        )
        return self._add_and_norm(f"{name}.output", activated, states)

    def _add_and_norm(self, name: str, inner: str, outer: str) -> str:
        return self._fused(
            "SkipLayerNormalization",
            [
                self._matmul(f"{name}.dense", inner),
                outer,
                *self._layer_norm(name),
                self._stored(f"{name}.dense.bias"),
            ],
            [f"{name}.out"],
            ("epsilon", self._settings.layer_norm_eps),
        )

    def _pooled(self, states: str) -> tuple[str, int]:
        """The vectors and their length. Normalised to unit length, so that the mean may stay a sum."""
        if self._settings.pooling == "mean":
            self._nodes += [
                helper.make_node("Cast", ["mask"], ["mask.float"], to=TensorProto.FLOAT),
                helper.make_node("Unsqueeze", ["mask.float", self._axis()], ["mask.row"]),
                helper.make_node("MatMul", ["mask.row", states], ["pooled.row"]),
                helper.make_node("Squeeze", ["pooled.row", "axis"], ["pooled"]),
            ]
            pooled = "pooled"
        else:
            pooled = self._first(states)
        self._nodes.append(helper.make_node("LpNormalization", [pooled], ["vectors"], axis=-1, p=2))
        return "vectors", self._settings.hidden

    def _classified(self, states: str) -> tuple[str, int]:
        """The logits and how many labels there are: the first token's vector, through two layers."""
        hidden = self._settings.hidden
        first = self._first(states)
        labels = self._bare("classifier.weight").shape[0]
        dense = self._constant("pooler.weight", self._weight("pooler.dense.weight", hidden, hidden).T)
        head = self._constant("classifier.weight", self._bare("classifier.weight", labels, hidden).T)
        self._nodes += [
            helper.make_node("MatMul", [first, dense], ["pooler.product"]),
            helper.make_node("Add", ["pooler.product", self._stored("pooler.dense.bias")], ["pooler.sum"]),
            helper.make_node("Tanh", ["pooler.sum"], ["pooler.out"]),
            helper.make_node("MatMul", ["pooler.out", head], ["classifier.product"]),
            helper.make_node(
                "Add",
                ["classifier.product", self._constant("classifier.bias", self._bare("classifier.bias", labels))],
                ["logits"],
            ),
        ]
        return "logits", labels

    def _first(self, states: str) -> str:
        """The first token's vector."""
        first = helper.make_tensor("first", TensorProto.INT64, [1], [0])
        self._constants.append(first)
        self._nodes += [
            helper.make_node("Gather", [states, "first"], ["first.row"], axis=1),
            helper.make_node("Squeeze", ["first.row", self._axis()], ["first.vector"]),
        ]
        return "first.vector"

    def _axis(self) -> str:
        """The axis of the tokens, as a constant."""
        self._constants.append(helper.make_tensor("axis", TensorProto.INT64, [1], [1]))
        return "axis"

    def _matmul(self, name: str, states: str) -> str:
        weight = self._constant(f"{name}.weight", self._weight(f"{name}.weight").T)
        self._nodes.append(helper.make_node("MatMul", [states, weight], [f"{name}.product"]))
        return f"{name}.product"

    def _layer_norm(self, name: str) -> tuple[str, str]:
        old = f"{self._prefix}{name}.LayerNorm.gamma" in self._weights  # what the first BERT files call them
        gain, shift = ("gamma", "beta") if old else ("weight", "bias")
        return self._stored(f"{name}.LayerNorm.{gain}"), self._stored(f"{name}.LayerNorm.{shift}")

    def _fused(self, operator: str, inputs: list[str], outputs: list[str], *attributes: tuple[str, float]) -> str:
        node = helper.make_node(operator, inputs, outputs, domain=_FUSED)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes)
        self._nodes.append(node)
        return outputs[0]

    def _weight(self, name: str, *shape: int) -> _Array:
        return self._bare(self._prefix + name, *shape)

    def _bare(self, name: str, *shape: int) -> _Array:
        """A weight by its whole name: a head's has no prefix."""
        weight = self._weights.get(name)
        if weight is None or (shape and weight.shape != shape):
            found = "are missing" if weight is None else f"have the shape {weight.shape}, not {shape}"
            raise ModelError(
                f"{self._source / WEIGHTS} does not fit its config.json (the weights {name} {found}): "
                "get the model again."
            )
        return weight

    def _stored(self, name: str) -> str:
        return self._constant(name, self._weight(name))

    def _constant(self, name: str, array: _Array) -> str:
        self._file.write(b"\0" * (-self._file.tell() % _ALIGNMENT))
        start = self._file.tell()
        data = np.ascontiguousarray(array, dtype="<f4")
        self._file.write(data.data)
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=array.shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", _WEIGHTS_FILE), ("offset", start), ("length", data.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        self._constants.append(tensor)
        return name
