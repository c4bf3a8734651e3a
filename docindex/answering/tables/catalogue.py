"""The tables of an index, as relations that questions are asked of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import PurePosixPath
from typing import TypeVar

from docindex.answering.tables.lexicon import IDENTIFIERS
from docindex.answering.tables.relations import (
    TIME_WORDS,
    Field,
    Part,
    Relation,
    Summing,
    ValueSummary,
    by_keys,
    field_of,
    title_words,
)
from docindex.answering.tables.totals import data_rows
from docindex.protocols import StoredTable
from docindex.schema import CellValue, ColumnType

_MOST_HASHES = 20_000
_COPIED = 0.5
"""Tables of which so many rows are the same are versions of each other, not parts of a series."""
_REFERRED = 0.8
"""So many of the keys of one column must be in the other, or the two mean different things."""
_INT64 = 2**63
_Member = TypeVar("_Member", int, str)
_YEAR_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Link:
    """Two relations that share a key."""

    many: Relation
    one: Relation
    many_key: Field
    one_key: Field


class Catalogue:
    """All relations, and which of them can be joined."""

    def __init__(self, relations: Iterable[Relation]) -> None:
        self.relations = tuple(relations)
        self._by_name = {relation.name: relation for relation in self.relations}
        self._links: dict[tuple[str, str], Link | None] = {}

    def __getitem__(self, name: str) -> Relation:
        """The relation of that name."""
        return self._by_name[name]

    def knows(self, keys: tuple[str, ...]) -> bool:
        """Whether any column of any relation has the value with these words, and no more."""
        return any(keys in field.values.texts for relation in self.relations for field in relation.fields)

    def link(self, many: Relation, one: Relation) -> Link | None:
        """The key that two relations share, which the second one has once a row."""
        key = (many.name, one.name)
        if key not in self._links:
            self._links[key] = _link(many, one)
        return self._links[key]


def catalogue_of(tables: Iterable[StoredTable]) -> Catalogue:
    """The relations of stored tables; one table at a time is in memory."""
    series: dict[tuple[object, ...], list[_Draft]] = {}
    for stored in tables:
        if stored.table.columns and stored.table.rows:
            draft = _draft(stored)
            series.setdefault(draft.series, []).append(draft)
    names = _Names()
    return Catalogue(_relation(names, group) for drafts in series.values() for group in _parted(drafts))


@dataclass(frozen=True, slots=True)
class _Draft:
    part: Part
    name: str
    columns: tuple[str, ...]
    types: tuple[ColumnType, ...]
    summing: tuple[Summing, ...]
    hashes: frozenset[int]
    own_words: str
    """What its titles have beside those of the series."""

    @property
    def numbered(self) -> bool:
        """Whether a number that is no year tells it from the others."""
        return any(word.isdecimal() and len(word) != _YEAR_DIGITS for word in self.own_words.split())

    @property
    def whole(self) -> tuple[object, ...]:
        """What is alike for the documents that one long table was cut into, as `sales.csv#1` and `sales.csv#2`."""
        stem, _, number = self.part.doc_id.rpartition("#")
        return self.part.source, stem if number.isdecimal() else self.part.doc_id, self.name, self.part.number

    @property
    def series(self) -> tuple[object, ...]:
        return (tuple(name.casefold() for name in self.columns), *_without_times(self.part.source, self.name))


def _draft(stored: StoredTable) -> _Draft:
    table = stored.table
    types = [column.type for column in table.columns]
    rows = data_rows(table)
    for at in range(len(types)):
        if any(isinstance(row.cells[at], int) and abs(row.cells[at] or 0) >= _INT64 for row in rows):  # type: ignore[arg-type]
            types[at] = "text"  # no database can add it up
    summing = tuple(Summing(kind) for kind in types)
    hashes: set[int] = set()
    for row in rows:
        for column, cell in zip(summing, row.cells, strict=True):
            column.add(storable(cell))
        if len(hashes) < _MOST_HASHES:
            hashes.add(hash(row.cells))
    part = Part(stored.doc_id, stored.source, stored.number, stored.source, len(rows), table.start, table.end)
    own = " ".join(dict.fromkeys(word for title in (stem_of(stored.source), table.name) for word in _times(title)))
    names = tuple(column.name for column in table.columns)
    return _Draft(part, table.name, names, tuple(types), summing, frozenset(hashes), own)


def storable(cell: CellValue) -> CellValue:
    """The cell as a database holds it: whole numbers of more than 64 bits as text."""
    return str(cell) if isinstance(cell, int) and abs(cell) >= _INT64 else cell


def stem_of(source: str) -> str:
    """The name of a file without folders and suffix."""
    return PurePosixPath(source).stem or source


def _relation(names: _Names, drafts: Sequence[_Draft]) -> Relation:
    first = drafts[0]
    rows = sum(draft.part.rows for draft in drafts)
    fields = []
    for at, name in enumerate(first.columns):
        kind = _type(drafts, at)
        filled = [draft.summing[at] for draft in drafts if draft.summing[at].filled] or [first.summing[at]]
        summaries = [(one.as_text() if kind == "text" else one).summary() for one in filled]
        fields.append(field_of(name, kind, _together(summaries), rows))
    titles = [stem_of(first.part.source)] + ([first.name] if first.name else [])
    nouns, roots = title_words(titles)
    part_field = None
    several = len({draft.whole for draft in drafts}) > 1
    if several and all(draft.own_words for draft in drafts):
        part_field = _unused("file", first.columns)
        labels = {draft.own_words for draft in drafts}
        fields.append(field_of(part_field, "text", ValueSummary(rows, len(labels), by_keys(labels)), rows))
    common = " ".join(_without_times(first.part.source, "")[0])
    title = common if common and several else stem_of(first.part.source)
    parts = tuple(replace(draft.part, label=draft.own_words) for draft in drafts)
    return Relation(
        names.unique(common.replace(" ", "_") or stem_of(first.part.source)),
        title,
        parts,
        tuple(fields),
        nouns,
        roots,
        rows,
        part_field,
    )


def _together(summaries: Sequence[ValueSummary]) -> ValueSummary:
    if len(summaries) == 1:
        return summaries[0]
    texts = by_keys({text for summary in summaries for spelt in summary.texts.values() for text in spelt})
    truths = [summary.truth for summary in summaries]
    return ValueSummary(
        sum(summary.filled for summary in summaries),
        sum(len(spelt) for spelt in texts.values()) if texts else max(summary.distinct for summary in summaries),
        texts,
        frozenset[tuple[int, int]]().union(*(summary.months for summary in summaries)),
        max(summary.decimals for summary in summaries),
        all(summary.yearly for summary in summaries),
        any(summary.timed for summary in summaries),
        {key: value for truth in truths for key, value in (truth or {}).items()} if all(truths) else None,
        all(summary.fractions for summary in summaries),
    )


def _type(drafts: Sequence[_Draft], at: int) -> ColumnType:
    """Of a column in all parts that have anything in it: text, where they differ."""
    types = {draft.types[at] for draft in drafts if draft.summing[at].filled}
    if types == {"integer", "number"}:
        return "number"
    return types.pop() if len(types) == 1 else "text"


def _parted(drafts: Sequence[_Draft]) -> list[list[_Draft]]:
    """Tables of one form and name, those of one relation together."""
    wholes: dict[tuple[object, ...], list[_Draft]] = {}
    for draft in drafts:
        wholes.setdefault(draft.whole, []).append(draft)
    found = list(wholes.values())
    return [list(chain.from_iterable(found))] if _goes_on(found) else found


def _goes_on(wholes: Sequence[Sequence[_Draft]]) -> bool:
    """Whether tables of one form and name are parts of a series, and not versions of each other."""
    if len(wholes) == 1:
        return True
    if _repeated([_union(draft.hashes for draft in whole) for whole in wholes]):
        return False
    drafts = list(chain.from_iterable(wholes))
    if any(draft.numbered for draft in drafts):  # "prices 1" and "prices 2" may be of the same things
        for at in range(len(drafts[0].columns)):
            if _repeated([_union(draft.summing[at].seen_texts() for draft in whole) for whole in wholes]):
                return False
    alike = all(_type(drafts, at) != "text" or _of_text(drafts, at) for at in range(len(drafts[0].columns)))
    # Where they say in so many words that they go on from each other, one odd cell does not make them another thing.
    names = {whole[0].own_words for whole in wholes}
    return alike or (len(names) == len(wholes) and all(names))


def _of_text(drafts: Sequence[_Draft], at: int) -> bool:
    return all(draft.types[at] == "text" for draft in drafts)


def _union(sets: Iterable[frozenset[_Member]]) -> frozenset[_Member]:
    return frozenset(chain.from_iterable(sets))


def _repeated(sets: Sequence[frozenset[int]] | Sequence[frozenset[str]]) -> bool:
    """Whether one of the sets has most of its members in common with the others."""
    counts = Counter(chain.from_iterable(sets))
    return any(sum(counts[one] > 1 for one in some) > _COPIED * len(some) for some in sets if some)


_WORDS = re.compile(r"[^\W_]+")


def _times(title: str) -> list[str]:
    return [word for word in _WORDS.findall(title) if word.lower() in TIME_WORDS or word.isdecimal()]


def _without_times(source: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of the titles, in small letters, that parts of a series have in common."""
    stem, own = (
        tuple(word.lower() for word in _WORDS.findall(title) if not (word.lower() in TIME_WORDS or word.isdecimal()))
        for title in (stem_of(source), name)
    )
    return stem, own


