from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex.errors import LoadError
from docindex.loaders import media_types as types
from docindex.loaders.registry import BUILT_IN, Format, FormatRegistry, default_registry
from docindex.protocols import LoaderRegistry
from docindex.schema import Document, Limits, LoadOptions, Problem, Source, Unread


class ShoutingLoader:
    """A third party's loader."""

    def load(self, source: Source) -> Iterator[Document]:
        yield Document(doc_id=source.name, source=source.name, text=source.path.read_text().upper())


class BoxLoader:
    """A third party's container: each line names a file beside it."""

    def __init__(self, registry: FormatRegistry) -> None:
        self.registry = registry

    def load(self, source: Source) -> Iterator[Document | Problem | Unread]:
        for name in source.path.read_text().split():
            path = source.path.parent / name
            media_type = self.registry.media_type_of(path)
            if media_type is None:
                yield Unread(f"{source.name}/{name}", "unknown")
                continue
            member = Source(f"{source.name}/{name}", path, media_type, source.options, source.depth + 1)
            try:
                yield from self.registry.load(member)
            except LoadError as error:
                yield Problem(error.source, error.reason)


BOX = Format("box", f"{__name__}:BoxLoader", {".box": "application/x-box"}, container=True)
SHOUT = Format("shouting", f"{__name__}:ShoutingLoader", {".shout": "text/x-shout"})


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.pdf", b"", "application/pdf"),
        ("A.PDF", b"", "application/pdf"),
        ("a.md", b"", "text/markdown"),
        ("a.htm", b"", "text/html"),
        ("a.csv", b"", "text/csv"),
        ("a.py", b"", "text/x-python"),
        ("a.zip", b"", "application/zip"),
        ("a.tar.gz", b"", "application/x-tar"),
        ("A.TAR.GZ", b"", "application/x-tar"),
        ("a.b.tgz", b"", "application/x-tar"),
        ("a.txt.gz", b"", "application/gzip"),
        ("a.tsx", b"", "text/x-tsx"),
        ("mail", b"Received: x\r\nFrom: a@b.example\r\nSubject: hi\r\n\r\ntext", "message/rfc822"),
        ("notes", b"Date: today\nPlace: here\nFrom: me\n\ntext", "text/plain"),
        ("box", b"From a@b.example Mon Jan  1 00:00:00 2024\nFrom: x\n\ntext", "application/mbox"),
        ("letter", b"From my point of view, 2024\nis good.", "text/plain"),
        ("doc", b"{\\rtf1 x}", "application/rtf"),
        ("feed", b'<?xml version="1.0"?>\n<rss/>', "text/xml"),
        ("page", b'<?xml version="1.0"?>\n<html xmlns="x">', "text/html"),
        ("drawing", b'<?xml version="1.0"?>\n<svg/>', "image/svg+xml"),
        ("script", b"#!/usr/bin/env python3\n", "text/x-python"),
        ("script", b"#! /bin/sh -e\n", "text/x-shellscript"),
        ("script", b"#!/usr/bin/awk -f\n", "text/plain"),
        ("captions", b"WEBVTT\n\n", "text/x-subtitles"),
        ("README", b"plain words", "text/plain"),
        ("README", b"", "text/plain"),
        ("page", b"\n  <!DOCTYPE html><p>x", "text/html"),
        ("page", b"\xef\xbb\xbf<html><p>x", "text/html"),
        ("paper", b"%PDF-1.7\n\0\0", "application/pdf"),
        ("data.bin", b"ab\0cd", None),
        ("wide", "words".encode("utf-16"), "text/plain"),
        ("a.unheard-of", "caf\xe9".encode("latin-1"), "text/plain"),
    ],
)
def test_media_types(tmp_path, name, content, media_type):
    (tmp_path / name).write_bytes(content)
    assert default_registry().media_type_of(tmp_path / name) == media_type


