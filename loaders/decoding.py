"""From bytes in any encoding to clean text: one line ending, no control characters, no lone surrogates."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from charset_normalizer import from_bytes

from docindex.errors import LoadError
from docindex.schema import Source

_WINDOW = 1 << 16
"""Bytes that a guess is made from."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_CANDIDATES = [
    *("cp1252", "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("cp932", "euc_jp", "gb18030", "big5", "euc_kr", "utf_16_le", "utf_16_be"),
]
"""What files are written in. Among all of Python's encodings, short Latin-1 texts come out as Mac or DOS."""

_AS_MEANT = {
    **dict.fromkeys(("ascii", "us-ascii", "iso-8859-1", "iso8859-1", "latin-1", "latin1"), "cp1252"),
    **dict.fromkeys(("utf-16", "utf-16le", "utf-16be", "unicode"), "utf-8"),
}
"""What a label stands for when it could be read as ASCII: the web's rules."""

_LINE_ENDS = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|.\x08")
"""Terminal colours, and letters struck twice to look bold."""
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def clean(text: str) -> str:
    r"""The text with `\n` as its only line end, and without control characters and lone surrogates."""
    text = _LINE_ENDS.sub("\n", text)
    if "\x1b" in text or "\x08" in text:
        text = _ESCAPES.sub("", text)
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def read_bytes(source: Source) -> bytes:
    """The file's bytes.

    Raises:
        LoadError: The file can't be read.
    """
    with reading(source):
        return source.path.read_bytes()


def read_text(source: Source) -> str:
    """The file's text, cleaned.

    Raises:
        LoadError: The file can't be read or does not hold text.
    """
    return decode(source, read_bytes(source))


def decode(source: Source, data: bytes, declared: str | None = None) -> str:
    """The bytes as clean text. The encoding that they claim is believed unless it fits less well than UTF-8.

    Raises:
        LoadError: They do not hold text.
    """
    encoding = _from_bom(data) or _declared(declared, data) or _detect(source, data)
    return clean(data.decode(encoding, "replace"))


def open_text(source: Source) -> TextIO:
    """The file opened as text, line ends as they are; lines still need `clean`. The file is never held whole.

    Raises:
        LoadError: The file can't be read or does not hold text.
    """
    with reading(source):
        encoding = _detect_in_file(source)
        return source.path.open(encoding=encoding, errors="replace", newline="")


@contextmanager
def reading(source: Source) -> Iterator[None]:
    """Turns what the operating system says about the file into a LoadError."""
    try:
        yield
    except OSError as error:
        raise LoadError(source.name, f"can't be read: {error.strerror or error}") from error


def _detect_in_file(source: Source) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with source.path.open("rb") as file:
        head = file.read(_WINDOW)
        if bom := _from_bom(head):
            return bom
        _refuse_binary(source, head)
        block = head
        while block:
            at = file.tell() - len(block)
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                file.seek(max(0, at + error.start - _WINDOW // 16))
                return _guess(source, file.read(_WINDOW))
            block = file.read(_WINDOW * 16)
    return "utf-8"


def _detect(source: Source, data: bytes) -> str:
    _refuse_binary(source, data[:_WINDOW])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        start = max(0, error.start - _WINDOW // 16)
        return _guess(source, data[start : start + _WINDOW])
    return "utf-8"


def _from_bom(data: bytes) -> str | None:
    return next((encoding for mark, encoding in _BOMS if data.startswith(mark)), None)


def _declared(declared: str | None, data: bytes) -> str | None:
    if declared is None or (not data.isascii() and _decodes(data, "utf-8")):
        return None  # text that is valid UTF-8 by chance is rarer than a wrong label
    encoding = _AS_MEANT.get(declared.lower(), declared)
    return encoding if _decodes(data, encoding) else None


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except (LookupError, ValueError):
        return False
    return True


def _refuse_binary(source: Source, head: bytes) -> None:
    """NUL bytes are text only as the empty halves of UTF-16, or as a few stray ones."""
    nul = head.count(0)
    if nul * 100 > len(head) + 200 and not _utf16_halves(head):
        raise LoadError(source.name, "holds binary data, not text")


def _utf16_halves(head: bytes) -> bool:
    low, high = head[0::2].count(0), head[1::2].count(0)
    return max(low, high) * 5 > len(head) and min(low, high) * 20 < max(low, high)


def _guess(source: Source, window: bytes) -> str:
    """The likeliest encoding of bytes that are not valid UTF-8 throughout."""
    window = _whole_lines(window)
    replaced = window.decode("utf-8", "replace")
    bad = replaced.count("\ufffd")
    if sum(character > "\x7f" for character in replaced) - bad >= 10 * bad:
        return "utf-8"  # but for a few damaged bytes
    matches = from_bytes(window, cp_isolation=_CANDIDATES, threshold=0.3)
    best = matches.best()
    if best is None:
        raise LoadError(source.name, "holds binary data, or text in an unknown encoding: save it as UTF-8")
    encoding = best.encoding
    for match in matches:
        # Where two fit about as well, Western European is the likelier one: the guesser weighs only letters.
        western = "cp1252" in (match.encoding, *match.could_be_from_charset)
        if western and match.chaos <= best.chaos + 0.05 and match.coherence >= best.coherence - 0.05:
            encoding = "cp1252"
            break
    text = window.decode(encoding, "replace")
    if len(_CONTROLS.findall(text)) * 50 > len(text):
        raise LoadError(source.name, "holds binary data, not text")
    return encoding


def _whole_lines(window: bytes) -> bytes:
    """Without the part lines at both ends, which may begin or end inside a character."""
    first, last = window.find(b"\n"), window.rfind(b"\n")
    return window[first + 1 : last] if len(window) >= _WINDOW // 2 and 0 <= first < last else window
