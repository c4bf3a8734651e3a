"""An index behind a file of routes: what is looked for, where, and what is answered without a search."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast, get_args

from docindex.config import AnswerOptions, Environment
from docindex.index import Index
from docindex.protocols import StreamingEngine
from docindex.retrieval.routes import Retrieve
from docindex.schema import EngineName, Response, SearchMode

if TYPE_CHECKING:
    from docindex.answering.routed import RoutedEngine
    from docindex.retrieval.options import RetrievalOptions

logger = logging.getLogger("docindex")

_PASSAGES: EngineName = "retriever"
"""The engine that answers from passages."""


class RoutedIndex:
    """Answers by routes. Where a route names no index, `index` serves; others are opened when they are first needed.

    All of them have the model that `index` was opened with.

    Example:
        >>> with RoutedIndex(index, "routes.yaml") as routed:
        ...     print(routed.query("Thanks a lot!").route)
        courtesy
    """

    def __init__(
        self,
        index: Index,
        routes: str | Path,
        *,
        k: int = 4,
        mode: SearchMode = "hybrid",
        options: RetrievalOptions | None = None,
        false_refusals: float | None = None,
        answers: AnswerOptions | None = None,
        engines: Mapping[str, StreamingEngine] | None = None,
        environment: Environment | None = None,
    ) -> None:
        """Opens the file of routes.

        Args:
            index: What serves the routes that name no index.
            routes: The file; folders in it are meant from where it is.
            k: For the routes that do not say.
            mode: Likewise.
            options: How all indexes are searched.
            false_refusals: As for `Index.engine`; each index goes by its own scores.
            answers: How answers are made; what is for some engines goes to the routes that name one of these.
            engines: Engines of one's own by the names that the file gives them, before those of docindex. Where there
                is none of a name, the passages answer, and the log says so.
            environment: With which other indexes are opened.

        Raises:
            ConfigError: The file holds what is no route, or the prompts can't be used.
            NoModelError: The embedder is missing and may not be downloaded.
        """
        self._index = index
        self._routes = Path(routes)
        self._k = k
        self._mode: SearchMode = mode
        prompts = answers.prompts if answers is not None else None
        self._options = None if options is None else options.with_prompts(prompts)
        self._false_refusals = false_refusals
        self._answers = answers
        self._engines = dict(engines or {})
        self._environment = environment
        self._others = ExitStack()
        self._opened: dict[Path, Index] = {}
        self._engine = index.routed_engine(self._routes, self._engine_for, prompts=prompts)

    def engine(self) -> RoutedEngine:
        """What answers, whole or as it grows; a `Chat` can hold it."""
        return self._engine

    def query(self, question: str) -> Response:
        """The answer to a question; its `route` names what served it."""
        return self._engine.query(question)

    def close(self) -> None:
        """Closes the indexes that routes have opened; the one that was given stays open."""
        self._others.close()
        self._opened.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _engine_for(self, action: Retrieve) -> StreamingEngine:
        if action.engine is not None and action.engine in self._engines:
            return self._engines[action.engine]
        name: EngineName = _PASSAGES
        if action.engine in get_args(EngineName):
            name = cast("EngineName", action.engine)
        elif action.engine is not None:
            logger.warning("%s names the engine %r, which there is not: passages answer.", self._routes, action.engine)
        k, mode, options = action.k or self._k, action.mode or self._mode, self._options
        rate = self._false_refusals
        answers = None if self._answers is None else self._answers.usable_by(name)
        index = self._index if action.index is None else self._other(self._routes.parent / action.index)
        if index is self._index or name != _PASSAGES:
            return index.engine(
                name,
                k=k,
                mode=mode,
                filter=action.filter,
                options=options,
                false_refusals=rate,
                answers=answers,
            )
        found = index.retriever(mode, action.filter, options)  # the model is loaded once for all indexes
        policy = index.policy(rate)
        return self._index.engine_over(found, index.document, k=k, mode=mode, policy=policy, answers=answers)

    def _other(self, path: Path) -> Index:
        path = path.resolve()
        if path not in self._opened:
            other = Index.open(path, llm=self._index.llm, environment=self._environment)
            self._opened[path] = self._others.enter_context(other)
        return self._opened[path]
