"""What the headers of a message say, in whatever encoding they say it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from email.utils import getaddresses, parsedate_to_datetime
from typing import TypeAlias

from docindex.loaders.decoding import clean
from docindex.loaders.values import LONGEST_STRING
from docindex.schema import MetadataValue

Mail: TypeAlias = "Message[str, str]"

_MOST_ADDRESSES = 100
_MOST_REFERENCES = 50
_SHOWN_ADDRESSES = 10
_MESSAGE_ID = re.compile(r"<([^<>\s]+)>")
_MARKS = frozenset(("from", "to", "subject", "date", "message-id", "received", "return-path", "mime-version"))


class _Lenient(Compat32):
    """Headers as text. Bytes that are not ASCII are UTF-8, as newer mail has them, or Western European."""

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - what the library calls
        if value.isascii():
            return value
        data = value.encode("utf-8", "surrogateescape")
        try:
            return data.decode()
        except ValueError:
            return data.decode("cp1252", "replace")


POLICY = _Lenient()
"""What messages are parsed with."""


def is_mail(message: Mail) -> bool:
    """Whether there is at least one header that mail has, so that the file is no other one."""
    return any(name.lower() in _MARKS for name in message)


def subject(message: Mail) -> str:
    """The subject on one line."""
    return header_text(message.get("subject", ""))


def message_id(message: Mail) -> str:
    """The id without its brackets, or nothing."""
    written = header_text(message.get("message-id", ""))
    found = _MESSAGE_ID.search(written)
    return (found[1] if found else written)[:LONGEST_STRING]


def header_metadata(message: Mail) -> dict[str, MetadataValue]:
    """The headers that people search by."""
    said: dict[str, MetadataValue | None] = {
        "subject": subject(message)[:LONGEST_STRING],
        "from": ", ".join(_addresses(message, "from"))[:LONGEST_STRING],
        "to": tuple(_addresses(message, "to")),
        "cc": tuple(_addresses(message, "cc")),
        "date": _date(message),
        "message_id": message_id(message),
        "in_reply_to": next(iter(_references(message, "in-reply-to")), None),
        "references": tuple(_references(message, "references")[-_MOST_REFERENCES:]),
    }
    return {name: value for name, value in said.items() if value}


def header_lines(message: Mail) -> list[str]:
    """The headers that a reader sees above a message, one a line."""
    moment = _date(message)
    shown = {
        "From": _some(_addresses(message, "from")),
        "To": _some(_addresses(message, "to")),
        "Cc": _some(_addresses(message, "cc")),
        "Date": moment.strftime("%Y-%m-%d %H:%M UTC") if moment else "",
        "Subject": subject(message),
    }
    return [f"{name}: {text}" for name, text in shown.items() if text]


def header_text(value: str) -> str:
    """A header's text on one line, its encoded words decoded."""
    try:
        parts = decode_header(value)
    except (MessageError, ValueError):
        parts = [(value, None)]
    text = "".join(part if isinstance(part, str) else _decoded(part, charset) for part, charset in parts)
    return " ".join(clean(text).split())


def _decoded(data: bytes, charset: str | None) -> str:
    if charset is None:
        return data.decode("raw-unicode-escape", "replace")  # what stands between encoded words
    for encoding in (charset, "utf-8"):
        try:
            return data.decode(encoding)
        except (LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def _addresses(message: Mail, header: str) -> list[str]:
    values = [str(value) for value in message.get_all(header, [])]
    # Names are decoded after the list is taken apart: there may be commas in them.
    pairs = getaddresses([" ".join(value.split()) for value in values])[:_MOST_ADDRESSES]
    found = []
    for encoded, address in pairs:
        name = header_text(encoded)
        plain = header_text(address)
        written = f"{name} <{plain}>" if name and plain and name != plain else name or plain
        if written:
            found.append(written[:LONGEST_STRING])
    return found or [text[:LONGEST_STRING] for text in map(header_text, values) if text]


def _some(addresses: Sequence[str]) -> str:
    rest = len(addresses) - _SHOWN_ADDRESSES
    return ", ".join(addresses[:_SHOWN_ADDRESSES]) + (f" and {rest} more" if rest > 0 else "")


def _date(message: Mail) -> datetime | None:
    try:
        moment = parsedate_to_datetime(header_text(message.get("date", "")))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _references(message: Mail, header: str) -> list[str]:
    return [found[:LONGEST_STRING] for found in _MESSAGE_ID.findall(header_text(message.get(header, "")))]
