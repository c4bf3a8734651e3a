"""Office files of any maker: looked at before a parser opens them, and refused with the reason where it can't."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TypeVar

from lxml import etree

from docindex.errors import LoadError
from docindex.loaders.decoding import reading
from docindex.loaders.limits import check_file_size, open_zip, read_member
from docindex.schema import Source

Package = TypeVar("Package")

COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How the container of the formats before 2007 begins; encrypted files of newer ones are put in one, too."""

ENCRYPTED = "is encrypted: remove the password, or save it without one"

_STRICT = b"http://purl.oclc.org/ooxml/"
"""How the names of relationships begin in the form of Open XML that hardly any program writes."""
_STREAMS = {
    "EncryptedPackage": ENCRYPTED,
    "WordDocument": "is a Word document of the format before 2007: save it as .docx",
    "PowerPoint Document": "is a presentation of the format before 2007: save it as .pptx",
    "Workbook": "is an Excel workbook of the format before 2007: rename it to .xls",
    "Book": "is an Excel workbook of the format before 2007: rename it to .xls",
}


def xml_root(data: bytes) -> etree._Element:
    """The root of an XML part, without comments. Entities are left out, and nothing outside the part is read.

    Raises:
        etree.XMLSyntaxError: It is not well-formed, or nested deeper than any office program nests.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(data, parser)
    etree.strip_elements(root, etree.Entity, with_tail=False)
    return root


@contextmanager
def parsing(source: Source, kind: str) -> Iterator[None]:
    """Turns whatever a parser makes of a damaged file into a LoadError; `kind` is what the file should be."""
    try:
        with reading(source):
            yield
    except (LoadError, MemoryError):
        raise
    except RecursionError as error:
        raise LoadError(source.name, "is nested too deeply") from error
    except Exception as error:
        raise LoadError(source.name, f"is damaged: it can't be read as {kind}") from error


def open_office_zip(source: Source, kind: str) -> zipfile.ZipFile:
    """The ZIP that an office file is, its size and directory checked.

    Raises:
        LoadError: It is none, is encrypted, or exceeds a limit.
    """
    check_file_size(source)
    with reading(source), source.path.open("rb") as file:
        refuse_compound(source, file, kind)
        file.seek(0)
        start = file.read(4)
    if not start:
        raise LoadError(source.name, "is empty")
    if start[:2] != b"PK":
        raise LoadError(source.name, f"is not {kind}")
    return open_zip(source)


def refuse_compound(source: Source, file: IO[bytes], kind: str) -> None:
    """Says what a file of the container of the older formats is, instead of `kind`.

    Raises:
        LoadError: It is such a file.
    """
    streams = compound_streams(file)
    if streams is not None:
        reasons = (reason for stream, reason in _STREAMS.items() if stream in streams)
        raise LoadError(source.name, next(reasons, f"is not {kind}"))


def compound_streams(file: IO[bytes]) -> frozenset[str] | None:
    """The names that the first sectors of the container's directory hold; None where the file is no such container."""
    head = file.read(512)
    if not head.startswith(COMPOUND):
        return None
    sector = 1 << min(int.from_bytes(head[0x1E:0x20], "little"), 16)
    file.seek((int.from_bytes(head[0x30:0x34], "little") + 1) * sector)
    directory = file.read(max(sector, 4096))
    names = (directory[at : at + 64].decode("utf-16-le", "replace") for at in range(0, len(directory), 128))
    return frozenset(name.partition("\0")[0] for name in names)


def load_package(source: Source, kind: str, load: Callable[[IO[bytes]], Package]) -> Package:
    """The package, loaded by a library that takes an open file.

    Raises:
        LoadError: The file can't be read.
    """
    with open_office_zip(source, kind) as archive, parsing(source, kind):
        names = set(archive.namelist())
        if not {"[Content_Types].xml", "_rels/.rels"} <= names:
            raise LoadError(source.name, f"is not {kind}")
        if _STRICT in read_member(source, archive, "_rels/.rels"):
            raise LoadError(source.name, "is in the strict form of Open XML: save it in the ordinary form")
        mended = _without_dangling(source, archive, names)
        if mended:
            return load(_repacked(source, archive, mended))
        with source.path.open("rb") as file:
            return load(file)


def _without_dangling(source: Source, archive: zipfile.ZipFile, names: set[str]) -> dict[str, bytes]:
    """The relationship parts that name members that there are not, without those: the libraries stumble over them."""
    mended = {}
    for name in names:
        if not name.endswith(".rels"):
            continue
        root = xml_root(read_member(source, archive, name))
        folder = posixpath.dirname(posixpath.dirname(name))
        dangling = [
            relation
            for relation in root
            if relation.get("TargetMode") != "External"
            and posixpath.normpath(posixpath.join("/", folder, relation.get("Target") or "")).lstrip("/") not in names
        ]
        for relation in dangling:
            root.remove(relation)
        if dangling:
            mended[name] = etree.tostring(root)
    return mended


def _repacked(source: Source, archive: zipfile.ZipFile, mended: dict[str, bytes]) -> IO[bytes]:
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as writer:
        for name in dict.fromkeys(archive.namelist()):
            writer.writestr(name, mended[name] if name in mended else read_member(source, archive, name))
    copy.seek(0)
    return copy
