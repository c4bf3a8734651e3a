"""Embeds on the CPU with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from docindex.embedding.bert_folder import GRAPH_FILE, TOKENIZER, WEIGHTS, BertSettings, read_settings
from docindex.embedding.derived import file_digests, graph_folder
from docindex.embedding.sessions import cores, open_session, run_padded
from docindex.embedding.tokens import TextTokenizer
from docindex.protocols import Vectors
from docindex.schema import digest

_TOKENS_A_THREAD = 256
_LEAST_TOKENS = 512


class OnnxEmbedder:
    """A BERT-style embedding model from a folder in the sentence-transformers layout.

    The first use of a folder writes a graph of the size of the weights under it (half a second for 90 MB); later ones
    map that into memory. May be used from several threads at once.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        """Loads the model.

        Args:
            folder: Holds `model.safetensors`, `tokenizer.json` and `config.json`; pooling, prompts and the longest
                text are read from the files that sentence-transformers adds, where they are there.
            threads: CPU threads; None is one a core that this process may use.

        Raises:
            ModelError: A file is missing or damaged, or the model is of another kind.
        """
        settings = read_settings(folder)
        files = file_digests(folder, (WEIGHTS, TOKENIZER))
        self.dim = settings.hidden
        self.fingerprint = _fingerprint(files, settings)
        self._prefixes = {"query": settings.query_prefix, "passage": settings.passage_prefix}
        self._tokenizer = TextTokenizer(folder / TOKENIZER, settings.max_tokens)
        # A prefix takes its room from the text: chunks that are sized without it would lose their ends.
        prefix_tokens = max(len(self._tokenizer.offsets(prefix)) for prefix in self._prefixes.values())
        self.max_tokens = settings.max_tokens - prefix_tokens
        threads = threads or cores()
        self.batch_tokens = max(_LEAST_TOKENS, _TOKENS_A_THREAD * threads)
        """The most tokens of one forward pass, padding included. Larger ones gain nothing, and are padded more."""
        self._session = open_session(graph_folder(folder, settings, files[WEIGHTS]) / GRAPH_FILE, threads)

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> Vectors:
        """One unit vector a text, float32, shape (n, dim), in the order of the texts.

        A text's vector depends on its company by rounding alone, about 1e-7 an element.
        """
        tokens = self._tokenizer.ids(texts, self._prefixes[kind])
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for members in batches([len(ids) for ids in tokens], self.batch_tokens):
            vectors[members] = self.forward([tokens[member] for member in members])
        return vectors

    def forward(self, tokens: Sequence[NDArray[np.int32]]) -> Vectors:
        """One forward pass over texts that are already tokens: padded to the longest, all at once."""
        return run_padded(self._session, tokens)

    def token_offsets(self, text: str) -> NDArray[np.int32]:
        """(n, 2) start and end of each token in code points, special tokens left out, never truncated."""
        return self._tokenizer.offsets(text)


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Groups of indices whose texts, padded to the group's longest, hold at most `budget` tokens; longest first.

    Like lengths come together, so that little is padding. A text longer than the budget is a group of its own.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def _fingerprint(files: Mapping[str, str], settings: BertSettings) -> str:
    # Field by field: indexes hold it, so a setting that is added some day must not change it where it is not used.
    numbers = (settings.hidden, settings.layers, settings.heads, settings.layer_norm_eps, settings.max_tokens)
    return digest(
        files[WEIGHTS],
        files[TOKENIZER],
        settings.pooling,
        settings.query_prefix,
        settings.passage_prefix,
        *(repr(number) for number in numbers),
    )
