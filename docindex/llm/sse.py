"""Server-sent events, as far as servers of language models use them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_LONGEST = 16 << 20


class EventError(Exception):
    """What comes is no stream of events."""


def events(blocks: Iterable[bytes]) -> Iterator[str]:
    """The data of each event, as soon as it is whole; comments, which keep a connection open, are passed over.

    Lines end at line feeds only: JSON may hold other characters that Python, too, would end a line at.

    Raises:
        EventError: A line has no end.
    """
    data: list[str] = []
    for line in _lines(blocks):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield "\n".join(data)
            data = []
        elif name == "data":
            data.append(value)
        elif name == "error":  # llama-server has told errors so
            data.append(f'{{"error": {value}}}')
    if data:
        yield "\n".join(data)


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    held = b""
    for block in blocks:
        *whole, held = (held + block).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
        if len(held) > _LONGEST:
            raise EventError(f"a line of more than {_LONGEST:,} bytes")
    if held:
        yield held.removesuffix(b"\r").decode("utf-8", "replace")
