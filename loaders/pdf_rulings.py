"""The ruling lines that are drawn on a page of a PDF: what a table may be made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ctypes import byref, c_float, c_int, c_uint
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import pypdfium2.raw as pdfium

from docindex.loaders.pdf_grid import Ruling

_MOST_RULINGS: Final = 20_000
"""More are a drawing: a page of a hundred rows and twenty columns has 8,000 even if each cell has its own frame."""
_MOST_SEGMENTS: Final = 100_000
_DEEPEST: Final = 5
"""How many forms may be in one another."""
_STRAIGHT: Final = 0.5
"""Points by which a line may be off its axis."""
_THIN: Final = 3.0
"""Points; a filled rectangle that is no higher, or no wider, is a line."""
_FAR: Final = 20_000.0
"""Points; a page is no longer, and what lies beyond is a mistake."""
_WHITE: Final = (255, 255, 255)

Matrix = tuple[float, float, float, float, float, float]
_Point = tuple[float, float]
_IDENTITY: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_Handle = Any  # a pointer of ctypes


class _DrawingError(Exception):
    """The page has more lines than tables have."""


def read_rulings(page: _Handle) -> list[Ruling]:
    """The level and upright lines on the page, in the page's own coordinates; none of a drawing with too many lines.

    Lines, frames and the edges of coloured areas all count. A page without any path costs two calls an object.
    """
    found = _Rulings()
    try:
        for path, matrix in _paths(page, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, _IDENTITY, _DEEPEST):
            found.add(path, matrix)
    except _DrawingError:
        return []
    return found.lines


def _paths(holder: _Handle, count: Any, get: Any, matrix: Matrix, depth: int) -> Iterator[tuple[_Handle, Matrix]]:  # noqa: ANN401
    """The paths in a page or form, each with what takes its coordinates to the page's."""
    for index in range(count(holder)):
        item = get(holder, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            yield item, _times(_matrix_of(item), matrix)
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth:
            inner = _times(_matrix_of(item), matrix)
            yield from _paths(item, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, inner, depth - 1)


@dataclass(slots=True)
class _Rulings:
    lines: list[Ruling] = field(default_factory=list)
    segments: int = 0

    def add(self, path: _Handle, matrix: Matrix) -> None:
        fill, stroke = c_int(), c_int()
        if not pdfium.FPDFPath_GetDrawMode(path, byref(fill), byref(stroke)) or not (fill.value or stroke.value):
            return
        count = pdfium.FPDFPath_CountSegments(path)
        self.segments += count
        if self.segments > _MOST_SEGMENTS:
            raise _DrawingError
        for points in _outlines(path, count, matrix):
            lines = _stroked(points) if stroke.value else _filled(points, path)
            self.lines += [line for line in lines if all(-_FAR < x < _FAR for x in (line.at, line.start, line.end))]
        if len(self.lines) > _MOST_RULINGS:
            raise _DrawingError


def _outlines(path: _Handle, count: int, matrix: Matrix) -> Iterator[list[_Point | None]]:
    """The corners of each part of the path; None stands where a curve lies between two of them."""
    points: list[_Point | None] = []
    x, y = c_float(), c_float()
    for index in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(segment, byref(x), byref(y))
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO and points:
            yield points
            points = []
        elif kind == pdfium.FPDF_SEGMENT_BEZIERTO:
            points.append(None)
        points.append(_moved((x.value, y.value), matrix))
        if pdfium.FPDFPathSegment_GetClose(segment) and points[0] != points[-1]:
            points.append(points[0])
    if points:
        yield points


def _stroked(points: list[_Point | None]) -> Iterator[Ruling]:
    for one, other in pairwise(points):
        if one is not None and other is not None:
            yield from _between(one, other)


def _filled(points: list[_Point | None], path: _Handle) -> Iterable[Ruling]:
    """A thin area is a line, a wide rectangle has four edges that are lines."""
    corners = [point for point in points if point is not None]
    (left, right), (bottom, top) = ((min(axis), max(axis)) for axis in zip(*corners, strict=True))
    if top - bottom <= _THIN or right - left <= _THIN:
        if right - left > top - bottom:
            return [Ruling((bottom + top) / 2, left, right, upright=False)]
        return [Ruling((left + right) / 2, bottom, top, upright=True)]
    edges = list(_stroked([*points, points[0]]))
    return edges if len(edges) == 4 and None not in points and _colour_of(path) != _WHITE else ()


def _between(one: _Point, other: _Point) -> Iterator[Ruling]:
    across, along = abs(one[0] - other[0]), abs(one[1] - other[1])
    if along <= _STRAIGHT < across:
        yield Ruling((one[1] + other[1]) / 2, min(one[0], other[0]), max(one[0], other[0]), upright=False)
    elif across <= _STRAIGHT < along:
        yield Ruling((one[0] + other[0]) / 2, min(one[1], other[1]), max(one[1], other[1]), upright=True)


def _colour_of(path: _Handle) -> tuple[int, int, int]:
    red, green, blue, alpha = c_uint(), c_uint(), c_uint(), c_uint()
    if pdfium.FPDFPageObj_GetFillColor(path, byref(red), byref(green), byref(blue), byref(alpha)) and alpha.value:
        return red.value, green.value, blue.value
    return _WHITE


def _matrix_of(item: _Handle) -> Matrix:
    found = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(item, byref(found)):
        return _IDENTITY
    return found.a, found.b, found.c, found.d, found.e, found.f


def _times(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    (ax, ay), (cx, cy) = ((u * outer[0] + v * outer[2], u * outer[1] + v * outer[3]) for u, v in ((a, b), (c, d)))
    return ax, ay, cx, cy, *_moved((e, f), outer)


def _moved(point: _Point, matrix: Matrix) -> _Point:
    x, y = point
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f
