"""OpenDocument packages: opened once they are found sound, with what they say about themselves."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import odfdo
from lxml import etree

from docindex.errors import LoadError
from docindex.loaders.limits import read_member
from docindex.loaders.office_package import ENCRYPTED, open_office_zip, parsing, xml_root
from docindex.loaders.office_properties import office_metadata
from docindex.schema import MetadataValue, Source

CONTENT, STYLES, META, MANIFEST = "content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml"

_OASIS = "urn:oasis:names:tc:opendocument:xmlns"
_NAMESPACES = {
    "office": f"{_OASIS}:office:1.0",
    "text": f"{_OASIS}:text:1.0",
    "table": f"{_OASIS}:table:1.0",
    "style": f"{_OASIS}:style:1.0",
    "draw": f"{_OASIS}:drawing:1.0",
    "presentation": f"{_OASIS}:presentation:1.0",
    "manifest": f"{_OASIS}:manifest:1.0",
    "svg": f"{_OASIS}:svg-compatible:1.0",
    "meta": f"{_OASIS}:meta:1.0",
    "dc": "http://purl.org/dc/elements/1.1/",
}


def q(name: str) -> str:
    """The name as lxml has it: `text:p` with its namespace in braces."""
    prefix, _, local = name.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


@dataclass(frozen=True, slots=True)
class Properties:
    """What a document says about itself."""

    title: str = ""
    fields: Mapping[str, MetadataValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """The parts of a package that hold text."""

    content: etree._Element
    styles: etree._Element | None
    properties: Properties


def open_opendocument(source: Source, kind: str) -> OpenDocument:
    """The parts of the package.

    Raises:
        LoadError: The file is none, is damaged, encrypted, or exceeds a limit.
    """
    with open_office_zip(source, kind) as archive, parsing(source, kind):
        names = archive.namelist()
        if CONTENT not in names:
            raise LoadError(source.name, f"is not {kind}")
        refuse_encrypted(source, archive)
        content = xml_root(read_member(source, archive, CONTENT))
        styles = xml_root(read_member(source, archive, STYLES)) if STYLES in names else None
        return OpenDocument(content, styles, opendocument_properties(source, archive))


def refuse_encrypted(source: Source, archive: zipfile.ZipFile) -> None:
    """Checks that the package's parts can be read without a password.

    Raises:
        LoadError: They can't.
    """
    if MANIFEST not in archive.namelist():
        return
    with parsing(source, "an OpenDocument package"):
        manifest = xml_root(read_member(source, archive, MANIFEST))
        if next(manifest.iter(q("manifest:encryption-data")), None) is not None:
            raise LoadError(source.name, ENCRYPTED)


def opendocument_properties(source: Source, archive: zipfile.ZipFile) -> Properties:
    """What the package's metadata part says; nothing where there is none, or where it declares entities."""
    if META not in archive.namelist():
        return Properties()
    data = read_member(source, archive, META)
    with parsing(source, "an OpenDocument package"):
        if xml_root(data).getroottree().docinfo.internalDTD is not None:
            return Properties()  # its parser would resolve them
        container = odfdo.Container()
        container.set_part(META, data)
        meta = odfdo.Meta(META, container)
        keywords = [element.text for element in meta.get_elements("//meta:keyword")]
        fields = office_metadata(
            author=meta.initial_creator or meta.creator or "",
            subject=meta.subject or "",
            description=meta.description or "",
            language=meta.language or "",
            keywords=",".join(keywords),
            date=_moment(meta.creation_date),
            modified=_moment(meta.date),
        )
        return Properties(meta.title or "", fields)


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
