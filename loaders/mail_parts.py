"""What the parts of a message are for: its text, files that came with it, or neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from mimetypes import MimeTypes

from docindex.loaders.mail_headers import Mail, header_text

_TEXTS = ("text/plain", "text/html")
_SMIME = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_PGP_KEYS = "application/pgp-keys"
_MESSAGES = ("message/rfc822", "message/global", "message/news")


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of the message's text, in one form or in two."""

    plain: Mail | None
    rich: tuple[Mail, ...] = ()
    """The same as HTML, which may be in several parts; or the only form."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with the message."""

    name: str
    part: Mail
    unread: str | None = None
    """Why it is passed over."""


@dataclass(slots=True)
class Parts:
    """The parts of a message, each list in their order."""

    texts: list[TextPart] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)


def sort_parts(message: Mail) -> Parts:
    """What each part is for.

    Raises:
        RecursionError: They are nested more deeply than anybody nests them.
    """
    sorting = _Sorting()
    sorting.take(message)
    return sorting.parts


class _Sorting:
    def __init__(self) -> None:
        self.parts = Parts()
        self._types = MimeTypes()  # as Python knows them, whatever the machine does

    def take(self, part: Mail) -> None:
        kind = part.get_content_type()
        match kind:
            case "multipart/alternative":
                self._take_alternatives(_children(part))
            case "multipart/related":
                self._take_related(part)
            case "multipart/encrypted":
                self._attach(part, "encrypted", "is encrypted (PGP): decrypt the message first")
            case "message/delivery-status":
                self.parts.texts.append(TextPart(part))
            case _ if kind in _MESSAGES and part.is_multipart():
                self._attach(part)
            case _ if kind in _SMIME:
                signed = part.get_param("smime-type") == "signed-data"
                reason = (
                    "its text is inside an S/MIME signature" if signed else "is encrypted (S/MIME): decrypt it first"
                )
                self._attach(part, "smime", reason)
            case _ if kind in _SIGNATURES or kind == _PGP_KEYS:
                self._attach(part, "signature", "a signature or key")
            case _ if part.is_multipart():
                for child in _children(part):
                    self.take(child)
            case _:
                self._take_leaf(part, kind)

    def _take_leaf(self, part: Mail, kind: str) -> None:
        broken = kind.startswith("multipart/")  # a container whose parts can't be told apart
        named = part.get_content_disposition() == "attachment" or _file_name(part)
        if broken or (kind in _TEXTS and not named):
            text = TextPart(None, (part,)) if kind == "text/html" else TextPart(part)
            self.parts.texts.append(text)
        elif part.get_content_disposition() == "inline" and kind.startswith("image/"):
            self._attach(part, unread="an image in the text")
        else:
            self._attach(part)

    def _take_alternatives(self, children: list[Mail]) -> None:
        """All of them say the same. The last is the richest; files may lie beside the text in it."""
        plain = next((child for child in children if child.get_content_type() == "text/plain"), None)
        rich: tuple[Mail, ...] = ()
        for child in children:
            if child is plain:
                continue
            if child.get_content_type() not in _TEXTS and not child.is_multipart():
                self._attach(child)  # such as the calendar entry of an invitation
                continue
            inner = sort_parts(child)
            self.parts.attachments += inner.attachments
            found = tuple(part for text in inner.texts for part in (text.rich or (text.plain,)) if part is not None)
            rich = found or rich
        if plain is not None or rich:
            self.parts.texts.append(TextPart(plain, rich))

    def _take_related(self, part: Mail) -> None:
        children = _children(part)
        start = part.get_param("start")
        root = next((child for child in children if start and child.get("content-id") == start), None)
        for number, child in enumerate(children):
            if child is root or (root is None and number == 0):
                self.take(child)
            elif child.get_content_maintype() == "image":
                self._attach(child, unread="an image in the text")
            else:
                self.take(child)

    def _attach(self, part: Mail, fallback: str | None = None, unread: str | None = None) -> None:
        number = len(self.parts.attachments) + 1
        kind = part.get_content_type()
        suffix = ".eml" if kind in _MESSAGES else self._types.guess_extension(kind) or ""
        name = _file_name(part) or f"{fallback or part.get_content_maintype()}-{number}{suffix}"
        self.parts.attachments.append(Attachment(name, part, unread))


def body_format(part: Mail) -> tuple[bool, bool]:
    """Whether the text is flowed, and whether the space at the end of its lines is no part of it."""
    flowed = str(part.get_param("format", "")).lower() == "flowed"
    return flowed, str(part.get_param("delsp", "")).lower() == "yes"


def _children(part: Mail) -> list[Mail]:
    payload = part.get_payload()
    return [child for child in payload if not isinstance(child, str)] if isinstance(payload, list) else []


def _file_name(part: Mail) -> str:
    try:
        return header_text(part.get_filename() or "").replace("/", "_").replace("\\", "_")
    except (ValueError, LookupError, TypeError):
        return ""
