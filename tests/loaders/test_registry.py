from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex.errors import LoadError
from docindex.loaders.registry import BUILT_IN, Format, FormatRegistry, default_registry
from docindex.protocols import LoaderRegistry
from docindex.schema import Document, Source


class ShoutingLoader:
    """A third party's loader."""

    def load(self, source: Source) -> Iterator[Document]:
        yield Document(doc_id=source.name, source=source.name, text=source.path.read_text().upper())


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


def test_a_file_that_can_not_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError):
        default_registry().media_type_of(tmp_path / "missing")


def test_what_is_supported():
    registry: LoaderRegistry = default_registry()
    for media_type in ("application/pdf", "text/html", "text/anything", "application/x-ndjson", "text/csv"):
        assert registry.supports(media_type)
    for media_type in ("application/zip", "image/png", "application/octet-stream"):
        assert not registry.supports(media_type)


def test_reasons():
    registry = default_registry()
    reason = registry.unsupported_reason(Path("x/a.zip"), "application/zip")
    assert reason.startswith("no loader for application/zip (.zip): supported are PDF, HTML, Markdown, JSON")
    assert registry.unsupported_reason(Path("a"), None).startswith("holds binary data of an unknown type: supported")
    with pytest.raises(LoadError, match="no loader for image/png"):
        registry.loader_for(Source("a.png", Path("a.png"), "image/png"))


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
        "heavy = {'pypdf', 'pypdfium2', 'selectolax', 'markdown_it', 'charset_normalizer'} & set(sys.modules)\n"
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
