"""XML that holds data: records become tables, everything else an outline of names and values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypeAlias

from lxml import etree

from docindex.loaders.writing import DocumentWriter
from docindex.loaders.xml_tree import children_of, name_of, text_of, words_of

_HEADED = 2
"""Levels below the root whose elements have headings."""
_WIDEST = 64
"""Columns of a table."""
_LONGEST_CELL = 1000
"""Characters."""
_FOR_PROGRAMS = ("{http://www.w3.org/2001/XMLSchema", "{http://www.w3.org/XML/", "{http://schemas.android.com/tools")
"""How the namespaces of attributes begin that say nothing to readers."""
_NAMING = ("title", "name", "label", "id", "key")
"""Attributes and elements that say what an element is about, the best one first."""

_Unit: TypeAlias = Sequence[etree._Element]
"""Records of one table, or a single element."""


def write_data(writer: DocumentWriter, root: etree._Element) -> None:
    """Writes an outline of the tree.

    Elements of the same name that follow each other, and that hold nothing but plain values, are the rows of a table.
    """
    _write_attributes(writer, root, 0)
    stack: list[tuple[Iterator[_Unit], int]] = [(_units(root), 0)]
    while stack:
        units, level = stack[-1]
        unit = next(units, None)
        if unit is None:
            stack.pop()
        elif len(unit) > 1:
            _write_table(writer, unit)
        elif _write_element(writer, unit[0], level):
            stack.append((_units(unit[0]), level + 1))


def _write_element(writer: DocumentWriter, element: etree._Element, level: int) -> bool:
    """Writes an element; whether those in it are to be written, too."""
    name, depth = name_of(element), max(0, level - _HEADED)
    own = " ".join((element.text or "").split())
    if len(element) == 0:
        about = ", ".join(f"{key}={value}" for key, value in _attributes(element))
        label = f"{name} ({about})" if about else name
        writer.item(f"{label}: {own}" if own else label, depth)
        return False
    if level < _HEADED:
        naming = _naming(element)
        writer.heading(level + 1, f"{name}: {naming}" if naming else name)
        _write_attributes(writer, element, 0)
    else:
        about = ", ".join(f"{key}={value}" for key, value in _attributes(element))
        writer.item(f"{name} ({about})" if about else name, depth)
    mixed = own or any((child.tail or "").strip() for child in element)
    if mixed:
        writer.paragraph(words_of(element))
    return not mixed


def _write_attributes(writer: DocumentWriter, element: etree._Element, depth: int) -> None:
    for key, value in _attributes(element):
        writer.item(f"{key}: {value}", depth)


def _attributes(element: etree._Element) -> Iterator[tuple[str, str]]:
    """The attributes, without those by which programs find schemas and the like."""
    for key, value in element.attrib.items():
        namespace, _, name = str(key).rpartition("}")
        words = " ".join(str(value).split())
        if words and not namespace.startswith(_FOR_PROGRAMS):
            yield name, words


def _naming(element: etree._Element) -> str:
    attributes = dict(_attributes(element))
    values = {name_of(child): words_of(child) for child in children_of(element) if len(child) == 0}
    found = next((each[key] for key in _NAMING for each in (attributes, values) if each.get(key)), "")
    return found if len(found) <= _LONGEST_CELL // 10 else ""


# --- tables ----------------------------------------------------------------------------------------------------------


def _units(parent: etree._Element) -> Iterator[_Unit]:
    for (_, flat), group in groupby(children_of(parent), lambda child: (child.tag, _is_record(child))):
        elements = list(group)
        if flat and len(elements) > 1 and 1 < len(_columns(elements)) <= _WIDEST:
            yield elements
        else:
            for element in elements:
                yield (element,)


def _is_record(element: etree._Element) -> bool:
    """Whether it holds several plain values and nothing else."""
    if len(element) == 0:
        return len(element.attrib) > 0 and len(text_of(element)) <= _LONGEST_CELL
    if (element.text or "").strip():
        return False
    return all(
        len(child) == 0 and not (child.tail or "").strip() and len(child.text or "") <= _LONGEST_CELL
        for child in element
    )


def _columns(elements: _Unit) -> list[str]:
    """The names of all values in the records."""
    return list(dict.fromkeys(key for element in elements for key in _record(element)))


def _record(element: etree._Element) -> dict[str, str]:
    """The values by name; those of attributes, of elements, and of attributes of elements."""
    found = dict(_attributes(element))
    own = " ".join((element.text or "").split())
    if own:
        found[name_of(element)] = own
    for child in children_of(element):
        name, value = name_of(child), " ".join((child.text or "").split())
        found[name] = f"{found[name]}; {value}" if found.get(name) and value else found.get(name) or value
        for key, about in _attributes(child):
            found[f"{name} {key}"] = about
    return found


def _write_table(writer: DocumentWriter, elements: _Unit) -> None:
    columns = _columns(elements)
    records = map(_record, elements)
    rows = [(number, [record.get(column, "") for column in columns]) for number, record in enumerate(records, 1)]
    writer.table(name_of(elements[0]), columns, rows)