def packed(*members: tuple[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text, zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def old_office(*streams: str) -> bytes:
    """An OLE2 header, and a directory with these names in the sector that the header points at."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header[30:32], header[48:52] = (9).to_bytes(2, "little"), (1).to_bytes(4, "little")
    names = (name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", *streams))
    return bytes(header) + bytes(512) + b"".join(names)


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return buffer.getvalue()


CONTENT = ("[Content_Types].xml", "<Types/>")
DOCX = packed(CONTENT, ("word/document.xml", "x"))
XLSX = packed(CONTENT, *((f"xl/worksheets/sheet{n}.xml", "x" * 5000) for n in range(50)), ("xl/workbook.xml", "x"))
PPTX = packed(CONTENT, ("ppt/presentation.xml", "x"))
ODT = packed(("mimetype", types.ODT), ("content.xml", "x"))
EPUB = packed(("mimetype", types.EPUB), ("content.opf", "x"))
ZIP = packed(("a.txt", "x"))
PDF = b"%PDF-1.7\n1 0 obj\n\0\0"
HTML = b"<!DOCTYPE html><p>x"


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        *((name, DOCX, types.DOCX) for name in ("a", "a.docx", "a.txt", "a.pdf", "a.zip", "a.pptx", "a.doc")),
        *((name, XLSX, types.XLSX) for name in ("a", "a.xlsx", "a.xls", "a.csv", "a.odt")),
        *((name, PPTX, types.PPTX) for name in ("a", "a.ppt", "a.md")),
        *((name, ODT, types.ODT) for name in ("a", "a.docx", "a.odt")),
        *((name, EPUB, types.EPUB) for name in ("a", "a.zip", "a.html")),
        *((name, ZIP, types.ZIP) for name in ("a", "a.zip", "a.txt", "a.unheard-of")),
        *((name, PDF, types.PDF) for name in ("a", "a.pdf", "a.txt", "a.docx", "a.html", "a.zip", "a.jpg")),
        *((name, HTML, types.HTML) for name in ("a", "a.html", "a.pdf", "a.doc", "a.xls")),
        ("a.txt", HTML, "text/plain"),
        ("a.docm", DOCX, types.WORD[".docm"]),
        ("a.xlsb", XLSX, types.SHEETS[".xlsb"]),
        ("a.ppsx", PPTX, types.SLIDES[".ppsx"]),
        ("a.ott", ODT, types.OPEN_DOCUMENT[".ott"]),
        ("a.docx", ZIP, types.DOCX),
        ("a.jar", ZIP, "application/java-archive"),
        ("a.doc", b"{\\rtf1 x}", types.RTF),
        ("a.rtf", b"plain words", "text/plain"),
        ("a.pdf", b"plain words", "text/plain"),
        ("a.pdf", b"junk\n1 0 obj\n<<>>\nendobj", types.PDF),
        ("a.pdf", b"\x01\x02\x03", types.PDF),
        ("a.docx", b"\x01\x02\x03", types.DOCX),
        ("a.txt", b"\0\1\2\3", "text/plain"),
        ("a", old_office("Workbook"), types.EXCEL_97),
        ("a", old_office("x", "WordDocument"), types.WORD_97),
        ("a.xlsx", old_office("Workbook"), types.EXCEL_97),
        ("a.xlsx", old_office("EncryptionInfo", "EncryptedPackage"), types.XLSX),
        ("a.doc", old_office("PowerPoint Document"), types.POWERPOINT_97),
        ("a", gzip.compress(b"x", mtime=0), types.GZIP),
        ("a.txt", gzip.compress(b"x", mtime=0), types.GZIP),
        ("a.tar", gzip.compress(b"x", mtime=0), types.TAR),
        ("a", bz2.compress(b"x"), types.BZIP2),
        ("a.csv", lzma.compress(b"x"), types.XZ),
        ("a", tar(), types.TAR),
        ("a.zip", tar(), types.TAR),
        ("a.pdf", b"\x89PNG\r\n\x1a\n\0", "image/png"),
        ("a.py", b"\x7fELF\0\0", "application/octet-stream"),
        ("a.shout", PDF, "text/x-shout"),
    ],
)
def test_bytes_are_believed_where_they_contradict_the_name(tmp_path, name, content, media_type):
    (tmp_path / name).write_bytes(content)
    assert FormatRegistry((*BUILT_IN, SHOUT)).media_type_of(tmp_path / name) == media_type


def test_a_database_is_known_by_its_bytes(tmp_path):
    database = sqlite3.connect(tmp_path / "a.txt")
    database.execute("create table t (x)")
    database.close()
    assert default_registry().media_type_of(tmp_path / "a.txt") == types.SQLITE


def test_containers_read_what_lies_in_them(tmp_path):
    registry = FormatRegistry((*BUILT_IN, BOX))
    (tmp_path / "a.box").write_text("a.txt b.box missing.txt x.bin")
    (tmp_path / "a.txt").write_text("one\u200b word")
    (tmp_path / "b.box").write_text("a.txt")
    (tmp_path / "x.bin").write_bytes(b"a\0b")
    found = list(registry.load(Source("a.box", tmp_path / "a.box", "application/x-box")))
    assert [type(item) for item in found] == [Document, Document, Problem, Unread]
    one, deep, problem, unread = found
    assert isinstance(one, Document)
    assert isinstance(deep, Document)
    assert (one.doc_id, one.text, one.hidden) == ("a.box/a.txt", "one word", 1)
    assert (deep.doc_id, deep.hidden) == ("a.box/b.box/a.txt", 1)
    assert problem.source == "a.box/missing.txt"
    assert unread == Unread("a.box/x.bin", "unknown")


def test_limits(tmp_path):
    registry = FormatRegistry((*BUILT_IN, BOX))
    (tmp_path / "a.box").write_text("a.box")
    options = LoadOptions(limits=Limits(depth=3, file_bytes=100))
    found = list(registry.load(Source("a.box", tmp_path / "a.box", "application/x-box", options)))
    reason = "lies in more than 3 archives or messages: raise the limit depth (--limit depth=N)"
    problem = Problem("a.box" + "/a.box" * 4, reason)
    assert found == [problem]
    (tmp_path / "a.txt").write_text("x" * 101)
    with pytest.raises(LoadError, match="larger than 100 bytes"):
        list(registry.load(Source("a.txt", tmp_path / "a.txt", "text/plain", options)))


def test_a_file_that_can_not_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError):
        default_registry().media_type_of(tmp_path / "missing")


def test_what_is_supported():
    registry: LoaderRegistry = default_registry()
    for media_type in ("application/pdf", "text/html", "text/anything", "application/x-ndjson", "text/csv"):
        assert registry.supports(media_type)
    for media_type in ("application/zip", "application/x-tar", "message/rfc822", types.DOCX, types.ODS):
        assert registry.supports(media_type)
    for media_type in ("application/x-7z-compressed", "video/mp4", "application/octet-stream"):
        assert not registry.supports(media_type)


def test_reasons():
    registry = default_registry()
    reason = registry.unsupported_reason(Path("x/a.7z"), "application/x-7z-compressed")
    assert reason.startswith("no loader for application/x-7z-compressed (.7z): supported are PDF, HTML, Markdown, JSON")
    assert registry.unsupported_reason(Path("a"), None).startswith("holds binary data of an unknown type: supported")
    with pytest.raises(LoadError, match="no loader for video/mp4"):
        registry.loader_for(Source("a.mp4", Path("a.mp4"), "video/mp4"))


def test_every_built_in_format_has_its_loader():
    registry = default_registry()
    for entry in BUILT_IN:
        for media_type in {*entry.suffixes.values(), *entry.media_types}:
            loader = registry.loader_for(Source("a", Path("a"), media_type))
            assert type(loader).__name__ == entry.loader.partition(":")[2]
            assert registry.loader_for(Source("b", Path("b"), media_type)) is loader


def test_planning_imports_no_parser():
    script = (
        "import sys; from pathlib import Path; from docindex.loaders.registry import default_registry\n"
        "registry = default_registry()\n"
        "for name in ('a.pdf', 'a.html', 'a.zip'):\n"
        "    registry.supports(registry.media_type_of(Path(name)))\n"
        "heavy = {'pypdf', 'pypdfium2', 'selectolax', 'markdown_it', 'charset_normalizer', 'lxml', 'tree_sitter'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_format_of_ones_own(tmp_path):
    (tmp_path / "a.shout").write_text("hello")
    registry = FormatRegistry((*BUILT_IN, SHOUT))
    media_type = registry.media_type_of(tmp_path / "a.shout")
    assert media_type == "text/x-shout"
    documents = list(registry.load(Source("a.shout", tmp_path / "a.shout", media_type)))
    assert [document.text for document in documents] == ["HELLO"]


def test_formats_of_installed_packages(tmp_path, monkeypatch, caplog):
    package = tmp_path / "site"
    (package / "shouting-1.0.dist-info").mkdir(parents=True)
    (package / "shouting-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n"
    )
    (package / "shouting-1.0.dist-info" / "entry_points.txt").write_text(
        "[docindex.loaders]\nshout = shouting_formats:SHOUT\nbroken = no_such_module:X\nwrong = shouting_formats:NAME\n"
    )
    (package / "shouting_formats.py").write_text(
        "from docindex.loaders.registry import Format\n"
        "NAME = 'shouting'\n"
        "SHOUT = Format(NAME, 'shouting_loader:ShoutingLoader', {'.shout': 'text/x-shout'})\n"
    )
    (package / "shouting_loader.py").write_text(
        "from docindex.schema import Document\n"
        "class ShoutingLoader:\n"
        "    def load(self, source):\n"
        "        yield Document(doc_id=source.name, source=source.name, text=source.path.read_text().upper())\n"
    )
    monkeypatch.syspath_prepend(str(package))
    (tmp_path / "a.shout").write_text("hello")
    registry = default_registry()
    source = Source("a.shout", tmp_path / "a.shout", registry.media_type_of(tmp_path / "a.shout") or "")
    assert [document.text for document in registry.load(source)] == ["HELLO"]
    assert "broken" in caplog.text
    assert "shouting_formats:NAME" in caplog.text
    for module in ("shouting_formats", "shouting_loader"):
        sys.modules.pop(module, None)
