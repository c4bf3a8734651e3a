"""What an open index is made of."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docindex.errors import EmbedderMismatchError
from docindex.wiring.models import open_embedder, open_llm, with_levels
from docindex.wiring.parsing import parser_pool

if TYPE_CHECKING:
    from docindex.config import Environment, IndexConfig, LLMConfig
    from docindex.embedding.remembered import RememberedVectors
    from docindex.indices.passages import PassageIndex
    from docindex.ingest.workers import ParserPool
    from docindex.llm.thinking import OpenModel
    from docindex.protocols import Chunker, Embedder, IndexStore, LoaderRegistry, Vectors
    from docindex.retrieval.nulls import NullModel
    from docindex.stores.completions import CompletionCache
    from docindex.stores.conversations import ConversationLog
    from docindex.stores.glance import Glance
    from docindex.stores.manifest import Manifest
    from docindex.stores.traces import TraceLog

CANARY_COSINE = 0.999
"""Builds and thread counts of the same model differ by far less, another model by far more."""


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
        parsers: ParserPool | None = None,
    ) -> None:
        self.path = path
        self._store = store
        self._opening = threading.Lock()
        self._manifest = manifest
        self.environment = environment
        self.llm_config = llm
        self._embedder = embedder
        self._parsers = parsers
        self._sentences: RememberedVectors | None = None
        self._llms: dict[str, OpenModel] = {}
        self._loading = threading.Lock()
        self._traces: TraceLog | None = None
        self._conversations: ConversationLog | None = None
        self._completions: CompletionCache | None = None

    @property
    def config(self) -> IndexConfig:
        """What the index is built with."""
        return self._manifest.config

    @property
    def k(self) -> int:
        """How many passages a search gives that names no number."""
        return self._manifest.k

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

    @property
    def completions(self) -> CompletionCache:
        """What the language model wrote."""
        with self._opening:
            if self._completions is None:
                from docindex.stores.completions import CompletionCache

                self._completions = CompletionCache(self.path)
            return self._completions

    @property
    def conversations(self) -> ConversationLog:
        """The conversations that are kept."""
        with self._opening:
            if self._conversations is None:
                from docindex.stores.conversations import ConversationLog

                self._conversations = ConversationLog(self.path)
            return self._conversations

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
                embedder = open_embedder(self.config.embedder, self.environment)
                self._verify(embedder)
                self._embedder = embedder
            return self._embedder

    def vectors_of(self, texts: Sequence[str]) -> Vectors:
        """The vectors of sentences, by the index's embedder, which is loaded for them; those of late are kept."""
        with self._loading:
            if self._sentences is None:
                from docindex.embedding.remembered import RememberedVectors

                self._sentences = RememberedVectors(lambda new: self.embedder().embed(new, kind="passage"))
        return self._sentences(texts)

    def llm(self) -> OpenModel:
        """The model that answers."""
        return self.llm_named(self.llm_config.model)

    def llm_named(self, name: str) -> OpenModel:
        """The model of that name, with the settings of the one that answers."""
        with self._loading:
            if name not in self._llms:
                self._llms[name] = open_llm(replace(self.llm_config, model=name), self.environment)
            return self._llms[name]

    def loaders(self) -> LoaderRegistry:
        """The loaders of the formats that are installed."""
        from docindex.loaders.registry import default_registry

        return default_registry()

    def parsers(self, processes: int | None) -> ParserPool:
        """The processes that parse; None is one a core, up to four. At first those that have begun, if any have."""
        begun, self._parsers = self._parsers, None
        return begun or parser_pool(self.config, self.environment, processes, self._held)

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
            return with_levels(chunker, embedder.token_offsets, config.levels), embedder

        return PassageIndex(make, self.dim)

    def nulls(self) -> NullModel | None:
        """What the scores of the index look like with an answer and without one, where that was fitted."""
        from docindex.retrieval.nulls_file import NULLS, read_nulls

        return read_nulls(self.path / NULLS, self.fingerprint)

    def describe(self) -> dict[str, Any]:
        """What is known of the index without asking the stores."""
        config = self.config.as_dict()
        if self.config.database:
            config["database"] = _without_password(self.config.database)
        return {
            "path": str(self.path),
            "config": config,
            "k": self.k,
            "embedder": {
                "name": self._manifest.embedder,
                "fingerprint": self._manifest.fingerprint,
                "dim": self._manifest.dim,
            },
            "llm": self.llm_config.model,
            "refusal": None if (nulls := self.nulls()) is None else nulls.facts(),
        }

    def close(self) -> None:
        """Frees the models, closes the stores and ends what has begun."""
        if self._parsers is not None:
            self._parsers.close()
        with self._loading:
            while self._llms:
                self._llms.popitem()[1].close()
            self._embedder = None
        with self._opening:
            if self._store is not None:
                self._store.close()
            for log in (self._traces, self._conversations, self._completions):
                if log is not None:
                    log.close()

    def _held(self, paths: Collection[Path]) -> Collection[Path]:
        """Those of the files that the index holds documents of."""
        # As discovery writes them: bytes of a name that are not UTF-8 are written out.
        named = ((path, os.path.normpath(path.absolute())) for path in paths)
        locations = {path: os.fsencode(name).decode("utf-8", "backslashreplace") for path, name in named}
        known = self.store.snapshot().held(set(locations.values()))
        return [path for path, location in locations.items() if location in known]

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
