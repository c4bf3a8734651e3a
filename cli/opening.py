"""The index that a command adds to."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from docindex.config import IndexConfig
from docindex.errors import ConfigError, IndexNotFoundError, LockedError, StoreError

if TYPE_CHECKING:
    from docindex.cli.session import Session
    from docindex.config import FirstIngest
    from docindex.index import Index


def open_or_create(
    session: Session,
    path: Path,
    stack: ExitStack,
    *,
    embedder: str | None,
    chunk_tokens: int | None,
    levels: str | None = None,
    first: FirstIngest | None = None,
) -> Index:
    """The index at a path, which is made where there is none; closed with the stack.

    Args:
        session: Of this run.
        path: Where the index is, or is to be.
        stack: Closes it.
        embedder: For a new one. One that exists was built with its own and keeps it.
        chunk_tokens: For a new one, likewise.
        levels: For a new one: numbers of tokens with commas between them.
        first: What it is going to be given; where that is to be tried only, a new one is made in a temporary folder.

    Raises:
        ConfigError: The index was built with another embedder, chunk size or levels; or the levels can't be read.
        LockedError: Another process is making it, and still is when the first ingest would wait no longer.
    """
    from docindex.index import Index

    sizes = None if levels is None else _sizes(levels)
    try:
        index = stack.enter_context(session.open(path))
    except IndexNotFoundError:
        from docindex.cli.models import bring_model

        if first is not None and first.options.dry_run:
            path = Path(stack.enter_context(TemporaryDirectory(prefix="docindex-"))) / "index"
        config = IndexConfig()
        if embedder is not None:
            config = dataclasses.replace(config, embedder=embedder)
        if chunk_tokens is not None:
            overlap = min(config.overlap_tokens, chunk_tokens // 2)
            config = dataclasses.replace(config, chunk_tokens=chunk_tokens, overlap_tokens=overlap)
        if sizes is not None:
            config = dataclasses.replace(config, levels=sizes)
        bring_model(session, config.embedder)
        patience = 0.0 if first is None else first.options.lease_seconds
        try:
            made = Index.create(path, config, environment=session.environment, first=first, wait_seconds=patience)
        except LockedError:
            raise
        except StoreError as error:
            try:
                index = stack.enter_context(session.open(path))  # which another process has made meanwhile
            except IndexNotFoundError:
                raise error from None
        else:
            return stack.enter_context(made)
    _keep("--embedder", embedder, index.config.embedder)
    _keep("--chunk-tokens", chunk_tokens, index.config.chunk_tokens)
    _keep("--levels", sizes, index.config.levels)
    return index


def _sizes(levels: str) -> tuple[int, ...]:
    parts = [part.strip() for part in levels.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ConfigError(f"--levels is {levels!r}: give numbers of tokens with commas between them, such as 512,2048.")
    return tuple(map(int, parts))


def _keep(option: str, wanted: object, built_with: object) -> None:
    if wanted is not None and wanted != built_with:
        shown = (",".join(map(str, built_with)) or "none") if isinstance(built_with, tuple) else built_with
        raise ConfigError(
            f"The index was built with {option} {shown} and keeps it: leave {option} out, "
            "or make a new index with --index."
        )
