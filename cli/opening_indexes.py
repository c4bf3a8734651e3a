"""One index or several: what `search`, `query` and `chat` read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from docindex.cli.options import at_version
from docindex.cli.session import Session
from docindex.config import AnswerOptions, LLMConfig
from docindex.errors import QueryError
from docindex.protocols import Engine
from docindex.schema import EngineName, Hit, MemoryKind, SearchMode

if TYPE_CHECKING:
    from docindex.answering.chat import Chat
    from docindex.retrieval.options import RetrievalOptions
    from docindex.retrieval.tracing import StageTrace


class Searched(Protocol):
    """What can be searched and asked."""

    def search(
        self,
        query: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
    ) -> list[Hit]:
        """The best passages."""
        ...

    def search_many(
        self,
        queries: Iterable[str],
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
    ) -> Iterator[list[Hit]]:
        """The best passages for each query."""
        ...

    def engine(
        self,
        name: EngineName = "retriever",
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
        false_refusals: float | None = None,
        answers: AnswerOptions | None = None,
    ) -> Engine:
        """What answers questions."""
        ...

    def chat(
        self,
        *,
        conversation: str | None = None,
        memory: MemoryKind = "recent",
        answers: AnswerOptions | None = None,
    ) -> Chat:
        """A conversation."""
        ...


@runtime_checkable
class Explaining(Protocol):
    """What can tell the stages of a search."""

    def explain(
        self,
        query: str,
        k: int = 10,
        mode: SearchMode = "hybrid",
        filter: str | None = None,  # noqa: A002
        options: RetrievalOptions | None = None,
    ) -> list[StageTrace]:
        """What each stage gave."""
        ...


@contextmanager
def open_indexes(
    session: Session, paths: Sequence[Path] | None, at: str | None = None, llm: LLMConfig | None = None
) -> Iterator[Searched]:
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
    from docindex.index import Index

    path = session.index_path(paths[0] if paths else None)
    with Index.open(path, at_version(at), llm=llm, environment=session.environment) as index:
        yield index
