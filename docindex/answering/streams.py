"""Answers that grow while they are read."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from docindex.errors import QueryError, RequestCancelledError
from docindex.schema import Response


class LazyAnswer:
    """Pieces of text from a generator that returns the whole response; nothing runs before the first is asked for.

    Dropping or closing it frees the model.
    """

    # No reference from the generator back to this object: the last reference to it ends the generator at once.

    def __init__(self, pieces: Generator[str, None, Response]) -> None:
        self._pieces = pieces
        self._response: Response | None = None
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[str]:
        if self._error is not None:
            raise self._error
        while self._response is None:
            try:
                piece = next(self._pieces)
            except StopIteration as end:
                self._response = end.value  # None where it was closed
                return
            except Exception as error:
                self._error = error
                raise
            yield piece

    @property
    def response(self) -> Response:
        """The whole response; reading it uses up what was not yet yielded.

        Raises:
            RequestCancelledError: The answer was closed before it was whole. What it failed with is raised again.
        """
        for _ in self:
            pass
        if self._response is None:
            raise RequestCancelledError("The answer was closed before it was whole: ask again.")
        return self._response

    def close(self) -> None:
        """Gives up on the rest of the answer."""
        self._pieces.close()


def asked(question: str, pieces: Generator[str, None, Response]) -> LazyAnswer:
    """The answer that the generator makes of the question, once there is one.

    Raises:
        QueryError: The question is empty.
    """
    if not question.strip():
        raise QueryError("The question is empty: ask something.")
    return LazyAnswer(pieces)
