"""Writes a BERT embedding model as an ONNX graph of ONNX Runtime's fused operators, straight from its safetensors.

The graph takes token ids and a mask, (batch, tokens) int32 each, and gives (batch, hidden) float32 unit vectors. The
weights go to a file of their own beside it: ONNX Runtime maps that file into memory, which loads a model of 90 MB in a
few hundredths of a second where parsing it out of the graph's file takes several times as long.

Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers"; Reimers and Gurevych 2019,
"Sentence-BERT", section 3 (pooling).
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
        vectors = self._pooled(states)
        hidden = self._settings.hidden
        return helper.make_graph(
            self._nodes,
            "bert",
            [helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", "tokens"]) for name in ("ids", "mask")],
            [helper.make_tensor_value_info(vectors, TensorProto.FLOAT, ["batch", hidden])],
            self._constants,
        )

    def _embeddings(self) -> str:
        # Passages are all of token type 0, so its embedding joins the positions' and that input falls away.
        types = self._weight("embeddings.token_type_embeddings.weight")
        return self._fused(
            "EmbedLayerNormalization",
            [
                "ids",
                "",
                self._stored("embeddings.word_embeddings.weight"),
                self._constant("positions", self._weight("embeddings.position_embeddings.weight") + types[0]),
                "",
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

    def _pooled(self, states: str) -> str:
        """Normalised to unit length, so that the mean may stay a sum."""
        axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
        self._constants.append(axis)
        if self._settings.pooling == "mean":
            self._nodes += [
                helper.make_node("Cast", ["mask"], ["mask.float"], to=TensorProto.FLOAT),
                helper.make_node("Unsqueeze", ["mask.float", "axis"], ["mask.row"]),
                helper.make_node("MatMul", ["mask.row", states], ["pooled.row"]),
            ]
        else:
            first = helper.make_tensor("first", TensorProto.INT64, [1], [0])
            self._constants.append(first)
            self._nodes.append(helper.make_node("Gather", [states, "first"], ["pooled.row"], axis=1))
        self._nodes += [
            helper.make_node("Squeeze", ["pooled.row", "axis"], ["pooled"]),
            helper.make_node("LpNormalization", ["pooled"], ["vectors"], axis=-1, p=2),
        ]
        return "vectors"

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
        weight = self._weights.get(self._prefix + name)
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
