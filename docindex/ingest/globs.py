"""Globs, matched name by name along a walk, so that what a folder passes over is passed over for them too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from glob import has_magic
from pathlib import Path
from typing import Self

_ANY_DEPTH = "**"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is still to be matched of a glob, in a folder that the walk has come to."""

    ways: frozenset[tuple[str, ...]]
    """The parts that are left, for each way to have come here: `**` stands for any number of folders."""

    @classmethod
    def of(cls, *parts: str) -> Self:
        """A pattern at its beginning, part by part."""
        return cls(frozenset(_begun([parts])))

    def after(self, name: str) -> Self:
        """What is left once a name in the folder is matched."""
        matching = (way for way in self.ways if way and (way[0] == _ANY_DEPTH or fnmatchcase(name, way[0])))
        return type(self)(frozenset(_begun(way if way[0] == _ANY_DEPTH else way[1:] for way in matching)))

    def along(self, names: Iterable[str]) -> Self:
        """What is left once these names are matched, each in the folder of the one before it."""
        return reduce(type(self).after, names, self)

    @property
    def is_met(self) -> bool:
        """Whether the last name may have been the end."""
        return () in self.ways

    @property
    def goes_on(self) -> bool:
        """Whether something below the last name may match."""
        return any(self.ways)


def split_glob(path: Path) -> tuple[Path, Pattern]:
    """The part of a path before its first wildcard, and the pattern of what is below that."""
    fixed = Path(path.anchor)
    parts = path.parts[len(fixed.parts) :]
    magic = next((number for number, part in enumerate(parts) if has_magic(part)), len(parts))
    return fixed.joinpath(*parts[:magic]), Pattern.of(*parts[magic:])


def _begun(ways: Iterable[tuple[str, ...]]) -> Iterable[tuple[str, ...]]:
    for way in ways:
        yield way
        while way and way[0] == _ANY_DEPTH:  # of no folder
            way = way[1:]
            yield way


EVERYTHING = Pattern.of(_ANY_DEPTH)
