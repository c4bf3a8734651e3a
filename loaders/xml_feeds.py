"""RSS and Atom: entries as sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from docindex.loaders.values import iso_datetime, metadata_value
from docindex.loaders.writing import DocumentWriter
from docindex.loaders.xml_tree import children_of, name_of, text_of, words_of
from docindex.schema import MetadataValue

_ENTRIES = frozenset(("item", "entry"))
_DATES = ("pubDate", "published", "updated", "date", "issued", "modified", "lastBuildDate")
"""The best one first."""
_TEXTS = ("encoded", "content", "description", "summary", "subtitle", "tagline")
_AUTHORS = ("creator", "author")
_BLOCK = re.compile(
    r"<(?:/?(?:p|div|li|ul|ol|dl|dt|dd|h[1-6]|tr|table|blockquote|pre|section|figure)\b[^<>]*|br\b[^<>]*)>", re.I
)
_MARKUP = re.compile(r"</?[a-z][^<>]*>|&#?\w+;", re.I)


def is_feed(root: etree._Element) -> bool:
    """Whether the tree is a feed."""
    if name_of(root) in ("rss", "feed"):
        return True
    return name_of(root) == "RDF" and any(name_of(child) == "channel" for child in children_of(root))


def write_feed(writer: DocumentWriter, root: etree._Element) -> tuple[str, dict[str, MetadataValue]]:
    """Writes a feed; what comes back is its title and what it says of itself."""
    channel = next((child for child in children_of(root) if name_of(child) == "channel"), root)
    about = _fields(channel)
    title = words_of(about["title"]) if "title" in about else ""
    writer.heading(1, title)
    _write_texts(writer, about)
    for entry in root.iter(etree.Element):
        if name_of(entry) in _ENTRIES:
            _write_entry(writer, _fields(entry))
    metadata: dict[str, MetadataValue] = {}
    for name, value in (("date", _date(about)), ("url", _link(channel)), ("language", _words(about, "language"))):
        kept = metadata_value(iso_datetime(value) or value)
        if kept is not None:
            metadata[name] = kept
    return title, metadata


def _write_entry(writer: DocumentWriter, fields: dict[str, etree._Element]) -> None:
    writer.heading(2, _words(fields, "title") or "Entry")
    authors = (_author(fields[name]) for name in _AUTHORS if name in fields)
    parent = next(iter(fields.values())).getparent() if fields else None
    link = "" if parent is None else _link(parent)
    for name, value in (("date", _date(fields)), ("author", next(authors, "")), ("link", link)):
        if value:
            writer.line(f"{name}: {value}")
    _write_texts(writer, fields)


def _write_texts(writer: DocumentWriter, fields: dict[str, etree._Element]) -> None:
    """Writes the longest of the texts, which the others are excerpts of, and those that say something else."""
    paragraphs: list[str] = []
    for name in _TEXTS:
        if name in fields:
            paragraphs += [words for words in _paragraphs(fields[name]) if words not in paragraphs]
    for words in paragraphs:
        writer.paragraph(words)


def _paragraphs(element: etree._Element) -> Iterator[str]:
    """The text of an element that holds HTML, as text or as elements."""
    if len(element):
        markup = etree.tostring(element, encoding="unicode", method="html", with_tail=False)
    else:
        markup = text_of(element)
    if _MARKUP.search(markup):
        page = LexborHTMLParser(_BLOCK.sub(r"\n\n\g<0>\n\n", markup))
        page.strip_tags(["script", "style"])
        markup = page.body.text() if page.body is not None else ""
    for paragraph in re.split(r"\n\s*\n", markup):
        words = " ".join(paragraph.split())
        if words:
            yield words


def _fields(parent: etree._Element) -> dict[str, etree._Element]:
    """The elements right below one by their names; the first of each."""
    found: dict[str, etree._Element] = {}
    for child in children_of(parent):
        found.setdefault(name_of(child), child)
    return {name: child for name, child in found.items() if name not in _ENTRIES}


def _words(fields: dict[str, etree._Element], name: str) -> str:
    return " ".join(_paragraphs(fields[name])) if name in fields else ""


def _author(element: etree._Element) -> str:
    name = next((child for child in children_of(element) if name_of(child) == "name"), element)
    return words_of(name)


def _date(fields: dict[str, etree._Element]) -> str:
    said = next((words_of(fields[name]) for name in _DATES if name in fields), "")
    try:
        return said if iso_datetime(said) else parsedate_to_datetime(said).isoformat()
    except (ValueError, TypeError, IndexError):
        return said


def _link(parent: etree._Element) -> str:
    links = [child for child in children_of(parent) if name_of(child) == "link"]
    page = next((link for link in links if link.get("rel", "alternate") == "alternate"), None)
    return "" if page is None else words_of(page) or str(page.get("href", ""))
