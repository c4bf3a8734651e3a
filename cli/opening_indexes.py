"""One index or several: what `search`, `query` and `chat` read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.cli.session import Session
from docindex.config import LLMConfig
from docindex.errors import QueryError

if TYPE_CHECKING:
    from docindex.searchable import Searchable


@contextmanager
def open_indexes(
    session: Session, paths: Sequence[Path] | None, at: str | None = None, llm: LLMConfig | None = None
) -> Iterator[Searchable]:
    """The index in the folder, or the indexes in the folders as one; without any, the one of the environment.

    Raises:
        QueryError: Several are to be read at an older version.
    """
    if paths is not None and len(paths) > 1:
        from docindex.joined import JoinedIndex

        if at is not None:
            raise QueryError("--at goes with one index: leave it out, or name one.")
        with JoinedIndex.open(paths, llm=llm, environment=session.environment) as joined:
            yield joined
        return
    with session.open(paths[0] if paths else None, at, llm=llm) as index:
        yield index
