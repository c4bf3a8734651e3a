"""HTML: the visible text in its blocks, with headings, title and what the page says about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from selectolax.lexbor import LexborHTMLParser, LexborNode

from docindex.loaders.decoding import decode, read_bytes
from docindex.loaders.html_writer import HtmlWriter
from docindex.loaders.values import metadata_value
from docindex.schema import Document, MetadataValue, Source

_CHARSET = re.compile(rb"""<(?:meta\b[^>]*?\bcharset|\?xml\b[^>]*?\bencoding)\s*=\s*["']?\s*([\w.:-]+)""", re.I)

_NOT_TEXT = frozenset(
    (
        *("annotation", "audio", "button", "canvas", "datalist", "embed", "head", "iframe", "noscript", "object"),
        *("option", "script", "select", "style", "svg", "template", "textarea", "video"),
    )
)
_NAVIGATION = frozenset(("navigation", "search", "menu", "menubar"))
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "caption", "center", "details", "dialog", "div", "dl"),
        *("fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "legend", "main", "nav"),
        *("ol", "p", "pre", "search", "section", "summary", "table", "ul"),
    )
)
_LINES = frozenset(("dt", "dd"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDING_STYLE = re.compile(r"\b(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.I)
_LAYOUT = "table, h1, h2, h3, h4, h5, h6, ul, ol, p + p"
"""What a cell of a table that only lays out the page holds."""

_ABOUT = {
    "description": ("description", "og:description", "dcterms.description", "dc.description"),
    "author": ("author", "article:author", "dcterms.creator", "dc.creator"),
    "date": ("article:published_time", "date", "dcterms.date", "dc.date", "dcterms.created", "datepublished"),
    "modified": ("article:modified_time", "dcterms.modified", "last-modified"),
}
"""Metadata field, and the names of the `meta` elements that hold it, the best one first."""


class HtmlLoader:
    """One document a file: what a reader of the page sees, without menus.

    Left out are scripts and the like, hidden elements and navigation (the latter is kept when the page has nothing
    else). Images stand in the text by their alternative text, table cells are separated by ` | `.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read or does not hold text.
        """
        data = read_bytes(source)
        charset = _CHARSET.search(data[:4096])
        markup = decode(source, data, charset[1].decode("ascii", "replace") if charset else None)
        page = LexborHTMLParser(markup)
        written = _write(page, menus=False)
        if not written.text:
            written = _write(page, menus=True)
        named = page.css_first("head > title")
        title = " ".join(named.text().split()) if named else ""
        yield Document(
            doc_id=source.name,
            source=source.name,
            text=written.text,
            media_type=source.media_type,
            title=title or next((heading.text for heading in written.headings), ""),
            metadata=_metadata(page),
            headings=tuple(written.headings),
        )


def _write(page: LexborHTMLParser, *, menus: bool) -> HtmlWriter:
    walk = _Walk(menus)
    if page.body is not None:
        walk.over(page.body)
    return walk.writer


class _Walk:
    """One pass over the tree. It keeps its own stack: pages may be nested deeper than Python recurses."""

    def __init__(self, menus: bool) -> None:
        self.writer = HtmlWriter()
        self._menus = menus
        self._pre = 0
        self._lists: list[int | None] = []
        """For each open list the number of its next item; None where items have bullets."""
        self._layout: list[bool] = []
        """For each open table whether it only lays out the page."""

    def over(self, root: LexborNode) -> None:
        stack: list[tuple[LexborNode, str]] = [(root, "")]
        while stack:
            node, closes = stack.pop()
            if closes:
                self._leave(closes)
                continue
            if (after := node.next) is not None and node is not root:
                stack.append((after, ""))
            if node.is_text_node:
                self._text(node.text_content or "")
            elif node.is_element_node and self._enter(node, node.tag or ""):
                stack.append((node, node.tag or ""))
                if (child := node.child) is not None:
                    stack.append((child, ""))

    def _text(self, text: str) -> None:
        text = text.replace("\xad", "")
        if self._pre:
            self.writer.lines(text)
        else:
            self.writer.words(text)

    def _enter(self, node: LexborNode, tag: str) -> bool:
        """Whether the element's content is to be read."""
        if tag in _NOT_TEXT or self._is_hidden(tag, node.attributes):
            return False
        match tag:
            case "br":
                self.writer.line_break()
            case "img":
                self._text(f" {node.attributes.get('alt') or ''} ")
            case "li":
                self.writer.start_item(self._bullet())
            case "tr":
                self.writer.start_row()
            case "td" | "th":
                self._enter_cell()
            case _ if tag in _HEADINGS:
                self.writer.start_heading(_HEADINGS[tag])
            case _ if tag in _LINES:
                self.writer.start_line()
            case _ if tag in _BLOCKS:
                self._enter_block(node, tag)
        return True

    def _enter_block(self, node: LexborNode, tag: str) -> None:
        nested = tag in ("ul", "ol") and bool(self._lists)
        if nested:
            self.writer.start_line()
        else:
            self.writer.start_block()
        if tag == "pre":
            self._pre += 1
        elif tag == "ul":
            self._lists.append(None)
        elif tag == "ol":
            start = node.attributes.get("start") or ""
            self._lists.append(int(start) if start.isdecimal() else 1)
        elif tag == "table":
            cells = node.css("td, th")
            self._layout.append(
                (node.attributes.get("role") or "") in ("presentation", "none")
                or any(cell.css_first(_LAYOUT) is not None for cell in cells)
            )

    def _enter_cell(self) -> None:
        if self._layout and self._layout[-1]:
            self.writer.start_block()
        else:
            self.writer.start_cell()

    def _leave(self, tag: str) -> None:
        match tag:
            case "li":
                self.writer.start_line()
            case "tr":
                self.writer.end_row()
            case "td" | "th":
                if self._layout and self._layout[-1]:
                    self.writer.start_block()
                else:
                    self.writer.end_cell()
            case "pre":
                self._pre -= 1
                self.writer.start_block()
            case "ul" | "ol":
                self._lists.pop()
                if self._lists:
                    self.writer.start_line()
                else:
                    self.writer.start_block()
            case "table":
                self._layout.pop()
                self.writer.start_block()
            case _ if tag in _HEADINGS:
                self.writer.end_heading()
            case _ if tag in _LINES:
                self.writer.start_line()
            case _ if tag in _BLOCKS:
                self.writer.start_block()

    def _bullet(self) -> str:
        indent = "  " * max(0, len(self._lists) - 1)
        number = self._lists[-1] if self._lists else None
        if number is None:
            return f"{indent}- "
        self._lists[-1] = number + 1
        return f"{indent}{number}. "

    def _is_hidden(self, tag: str, attributes: Mapping[str, str | None]) -> bool:
        if not self._menus and (tag == "nav" or attributes.get("role") in _NAVIGATION):
            return True
        if not attributes:
            return False
        return (
            "hidden" in attributes
            or attributes.get("aria-hidden") == "true"
            or _HIDING_STYLE.search(attributes.get("style") or "") is not None
        )


def _metadata(page: LexborHTMLParser) -> dict[str, MetadataValue]:
    said: dict[str, str] = {}
    for meta in page.css("meta"):
        attributes = meta.attributes
        name = attributes.get("name") or attributes.get("property") or attributes.get("itemprop")
        if name and (content := attributes.get("content")):
            said.setdefault(name.strip().lower(), content.strip())
    found: dict[str, MetadataValue] = {}
    for field, names in _ABOUT.items():
        value = metadata_value(next((said[name] for name in names if name in said), ""))
        if value is not None:
            found[field] = value
    keywords = tuple(word.strip() for word in said.get("keywords", "").split(",") if word.strip())
    if keywords:
        found["keywords"] = keywords
    language = page.root.attributes.get("lang") if page.root is not None else None
    if language:
        found["language"] = language
    return found
