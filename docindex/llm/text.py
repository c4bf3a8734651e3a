"""From token bytes to text that may be shown: whole characters, and nothing of a stop string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Decodes pieces of UTF-8 as they come and ends before the first stop string.

    A character that spans tokens is held back until it is whole, and text that may be the beginning of a stop string
    until it is clear that it is not.
    """

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        self._stop = tuple(text for text in stop if text)
        self._held = ""
        self.stopped = False
        """A stop string was met: what came before it has been given out."""

    def push(self, piece: bytes) -> str:
        """The text that the piece completes; often empty."""
        if self.stopped:
            return ""
        text = self._held + self._decoder.decode(piece)
        found = min((at for at in (text.find(stop) for stop in self._stop) if at >= 0), default=None)
        if found is not None:
            self.stopped = True
            self._held = ""
            return text[:found]
        keep = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """What was held back, once no more comes; bytes of an unfinished character are dropped."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of the text that the stop string begins with."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
