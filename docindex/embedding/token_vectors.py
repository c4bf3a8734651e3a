"""A vector for each token of a text, from the model that embeds the text as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import onnx
from onnx import TensorProto, helper

from docindex.embedding.bert_folder import GRAPH_FILE, TOKENIZER, WEIGHTS, read_settings
from docindex.embedding.derived import file_digests, graph_folder
from docindex.embedding.onnx import batches
from docindex.embedding.sessions import open_session, run_padded
from docindex.embedding.tokens import TextTokenizer
from docindex.protocols import Vectors

_TOKENS_A_BATCH = 768


class OnnxTokenEncoder:
    """The token vectors of a BERT-style embedding model, before they are pooled.

    It reads the folder that `OnnxEmbedder` reads, and maps the same weights into memory. To encode a text costs what
    embedding it does. May be used from several threads at once.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        """Loads the model.

        Raises:
            ModelError: A file is missing or damaged, or the model is of another kind.
        """
        settings = read_settings(folder)
        place = graph_folder(folder, settings, file_digests(folder, (WEIGHTS, TOKENIZER))[WEIGHTS])
        self.dim = settings.hidden
        self._prefixes = {"query": settings.query_prefix, "passage": settings.passage_prefix}
        self._tokenizer = TextTokenizer(folder / TOKENIZER, settings.max_tokens)
        self._session = open_session(place / GRAPH_FILE, threads, graph=_unpooled(place / GRAPH_FILE))

    def encode(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> list[Vectors]:
        """For each text (tokens, dim) float32, rows of unit norm, without the special tokens at both ends."""
        tokens = self._tokenizer.ids(texts, self._prefixes[kind])
        found: dict[int, Vectors] = {}
        for members in batches([len(ids) for ids in tokens], _TOKENS_A_BATCH):
            states = run_padded(self._session, [tokens[member] for member in members])
            for member, rows in zip(members, states, strict=True):
                found[member] = rows[1 : len(tokens[member]) - 1]
        return [found[place] for place in range(len(texts))]


def _unpooled(path: Path) -> bytes:
    """The graph in the file up to the last layer's tokens, which it gives as unit vectors; its weights stay outside."""
    model = onnx.load(str(path), load_external_data=False)
    graph = model.graph
    last = max(place for place, node in enumerate(graph.node) if node.op_type == "SkipLayerNormalization")
    states = graph.node[last].output[0]
    del graph.node[last + 1 :]
    graph.node.append(helper.make_node("LpNormalization", [states], ["token_vectors"], axis=-1, p=2))
    hidden = graph.output[0].type.tensor_type.shape.dim[1].dim_value
    del graph.output[:]
    shape = ["batch", "tokens", hidden]
    graph.output.append(helper.make_tensor_value_info("token_vectors", TensorProto.FLOAT, shape))
    used = {name for node in graph.node for name in node.input}
    kept = [constant for constant in graph.initializer if constant.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return bytes(model.SerializeToString())
