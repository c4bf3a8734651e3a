"""What a file is by its bytes, where its name says nothing or is wrong."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from docindex.loaders.media_types import (
    BZIP2,
    CODE,
    DOCX,
    EMAIL,
    EPUB,
    EXCEL_97,
    GZIP,
    HTML,
    MBOX,
    ODP,
    ODS,
    ODT,
    OPEN_DOCUMENT,
    PDF,
    POWERPOINT_97,
    PPTX,
    RTF,
    SEVEN_ZIP,
    SHEETS,
    SLIDES,
    SQLITE,
    SUBTITLES,
    SVG,
    TAR,
    TEXT,
    UNREAD,
    WORD,
    WORD_97,
    XLSX,
    XML,
    XZ,
    ZIP,
    ZSTD,
)

HEAD = 4096
"""How many bytes of a file tell what it is."""

_TAIL = 1 << 16
_OLE2 = "application/x-ole-storage"
_ENCRYPTED_OFFICE = "application/x-encrypted-office"

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", PDF),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\x1f\x8b\x08", GZIP),
    (b"\xfd7zXZ\x00", XZ),
    (b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (b"\x28\xb5\x2f\xfd", ZSTD),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"{\\rtf", RTF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE2),
    (b"SQLite format 3\x00", SQLITE),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x7fELF", "application/octet-stream"),
    (b"PAR1", "application/vnd.apache.parquet"),
)
_BZIP2 = re.compile(rb"BZh[1-9]1AY&SY")
_OPEN_DOCUMENT = re.compile(rb"application/(?:epub\+zip|vnd\.oasis\.opendocument\.[a-z-]+)")
_OFFICE_PARTS = ((b"word/document.xml", DOCX), (b"xl/workbook.", XLSX), (b"ppt/presentation.xml", PPTX))
_OLE2_STREAMS = (("EncryptedPackage", _ENCRYPTED_OFFICE), ("WordDocument", WORD_97), ("Workbook", EXCEL_97),
                 ("PowerPoint Document", POWERPOINT_97), ("Book", EXCEL_97))  # fmt: skip

_ZIPPED = frozenset((ZIP, EPUB, *WORD.values(), *SLIDES.values(), *SHEETS.values(), *OPEN_DOCUMENT.values())) - {
    EXCEL_97
}
_PACKAGES = frozenset((UNREAD[".jar"], UNREAD[".whl"]))
_ALIKE = (
    frozenset(WORD.values()),
    frozenset(SLIDES.values()),
    frozenset(SHEETS.values()) - {EXCEL_97, ODS},
    frozenset((ODT, OPEN_DOCUMENT[".ott"])),
    frozenset((ODP, OPEN_DOCUMENT[".otp"])),
)
"""Types that can't be told apart by their signatures, or need not be."""
_OLD_OFFICE = frozenset((WORD_97, EXCEL_97, POWERPOINT_97))
_ENCRYPTABLE = frozenset((*WORD.values(), *SLIDES.values(), *SHEETS.values()))
_SIGNED = _ZIPPED | _OLD_OFFICE | {PDF, GZIP, BZIP2, XZ, RTF}
"""Types whose files begin with a signature, so that one without it has the wrong name."""

_UNICODE_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_NOT_TEXT = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
_PDF_OBJECT = re.compile(rb"\d obj\b|%%EOF|startxref")
_MBOX = re.compile(rb"From \S+ .*\d\d:\d\d.*\r?\n(?:>?From |[A-Za-z][\w-]*:)")
_HEADER = re.compile(rb"^([A-Za-z][\w-]*):[ \t]", re.MULTILINE)
_HEADER_LINES = re.compile(rb"(?:[A-Za-z][\w-]*:(?:[ \t].*)?\r?\n(?:[ \t].*\r?\n)*){3}")
_MAIL_HEADERS = frozenset((b"message-id", b"received", b"mime-version", b"return-path", b"delivered-to"))
_INTERPRETER = re.compile(rb"#! ?\S*?/(?:env (?:-S )?)?([a-z]+)[\d.]*(?:\s|$)")
_INTERPRETERS = {
    b"python": CODE[".py"],
    b"node": CODE[".js"],
    b"ruby": CODE[".rb"],
    b"php": CODE[".php"],
    **dict.fromkeys((b"sh", b"bash", b"dash", b"ksh"), CODE[".sh"]),
    b"perl": "text/x-perl",
}


