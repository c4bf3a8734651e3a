"""HTML: the visible text in its blocks, with headings, title and what the page says about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from docindex.loaders.decoding import decode, read_bytes
from docindex.loaders.html_look import Look, look_of
from docindex.loaders.html_nesting import shallow
from docindex.loaders.html_sheets import StyleSheets
from docindex.loaders.html_tables import TableCells, cell_of
from docindex.loaders.html_writer import HtmlWriter
from docindex.loaders.office_numbers import shown_number
from docindex.loaders.superscripts import before_superscript
from docindex.loaders.values import metadata_value
from docindex.schema import Document, MetadataValue, Source

_CHARSET = re.compile(rb"""<(?:meta\b[^>]*?\bcharset|\?xml\b[^>]*?\bencoding)\s*=\s*["']?\s*([\w.:-]+)""", re.I)

_NOT_TEXT = frozenset(
    (
        *("annotation", "audio", "button", "canvas", "datalist", "embed", "head", "iframe", "noscript", "object"),
        *("option", "script", "select", "style", "svg", "template", "textarea", "video"),
    )
)
_UNSEEN = frozenset(("noscript", "textarea"))
"""Of these, what holds text that is no part of what the page says, and that is counted."""
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
_LAYOUT = "h1, h2, h3, h4, h5, h6, ul, ol, p + p"
"""What a cell of a table that only lays out the page holds."""

_DEEPEST_INDENT = 20

_FORMS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)
_NOTE = re.compile(r"note|cite|citation|ref(?:erence)?s?\b|fn", re.IGNORECASE)

_ABOUT = {
    "description": ("description", "og:description", "dcterms.description", "dc.description"),
    "author": ("author", "article:author", "dcterms.creator", "dc.creator"),
    "date": ("article:published_time", "date", "dcterms.date", "dc.date", "dcterms.created", "datepublished"),
    "modified": ("article:modified_time", "dcterms.modified", "last-modified"),
}
"""Metadata field, and the names of the `meta` elements that hold it, the best one first."""


class HtmlLoader:
    """One document a file: what a reader of the page sees, without menus.

    Left out are scripts and the like, hidden text and the content of fields (which are counted) and navigation (which
    is kept when the page has nothing else). Images stand in the text by their alternative text. Tables are Markdown
    with typed rows, but for those that only lay out the page.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read or does not hold text.
        """
        page = parsed_page(source, read_bytes(source))
        written, hidden = seen_of(page)
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
            tables=tuple(written.tables),
            hidden=hidden,
        )


def parsed_page(source: Source, data: bytes) -> LexborHTMLParser:
    """The page that the bytes are, in the encoding that they name.

    Raises:
        LoadError: They do not hold text.
    """
    charset = _CHARSET.search(data[:4096])
    markup = decode(source, data, charset[1].decode("ascii", "replace") if charset else None)
    return LexborHTMLParser(shallow(markup))


def seen_of(page: LexborHTMLParser) -> tuple[HtmlWriter, int]:
    """What a reader of the page sees, and how many characters of it are hidden."""
    walk = _walk(page, menus=False)
    if not walk.writer.text:
        walk = _walk(page, menus=True)
    return walk.writer, walk.hidden


def _walk(page: LexborHTMLParser, *, menus: bool) -> _Walk:
    styles = (style for style in page.css("style") if style.parent is None or style.parent.tag != "noscript")
    walk = _Walk(menus, StyleSheets((style.text(), style.attributes.get("media") or "") for style in styles))
    if page.body is not None:
        walk.over(page.body)
    return walk


@dataclass(slots=True)
class _List:
    """A numbered list that is open."""

    number: int
    """Of its next item."""
    step: int
    form: str
    """As `shown_number` takes it."""

    def take(self, value: int | None) -> str:
        """The number of the next item as it is shown; `value` is the one that it gives itself."""
        number = self.number if value is None else value
        self.number = number + self.step
        return shown_number(number, self.form)


