"""One message: its text as a document, then what came with it."""

from __future__ import annotations

import email
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from docindex.errors import LoadError
from docindex.loaders.decoding import decode
from docindex.loaders.joining import JoinedText
from docindex.loaders.limits import cure
from docindex.loaders.mail_flowed import unflow
from docindex.loaders.mail_headers import POLICY, Mail, header_lines, header_metadata, is_mail, subject
from docindex.loaders.mail_parts import Attachment, TextPart, body_format, sort_parts
from docindex.loaders.members import Members
from docindex.protocols import Loaded, LoaderRegistry
from docindex.schema import Document, Problem, Source, Unread

NO_MAIL = "has none of the headers of an e-mail message"

_ARMOR = "-----BEGIN PGP MESSAGE-----"
_NO_STUB = 200
"""So many words of plain text are surely the whole message."""
_STUB = 3
"""Plain text with so many times fewer words than the HTML beside it says only that there is HTML."""
_PACKED = ("base64", "quoted-printable")


def read_message(source: Source, message: Mail, registry: LoaderRegistry) -> Iterator[Loaded]:
    """The message as a document, then its attachments, each below its name.

    Raises:
        LoadError: It can't be made sense of, or its attachments unpack to more than the limits allow.
    """
    members = Members(source, registry)
    told: list[Loaded] = []
    try:
        parts = sort_parts(message)
        body = JoinedText()
        body.add_text("\n".join(header_lines(message)))
        for text in parts.texts:
            _add_text(source, text, body, members, registry, told)
        document = body.document(source, title=subject(message), metadata=header_metadata(message))
    except RecursionError as error:
        raise LoadError(source.name, "its parts are nested too deeply") from error
    yield document
    yield from told
    for attachment in parts.attachments:
        yield from _attachment(source, attachment, members, registry)


def _add_text(
    source: Source, text: TextPart, body: JoinedText, members: Members, registry: LoaderRegistry, told: list[Loaded]
) -> None:
    try:
        for document in _text(source, text, members, registry):
            body.add(document)
    except LoadError as error:
        told.append(Problem(members.name("text"), error.reason))
    except _EncryptedError:
        told.append(Unread(members.name("text"), "is encrypted (PGP): decrypt the message first"))


class _EncryptedError(Exception):
    """The text is encrypted."""


def _text(source: Source, text: TextPart, members: Members, registry: LoaderRegistry) -> list[Document]:
    """The form of the text that says more: the plain one unless it is a stub."""
    plain = [] if text.plain is None else [_plain(source, text.plain)]
    words = sum(len(document.text.split()) for document in plain)
    if not text.rich or words >= _NO_STUB:
        return plain
    rich: list[Document] = []
    for part in text.rich:
        html = part.get_content_type() == "text/html"
        rich += _html(source, part, members, registry) if html else [_plain(source, part)]
    return rich if words * _STUB < sum(len(document.text.split()) for document in rich) else plain


def _plain(source: Source, part: Mail) -> Document:
    if part.get_content_type() == "message/delivery-status":
        payload = part.get_payload()
        blocks = [child for child in payload if not isinstance(child, str)] if isinstance(payload, list) else []
        written = "\n\n".join("\n".join(f"{name}: {value}" for name, value in block.items()) for block in blocks)
    else:
        written = _decoded(source, part)
        flowed, delete_space = body_format(part)
        if flowed:
            written = unflow(written, delete_space=delete_space)
    if written.lstrip().startswith(_ARMOR):
        raise _EncryptedError
    return Document(doc_id="", source="", text=written.strip("\n").rstrip())


def _html(source: Source, part: Mail, members: Members, registry: LoaderRegistry) -> list[Document]:
    with TemporaryDirectory(prefix="docindex-") as folder:
        path = Path(folder) / "message.html"
        path.write_text(_decoded(source, part), encoding="utf-8-sig")  # the mark goes before what the page declares
        page = replace(members.member(source.name, path, "text/html"), depth=source.depth)
        return [item for item in registry.load(page) if isinstance(item, Document)]


def _decoded(source: Source, part: Mail) -> str:
    try:
        charset = part.get_content_charset()
    except (LookupError, ValueError, TypeError):
        charset = None
    return decode(source, _content(part), charset)


def _content(part: Mail) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        payload = part.get_payload()
    return payload if isinstance(payload, bytes) else str(payload or "").encode("utf-8", "surrogateescape")


def _attachment(source: Source, attachment: Attachment, members: Members, registry: LoaderRegistry) -> Iterator[Loaded]:
    name = members.name(attachment.name)
    if attachment.unread is not None:
        yield Unread(name, attachment.unread)
    elif attachment.part.is_multipart():
        yield from _attached_message(source, name, attachment.part, members, registry)
    elif content := _content(attachment.part):
        yield from members.load(name, io.BytesIO(content))
    else:
        yield Unread(name, "empty file")


def _attached_message(
    source: Source, name: str, part: Mail, members: Members, registry: LoaderRegistry
) -> Iterator[Loaded]:
    """Read where it is, since writing a parsed message out again may change or break it."""
    inner = members.member(name, source.path, "message/rfc822")
    depth = source.options.limits.depth
    if inner.depth > depth:
        yield Problem(name, f"lies in more than {depth} archives or messages: {cure('depth')}")
        return
    payload = part.get_payload()
    message = payload[0] if isinstance(payload, list) and payload else None
    if message is None or isinstance(message, str):
        yield Unread(name, "empty file")
        return
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding in _PACKED and not is_mail(message):
        message["content-transfer-encoding"] = encoding
        message = email.message_from_bytes(_content(message), policy=POLICY)
    if not is_mail(message):
        yield Problem(name, NO_MAIL)
        return
    try:
        yield from read_message(inner, message, registry)
    except LoadError as error:
        if error.source == members.outermost:
            raise
        yield Problem(error.source, error.reason)
