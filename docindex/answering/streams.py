"""Answers that grow while they are read."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from docindex.errors import QueryError
from docindex.schema import Response


class LazyAnswer:
    """Pieces of text from a generator that returns the whole response; nothing runs before the first is asked for.

    Dropping or closing it frees the model.
    """

    # No reference from the generator back to this object: the last reference to it ends the generator at once.

    def __init__(self, pieces: Generator[str, None, Response]) -> None:
        self._pieces = pieces
        self._response: Response | None = None

    def __iter__(self) -> Iterator[str]:
        while self._response is None:
            try:
                piece = next(self._pieces)
            except StopIteration as end:
                self._response = self._whole(end.value)
                return
            yield piece

    @property
    def response(self) -> Response:
        """The whole response; reading it uses up what was not yet yielded."""
        for _ in self:
            pass
        return self._whole(self._response)

    def close(self) -> None:
        """Gives up on the rest of the answer."""
        self._pieces.close()

    @staticmethod
    def _whole(response: Response | None) -> Response:
        if response is None:
            raise RuntimeError("The answer was closed or failed before it was whole.")
        return response


def asked(question: str, pieces: Generator[str, None, Response]) -> LazyAnswer:
    """The answer that the generator makes of the question, once there is one.

    Raises:
        QueryError: The question is empty.
    """
    if not question.strip():
        raise QueryError("The question is empty: ask something.")
    return LazyAnswer(pieces)
