"""From ruling lines to the grids of tables: pure geometry. Lengths are in points; y grows upwards."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_SNAP: Final = 3.0
"""By how much lines may miss each other, as double lines and the corners of cells do."""
_SHORTEST: Final = 5.0
"""A shorter line is a mark, such as a tick of an axis."""
_MOST_PLACES: Final = 20_000
"""Rows times columns."""
_MOST_COMPARED: Final = 1_000_000
"""Pairs of lines that are looked at."""
_CLOSED: Final = 0.6
"""A side without a line is closed where so many of the lines end that run towards it."""
_TILED: Final = 0.9
"""The share of its area that the cells of a table fill; the boxes of a drawing have gaps between them."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A line along one of the axes."""

    at: float
    """Where it lies: x of an upright line, y of a level one."""
    start: float
    end: float
    upright: bool


@dataclass(frozen=True, slots=True)
class Region:
    """A cell by the places of the grid that it covers, the first row on top."""

    row: int
    column: int
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's cells."""

    xs: tuple[float, ...]
    """The borders of its columns, from left to right."""
    ys: tuple[float, ...]
    """The borders of its rows, from the bottom up."""
    regions: tuple[Region, ...]
    """By rows, then by columns."""
    places: tuple[tuple[int, ...], ...]
    """For each row and column the index of the region that covers it, or -1."""

    def region_at(self, x: float, y: float) -> int:
        """The index of the region that holds the point, or -1."""
        column = bisect_right(self.xs, x) - 1
        up = bisect_right(self.ys, y) - 1
        if 0 <= column < len(self.xs) - 1 and 0 <= up < len(self.ys) - 1:
            return self.places[len(self.ys) - 2 - up][column]
        return -1


def turned(x: float, y: float, quarters: int) -> tuple[float, float]:
    """The point after the page was turned clockwise, so many quarters about its origin."""
    for _ in range(quarters % 4):
        x, y = y, -x
    return x, y


def turned_ruling(ruling: Ruling, quarters: int) -> Ruling:
    """The line after such a turn."""
    ends = [(ruling.at, ruling.start), (ruling.at, ruling.end)]
    (x, y), (to_x, to_y) = (turned(*(end if ruling.upright else end[::-1]), quarters) for end in ends)
    if ruling.upright != bool(quarters % 2):
        return Ruling(x, min(y, to_y), max(y, to_y), upright=True)
    return Ruling(y, min(x, to_x), max(x, to_x), upright=False)


def find_grids(rulings: Sequence[Ruling]) -> list[Grid]:
    """The grids of at least two columns that the lines make, the topmost first.

    Frames, underlines, and boxes with gaps between them are none. Of lines that would take seconds, none are found.
    """
    lines = _merged(rulings)
    grids = [grid for group in _connected(lines) if (grid := _grid(group)) is not None]
    return sorted(grids, key=lambda grid: (-grid.ys[-1], grid.xs[0]))


def _merged(rulings: Sequence[Ruling]) -> list[Ruling]:
    """Lines that lie on each other, or go on where another ends, as one."""
    merged: list[Ruling] = []
    for upright in (False, True):
        row: list[Ruling] = []
        for ruling in sorted((one for one in rulings if one.upright == upright), key=lambda one: one.at):
            if row and ruling.at - row[0].at > _SNAP:
                merged += _joined(row)
                row = []
            row.append(ruling)
        merged += _joined(row)
    return [line for line in merged if line.end - line.start >= _SHORTEST]


def _joined(row: Sequence[Ruling]) -> list[Ruling]:
    if not row:
        return []
    at, upright = sum(one.at for one in row) / len(row), row[0].upright
    spans: list[list[float]] = []
    for start, end in sorted((one.start, one.end) for one in row):
        if spans and start <= spans[-1][1] + _SNAP:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([start, end])
    return [Ruling(at, start, end, upright) for start, end in spans]


def _connected(lines: Sequence[Ruling]) -> list[list[Ruling]]:
    """The lines in groups of those that meet, directly or through others."""
    levels = sorted((line for line in lines if not line.upright), key=lambda line: line.at)
    heights = [line.at for line in levels]
    groups = _Groups(len(lines))
    uprights = [line for line in lines if line.upright]
    compared = 0
    for number, line in enumerate(uprights, len(levels)):
        low, high = bisect_left(heights, line.start - _SNAP), bisect_right(heights, line.end + _SNAP)
        compared += high - low
        if compared > _MOST_COMPARED:
            return []
        for other in range(low, high):
            if levels[other].start - _SNAP <= line.at <= levels[other].end + _SNAP:
                groups.join(number, other)
    found: dict[int, list[Ruling]] = defaultdict(list)
    for number, line in enumerate([*levels, *uprights]):
        found[groups.of(number)].append(line)
    return list(found.values())


