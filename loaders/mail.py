"""E-mail: single messages, and mailboxes of them, with what is attached."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.message import Message

from docindex.errors import LoadError
from docindex.loaders.decoding import reading
from docindex.loaders.limits import cure
from docindex.loaders.mail_headers import POLICY, Mail, is_mail, message_id
from docindex.loaders.mail_message import NO_MAIL, read_message
from docindex.loaders.mbox import RawMessage, split_mbox
from docindex.loaders.media_types import EMAIL
from docindex.loaders.members import Members
from docindex.protocols import Loaded, LoaderRegistry
from docindex.schema import Problem, Source, digest

_SHARE_OF_MEMORY = 16
"""A parsed message takes several times its size; one larger than this part of `limits.memory_bytes` is not parsed."""
_HEAD = 1 << 16
_DIGITS = 12
_CHANGING = re.compile(
    rb"^(?:x-)?(?:status|uid|keywords|imap\w*|mozilla-[\w-]+|gmail-labels):.*\n(?:[ \t].*\n)*", re.I | re.M
)
"""Headers that mail programs write into a mailbox when a message is read or moved."""


class EmailLoader:
    """A message as one document, its headers as metadata; attachments are further ones, below its name.

    Of a text in two forms the plain one is read unless it only says that there is HTML. Pictures in the text,
    signatures and encrypted parts are passed over.
    """

    def __init__(self, registry: LoaderRegistry) -> None:
        self._registry = registry

    def load(self, source: Source) -> Iterator[Loaded]:
        """The message, then its attachments.

        Raises:
            LoadError: The file can't be read, is no message, or is too large to be one.
        """
        most = _most(source)
        with reading(source):
            if source.path.stat().st_size > most:
                raise LoadError(source.name, _too_large(most))
            message = _parsed(source, source.path.read_bytes())
        if not is_mail(message):
            raise LoadError(source.name, NO_MAIL)
        yield from read_message(source, message, self._registry)


class MboxLoader:
    """A mailbox: each message as `EmailLoader` reads it.

    The name of a message is its Message-ID below the name of the mailbox, so that it stays the same when others are
    added or removed; a digest where there is none, or another message has it too.
    """

    def __init__(self, registry: LoaderRegistry) -> None:
        self._registry = registry

    def load(self, source: Source) -> Iterator[Loaded]:
        """The messages in their order, each followed by its attachments.

        Raises:
            LoadError: The file can't be read or is no mailbox, or the attachments unpack to more than the limits allow.
        """
        members = Members(source, self._registry)
        known: set[str] = set()
        with reading(source):
            file = source.path.open("rb")
        with file:
            messages = split_mbox(file, _most(source))
            while (raw := _next(source, messages)) is not None:
                yield from self._read(source, raw, members, known)
        if not known:
            raise LoadError(source.name, "is not an mbox file: no line of it begins a message")

    def _read(self, source: Source, raw: RawMessage, members: Members, known: set[str]) -> Iterator[Loaded]:
        message: Mail = Message(policy=POLICY)
        failure = ""
        try:
            message = _parsed(source, bytes(raw.data if raw.whole else raw.data[:_HEAD]))
        except LoadError as error:
            failure = error.reason
        key = message_id(message).replace("/", "_") or _fingerprint(raw)
        if key in known:
            key = f"{key}-{_fingerprint(raw)}"
        known.add(key)
        name = members.name(key)
        inner = members.member(name, source.path, EMAIL)
        depth = source.options.limits.depth
        if not raw.whole:
            yield Problem(name, _too_large(_most(source)))
        elif inner.depth > depth:
            yield Problem(name, f"lies in more than {depth} archives or messages: {cure('depth')}")
        elif failure or not is_mail(message):
            yield Problem(name, failure or NO_MAIL)
        else:
            try:
                yield from read_message(inner, message, self._registry)
            except LoadError as error:
                if error.source == members.outermost:
                    raise
                yield Problem(error.source, error.reason)


def _parsed(source: Source, data: bytes) -> Mail:
    try:
        return email.message_from_bytes(data, policy=POLICY)
    except Exception as error:
        raise LoadError(source.name, f"can't be parsed as an e-mail message ({type(error).__name__})") from error


def _next(source: Source, messages: Iterator[RawMessage]) -> RawMessage | None:
    with reading(source):
        return next(messages, None)


def _fingerprint(raw: RawMessage) -> str:
    head, gap, text = bytes(raw.data).partition(b"\n\n")
    return digest(_CHANGING.sub(b"", head + gap[:1]), text)[:_DIGITS]


def _most(source: Source) -> int:
    return source.options.limits.memory_bytes // _SHARE_OF_MEMORY


def _too_large(most: int) -> str:
    return f"is larger than the {most >> 20} MiB that a message may be: {cure('memory_bytes')}"
