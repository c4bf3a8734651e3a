"""Models by their names, and the chunker that goes with an embedder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docindex.config import Environment, LLMConfig
from docindex.protocols import Chunker, Embedder

if TYPE_CHECKING:
    from docindex.chunking.passages import TokenOffsets
    from docindex.llm.llamacpp import LlamaCppLLM
    from docindex.models.acquire import ModelStore


def model_store(environment: Environment) -> ModelStore:
    """Where this process finds its models."""
    from docindex.models.acquire import ModelStore

    return ModelStore(environment.models, offline=environment.offline)


def open_embedder(name: str, environment: Environment) -> Embedder:
    """The embedder of that name in the catalogue, or in that folder.

    Raises:
        NoModelError: It is missing and may not be downloaded.
    """
    from docindex.embedding.onnx import OnnxEmbedder

    return OnnxEmbedder(model_store(environment).path(name, kind="embedder"))


def passage_chunker(folder: str, chunk_tokens: int, overlap_tokens: int, *levels: int) -> Chunker:
    """The chunker of an index whose embedder is in the folder; of that, only the tokenizer is loaded.

    Raises:
        ModelError: A file is missing or damaged, or the model is of another kind.
    """
    from docindex.chunking.passages import PassageChunker
    from docindex.embedding.bert_folder import TOKENIZER, read_settings
    from docindex.embedding.tokens import TextTokenizer

    settings = read_settings(Path(folder))
    tokenizer = TextTokenizer(Path(folder) / TOKENIZER, settings.max_tokens)
    prefixes = (settings.query_prefix, settings.passage_prefix)
    longest = settings.max_tokens - max(len(tokenizer.offsets(prefix)) for prefix in prefixes)
    passages = PassageChunker(tokenizer.offsets, max_tokens=min(chunk_tokens, longest), overlap_tokens=overlap_tokens)
    return with_levels(passages, tokenizer.offsets, levels)


def with_levels(passages: Chunker, offsets: TokenOffsets, levels: tuple[int, ...]) -> Chunker:
    """The chunker with larger nodes above its passages, or as it is where there are no levels."""
    if not levels:
        return passages
    from docindex.chunking.hierarchy import HierarchicalChunker

    return HierarchicalChunker(passages, offsets, levels)


def open_llm(config: LLMConfig, environment: Environment) -> LlamaCppLLM:
    """The local model that answers, loaded.

    Raises:
        NoModelError: It is missing and may not be downloaded.
        ModelError: It can't be loaded, or a GPU is required and there is none.
    """
    from docindex.llm.llamacpp import LlamaCppLLM

    return LlamaCppLLM(model_store(environment).path(config.model, kind="llm"), config, name=config.model)
