"""XML that is written to be read: DocBook, TEI, JATS, DITA and what is like them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import islice
from typing import Literal, TypeAlias

from lxml import etree

from docindex.loaders.values import metadata_value
from docindex.loaders.writing import DocumentWriter
from docindex.loaders.xml_tables import table_rows
from docindex.loaders.xml_tree import children_of, name_of, part_exponents, text_of, words_of
from docindex.schema import MetadataValue

_SAMPLE = 5_000
"""Elements by which a file is judged."""

_TITLES = frozenset(("title", "head", "heading", "article-title", "refname", "bridgehead", "trans-title"))
_SECTIONS = frozenset(
    (
        *("book", "part", "chapter", "section", "sec", "article", "appendix", "preface", "simplesect", "app", "topic"),
        *("sect1", "sect2", "sect3", "sect4", "sect5", "refentry", "refsection", "refsect1", "refsect2", "refsect3"),
        *("concept", "task", "reference", "glossary", "bibliography", "div", "div1", "div2", "div3", "abstract"),
        *("dedication", "ack", "acknowledgements", "boxed-text", "ref-list", "document", "set", "report"),
    )
)
_HEADERS = frozenset(
    (
        *("info", "bookinfo", "articleinfo", "chapterinfo", "sectioninfo", "sect1info", "refentryinfo", "prolog"),
        *("title-group", "titlestmt", "refnamediv", "header"),
    )
)
"""What says of a section what it is."""
_FIGURES = frozenset(("figure", "fig", "example", "table", "table-wrap", "equation", "informalfigure", "listitem"))
"""Which have titles and are no sections."""
_PROSE = frozenset(("p", "para", "simpara", "shortdesc", "programlisting", "section", "sect1", "chapter", "sec"))
"""Any of these tells a text from data."""
_PARAGRAPHS = frozenset(("p", "para", "simpara", "paragraph", "ab", "l", "line", "caption", "shortdesc", "cmd", "desc"))
_LISTS = {
    **dict.fromkeys(("itemizedlist", "simplelist", "list", "ul", "sl", "bulletlist", "listbibl"), False),
    **dict.fromkeys(("orderedlist", "ol", "procedure", "steps", "substeps", "numberedlist"), True),
}
"""Lists, and whether their items are numbered."""
_ITEMS = frozenset(("listitem", "item", "li", "sli", "member", "step", "substep", "list-item"))
_TERMS = frozenset(("term", "glossterm", "dt", "label", "question"))
_CODE = frozenset(
    (
        *("programlisting", "screen", "literallayout", "pre", "codeblock", "code-block", "synopsis", "preformat"),
        *("msgblock", "eg", "cmdsynopsis", "funcsynopsis", "disp-formula", "screenco", "programlistingco"),
    )
)
_TABLES = frozenset(("tgroup", "table", "informaltable", "simpletable"))
_ADMONITIONS = frozenset(("note", "tip", "warning", "caution", "important", "danger"))
_NOTES = frozenset(("footnote", "fn"))
_WHOLE = frozenset(
    (
        *("author", "editor", "contrib", "personname", "persname", "affiliation", "aff", "copyright", "pub-date"),
        *("ref", "bibl", "biblstruct", "biblioentry", "bibliomixed", "element-citation", "mixed-citation", "address"),
        *("math", "equation", "inlineequation", "date", "history", "permissions", "publisher", "revision"),
    )
)
"""Whose parts are read as one line."""
_BIBLIOGRAPHIC = frozenset(
    ("ref", "bibl", "biblstruct", "biblioentry", "bibliomixed", "element-citation", "mixed-citation")
)
_UNSEEN = frozenset(("indexterm", "index", "colspec", "spanspec", "style", "script", "tex-math", "toc"))
_UNNAMED = frozenset(("phrase", "text", "content", "description", "body", "subtitle", "titleabbrev", "quote", "td"))
"""Whose names say nothing of what is in them."""
_SHORT = 200
"""Characters of a value that stands under its name."""
_MOST_AUTHORS = 50

_Kind: TypeAlias = Literal["unseen", "inline", "text", "block", "list", "item", "section"]


def is_prose(root: etree._Element) -> bool:
    """Whether the tree is a text; otherwise it is data."""
    mixed = 0
    for count, element in enumerate(islice(root.iter(etree.Element), _SAMPLE), 1):
        if name_of(element).lower() in _PROSE:
            return True
        mixed += _is_mixed(element) and len(element) > 0
        if mixed > 2 and mixed * 100 > count:
            return True
    return False


def write_prose(writer: DocumentWriter, root: etree._Element) -> tuple[str, dict[str, MetadataValue]]:
    """Writes a text; what comes back is its title and what it says of itself."""
    prose = _Prose(writer)
    part_exponents(root)
    prose.over(root)
    metadata: dict[str, MetadataValue] = {}
    authors = tuple(islice(_authors(root), _MOST_AUTHORS))
    if authors:
        metadata["author"] = authors[0] if len(authors) == 1 else authors
    date = next((words_of(each) for each in _header(root) if name_of(each) in ("date", "pubdate")), "")
    kept = metadata_value(date)
    if kept is not None:
        metadata["date"] = kept
    return prose.title, metadata


def _header(root: etree._Element) -> Iterator[etree._Element]:
    """The elements before the first section or paragraph."""
    for element in islice(root.iter(etree.Element), 1, _SAMPLE):
        if name_of(element).lower() in _SECTIONS or name_of(element).lower() in ("body", "p", "para"):
            return
        yield element


def _authors(root: etree._Element) -> Iterator[str]:
    for element in _header(root):
        if name_of(element) in ("author", "contrib"):
            inside = element.iter(etree.Element)
            name = next((each for each in inside if name_of(each) in ("name", "personname")), element)
            words = _spaced(name)
            if words:
                yield words


class _Prose:
    """One pass over the tree. It keeps its own stack: documents may be nested deeper than Python recurses."""

    def __init__(self, writer: DocumentWriter) -> None:
        self.title = ""
        self._writer = writer
        self._flow: list[str] = []
        """Text that waits to become a paragraph."""
        self._level = 0
        """How many sections are open."""
        self._lists: list[int | None] = []
        """For each open list the number of its next item; None where items have none."""
        self._marker: str | None = None
        """Of the item whose text is awaited."""
        self._prefix = ""
        """What the next paragraph begins with."""
        self._texts = 0
        """How many elements are open in which text stands: what is in them is part of a sentence."""

    def over(self, root: etree._Element) -> None:
        """Writes the tree."""
        self._enter(root)
        self._flow.append(root.text or "")
        stack: list[tuple[etree._Element, Iterator[etree._Element], _Kind]] = [(root, iter(root), "section")]
        while stack:
            element, children, kind = stack[-1]
            child = next(children, None)
            if child is None:
                stack.pop()
                self._leave(kind)
                if stack:
                    self._flow.append(element.tail or "")
                continue
            entered = self._enter(child) if name_of(child) else "unseen"
            if entered == "unseen":
                self._flow.append(child.tail or "")
            else:
                self._flow.append(child.text or "")
                stack.append((child, iter(child), entered))
        self._flush()

    def _enter(self, element: etree._Element) -> _Kind:
        """Begins an element; whether and how what is in it is read."""
        name = name_of(element).lower()
        said = str(element.get("alt") or "")
        if said:
            self._flow.append(f" {said} ")
        if name in _UNSEEN:
            return "unseen"
        if name in _TITLES:
            self._write_title(element)
            return "unseen"
        if name in _NOTES:
            self._flow.append(f" ({words_of(element)})")
            return "unseen"
        if name in _CODE or name in _TABLES or not self._texts:
            kind = self._enter_block(element, name)
            if kind is not None:
                return kind
        return self._enter_other(element, name)

    def _enter_block(self, element: etree._Element, name: str) -> _Kind | None:
        """Begins what can only stand by itself, or here stands by itself; None if the element is no such thing."""
        if name in _CODE:
            self._flush()
            self._writer.code(textwrap.dedent(text_of(element).strip("\n")))
        elif name in _TABLES and not any(name_of(each) == "tgroup" for each in children_of(element)):
            self._flush()
            self._write_table(element)
        elif name in _TERMS:
            self._flush()
            words = words_of(element)
            self._prefix += f"{words}{' ' if name == 'label' else ': '}" if words else ""
        elif name in _WHOLE:
            self._flush()
            words = words_of(element) if _is_mixed(element) else _spaced(element)
            self._writer.line(words if name in _BIBLIOGRAPHIC else f"{name}: {words}" if words else "")
        else:
            return None
        return "unseen"

    def _enter_other(self, element: etree._Element, name: str) -> _Kind:
        mixed = _is_mixed(element)
        if name in _LISTS or name in _ITEMS or name in _SECTIONS or name in _ADMONITIONS or name in _PARAGRAPHS:
            self._flush()
        elif self._texts:
            return "inline"
        else:
            self._flush()
        if name in _LISTS:
            self._lists.append(1 if _LISTS[name] else None)
            return "list"
        if name in _ITEMS:
            self._marker = self._next_marker()
            return "item"
        if name in _SECTIONS or (not mixed and name not in _FIGURES and _has_title(element)):
            self._level += 1
            if name == "abstract" and not _has_title(element):
                self._writer.heading(self._level, "Abstract")
            return "section"
        if name in _ADMONITIONS:
            self._prefix = f"{name.capitalize()}: "
        if name in _PARAGRAPHS or mixed:
            if not len(element) and name not in _PARAGRAPHS and name not in _ADMONITIONS:
                self._write_value(element, name)
                return "unseen"
            self._texts += 1
            return "text"
        return "block"

    def _leave(self, kind: _Kind) -> None:
        if kind == "inline":
            return
        self._flush()
        match kind:
            case "section":
                self._level -= 1
            case "list":
                self._lists.pop()
            case "item":
                self._marker = None
            case "text":
                self._texts -= 1
            case _:
                pass

    def _write_title(self, element: etree._Element) -> None:
        self._flush()
        parent = element.getparent()
        name = name_of(parent).lower() if parent is not None else ""
        words = self._prefix + words_of(element)
        self._prefix = ""
        if name in _FIGURES or name in _ADMONITIONS:
            self._writer.paragraph(words)
        elif parent is not None and (name in _SECTIONS or name in _HEADERS or _has_title(parent)):
            self.title = self.title or words
            self._writer.heading(max(1, self._level), words)
        else:
            self._writer.paragraph(words)

    def _write_value(self, element: etree._Element, name: str) -> None:
        words = words_of(element)
        if len(words) <= _SHORT and not self._lists and name not in _UNNAMED:
            self._writer.line(f"{name}: {words}")
        else:
            self._flow.append(words)
            self._flush()

    def _write_table(self, element: etree._Element) -> None:
        header, rows = table_rows(element)
        parent = element.getparent()
        holders = [element] if parent is None else [element, parent]
        captions = (
            words_of(child)
            for holder in holders
            for child in children_of(holder)
            if name_of(child).lower() in ("title", "caption")
        )
        caption = next(captions, "")
        if any(name_of(child).lower() in ("title", "caption") for child in children_of(element)):
            self._writer.paragraph(caption)
        self._writer.table(caption, header, list(enumerate(rows, 1)))

    def _next_marker(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "-"
        self._lists[-1] = number + 1
        return f"{number}."

    def _flush(self) -> None:
        words = " ".join("".join(self._flow).split())
        self._flow.clear()
        if not words:
            return
        words, self._prefix = self._prefix + words, ""
        if self._marker is None:
            self._writer.paragraph(words)
        else:
            self._writer.item(words, len(self._lists) - 1, self._marker)
            self._marker = None


def _spaced(element: etree._Element) -> str:
    """All text in an element on one line, that of its parts parted by spaces."""
    return " ".join(" ".join(map(str, element.itertext())).split())


def _is_mixed(element: etree._Element) -> bool:
    """Whether text stands directly in the element."""
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def _has_title(element: etree._Element) -> bool:
    first = next(children_of(element), None)
    if first is not None and name_of(first).lower() == "label":
        first = next(islice(children_of(element), 1, None), None)
    return first is not None and len(element) > 1 and name_of(first).lower() in _TITLES