def _unused(name: str, names: Sequence[str]) -> str:
    taken = {one.casefold() for one in names}
    while name in taken:
        name += "_"
    return name


class _Names:
    """Names for tables, none twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, wanted: str) -> str:
        name, number = wanted, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name.casefold())
        return name


def _link(many: Relation, one: Relation) -> Link | None:
    found = [
        Link(many, one, left, right)
        for right in one.fields
        if right.unique and right.type in ("text", "integer")
        for left in many.fields
        if _same_key(many, left, one, right)
    ]
    return found[0] if len(found) == 1 else None


def _same_key(many: Relation, left: Field, one: Relation, right: Field) -> bool:
    if left.type != right.type or left.truth:
        return False
    named = set(left.words) == set(right.words)
    if left.identifier or right.identifier:  # "Customer" refers to "Customer ID", and to the "ID" of customers
        bare_left = {word for word in left.words if word not in IDENTIFIERS}
        bare_right = {word for word in right.words if word not in IDENTIFIERS}
        named = named or (bool(bare_left) and bare_left == bare_right)
        named = named or (not bare_right and bool(bare_left) and bool(set(left.words) & one.nouns))
    if not named or (left.unique and many.rows > one.rows):
        return False
    if left.type == "integer":
        return left.identifier or right.identifier
    values, keys = set(left.values.texts), set(right.values.texts)
    return bool(values) and len(values & keys) >= _REFERRED * len(values)
