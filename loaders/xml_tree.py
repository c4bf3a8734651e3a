"""XML as a tree: nothing outside the file is read, and entities can't make it grow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5

from lxml import etree

from docindex.errors import LoadError
from docindex.loaders.decoding import decode
from docindex.loaders.superscripts import before_superscript
from docindex.schema import Source

_DECLARATION = re.compile(r"\A\s*<\?xml\b[^<>]*\?>")
_ENCODING = re.compile(rb"""\A\s*<\?xml\b[^<>]*?\bencoding\s*=\s*["']([\w.:-]+)["']""")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,30});")
_BARE_AMPERSAND = re.compile(r"&(?!#?\w{1,40};)")
_PREDEFINED = frozenset(("amp", "lt", "gt", "quot", "apos"))
_MARKUP = re.compile(r"<!--.*?-->|<!\[CDATA\[|\]\]>|<\?[^<>]*\?>|<[^<>]*>", re.DOTALL)
_BOMB = ("amplification", "entity reference loop", "Detected an entity")
_SUPERSCRIPTS = ("{*}sup", "{*}superscript")
_KEPT = 0.98
"""The share of its text that a file with a mistake must still give."""


def parse_xml(source: Source, data: bytes) -> etree._Element:
    """The root of the file. Entities that it declares itself are resolved, within limits; others are left out.

    A mistake in the markup is forgiven if no text is lost by it.

    Raises:
        LoadError: It is no XML, is broken, or is made to grow without end.
    """
    named = _ENCODING.match(data[:1024])
    text = decode(source, data, named[1].decode("ascii") if named else None)
    text = _DECLARATION.sub(lambda declaration: "\n" * declaration[0].count("\n"), text)
    if not text.strip():
        raise LoadError(source.name, "is empty")
    try:
        return _parse(text)
    except etree.XMLSyntaxError as error:
        if any(sign in str(error) for sign in _BOMB):
            raise LoadError(source.name, "expands entities without end, as a bomb does") from error
        root = _forgiven(text)
        if root is None and "Excessive depth" in str(error):
            raise LoadError(source.name, "is nested too deeply") from error
        if root is None:
            raise LoadError(source.name, f"is not well-formed XML ({_what(error)})") from error
        return root


def name_of(element: etree._Element) -> str:
    """The element's name without its namespace; nothing for a comment and the like."""
    tag: object = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def text_of(element: etree._Element) -> str:
    """All text in an element."""
    return "".join(_texts(element))


def words_of(element: etree._Element) -> str:
    """All text in an element, on one line."""
    return " ".join(text_of(element).split())


def part_exponents(root: etree._Element) -> None:
    """Changes superscripts so that their digits do not become those of a number before them; links stay as they are."""
    for raised in root.iter(*_SUPERSCRIPTS):
        if not len(raised):
            before, parent = raised.getprevious(), raised.getparent()
            text = (before.tail if before is not None else parent.text if parent is not None else "") or ""
            raised.text = before_superscript(text, raised.text or "", raised.tail or "") + (raised.text or "")


def children_of(element: etree._Element) -> Iterator[etree._Element]:
    """The elements right below one."""
    return element.iterchildren(tag=etree.Element)


def _texts(element: etree._Element) -> Iterator[str]:
    for text in element.itertext():
        yield str(text)


def _parse(text: str, *, recover: bool = False) -> etree._Element:
    parser = etree.XMLParser(  # of entities, it resolves only those that the file itself defines, unless told otherwise
        encoding="utf-8",
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
        huge_tree="<!ENTITY" not in text,  # deep trees are fine, and so are long texts, where nothing can grow
    )
    return etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)


def _forgiven(text: str) -> etree._Element | None:
    """The root of a file that is not well-formed, if all of its text can be read nonetheless."""
    text = _BARE_AMPERSAND.sub("&amp;", _ENTITY.sub(_html_entity, text))
    try:
        return _parse(text)
    except etree.XMLSyntaxError:
        pass
    try:
        root: etree._Element | None = _parse(text, recover=True)  # of text without markup it makes nothing
    except etree.XMLSyntaxError:
        return None
    if root is None:
        return None
    whole = len("".join(_MARKUP.sub(" ", text).split()))
    return root if len("".join(text_of(root).split())) >= _KEPT * whole else None


def _html_entity(entity: re.Match[str]) -> str:
    return entity[0] if entity[1] in _PREDEFINED else html5.get(f"{entity[1]};", entity[0])


def _what(error: etree.XMLSyntaxError) -> str:
    message = str(error.msg or "it ends too early").partition(", line")[0]
    return f"line {error.lineno}: {message}" if error.lineno else message
