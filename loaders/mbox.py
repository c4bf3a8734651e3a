"""Mailboxes in the mbox format, message by message: the file is read once, and only a message of it is held."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_LINE = 1 << 16
_ENVELOPE = re.compile(rb"From .*\d:\d\d.*\d{4}")
_FULL_ENVELOPE = re.compile(rb"From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d")
_BLANK = (b"\n", b"\r\n")


@dataclass(slots=True)
class RawMessage:
    """A message as it stands in the mailbox, without its envelope line."""

    data: bytearray
    whole: bool = True
    """False where the message is longer than was asked for; `data` is its beginning then."""


def split_mbox(file: IO[bytes], most: int) -> Iterator[RawMessage]:
    """The messages, none of more than `most` bytes; nothing where the file is no mailbox.

    A message begins at a line that starts with "From " after an empty one. Where the first such line has a date, as
    it should, those without are text that nobody quoted; a full date needs no empty line before it, since the message
    before may be cut short. One mark is taken off lines that were quoted (">From ").
    """
    message: RawMessage | None = None
    dated = True
    begins, after_blank = True, True
    while line := file.readline(_LINE):
        if begins and line.startswith(b"From ") and _is_envelope(line, after_blank, dated and message is not None):
            if message is None:
                dated = _ENVELOPE.match(line) is not None
            else:
                yield _ended(message)
            message = RawMessage(bytearray())
        elif message is not None:
            if begins and line.startswith(b">") and line.lstrip(b">").startswith(b"From "):
                line = line[1:]
            if message.whole and len(message.data) + len(line) <= most:
                message.data += line
            else:
                message.whole = False
        elif line not in _BLANK:
            return
        after_blank = begins and line in _BLANK
        begins = line.endswith(b"\n")
    if message is not None:
        yield _ended(message)


def _is_envelope(line: bytes, after_blank: bool, dated: bool) -> bool:
    if not after_blank:
        return _FULL_ENVELOPE.match(line) is not None
    return not dated or _ENVELOPE.match(line) is not None


def _ended(message: RawMessage) -> RawMessage:
    """Without the empty line that parts it from the next one."""
    for blank in (b"\n\r\n", b"\n\n"):
        if message.whole and message.data.endswith(blank):
            del message.data[1 - len(blank) :]
            break
    return message
