"""What an EPUB says about itself: its chapters in reading order, its table of contents, its printed pages.

Source: EPUB 3.3 and Open Packaging Format 2.0.1 (NCX).
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from lxml import etree

from docindex.errors import LoadError
from docindex.loaders.decoding import clean
from docindex.loaders.limits import read_member
from docindex.schema import Source

XHTML = frozenset(("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"))

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_NCX = "application/x-dtbncx+xml"
_OBFUSCATION = frozenset(("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"))
"""How fonts are scrambled: that keeps nobody from reading."""
_TYPE = "{http://www.idpf.org/2007/ops}type"


@dataclass(frozen=True, slots=True)
class Place:
    """A point in a chapter that the book points to: an entry of its contents, or the beginning of a printed page."""

    label: str
    path: str
    """The member that holds the chapter."""
    fragment: str
    """The id of an element in it; empty for its beginning."""
    level: int = 1


@dataclass(frozen=True, slots=True)
class Chapter:
    """A member of the book in reading order."""

    path: str
    media_type: str


@dataclass(slots=True)
class Package:
    """The book without its text."""

    chapters: list[Chapter] = field(default_factory=list)
    contents: list[Place] = field(default_factory=list)
    pages: list[Place] = field(default_factory=list)
    said: dict[str, list[str]] = field(default_factory=dict)
    """Dublin Core fields by their names: title, creator, language..."""


def parse_xml(data: bytes, *, recover: bool) -> etree._Element | None:
    """The root element; of damaged XML None, or as much as can be made out. Nothing outside is read or expanded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=recover)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace; of a comment something that is no name."""
    return str(element.tag).rpartition("}")[2]


def read_package(source: Source, archive: zipfile.ZipFile) -> Package:
    """What the package document and the navigation say.

    Raises:
        LoadError: The file is no EPUB, or its chapters are encrypted.
    """
    return _Reader(source, archive).read()


class _Reader:
    def __init__(self, source: Source, archive: zipfile.ZipFile) -> None:
        self._source = source
        self._archive = archive
        self._names = {name.lower(): name for name in reversed(archive.namelist())}

    def read(self) -> Package:
        path = self._package_path()
        root = self._xml(path)
        if root is None:
            raise LoadError(self._source.name, f"its package document {path} is damaged")
        package = Package(said=_dublin_core(root))
        items: dict[str, etree._Element] = {}
        navigation = ncx = ""
        for item in _elements(root, "item"):
            items[item.get("id", "")] = item
            if "nav" in (item.get("properties") or "").split():
                navigation = self._resolved(path, item.get("href", ""))[0]
            elif item.get("media-type") == _NCX:
                ncx = self._resolved(path, item.get("href", ""))[0]
        for reference in _elements(root, "itemref"):
            item_of = items.get(reference.get("idref", ""))
            if item_of is not None:
                chapter = Chapter(self._resolved(path, item_of.get("href", ""))[0], item_of.get("media-type", ""))
                if chapter.path != navigation:
                    package.chapters.append(chapter)
        if not package.chapters:
            raise LoadError(self._source.name, "has no chapters")
        self._refuse_encrypted({chapter.path for chapter in package.chapters})
        if navigation:
            self._read_navigation(navigation, package)
        if ncx and not (package.contents and package.pages):
            self._read_ncx(ncx, package)
        return package

    def _package_path(self) -> str:
        container = self._xml(_CONTAINER)
        if container is not None:
            for rootfile in _elements(container, "rootfile"):
                path = self._resolved("", rootfile.get("full-path", ""))[0]
                if path.lower() in self._names:
                    return path
        found = next((name for name in self._names.values() if name.lower().endswith(".opf")), None)
        if found is None:
            raise LoadError(self._source.name, "is not an EPUB: it has no package document")
        return found

    def _refuse_encrypted(self, chapters: set[str]) -> None:
        root = self._xml(_ENCRYPTION)
        if root is None:
            return
        for entry in _elements(root, "EncryptedData"):
            method = next((each.get("Algorithm", "") for each in _elements(entry, "EncryptionMethod")), "")
            path = next(
                (self._resolved("", each.get("URI", ""))[0] for each in _elements(entry, "CipherReference")), ""
            )
            if path in chapters and method not in _OBFUSCATION:
                raise LoadError(
                    self._source.name, "is protected against copying (DRM): only the programs of its seller open it"
                )

    def _read_navigation(self, path: str, package: Package) -> None:
        root = self._xml(path)
        if root is None:
            return
        for nav in _elements(root, "nav"):
            kinds = (nav.get(_TYPE) or nav.get("role") or "").split()
            for outer in _children(nav, "ol"):
                if "toc" in kinds or "doc-toc" in kinds:
                    package.contents += self._listed(path, outer, 1)
                elif "page-list" in kinds or "doc-pagelist" in kinds:
                    package.pages += self._listed(path, outer, 1)

    def _listed(self, base: str, outer: etree._Element, level: int) -> list[Place]:
        found: list[Place] = []
        for item in _children(outer, "li"):
            inner = [place for nested in _children(item, "ol") for place in self._listed(base, nested, level + 1)]
            heads = [child for child in item if local_name(child) != "ol"]
            label = " ".join(filter(None, map(_text, heads)))
            href = next((link.get("href", "") for head in heads for link in _elements(head, "a")), "")
            if href:
                found += self._place(base, label, href, level)
            elif label and inner:  # a part that has no page of its own begins with its first chapter
                found.append(replace(inner[0], label=label, level=level))
            found += inner
        return found

    def _read_ncx(self, path: str, package: Package) -> None:
        root = self._xml(path)
        if root is None:
            return
        if not package.contents:
            for outer in _elements(root, "navMap"):
                package.contents += self._points(path, outer, 1)
        if not package.pages:
            for target in _elements(root, "pageTarget"):
                package.pages += self._point(path, target, 1, target.get("value", ""))

    def _points(self, base: str, outer: etree._Element, level: int) -> Iterator[Place]:
        for point in _children(outer, "navPoint"):
            yield from self._point(base, point, level, "")
            yield from self._points(base, point, level + 1)

    def _point(self, base: str, point: etree._Element, level: int, fallback: str) -> Iterator[Place]:
        label = next((_text(each) for each in _children(point, "navLabel")), "") or fallback
        for content in _children(point, "content"):
            yield from self._place(base, label, content.get("src", ""), level)

    def _place(self, base: str, label: str, href: str, level: int) -> Iterator[Place]:
        if label and href:
            path, fragment = self._resolved(base, href)
            yield Place(label, path, fragment, level)

    def _resolved(self, base: str, href: str) -> tuple[str, str]:
        """The member and the fragment that a reference in the member `base` points to."""
        path, _, fragment = href.partition("#")
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(path))) if path else base
        joined = re.sub(r"\A(?:\.\./|/)+", "", joined)
        return self._names.get(joined.lower(), joined), unquote(fragment)

    def _xml(self, path: str) -> etree._Element | None:
        name = self._names.get(path.lower())
        return None if name is None else parse_xml(read_member(self._source, self._archive, name), recover=True)


def _dublin_core(root: etree._Element) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for metadata in _elements(root, "metadata"):
        for element in metadata.iter("*"):
            text = _text(element)
            if "purl.org/dc/elements" in element.tag and text:
                said.setdefault(local_name(element).lower(), []).append(text)
    return said


def _elements(root: etree._Element, name: str) -> Iterator[etree._Element]:
    return (element for element in root.iter() if local_name(element) == name)


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (child for child in element if local_name(child) == name)


def _text(element: etree._Element) -> str:
    return " ".join(clean("".join(str(part) for part in element.itertext())).split())
