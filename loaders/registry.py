"""Which loader reads what. Choosing one imports no parser: a format names its loader, and using it imports it.

A third party adds a format with an entry point in the group `docindex.loaders` whose object is a `Format`:

    [project.entry-points."docindex.loaders"]
    epub = "my_package.formats:EPUB"
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from docindex.errors import LoadError
from docindex.loaders import media_types as types
from docindex.loaders.media_types import UNREAD
from docindex.loaders.sniffing import corrected
from docindex.protocols import Loaded, Loader
from docindex.schema import Document, Source

ENTRY_POINT_GROUP = "docindex.loaders"

logger = logging.getLogger("docindex.loaders")


@dataclass(frozen=True, slots=True)
class Format:
    """A family of file types and who reads it."""

    name: str
    """As the report lists it: "PDF"."""
    loader: str
    """`module:Class`; the class is called when the first such file is read, without arguments."""
    suffixes: Mapping[str, str]
    """Lower-case suffix with its dot, and the media type that it stands for."""
    media_types: tuple[str, ...] = ()
    """Further media types; `text/*` is whatever text no other format claims."""
    container: bool = False
    """Its class is called with the registry, to read what lies inside: an archive, a message with attachments."""


BUILT_IN = (
    Format("PDF", "docindex.loaders.pdf:PdfLoader", {".pdf": types.PDF}),
    Format(
        "HTML",
        "docindex.loaders.html:HtmlLoader",
        dict.fromkeys((".html", ".htm", ".xhtml"), types.HTML),
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
    Format("Word", "docindex.loaders.word:DocxLoader", types.WORD),
    Format("PowerPoint", "docindex.loaders.slides:PptxLoader", types.SLIDES),
    Format("spreadsheets", "docindex.loaders.sheets:SheetLoader", types.SHEETS),
    Format("OpenDocument", "docindex.loaders.opendocument:OpenDocumentLoader", types.OPEN_DOCUMENT),
    Format("RTF", "docindex.loaders.rtf:RtfLoader", {".rtf": types.RTF}, ("text/rtf",)),
    Format("EPUB", "docindex.loaders.epub:EpubLoader", {".epub": types.EPUB}),
    Format("e-mail", "docindex.loaders.mail:EmailLoader", {".eml": types.EMAIL}, container=True),
    Format("mbox", "docindex.loaders.mail:MboxLoader", {".mbox": types.MBOX}, container=True),
    Format("ZIP", "docindex.loaders.archives:ZipLoader", {".zip": types.ZIP}, container=True),
    Format("tar", "docindex.loaders.archives:TarLoader", types.TARS, container=True),
    Format("compressed files", "docindex.loaders.archives:CompressedLoader", types.COMPRESSED, container=True),
    Format(
        "XML",
        "docindex.loaders.xml_files:XmlLoader",
        dict.fromkeys((".xml", ".xsd", ".xsl", ".rss", ".atom"), types.XML),
        ("application/xml", "application/rss+xml", "application/atom+xml"),
    ),
    Format(
        "YAML",
        "docindex.loaders.data_files:YamlLoader",
        dict.fromkeys((".yaml", ".yml"), "text/x-yaml"),
        ("application/yaml",),
    ),
    Format("TOML", "docindex.loaders.data_files:TomlLoader", {".toml": "text/x-toml"}, ("application/toml",)),
    Format("LaTeX", "docindex.loaders.latex:LatexLoader", dict.fromkeys((".tex", ".ltx"), "text/x-latex")),
    Format("reStructuredText", "docindex.loaders.rst:RstLoader", dict.fromkeys((".rst", ".rest"), "text/x-rst")),
    Format("notebooks", "docindex.loaders.notebook:NotebookLoader", {".ipynb": "application/x-ipynb+json"}),
    Format(
        "subtitles",
        "docindex.loaders.subtitles:SubtitleLoader",
        dict.fromkeys((".srt", ".vtt", ".ass", ".ssa"), types.SUBTITLES),
        ("application/x-subrip", "text/vtt"),
    ),
    Format("source code", "docindex.loaders.code:CodeLoader", types.CODE),
    Format(
        "SQLite",
        "docindex.loaders.sqlite_file:SqliteFileLoader",
        dict.fromkeys((".db", ".sqlite", ".sqlite3"), types.SQLITE),
    ),
    Format(
        "images",
        "docindex.loaders.images:ImageLoader",
        {
            **dict.fromkeys((".jpg", ".jpeg"), "image/jpeg"),
            **dict.fromkeys((".tif", ".tiff"), "image/tiff"),
            ".png": "image/png",
            ".webp": "image/webp",
            ".gif": "image/gif",
            ".bmp": "image/bmp",
        },
    ),
    Format("plain text", "docindex.loaders.text:TextLoader", types.PLAIN_TEXT, ("text/*",)),
)


class FormatRegistry:
    """Formats by suffix and media type; where two claim the same one, the later has it."""

    def __init__(self, formats: Sequence[Format]) -> None:
        self._formats = tuple(formats)
        self._types = UNREAD | {suffix: of for entry in formats for suffix, of in entry.suffixes.items()}
        self._readers = {
            media_type: entry for entry in formats for media_type in (*entry.suffixes.values(), *entry.media_types)
        }
        self._loaders: dict[str, Loader] = {}

    def media_type_of(self, path: Path) -> str | None:
        """The media type by the file's name, or by its first bytes where they contradict it or it says nothing.

        None is binary data of an unknown type. What a third party's suffix says is believed.

        Raises:
            OSError: The name says nothing and the file can't be read.
        """
        named = self._named(path)
        if named is not None and self._readers.get(named, BUILT_IN[0]) not in BUILT_IN:
            return named
        try:
            return corrected(path, named)
        except OSError:
            if named is None:
                raise
            return named

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
            make = getattr(importlib.import_module(module), name)
            self._loaders[entry.loader] = cast("Loader", make(self) if entry.container else make())
        return self._loaders[entry.loader]

    def load(self, source: Source) -> Iterator[Loaded]:
        """What is in a file, by the loader of its media type. Characters that no reader sees are taken out.

        Raises:
            LoadError: The file can't be read, is too large or lies too deep; what was yielded before is sound.
        """
        # Planning asks for media types only, and should not pay for what reading needs.
        from docindex.loaders.invisible import without_invisible
        from docindex.loaders.limits import check_file_size, cure

        depth = source.options.limits.depth
        if source.depth > depth:
            raise LoadError(source.name, f"lies in more than {depth} archives or messages: {cure('depth')}")
        loader = self.loader_for(source)
        check_file_size(source)
        for item in loader.load(source):
            yield without_invisible(item) if isinstance(item, Document) else item

    def _named(self, path: Path) -> str | None:
        """What the file's name stands for: its last two suffixes, as in .tar.gz, or the last one."""
        return self._types.get("".join(path.suffixes[-2:]).lower()) or self._types.get(path.suffix.lower())

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
