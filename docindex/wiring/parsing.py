"""The processes that parse for an index."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.errors import ModelError
from docindex.wiring.models import model_store

if TYPE_CHECKING:
    from docindex.config import Environment, IndexConfig
    from docindex.ingest.wire import Recipe
    from docindex.ingest.workers import ParserPool

LOADERS = "docindex.loaders.registry:default_registry"
"""What makes the registry of loaders, by name: parser processes make their own."""
CHUNKER = "docindex.wiring:passage_chunker"
"""What makes the chunker of an index, by name: they make that, too."""


def parser_pool(
    config: IndexConfig,
    environment: Environment,
    processes: int | None,
    held: Callable[[Collection[Path]], Collection[Path]],
) -> ParserPool:
    """The processes that parse, and cut as the index does; None is one a core, up to four.

    Files that the index holds documents of, which `held` tells, come uncut: most of their documents have not changed,
    and those that have are cut with regard to what they were.
    """
    from docindex.ingest.wire import Recipe
    from docindex.ingest.workers import ParserPool

    def chunker() -> Recipe | None:
        try:
            folder = model_store(environment).path(config.embedder, kind="embedder")
        except ModelError:
            return None
        return Recipe(CHUNKER, (str(folder), config.chunk_tokens, config.overlap_tokens, *config.levels))

    return ParserPool(LOADERS, processes=processes, chunker=chunker, uncut=held)
