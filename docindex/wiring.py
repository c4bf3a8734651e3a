"""The composition root: only this module names concrete stores, loaders and models. Each is imported when used."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docindex.config import Environment, IndexConfig, LLMConfig
from docindex.errors import EmbedderMismatchError, ModelError, StoreError
from docindex.protocols import Chunker, DerivedIndex, Embedder, IndexStore, LoaderRegistry, Retriever, Snapshot
from docindex.schema import Condition, Document, IndexDefinition, JsonValue, SearchMode

if TYPE_CHECKING:
    from docindex.answering.chat import Chat
    from docindex.answering.engine import RetrieverQueryEngine
    from docindex.answering.policy import AnswerPolicy
    from docindex.chunking.passages import TokenOffsets
    from docindex.indices.passages import PassageIndex
    from docindex.indices.summarising import Summarizer
    from docindex.ingest.wire import Recipe
    from docindex.ingest.workers import ParserPool
    from docindex.llm.llamacpp import LlamaCppLLM
    from docindex.models.acquire import ModelStore
    from docindex.retrieval.nulls import NullModel
    from docindex.retrieval.options import RetrievalOptions
    from docindex.retrieval.rerank import Reranker
    from docindex.retrieval.tracing import Trail
    from docindex.stores.glance import Glance
    from docindex.stores.manifest import Manifest
    from docindex.stores.traces import TraceLog

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
CHUNKER = "docindex.wiring:passage_chunker"
"""What makes the chunker of an index, by name: they make that, too."""


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
    return _with_levels(passages, tokenizer.offsets, levels)


def _with_levels(passages: Chunker, offsets: TokenOffsets, levels: tuple[int, ...]) -> Chunker:
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
    return Parts(path, manifest, llm, environment, store=create_stores(path, manifest), embedder=embedder)


def open(path: Path, llm: LLMConfig, environment: Environment) -> Parts:  # noqa: A001 - read as wiring.open
    """The parts of an index that exists. No model is loaded yet, and of one that is as it should be, no store opened.

    Raises:
        IndexNotFoundError: There is none.
        FormatError: A newer docindex wrote it.
    """
    from docindex.stores.glance import is_sound
    from docindex.stores.manifest import read_manifest

    manifest = read_manifest(path)
    if is_sound(path, manifest):
        return Parts(path, manifest, llm, environment)
    from docindex.stores.commit import open_stores

    stores = open_stores(path)
    return Parts(path, stores.manifest, llm, environment, store=stores)


class Parts:
    """What an open index is made of. Stores and models are loaded when they are first asked for."""

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        llm: LLMConfig,
        environment: Environment,
        *,
        store: IndexStore | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        self.path = path
        self._store = store
        self._opening = threading.Lock()
        self._manifest = manifest
        self._environment = environment
        self._llm_config = llm
        self._embedder = embedder
        self._llm: LlamaCppLLM | None = None
        self._loading = threading.Lock()
        self._traces: TraceLog | None = None

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

    @property
    def store(self) -> IndexStore:
        """Both stores as one."""
        with self._opening:
            if self._store is None:
                from docindex.stores.commit import open_stores

                self._store = open_stores(self.path)
            return self._store

    @property
    def traces(self) -> TraceLog:
        """The traces of searches and answers."""
        with self._opening:
            if self._traces is None:
                from docindex.stores.traces import TraceLog

                self._traces = TraceLog(self.path)
            return self._traces

    @contextmanager
    def glance(self, wait_seconds: float) -> Iterator[Glance | None]:
        """What the index holds of files, under the writer's lease; None where the stores are open or have to be.

        Raises:
            LockedError: Another process is writing, and still is after `wait_seconds`.
        """
        if self._store is not None:
            yield None
            return
        from docindex.stores.glance import glance
        from docindex.stores.lease import lease

        with lease(self.path, wait_seconds):
            yield glance(self.path, self._manifest)

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
        """The processes that parse with those loaders, and cut; None is one a core, up to four.

        Files that the index holds documents of come uncut: most of their documents have not changed, and those that
        have are cut with regard to what they were.
        """
        from docindex.ingest.wire import Recipe
        from docindex.ingest.workers import ParserPool

        config = self.config

        def chunker() -> Recipe | None:
            try:
                folder = model_store(self._environment).path(config.embedder, kind="embedder")
            except ModelError:
                return None
            return Recipe(CHUNKER, (str(folder), config.chunk_tokens, config.overlap_tokens, *config.levels))

        def held(paths: Collection[Path]) -> Collection[Path]:
            # As discovery writes them: bytes of a name that are not UTF-8 are written out.
            named = ((path, os.path.normpath(path.absolute())) for path in paths)
            locations = {path: os.fsencode(name).decode("utf-8", "backslashreplace") for path, name in named}
            known = self.store.snapshot().held(set(locations.values()))
            return [path for path, location in locations.items() if location in known]

        return ParserPool(LOADERS, processes=processes, chunker=chunker, uncut=held)

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
            return _with_levels(chunker, embedder.token_offsets, config.levels), embedder

        return PassageIndex(make, self.dim)

    def derived_index(self, definition: IndexDefinition) -> DerivedIndex:
        """What keeps an index on top of the passages.

        Raises:
            StoreError: A newer docindex defined it.
        """
        from docindex.indices.document_summaries import DocumentSummaries
        from docindex.indices.entities import Extractor, RuleExtractor
        from docindex.indices.entities_by_model import ModelExtractor
        from docindex.indices.graph import EntityGraph
        from docindex.indices.sentences import SentenceVectors
        from docindex.indices.tree import SummaryTree

        options = definition.options
        match definition.kind:
            case "sentences":
                return SentenceVectors(self.embedder())
            case "summaries":
                return DocumentSummaries(self.embedder(), self._summarizer(options))
            case "tree":
                return SummaryTree(self.embedder(), self._summarizer(options), fanout=int(str(options["fanout"])))
            case "graph":
                extractor: Extractor = RuleExtractor()
                return EntityGraph(ModelExtractor(self.llm(), extractor) if options["by"] == "model" else extractor)
        raise StoreError(f"The index {definition.kind!r} is of a newer docindex: install that, or drop the index.")

    def _summarizer(self, options: Mapping[str, JsonValue]) -> Summarizer:
        from docindex.indices.summarising import ExtractiveSummarizer, LLMSummarizer

        words = int(str(options["words"]))
        extractive = ExtractiveSummarizer(self.embedder(), words)
        return LLMSummarizer(self.llm(), extractive, words) if options["by"] == "model" else extractive

    def retriever(
        self,
        mode: SearchMode,
        snapshot: Callable[[], Snapshot],
        options: RetrievalOptions | None = None,
        trail: Trail | None = None,
    ) -> Retriever:
        """The retriever of a mode, over what `snapshot` gives at each search; its stages are noted on the trail."""
        from docindex.retrieval import compose
        from docindex.retrieval.llm_rerank import LLMReranker
        from docindex.retrieval.options import RetrievalOptions
        from docindex.retrieval.tracing import TracingRetriever

        def stage(name: str, retriever: Retriever) -> Retriever:
            return retriever if trail is None else TracingRetriever(name, retriever, trail)

        chosen = options or RetrievalOptions()
        base = stage(mode, compose.base_retriever(mode, snapshot, self.embedder, self.config.dense_weight, chosen))
        found = compose.through(base, snapshot, self.embedder, chosen, has_levels=bool(self.config.levels))
        if chosen.via != "passages":
            found = stage(chosen.via, found)
        found = compose.with_model(found, snapshot, self.llm, chosen)
        if chosen.transform is not None or chosen.auto_filter:
            found = stage("model", found)
        found = compose.refined(found, snapshot, chosen, self._reranker(chosen), stage)
        if chosen.llm_rerank:
            found = stage("llm rerank", LLMReranker(found, self.llm(), depth=chosen.llm_rerank))
        return compose.shaped(found, snapshot, chosen, stage)

    def _reranker(self, options: RetrievalOptions) -> Reranker | None:
        from docindex.retrieval.options import LATE

        if options.rerank is None:
            return None
        store = model_store(self._environment)
        if options.rerank == LATE:
            from docindex.embedding.token_vectors import OnnxTokenEncoder
            from docindex.retrieval.late import LateInteractionReranker

            return LateInteractionReranker(OnnxTokenEncoder(store.path(self.config.embedder, kind="embedder")))
        from docindex.embedding.cross_encoder import OnnxCrossEncoder

        return OnnxCrossEncoder(Path(options.rerank))

    def engine(
        self,
        retriever: Retriever,
        load_document: Callable[[str], Document | None],
        k: int,
        mode: SearchMode,
        where: Condition | None = None,
        policy: AnswerPolicy | None = None,
    ) -> RetrieverQueryEngine:
        """The query engine over a retriever; quotes are looked up in what `load_document` gives."""
        from docindex.answering.compact import CompactSynthesizer
        from docindex.answering.engine import RetrieverQueryEngine

        synthesizer = CompactSynthesizer(
            self.llm(),
            load_document,
            max_tokens=self._llm_config.max_tokens,
            max_hits=k,
            policy=policy,
        )
        return RetrieverQueryEngine(retriever, synthesizer, k=k, mode=mode, where=where)

    def policy(self, false_refusals: float | None) -> AnswerPolicy:
        """When the engines of this index refuse to answer: as its own scores say, where they have been fitted."""
        from docindex.answering.policy import AnswerPolicy

        return AnswerPolicy(nulls=self._nulls(), false_refusals=false_refusals)

    def calibrate(self, snapshot: Snapshot) -> None:
        """Fits the scores by which questions are refused, where the index has changed much and is embedded."""
        from docindex.ingest.calibrate import calibrate

        if snapshot.embedded():
            calibrate(self.path, snapshot, self.embedder())

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
            "refusal": None if (nulls := self._nulls()) is None else nulls.facts(),
        }

    def close(self) -> None:
        """Frees the models and closes the stores."""
        with self._loading:
            if self._llm is not None:
                self._llm.close()
                self._llm = None
            self._embedder = None
        with self._opening:
            if self._store is not None:
                self._store.close()
            if self._traces is not None:
                self._traces.close()

    def _nulls(self) -> NullModel | None:
        from docindex.retrieval.nulls_file import NULLS, read_nulls

        return read_nulls(self.path / NULLS, self.fingerprint)

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