class _Walk:
    """One pass over the tree. It keeps its own stack: pages may be nested deeper than Python recurses."""

    def __init__(self, menus: bool, sheets: StyleSheets) -> None:
        self.writer = HtmlWriter()
        self.hidden = 0
        """How many characters no reader would see."""
        self._menus = menus
        self._sheets = sheets
        self._pre = 0
        self._lists: list[_List | None] = []
        """The open lists; None for one whose items have bullets."""
        self._tables: list[TableCells | None] = []
        """The open tables; None for one that only lays out the page."""
        self._outside: list[HtmlWriter] = []
        """What is written to again when the open cell or caption ends."""

    def over(self, root: LexborNode) -> None:
        stack: list[tuple[LexborNode, Look, str]] = [(root, Look(), "")]
        while stack:
            node, look, closes = stack.pop()
            if closes:
                self._leave(node, closes)
                continue
            if (after := node.next) is not None and node is not root:
                stack.append((after, look, ""))
            if node.is_text_node:
                self._text(node.text_content or "", look)
            elif node.is_element_node:
                tag = node.tag or ""
                inner = self._enter(node, tag, look)
                if inner is not None:
                    stack.append((node, look, tag))
                    if (child := node.child) is not None:
                        stack.append((child, inner, ""))

    def _text(self, text: str, look: Look) -> None:
        if look.unseen:
            self.hidden += len(" ".join(text.split()))
        elif self._pre:
            self.writer.lines(text)
        else:
            self.writer.words(text)

    def _enter(self, node: LexborNode, tag: str, around: Look) -> Look | None:
        """How the element's content looks, or None if it is not to be read."""
        attributes = node.attributes
        if tag in _NOT_TEXT or self._is_menu(tag, attributes):
            self.hidden += _characters(node) if tag in _UNSEEN else 0
            return None
        look = None if attributes.get("aria-hidden") == "true" else look_of(around, tag, attributes, self._sheets)
        if tag == "body":  # which scripts show when the page is ready
            look = replace(look or around, tiny=False, invisible=False)
        if look is None:
            self.hidden += _characters(node)
            return None
        match tag:
            case "br":
                self.writer.line_break()
            case "img":
                self._text(f" {attributes.get('alt') or ''} ", look)
            case "li":
                self.writer.start_item(self._bullet(attributes.get("value") or ""))
            case "table":
                self._enter_table(node, attributes)
            case "tr" | "td" | "th" | "caption":
                self._enter_part(node, tag)
            case _ if tag in _HEADINGS:
                self.writer.start_heading(_HEADINGS[tag])
            case _ if tag in _LINES:
                self.writer.start_line()
            case _ if tag in _BLOCKS:
                self._enter_block(node, tag, attributes)
            case "sup":
                self.writer.words(_before(node, attributes))
        return look

    def _enter_block(self, node: LexborNode, tag: str, attributes: Mapping[str, str | None]) -> None:
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
            self._lists.append(_list_of(node, attributes))

    def _enter_table(self, node: LexborNode, attributes: Mapping[str, str | None]) -> None:
        self.writer.start_block()
        laid_out = (attributes.get("role") or "") in ("presentation", "none") or _lays_out(node)
        self._tables.append(None if laid_out else TableCells())

    def _enter_part(self, node: LexborNode, tag: str) -> None:
        table = self._tables[-1] if self._tables else None
        if table is None:
            self.writer.start_block()
        elif tag == "tr":
            if node.parent is not None and node.parent.tag == "thead":
                table.heads.add(len(table.rows))
            table.rows.append([])
        else:
            self._outside.append(self.writer)
            self.writer = HtmlWriter()

    def _leave(self, node: LexborNode, tag: str) -> None:
        match tag:
            case "li":
                self.writer.start_line()
            case "tr" | "td" | "th" | "caption":
                self._leave_part(node, tag)
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
                table = self._tables.pop()
                if table is not None:
                    self._write_table(table)
                self.writer.start_block()
            case _ if tag in _HEADINGS:
                self.writer.end_heading()
            case _ if tag in _LINES:
                self.writer.start_line()
            case _ if tag in _BLOCKS:
                self.writer.start_block()

    def _leave_part(self, node: LexborNode, tag: str) -> None:
        table = self._tables[-1] if self._tables else None
        if table is None:
            self.writer.start_block()
        elif tag != "tr":
            text = self.writer.text
            self.writer = self._outside.pop()
            if tag == "caption":
                table.caption = " ".join(text.split())
            elif table.rows:
                table.rows[-1].append(cell_of(tag, text, node.attributes))

    def _write_table(self, table: TableCells) -> None:
        draft = table.draft()
        self.writer.words(table.caption)
        self.writer.start_block()
        if draft is not None:
            self.writer.table(draft)
            return
        for row in table.rows:
            texts = [cell.text for cell in row if cell.text]
            if any("\n" in text for text in texts):
                for text in texts:
                    self.writer.start_block()
                    self.writer.lines(text)
                self.writer.start_block()
            else:
                self.writer.words(" | ".join(texts))
                self.writer.start_line()

    def _bullet(self, value: str) -> str:
        """What stands before an item that gives itself that number, which may be empty."""
        indent = "  " * min(max(0, len(self._lists) - 1), _DEEPEST_INDENT)
        numbers = self._lists[-1] if self._lists else None
        return f"{indent}- " if numbers is None else f"{indent}{numbers.take(_integer(value))}. "

    def _is_menu(self, tag: str, attributes: Mapping[str, str | None]) -> bool:
        """Whether the element is there to go elsewhere."""
        return not self._menus and (tag == "nav" or attributes.get("role") in _NAVIGATION)


def _list_of(node: LexborNode, attributes: Mapping[str, str | None]) -> _List:
    start = _integer(attributes.get("start") or "")
    form = _FORMS.get(attributes.get("type") or "", "decimal")
    if "reversed" not in attributes:
        return _List(1 if start is None else start, 1, form)
    if start is None:
        start = sum(1 for child in node.iter() if child.tag == "li")
    return _List(start, -1, form)


def _integer(value: str) -> int | None:
    value = value.strip()
    return int(value) if _INTEGER.fullmatch(value) else None


def _before(sup: LexborNode, attributes: Mapping[str, str | None]) -> str:
    """What parts a superscript from the number before it. Links and what calls itself a note are no exponents."""
    before, inside, after = sup.prev, sup.child, sup.next
    if (
        before is None
        or not before.is_text_node
        or inside is None
        or not inside.is_text_node
        or inside.next is not None
    ):
        return ""
    if any(_NOTE.search(attributes.get(name) or "") for name in ("class", "id", "role", "epub:type")):
        return ""
    following = after.text_content or "" if after is not None and after.is_text_node else ""
    return before_superscript(before.text_content or "", inside.text_content or "", following)


def _lays_out(table: LexborNode) -> bool:
    """Whether what looks like a table is a way to lay out the page."""
    part = table.child
    while part is not None:
        if part.is_element_node and part.css_first("table") is not None:
            return True
        part = part.next
    return any(cell.css_first(_LAYOUT) is not None for cell in table.css("td, th"))


def _characters(root: LexborNode) -> int:
    """How much text an element holds."""
    count = 0
    stack = [root.child]
    while stack:
        node = stack.pop()
        if node is None:
            continue
        stack.append(node.next)
        if node.is_text_node:
            count += len(" ".join((node.text_content or "").split()))
        elif node.is_element_node and (node.tag in _UNSEEN or node.tag not in _NOT_TEXT):
            stack.append(node.child)
    return count


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
