"""Lays out a reStructuredText tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from string import ascii_lowercase, ascii_uppercase

from docutils import nodes

from docindex.loaders.writing import DocumentWriter

_LOST_TEXT = 3
"""From this level on, what docutils complains about is in the tree only inside its message."""
_LONGEST_SUBSTITUTE = 500
_UNSEEN = (nodes.comment, nodes.substitution_definition, nodes.target, nodes.meta, nodes.pending, nodes.raw)
_MARKERS = {"loweralpha": ascii_lowercase, "upperalpha": ascii_uppercase}


class RstWriter:
    """Writes the nodes of a tree in their order."""

    def __init__(self, tree: nodes.document) -> None:
        self.writer = DocumentWriter()
        self._substitutes = {name: node.astext()[:_LONGEST_SUBSTITUTE] for name, node in tree.substitution_defs.items()}

    def write(self, children: Iterable[nodes.Node], level: int = 1, depth: int = 0) -> None:
        """Writes nodes under a heading of `level` - 1 and inside of `depth` lists."""
        for node in children:
            match node:
                case nodes.Text():
                    self.writer.paragraph(node.astext())
                case nodes.section():
                    title = node.next_node(nodes.title, descend=True)
                    if title is not None and title.parent is node:
                        self.writer.heading(level, self.words(title))
                    self.write((child for child in node.children if child is not title), level + 1, depth)
                case nodes.title() | nodes.rubric() | nodes.subtitle():
                    self.writer.paragraph(self.words(node))
                case nodes.paragraph() | nodes.attribution() | nodes.caption():
                    self.writer.paragraph(self.words(node))
                case nodes.literal_block() | nodes.doctest_block() | nodes.math_block():
                    self.writer.code(self.words(node))
                case nodes.line_block():
                    self.writer.paragraph("\n".join(self._lines(node)))
                case nodes.image():
                    self.writer.paragraph(str(node.get("alt", "")))
                case nodes.bullet_list() | nodes.enumerated_list():
                    self._list(node, level, depth)
                case nodes.definition_list_item() | nodes.field() | nodes.option_list_item():
                    self._entry(node, level, depth)
                case nodes.admonition():
                    self._labelled(f"{self.words(node.children[0])}: ", node.children[1:], level, depth)
                case nodes.footnote() | nodes.citation():
                    names = [child.astext() for child in node.children if isinstance(child, nodes.label)]
                    label = next(iter([*names, *node.get("names", ())]), "#")
                    self._labelled(f"[{label}] ", node.children, level, depth)
                case nodes.table():
                    self._table(node)
                case nodes.system_message():
                    if int(node.get("level", 0)) >= _LOST_TEXT:
                        self.write(node.findall(nodes.literal_block), level, depth)
                case nodes.Element() if not isinstance(node, _UNSEEN):
                    if isinstance(node, nodes.Inline):
                        self.writer.paragraph(self.words(node))
                    else:
                        self.write(node.children, level, depth)

    def words(self, node: nodes.Node) -> str:
        """The text of a node, substitutions made."""
        return "".join(self._pieces(node))

    def _pieces(self, node: nodes.Node) -> Iterator[str]:
        match node:
            case nodes.Text():
                yield node.astext()
            case nodes.substitution_reference():
                yield self._substitutes.get(str(node.get("refname", "")), node.astext())
            case nodes.image():
                yield str(node.get("alt", ""))
            case nodes.footnote_reference() | nodes.citation_reference():
                yield f"[{node.astext() or node.get('refname') or '#'}]"
            case nodes.Element() if not isinstance(node, (*_UNSEEN, nodes.system_message)):
                for child in node.children:
                    yield from self._pieces(child)
            case _:
                pass

    def _lines(self, block: nodes.Element) -> Iterator[str]:
        for child in block.children:
            if isinstance(child, nodes.line_block):
                yield from self._lines(child)
            else:
                yield self.words(child)

    def _list(self, node: nodes.Element, level: int, depth: int) -> None:
        start = int(node.get("start", 1))
        letters = _MARKERS.get(str(node.get("enumtype", "")), "")
        for number, item in enumerate(node.children, start):
            marker = "-"
            if isinstance(node, nodes.enumerated_list):
                marker = f"{letters[number - 1] if 0 < number <= len(letters) else number}."
            self._item(item, marker, level, depth)

    def _item(self, item: nodes.Node, marker: str, level: int, depth: int) -> None:
        """A list item: the paragraph that it begins with on the line of its marker, the rest after it."""
        children = list(item.children)
        if children and isinstance(children[0], nodes.paragraph):
            self.writer.item(self.words(children.pop(0)), depth, marker)
        self.write(children, level, depth + 1)

    def _entry(self, item: nodes.Element, level: int, depth: int) -> None:
        """A term with its definition, a field with its value, or an option with what it does."""
        names = (nodes.term, nodes.classifier, nodes.field_name, nodes.option_group)
        named = " : ".join(self._name(child) for child in item.children if isinstance(child, names))
        body = [node for child in item.children if not isinstance(child, names) for node in child.children]
        between = "\n" if isinstance(item, nodes.definition_list_item) else ": "
        self._labelled(f"{named}{between}", body, level, depth)

    def _name(self, node: nodes.Element) -> str:
        if not isinstance(node, nodes.option_group):
            return self.words(node)
        options = ("".join(part.astext() for part in option.findall(nodes.TextElement)) for option in node.children)
        return ", ".join(options)

    def _labelled(self, label: str, children: Sequence[nodes.Node], level: int, depth: int) -> None:
        """A label with the paragraph that follows it, and the rest after them."""
        rest = [node for node in children if not isinstance(node, nodes.label)]
        first = self.words(rest.pop(0)) if rest and isinstance(rest[0], nodes.paragraph) else ""
        self.writer.paragraph(f"{label}{first}" if first else label.rstrip())
        self.write(rest, level, depth)

    def _table(self, table: nodes.Element) -> None:
        caption = next((self.words(child) for child in table.children if isinstance(child, nodes.title)), "")
        self.writer.paragraph(caption)
        heads = [row for head in table.findall(nodes.thead) for row in head.children]
        rows = [row for body in table.findall(nodes.tbody) for row in body.children]
        header = [" ".join(filter(None, names)) for names in zip_longest(*self._grid(heads), fillvalue="")]
        self.writer.table(caption, header if heads else None, list(enumerate(self._grid(rows), 1)))

    def _grid(self, rows: Sequence[nodes.Node]) -> list[list[str]]:
        """The cells of rows; one that reaches over several places stands in each of them."""
        grid: list[dict[int, str]] = [{} for _ in rows]
        for number, row in enumerate(rows):
            column = 0
            for entry in row.findall(nodes.entry):
                while column in grid[number]:
                    column += 1
                text = " ".join(" ".join(map(self.words, entry.children)).split())
                width, height = (int(entry.get(name, 0)) + 1 for name in ("morecols", "morerows"))
                for below in grid[number : number + height]:
                    below.update(dict.fromkeys(range(column, column + width), text))
                column += width
        return [[cells.get(column, "") for column in range(max(cells, default=-1) + 1)] for cells in grid]
