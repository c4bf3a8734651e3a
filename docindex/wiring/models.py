"""Models by their names, and the chunker that goes with an embedder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docindex.errors import NoModelError

STATES = "states"
"""The folder in the models' cache for what language models have read."""
OPTIMIZED = "optimized"
"""The one for models in another form."""

if TYPE_CHECKING:
    from docindex.chunking.passages import TokenOffsets
    from docindex.config import Environment, LLMConfig
    from docindex.llm.llamacpp import LlamaCppLLM
    from docindex.llm.optimizing import OptimizedModels
    from docindex.llm.thinking import OpenModel
    from docindex.llm.thoughts import Opening
    from docindex.models.acquire import ModelStore
    from docindex.protocols import Chunker, Embedder


def model_store(environment: Environment) -> ModelStore:
    """Where this process finds its models."""
    from docindex.models.acquire import ModelStore

    return ModelStore(environment.models, offline=environment.offline)


def open_embedder(name: str, environment: Environment) -> Embedder:
    """The embedder of that name in the catalogue, in that folder, or in that GGUF file.

    Raises:
        NoModelError: It is missing and may not be downloaded.
        ModelError: It can't be loaded.
    """
    path = model_store(environment).path(name, kind="embedder")
    if path.is_file():
        from docindex.embedding.gguf import GgufEmbedder

        return GgufEmbedder(path)
    from docindex.embedding.onnx import OnnxEmbedder

    return OnnxEmbedder(path)


def passage_chunker(model: str, chunk_tokens: int, overlap_tokens: int, *levels: int) -> Chunker:
    """The chunker of an index whose embedder is in the folder or file; of that, only the tokenizer is loaded.

    Raises:
        ModelError: A file is missing or damaged, or the model is of another kind.
    """
    from docindex.chunking.passages import PassageChunker

    path = Path(model)
    offsets, longest = _tokens_of_file(path) if path.is_file() else _tokens_of_folder(path)
    passages = PassageChunker(offsets, max_tokens=min(chunk_tokens, longest), overlap_tokens=overlap_tokens)
    return with_levels(passages, offsets, levels)


def _tokens_of_file(path: Path) -> tuple[TokenOffsets, int]:
    from docindex.embedding.gguf import read_tokens

    tokens, longest = read_tokens(path)
    return tokens.offsets, longest


def _tokens_of_folder(folder: Path) -> tuple[TokenOffsets, int]:
    from docindex.embedding.bert_folder import TOKENIZER, read_settings
    from docindex.embedding.tokens import TextTokenizer

    settings = read_settings(folder)
    tokenizer = TextTokenizer(folder / TOKENIZER, settings.max_tokens)
    prefixes = (settings.query_prefix, settings.passage_prefix)
    return tokenizer.offsets, settings.max_tokens - max(len(tokenizer.offsets(prefix)) for prefix in prefixes)


def with_levels(passages: Chunker, offsets: TokenOffsets, levels: tuple[int, ...]) -> Chunker:
    """The chunker with larger nodes above its passages, or as it is where there are no levels."""
    if not levels:
        return passages
    from docindex.chunking.hierarchy import HierarchicalChunker

    return HierarchicalChunker(passages, offsets, levels)


def open_llm(config: LLMConfig, environment: Environment) -> OpenModel:
    """The model that answers: a local one, loaded, or one behind a server. One that thinks gives its answers only.

    Raises:
        NoModelError: It is missing and may not be downloaded, or its server may not be asked.
        ModelError: It can't be loaded or asked, or a GPU is required and there is none.
    """
    from docindex.llm.http_address import ServerAddress
    from docindex.llm.thoughts import Opening, opening_of

    if not ServerAddress.is_one(config.model):
        local = open_local_llm(config, environment)
        opening = local.opening if config.thinking != "no" else None
        # A template that was asked for no thoughts has closed them already: they need no room.
        return _thinking(local, opening, 0 if opening is Opening.MODEL else config.thinking_tokens)
    from docindex.llm.http import HttpLLM

    if environment.offline and not ServerAddress.parse(config.model).is_local:
        raise NoModelError(
            f"{config.model} is on another machine, which may not be asked offline: choose a local model."
        )
    remote = HttpLLM(config.model, key=environment.llm_key, context_tokens=config.context_tokens, options=config.http)
    if config.thinking == "yes":
        return _thinking(remote, Opening.UNSURE, config.thinking_tokens)
    # Servers that show their template take the thoughts out of the text themselves, and count them in `max_tokens`.
    thinks = config.thinking == "auto" and opening_of(remote.served.template) is not None
    return _thinking(remote, Opening.MODEL if thinks else None, config.thinking_tokens)


def open_local_llm(config: LLMConfig, environment: Environment) -> LlamaCppLLM:
    """The local model, loaded, thoughts and all.

    Raises:
        NoModelError: It is missing and may not be downloaded.
        ModelError: It can't be loaded, or a GPU is required and there is none.
    """
    from docindex.llm.llamacpp import LlamaCppLLM

    path = model_file(config.model, environment)
    return LlamaCppLLM(path, config, name=config.model, states=model_store(environment).cache / STATES)


def model_file(name: str, environment: Environment) -> Path:
    """The file of a local model, in the form that `docindex models optimize` has kept, if it has.

    Raises:
        NoModelError: It is missing and may not be downloaded.
    """
    store = model_store(environment)
    path = store.path(name, kind="llm")
    return optimized_models(store).find(path) or path


def lasting_name(name: str, environment: Environment) -> str:
    """The name of a language model, by which it is found from any folder."""
    path = Path(name).expanduser()
    if model_store(environment).catalogue.get(name) is None and path.is_file():
        return str(path.absolute())
    return name


def _thinking(llm: OpenModel, opening: Opening | None, budget: int) -> OpenModel:
    from docindex.llm.thinking import ThinkingLLM

    return llm if opening is None else ThinkingLLM(llm, opening, budget=budget)


def optimized_models(store: ModelStore) -> OptimizedModels:
    """The language models that were brought into the form that runs fastest here."""
    from docindex.llm.optimizing import OptimizedModels

    return OptimizedModels(store.cache / OPTIMIZED)
