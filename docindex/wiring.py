"""The composition root: only this module names concrete stores, loaders and models. Each is imported when used."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docindex.config import Environment, IndexConfig, LLMConfig
from docindex.errors import EmbedderMismatchError
from docindex.protocols import Chunker, Embedder, IndexStore, LoaderRegistry, Retriever, Snapshot
from docindex.schema import Condition, SearchMode

if TYPE_CHECKING:
    from docindex.answering.chat import Chat
    from docindex.answering.engine import RetrieverQueryEngine
    from docindex.indices.passages import PassageIndex
    from docindex.ingest.workers import ParserPool
    from docindex.llm.llamacpp import LlamaCppLLM
    from docindex.models.acquire import ModelStore
    from docindex.stores.manifest import Manifest

CANARIES = (
    "The quick brown fox jumps over the lazy dog.",
    "Press and hold the reset button for ten seconds.",
    "Größe, naïveté, Ωμέγα, 数据.",
)
"""Texts whose vectors are kept in the index: an embedder that gives others is not the one that built it."""
CANARY_COSINE = 0.999
"""Builds and thread counts of the same model differ by far less, another model by far more."""

LOADERS = "docindex.loaders.registry:default_registry"
"""What makes the registry of loaders, by name: parser processes make their own."""


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


def open_llm(config: LLMConfig, environment: Environment) -> LlamaCppLLM:
    """The local model that answers, loaded.

    Raises:
        NoModelError: It is missing and may not be downloaded.
        ModelError: It can't be loaded, or a GPU is required and there is none.
    """
    from docindex.llm.llamacpp import LlamaCppLLM

    return LlamaCppLLM(model_store(environment).path(config.model, kind="llm"), config, name=config.model)


def create(path: Path, config: IndexConfig, llm: LLMConfig, environment: Environment) -> Parts:
    """The parts of a new index.

    Raises:
        StoreError: The folder holds an index already.
        NoModelError: The embedder is missing and may not be downloaded.
    """
    from docindex.stores.commit import create_stores
    from docindex.stores.manifest import Canary, Manifest

    embedder = open_embedder(config.embedder, environment)
    vectors = embedder.embed(CANARIES, kind="passage")
    manifest = Manifest(
        config=config,
        embedder=config.embedder,
        fingerprint=embedder.fingerprint,
        dim=embedder.dim,
        canaries=tuple(Canary(text, tuple(vector)) for text, vector in zip(CANARIES, vectors.tolist(), strict=True)),
    )
    return Parts(path, manifest, create_stores(path, manifest), llm, environment, embedder)


def open(path: Path, llm: LLMConfig, environment: Environment) -> Parts:  # noqa: A001 - read as wiring.open
    """The parts of an index that exists; no model is loaded yet.

    Raises:
        IndexNotFoundError: There is none.
        FormatError: A newer docindex wrote it.
    """
    from docindex.stores.commit import open_stores

    stores = open_stores(path)
    return Parts(path, stores.manifest, stores, llm, environment)


class Parts:
    """What an open index is made of. Models are loaded when they are first asked for."""

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        store: IndexStore,
        llm: LLMConfig,
        environment: Environment,
        embedder: Embedder | None = None,
    ) -> None:
        self.path = path
        self.store = store
        self._manifest = manifest
        self._environment = environment
        self._llm_config = llm
        self._embedder = embedder
        self._llm: LlamaCppLLM | None = None
        self._loading = threading.Lock()

    @property
    def config(self) -> IndexConfig:
        """What the index is built with."""
        return self._manifest.config

    @property
    def fingerprint(self) -> str:
        """Of the embedder that built the index."""
        return self._manifest.fingerprint

    @property
    def dim(self) -> int:
        """The length of its vectors."""
        return self._manifest.dim

    def embedder(self) -> Embedder:
        """The index's embedder, once it has shown that it is the one that built the index.

        Raises:
            NoModelError: It is missing and may not be downloaded.
            EmbedderMismatchError: The model of that name is another one now.
        """
        with self._loading:
            if self._embedder is None:
                embedder = open_embedder(self.config.embedder, self._environment)
                self._verify(embedder)
                self._embedder = embedder
            return self._embedder

    def llm(self) -> LlamaCppLLM:
        """The local model that answers."""
        with self._loading:
            if self._llm is None:
                self._llm = open_llm(self._llm_config, self._environment)
            return self._llm

    def loaders(self) -> LoaderRegistry:
        """The loaders of the formats that are installed."""
        from docindex.loaders.registry import default_registry

        return default_registry()

    def parsers(self, processes: int | None) -> ParserPool:
        """The processes that parse with those loaders; None is one a core, up to four."""
        from docindex.ingest.workers import ParserPool

        return ParserPool(LOADERS, processes=processes)

    def passages(self) -> PassageIndex:
        """How documents become nodes and vectors; the embedder is loaded when the first one does."""
        from docindex.chunking.passages import PassageChunker
        from docindex.indices.passages import PassageIndex

        config = self.config

        def make() -> tuple[Chunker, Embedder]:
            embedder = self.embedder()
            chunker = PassageChunker(
                embedder.token_offsets,
                max_tokens=min(config.chunk_tokens, embedder.max_tokens),
                overlap_tokens=config.overlap_tokens,
            )
            return chunker, embedder

        return PassageIndex(make, self.dim)

    def retriever(self, mode: SearchMode, snapshot: Callable[[], Snapshot]) -> Retriever:
        """The retriever of a mode, over what `snapshot` gives at each search."""
        from docindex.retrieval.collapse import CollapsingRetriever
        from docindex.retrieval.hybrid import HybridRetriever
        from docindex.retrieval.single import DenseRetriever, LexicalRetriever

        inner: Retriever
        match mode:
            case "lexical":
                inner = LexicalRetriever(snapshot)
            case "dense":
                inner = DenseRetriever(snapshot, self.embedder())
            case "hybrid":
                inner = HybridRetriever(snapshot, self.embedder(), self.config.dense_weight)
        return CollapsingRetriever(inner)

    def engine(
        self, retriever: Retriever, snapshot: Callable[[], Snapshot], k: int, mode: SearchMode, where: Condition | None
    ) -> RetrieverQueryEngine:
        """The query engine over a retriever."""
        from docindex.answering.compact import CompactSynthesizer
        from docindex.answering.engine import RetrieverQueryEngine

        synthesizer = CompactSynthesizer(
            self.llm(),
            lambda doc_id: snapshot().load(doc_id),
            max_tokens=self._llm_config.max_tokens,
            max_hits=k,
        )
        return RetrieverQueryEngine(retriever, synthesizer, k=k, mode=mode, where=where)

    def chat(self, engine: RetrieverQueryEngine) -> Chat:
        """A conversation that asks the engine."""
        from docindex.answering.chat import Chat

        return Chat(engine, self.llm())

    def describe(self) -> dict[str, Any]:
        """What is known of the index without asking the stores."""
        config = self.config.as_dict()
        if self.config.database:
            config["database"] = _without_password(self.config.database)
        return {
            "path": str(self.path),
            "config": config,
            "embedder": {
                "name": self._manifest.embedder,
                "fingerprint": self._manifest.fingerprint,
                "dim": self._manifest.dim,
            },
            "llm": self._llm_config.model,
        }

    def close(self) -> None:
        """Frees the models and closes the stores."""
        with self._loading:
            if self._llm is not None:
                self._llm.close()
                self._llm = None
            self._embedder = None
        self.store.close()

    def _verify(self, embedder: Embedder) -> None:
        canaries = self._manifest.canaries
        alike = embedder.fingerprint == self._manifest.fingerprint
        if alike and canaries:
            vectors = embedder.embed([canary.text for canary in canaries], kind="passage")
            cosines = [float(vector @ canary.vector) for vector, canary in zip(vectors, canaries, strict=True)]
            alike = min(cosines) > CANARY_COSINE
        if not alike:
            raise EmbedderMismatchError(
                f"{self._manifest.embedder} ({self._manifest.fingerprint[:12]})",
                f"{self.config.embedder} ({embedder.fingerprint[:12]})",
            )


def _without_password(url: str) -> str:
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", url)