def _grid(lines: Sequence[Ruling]) -> Grid | None:
    uprights, levels = [one for one in lines if one.upright], [one for one in lines if not one.upright]
    xs, ys = _borders(uprights, levels), _borders(levels, uprights)
    rows, columns = len(ys) - 1, len(xs) - 1
    if rows < 1 or columns < 2 or rows * columns > _MOST_PLACES:
        return None
    beside, below = _walls(uprights, xs, ys), _walls(levels, ys, xs)  # [border][place between the other borders]
    groups = _Groups(rows * columns)
    open_places = set()
    for up in range(rows):
        for column in range(columns):
            place = up * columns + column
            if column + 1 < columns and not beside[column + 1][up]:
                groups.join(place, place + 1)
            if up + 1 < rows and not below[up + 1][column]:
                groups.join(place, place + columns)
            if (
                (column == 0 and not beside[0][up])
                or (column == columns - 1 and not beside[columns][up])
                or (up == 0 and not below[0][column])
                or (up == rows - 1 and not below[rows][column])
            ):
                open_places.add(place)
    open_groups = {groups.of(place) for place in open_places}
    together: dict[int, list[tuple[int, int]]] = defaultdict(list)
    area = 0.0
    for up in reversed(range(rows)):
        for column in range(columns):
            group = groups.of(up * columns + column)
            if group not in open_groups:
                together[group].append((rows - 1 - up, column))
                area += (ys[up + 1] - ys[up]) * (xs[column + 1] - xs[column])
    if area < _TILED * (ys[-1] - ys[0]) * (xs[-1] - xs[0]):
        return None
    regions = sorted(
        (region for places in together.values() for region in _regions(places)),
        key=lambda region: (region.row, region.column),
    )
    places = [[-1] * columns for _ in range(rows)]
    for index, region in enumerate(regions):
        for row in range(region.row, region.row + region.rows):
            places[row][region.column : region.column + region.columns] = [index] * region.columns
    return Grid(tuple(xs), tuple(ys), tuple(regions), tuple(map(tuple, places)))


def _borders(lines: Sequence[Ruling], crossing: Sequence[Ruling]) -> list[float]:
    """Where lines of one direction lie, and the open sides at which most of those end that cross them."""
    borders: list[float] = []
    for at in sorted(line.at for line in lines):
        if not borders or at - borders[-1] > _SNAP:
            borders.append(at)
    if not borders or not crossing:
        return borders
    first, last = min(line.start for line in crossing), max(line.end for line in crossing)
    if first < borders[0] - _SNAP and _most(abs(line.start - first) <= _SNAP for line in crossing):
        borders.insert(0, first)
    if last > borders[-1] + _SNAP and _most(abs(line.end - last) <= _SNAP for line in crossing):
        borders.append(last)
    return borders


def _walls(lines: Sequence[Ruling], borders: Sequence[float], across: Sequence[float]) -> list[list[bool]]:
    """For each border, whether a line stands there between two neighbours of `across`."""
    walls = [[False] * (len(across) - 1) for _ in borders]
    drawn: set[int] = set()
    middles = [(one + other) / 2 for one, other in pairwise(across)]
    for line in lines:
        border = bisect_right(borders, line.at + 1e-6) - 1  # its own, or the one that it was snapped to
        drawn.add(border)
        for place in range(bisect_left(middles, line.start), bisect_right(middles, line.end)):
            walls[border][place] = True
    for border in {0, len(borders) - 1} - drawn:
        walls[border] = [True] * len(middles)
    return walls


def _regions(places: Sequence[tuple[int, int]]) -> list[Region]:
    """One region where the places make a rectangle, else one a place."""
    rows, columns = [row for row, _ in places], [column for _, column in places]
    high, wide = max(rows) - min(rows) + 1, max(columns) - min(columns) + 1
    if high * wide == len(places):
        return [Region(min(rows), min(columns), high, wide)]
    return [Region(row, column, 1, 1) for row, column in places]


def _most(flags: Iterable[bool]) -> bool:
    known = list(flags)
    return sum(known) >= _CLOSED * len(known)


class _Groups:
    """Disjoint sets of numbers."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def of(self, number: int) -> int:
        """What names the set of the number."""
        while self._parents[number] != number:
            self._parents[number] = number = self._parents[self._parents[number]]
        return number

    def join(self, one: int, other: int) -> None:
        """Makes their sets one."""
        self._parents[self.of(one)] = self.of(other)
