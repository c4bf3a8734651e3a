"""Which loader reads what. Choosing one imports no parser: a format names its loader, and using it imports it.

A third party adds a format with an entry point in the group `docindex.loaders` whose object is a `Format`:

    [project.entry-points."docindex.loaders"]
    epub = "my_package.formats:EPUB"
"""

from __future__ import annotations

import codecs
import importlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from docindex.errors import LoadError
from docindex.loaders.media_types import PLAIN_TEXT, UNREAD
from docindex.protocols import Loader
from docindex.schema import Document, Source

ENTRY_POINT_GROUP = "docindex.loaders"

_HEAD = 4096
_UNICODE_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)

logger = logging.getLogger("docindex.loaders")


@dataclass(frozen=True, slots=True)
class Format:
    """A family of file types and who reads it."""

    name: str
    """As the report lists it: "PDF"."""
    loader: str
    """`module:Class`; the class is called without arguments when the first such file is read."""
    suffixes: Mapping[str, str]
    """Lower-case suffix with its dot, and the media type that it stands for."""
    media_types: tuple[str, ...] = ()
    """Further media types; `text/*` is whatever text no other format claims."""


BUILT_IN = (
    Format("PDF", "docindex.loaders.pdf:PdfLoader", {".pdf": "application/pdf"}),
    Format(
        "HTML",
        "docindex.loaders.html:HtmlLoader",
        dict.fromkeys((".html", ".htm", ".xhtml"), "text/html"),
        ("application/xhtml+xml",),
    ),
    Format(
        "Markdown",
        "docindex.loaders.markdown:MarkdownLoader",
        dict.fromkeys((".md", ".markdown", ".mdx", ".mkd", ".rmd", ".qmd"), "text/markdown"),
    ),
    Format("JSON", "docindex.loaders.json_files:JsonLoader", {".json": "application/json"}),
    Format(
        "JSON Lines",
        "docindex.loaders.json_files:JsonLinesLoader",
        dict.fromkeys((".jsonl", ".ndjson"), "application/x-ndjson"),
    ),
    Format("CSV", "docindex.loaders.csv_files:CsvLoader", {".csv": "text/csv", ".tsv": "text/tab-separated-values"}),
    Format("plain text", "docindex.loaders.text:TextLoader", PLAIN_TEXT, ("text/*",)),
)


class FormatRegistry:
    """Formats by suffix and media type; where two claim the same one, the later has it."""

    def __init__(self, formats: Sequence[Format]) -> None:
        self._formats = tuple(formats)
        self._types = {suffix: media_type for entry in formats for suffix, media_type in entry.suffixes.items()}
        self._readers = {
            media_type: entry for entry in formats for media_type in (*entry.suffixes.values(), *entry.media_types)
        }
        self._loaders: dict[str, Loader] = {}

    def media_type_of(self, path: Path) -> str | None:
        """The media type by the file's suffix, or by its first bytes; None is binary data of an unknown type.

        Raises:
            OSError: The suffix says nothing and the file can't be opened.
        """
        suffix = path.suffix.lower()
        known = self._types.get(suffix) or UNREAD.get(suffix)
        if known:
            return known
        with path.open("rb") as file:
            return _sniff(file.read(_HEAD))

    def supports(self, media_type: str) -> bool:
        """Whether a loader reads the type; nothing is imported."""
        return self._format(media_type) is not None

    def unsupported_reason(self, path: Path, media_type: str | None) -> str:
        """Why a file is passed over, for the report."""
        suffix = f" ({path.suffix})" if path.suffix else ""
        what = f"no loader for {media_type}{suffix}" if media_type else f"holds binary data of an unknown type{suffix}"
        return f"{what}: supported are {', '.join(entry.name for entry in self._formats)}"

    def loader_for(self, source: Source) -> Loader:
        """The loader of the source's media type, made when it is first asked for.

        Raises:
            LoadError: No loader reads the type.
        """
        entry = self._format(source.media_type)
        if entry is None:
            raise LoadError(source.name, self.unsupported_reason(source.path, source.media_type))
        if entry.loader not in self._loaders:
            module, _, name = entry.loader.partition(":")
            self._loaders[entry.loader] = cast("Loader", getattr(importlib.import_module(module), name)())
        return self._loaders[entry.loader]

    def load(self, source: Source) -> Iterator[Document]:
        """The documents in a file, by the loader of its media type.

        Raises:
            LoadError: The file can't be read; what was yielded before is sound.
        """
        yield from self.loader_for(source).load(source)

    def _format(self, media_type: str) -> Format | None:
        family = media_type.partition("/")[0]
        return self._readers.get(media_type) or self._readers.get(f"{family}/*")


def default_registry() -> FormatRegistry:
    """The built-in formats and those of installed packages."""
    return FormatRegistry((*BUILT_IN, *_installed_formats()))


def _installed_formats() -> Iterator[Format]:
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        try:
            found = entry.load()
        except Exception as error:  # noqa: BLE001 - a broken package must not stop the formats that work
            logger.warning("The file format %s of an installed package can't be used: %s", entry.name, error)
            continue
        if isinstance(found, Format):
            yield found
        else:
            logger.warning("The entry point %s is not a docindex.loaders.registry.Format", entry.value)


def _sniff(head: bytes) -> str | None:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:64].lower()
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if start.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if b"\0" in head and not head.startswith(_UNICODE_BOMS):
        return None
    return "text/plain"
