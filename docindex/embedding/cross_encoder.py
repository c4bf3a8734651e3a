"""A cross-encoder: reads a query and a passage together, and says how well the one answers the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from docindex.embedding.bert_folder import GRAPH_FILE, TOKENIZER, WEIGHTS, longest_input, read_pair_settings
from docindex.embedding.derived import file_digests, graph_folder
from docindex.embedding.onnx import batches
from docindex.embedding.relevance import PAIR_TOKENS, relevance
from docindex.embedding.sessions import open_session
from docindex.errors import ModelError
from docindex.schema import encodable

_TOKENS_A_BATCH = 1024

# What the inputs are called: by our own graphs, and by those that others export.
_IDS, _MASKS, _TYPES = ("ids", "input_ids"), ("mask", "attention_mask"), ("types", "token_type_ids")


class OnnxCrossEncoder:
    """A BERT-style cross-encoder from a folder.

    The folder holds `tokenizer.json` and either `model.safetensors` with `config.json`, a BERT that classifies
    sequences, of which a graph is written under it at the first use; or a `model.onnx` as others export it, which is
    run as it is, with a `config.json` if it takes other than 512 tokens. The model has one label, or two of which the
    second is "relevant".

    It costs a forward pass over each pair: some 20 passages a second and core with six layers of 384. May be used from
    several threads at once.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        """Loads the model.

        Raises:
            ModelError: A file is missing or damaged, or the model is of another kind.
        """
        exported = folder / GRAPH_FILE
        if (folder / WEIGHTS).is_file() or not exported.is_file():
            settings = read_pair_settings(folder)
            weights = file_digests(folder, (WEIGHTS, TOKENIZER))[WEIGHTS]
            self._session = open_session(graph_folder(folder, settings, weights) / GRAPH_FILE, threads)
        else:
            self._session = open_session(exported, threads)
        self.max_tokens = longest_input(folder, PAIR_TOKENS)
        """Of a pair: the longer of the two loses its end."""
        self._tokenizer = _pair_tokenizer(folder / TOKENIZER, self.max_tokens)
        self._inputs = _roles(exported, self._session)

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """How likely each text is to answer the query, by the model: from 0 to 1, shape (n,)."""
        pairs = [(encodable(query), encodable(text)) for text in texts]
        tokens = self._tokenizer.encode_batch(pairs)
        scores = np.empty(len(texts), dtype=np.float32)
        for members in batches([len(pair) for pair in tokens], _TOKENS_A_BATCH):
            scores[members] = self._forward([tokens[member] for member in members])
        return scores

    def _forward(self, pairs: Sequence[Encoding]) -> NDArray[np.float32]:
        longest = max(map(len, pairs))
        rows = {
            "ids": [pair.ids for pair in pairs],
            "mask": [pair.attention_mask for pair in pairs],
            "types": [pair.type_ids for pair in pairs],
        }
        feed = {}
        for name, (role, dtype) in self._inputs.items():
            padded = np.zeros((len(pairs), longest), dtype=dtype)
            for line, row in zip(padded, rows[role], strict=True):
                line[: len(row)] = row
            feed[name] = padded
        return relevance(np.asarray(self._session.run(None, feed)[0], dtype=np.float64).reshape(len(pairs), -1))


def _pair_tokenizer(path: Path, max_tokens: int) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises nothing narrower
        raise ModelError(f"{path} is not a tokenizer that can be read ({error}): get the model again.") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens, strategy="longest_first")
    return tokenizer


def _roles(path: Path, session: onnxruntime.InferenceSession) -> dict[str, tuple[str, type[np.signedinteger]]]:
    """What each input of the graph is for, and of which type."""
    roles = {name: role for role, names in (("ids", _IDS), ("mask", _MASKS), ("types", _TYPES)) for name in names}
    found: dict[str, tuple[str, type[np.signedinteger]]] = {}
    for given in session.get_inputs():
        if given.name not in roles or given.type not in ("tensor(int32)", "tensor(int64)"):
            raise ModelError(
                f"{path} has the input {given.name} of {given.type}, and docindex gives {', '.join(_IDS + _MASKS)} "
                f"and {', '.join(_TYPES)}: use a cross-encoder exported with these."
            )
        found[given.name] = roles[given.name], np.int32 if given.type == "tensor(int32)" else np.int64
    return found
