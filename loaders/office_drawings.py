"""What drawings tell: charts their numbers, SmartArt its texts, pictures what they are described as.

Word and PowerPoint draw in the same markup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from docindex.loaders.values import typed
from docindex.schema import CellValue

_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SCIENTIFIC = re.compile(r"-?\d+(?:\.\d+)?(?:[Ee][-+]?\d{1,3})?")
_FILE_NAME = re.compile(r"\S+\.[A-Za-z]{3,4}")
_MOST_POINTS = 10_000
"""Of a series; what has more is no chart that a reader reads."""

SMART_ART = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
CHART = f"{_C}chart"
"""The elements that a drawing refers to its chart or its SmartArt by."""


@dataclass(frozen=True, slots=True)
class ChartTable:
    """A chart's title, and its points: one row a category, one column a series."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[CellValue, ...]], ...]


def chart_table(root: etree._Element) -> ChartTable:
    """The points of a chart part."""
    header = [""]
    labels: dict[int, CellValue] = {}
    columns: list[dict[int, CellValue]] = []
    for number, series in enumerate(root.iter(f"{_C}ser"), 1):
        labels = _points(series, "cat", "xVal") | labels
        columns.append(_points(series, "val", "yVal"))
        name = series.find(f"{_C}tx")
        header.append((_text_of(name, f"{_C}v") if name is not None else "") or f"series {number}")
    places = sorted(set(labels).union(*columns)) if columns else []
    rows = tuple((at + 1, (labels.get(at), *(column.get(at) for column in columns))) for at in places)
    title = root.find(f"{_C}chart/{_C}title")
    return ChartTable(_text_of(title, f"{_A}t", f"{_C}v") if title is not None else "", tuple(header), rows)


def description(text: str | None) -> str:
    """What a picture's description tells; a file's name, which programs put there, tells nothing."""
    return "" if text is None or _FILE_NAME.fullmatch(text.strip()) else text


def diagram_lines(root: etree._Element) -> list[str]:
    """The texts of a SmartArt drawing's data part, one a shape's paragraph, in the order of the data."""
    lines = ("".join(run.text or "" for run in paragraph.iter(f"{_A}t")) for paragraph in root.iter(f"{_A}p"))
    return [line for line in lines if line.strip()]


def _points(series: etree._Element, *names: str) -> dict[int, CellValue]:
    """The points of the series' first child of those names, by their places from 0."""
    found: dict[int, CellValue] = {}
    holder = next((child for name in names if (child := series.find(f"{_C}{name}")) is not None), None)
    if holder is None:
        return found
    levels = list(holder.iter(f"{_C}lvl"))
    for point in (levels[0] if levels else holder).iter(f"{_C}pt"):
        at = point.get("idx") or ""
        if at.isascii() and at.isdigit() and len(found) < _MOST_POINTS:
            found[int(at)] = _value(point.findtext(f"{_C}v") or "")
    return found


def _value(text: str) -> CellValue:
    value = typed(text)
    return float(text) if isinstance(value, str) and _SCIENTIFIC.fullmatch(text) else value


def _text_of(element: etree._Element, *names: str) -> str:
    return "".join(part.text or "" for part in element.iter(*names))
