"""The parts of an index that is made or opened."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.wiring.models import open_embedder
from docindex.wiring.parsing import parser_pool
from docindex.wiring.parts import Parts

if TYPE_CHECKING:
    from docindex.config import Environment, FirstIngest, IndexConfig, LLMConfig
    from docindex.ingest.workers import ParserPool

CANARIES = (
    "The quick brown fox jumps over the lazy dog.",
    "Press and hold the reset button for ten seconds.",
    "Größe, naïveté, Ωμέγα, 数据.",
)
"""Texts whose vectors are kept in the index: an embedder that gives others is not the one that built it."""


def create(
    path: Path,
    config: IndexConfig,
    llm: LLMConfig,
    environment: Environment,
    first: FirstIngest | None = None,
    *,
    wait_seconds: float = 0.0,
) -> Parts:
    """The parts of a new index; what `first` names is parsed meanwhile.

    Raises:
        StoreError: The folder holds an index already.
        LockedError: Another process is making it, and still is after `wait_seconds`.
        NoModelError: The embedder is missing and may not be downloaded.
    """
    if first is None:
        return _create(path, config, llm, environment, wait_seconds)
    from docindex.ingest.ahead import first_files
    from docindex.loaders.registry import default_registry

    with ExitStack() as undo:
        parsers = undo.enter_context(parser_pool(config, environment, first.options.processes, lambda _: ()))
        parsers.begin(first_files(first, default_registry))
        parts = _create(path, config, llm, environment, wait_seconds, parsers)
        undo.pop_all()
        return parts


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


def _create(
    path: Path,
    config: IndexConfig,
    llm: LLMConfig,
    environment: Environment,
    wait_seconds: float,
    parsers: ParserPool | None = None,
) -> Parts:
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
    store = create_stores(path, manifest, wait_seconds=wait_seconds)
    return Parts(path, manifest, llm, environment, store=store, embedder=embedder, parsers=parsers)