def corrected(path: Path, named: str | None) -> str | None:
    """The media type of a file: the one that its name stands for, unless its bytes contradict it.

    None is binary data of an unknown type.

    Raises:
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        return named or TEXT
    found = _by_signature(path, head)
    if named is None:
        return found or _by_words(head)
    if found is not None:
        return named if _agree(named, found) else found
    if named in _SIGNED and _is_plain(head) and not (named == PDF and _PDF_OBJECT.search(head)):
        return _by_words(head)
    return named


def _by_signature(path: Path, head: bytes) -> str | None:
    found = next((media_type for mark, media_type in _SIGNATURES if head.startswith(mark)), None)
    if found == ZIP:
        return _inside_zip(path, head)
    if found == _OLE2:
        return _inside_ole2(path, head)
    if found is None and _BZIP2.match(head):
        return BZIP2
    if found is None and head[257:262] == b"ustar":
        return TAR
    return found


def _agree(named: str, found: str) -> bool:
    """Whether a file with these bytes may well have that name."""
    if found == ZIP:  # a package without the parts that it needs is a damaged one
        return named in _ZIPPED or named in _PACKAGES
    if found == _ENCRYPTED_OFFICE:
        return named in _ENCRYPTABLE
    if found == _OLE2:
        return named in _OLD_OFFICE
    if named == TAR:
        return found in (GZIP, BZIP2, XZ, TAR)
    return named == found or any(named in group and found in group for group in _ALIKE)


def _inside_zip(path: Path, head: bytes) -> str:
    if head[30:38] == b"mimetype" and (kind := _OPEN_DOCUMENT.match(head, 38)):
        return kind[0].decode()
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        names = head + file.read(_TAIL)  # the directory is at the end
    if b"[Content_Types].xml" in names:
        return next((media_type for part, media_type in _OFFICE_PARTS if part in names), ZIP)
    return ZIP


def _inside_ole2(path: Path, head: bytes) -> str:
    """By the names of its streams, which the first sector of its directory is likely to hold."""
    sector = 1 << min(int.from_bytes(head[30:32], "little"), 16)
    with path.open("rb") as file:
        file.seek((int.from_bytes(head[48:52], "little") + 1) * sector)
        names = file.read(HEAD)
    return next((kind for name, kind in _OLE2_STREAMS if name.encode("utf-16-le") in names), _OLE2)


def _is_plain(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return not _NOT_TEXT.search(head)


def _by_words(head: bytes) -> str | None:
    """What a file without a signature is; text, unless it is binary data."""
    text = head.removeprefix(codecs.BOM_UTF8)
    start = text.lstrip()[:64].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return HTML
    if b"\0" in head and not head.startswith(_UNICODE_BOMS):
        return None
    if start.startswith(b"<?xml"):
        words = text.lower()
        return HTML if b"<html" in words else SVG if b"<svg" in words else XML
    if text.startswith(b"WEBVTT"):
        return SUBTITLES
    if _MBOX.match(text):
        return MBOX
    if _is_mail(text):
        return EMAIL
    if interpreter := _INTERPRETER.match(text):
        return _INTERPRETERS.get(interpreter[1], TEXT)
    return TEXT


def _is_mail(text: bytes) -> bool:
    if not _HEADER_LINES.match(text):
        return False
    head = re.split(rb"\r?\n\r?\n", text, maxsplit=1)[0]
    names = {name.lower() for name in _HEADER.findall(head)}
    return bool(names & _MAIL_HEADERS) and b"from" in names
