"""What a question may speak of: the columns, nouns and values of one relation, or of two that are joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from docindex.answering.tables.catalogue import Link
from docindex.answering.tables.lexicon import PERSONS
from docindex.answering.tables.plan import ColumnOf, Join
from docindex.answering.tables.relations import Field, Relation
from docindex.answering.tables.tokens import Word, akin, keys_of, said_words

LONGEST_VALUE = 8
"""Words of a value that a question may name."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A column where it stands."""

    column: ColumnOf
    field: Field


@dataclass(frozen=True, slots=True)
class Named:
    """Values of a column as they are spelt in it."""

    seen: Seen
    values: tuple[str, ...]


class View:
    """The first relation is the one whose rows are counted."""

    def __init__(
        self,
        relations: Sequence[Relation],
        link: Link | None = None,
        *,
        known: Callable[[tuple[str, ...]], bool] = lambda _: False,
    ) -> None:
        """Two relations go with their link; `known` says whether any table at all has a value."""
        self._known = known
        self.relations = tuple(relations)
        self.link = link
        self.columns = tuple(
            Seen(ColumnOf(at, field.name), field)
            for at, relation in enumerate(relations)
            for field in relation.fields
            if not (at and link and field.name == link.one_key.name)
        )

    @property
    def join(self) -> Join | None:
        """How the two go together."""
        if self.link is None:
            return None
        return Join(ColumnOf(0, self.link.many_key.name), ColumnOf(1, self.link.one_key.name))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the relations, in the catalogue."""
        return tuple(relation.name for relation in self.relations)

    @property
    def labels(self) -> tuple[Seen, ...]:
        """The columns by which the rows are told apart."""
        return self.labels_of(0)

    def labels_of(self, table: int) -> tuple[Seen, ...]:
        """Those of one of the relations; none of a key that is not seen in it."""
        wanted = {field.name for field in self.relations[table].labels}
        if table and self.link is not None and self.link.one_key.name in wanted:
            return (Seen(ColumnOf(0, self.link.many_key.name), self.link.many_key),)
        return tuple(seen for seen in self.columns if seen.column.table == table and seen.field.name in wanted)

    def numbers_rows(self, seen: Seen) -> bool:
        """Whether a column of whole numbers comes first and is called what the rows are: the "Order" of orders."""
        relation, field = self.relations[seen.column.table], seen.field
        first = field.name == relation.fields[0].name and field.type == "integer" and field.unique
        return first and set(field.words) <= relation.nouns

    @property
    def persons(self) -> bool:
        """Whether the rows are of people."""
        relation = self.relations[0]
        named = frozenset(word for seen in self.labels[:1] for word in seen.field.words)
        return bool(PERSONS & (named | relation.nouns))

    def seen(self, column: ColumnOf) -> Seen:
        """The column with what is known of it."""
        return next(seen for seen in self.columns if seen.column == column)

    def only(self, wanted: Callable[[Seen], bool]) -> Seen | None:
        """The one column that is so: of the first relation if there is one, else of both."""
        for some in ([seen for seen in self.columns if seen.column.table == 0], self.columns):
            found = [seen for seen in some if wanted(seen)]
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def noun(self, word: Word) -> int | None:
        """Which relation's rows are called so."""
        found = [at for at, relation in enumerate(self.relations) if word.key in relation.nouns]
        if found:
            return found[0]
        label = self.labels
        if len(label) == 1 and label[0].field.type == "text" and word.key in label[0].field.words:
            return 0
        return None

    def titled(self, word: Word) -> bool:
        """Whether a title has the word."""
        return any(word.key in relation.title_words for relation in self.relations)

    def values(self, words: Sequence[Word], at: int) -> tuple[int, tuple[Named, ...]]:
        """The longest value that begins at a word: how many words it has, and where it is found."""
        for size in range(min(LONGEST_VALUE, len(words) - at), 0, -1):
            found = self.spelt(words[at : at + size])
            if found:
                return size, found
        return 0, ()

    def spelt(self, words: Sequence[Word]) -> tuple[Named, ...]:
        """The values of these very words, whatever their case, or else those of words with the same stems."""
        keys, said = tuple(word.key for word in words), [word.lower for word in words]
        found = [Named(seen, seen.field.values.texts[keys]) for seen in self.columns if keys in seen.field.values.texts]
        exact = [
            Named(one.seen, same)
            for one in found
            if (same := tuple(text for text in one.values if [word.lower for word in said_words(text)] == said))
        ]
        return tuple(exact or found)

    def part_of_label(self, words: Sequence[Word], at: int) -> tuple[int, Named | None]:
        """The one row whose name has the words that begin here, and no other row's: "Anna" for "Anna Adler"."""
        labels = self.labels
        if len(labels) != 1 or labels[0].field.type != "text":
            return 0, None
        texts = labels[0].field.values.texts
        size, named = 0, None
        left = list(texts)
        for word in words[at : at + LONGEST_VALUE]:
            left = [keys for keys in left if word.key in keys]
            if not left:
                break
            size += 1
            spelt = [text for keys in left for text in texts[keys]]
            named = Named(labels[0], (spelt[0],)) if len(spelt) == 1 else None
        if named is None:
            return 0, None
        whole = keys_of(named.values[0])
        head = words[at + size - 1].key == whole[-1]
        known = size > 1 or head or words[at].text[:1].isupper()
        if self._known(tuple(word.key for word in words[at : at + size])):
            return 0, None  # "Tools" is the category of that name in another table, and not short for "Balta Tools"
        return (size, named) if known and 2 * size >= len(whole) else (0, None)

    def column_run(self, words: Sequence[Word], at: int, skipped: Callable[[Word], bool]) -> ColumnRun:
        """The columns that the words from here on name, and how far."""
        best = ColumnRun(0, (), exact=False)
        left: list[Seen] = list(self.columns)
        named: list[str] = []
        place = at
        while place < len(words):
            word = words[place]
            still = _naming(left, word.key, named)
            if not still:
                if place > at and skipped(word):
                    place += 1
                    continue
                break
            left, place = still, place + 1
            named.append(word.key)
            whole = [seen for seen in left if all(any(akin(one, key) for key in named) for one in seen.field.words)]
            best = ColumnRun(place - at, tuple(whole or left), exact=bool(whole))
        return best


@dataclass(frozen=True, slots=True)
class ColumnRun:
    """What a run of words names."""

    size: int
    seen: tuple[Seen, ...]
    exact: bool
    """All words of the name are there."""


def _naming(columns: Sequence[Seen], key: str, named: Sequence[str]) -> list[Seen]:
    """Those of the columns whose name has the word, and not yet another word for it; the very word comes first."""
    if any(akin(key, one) for one in named):
        return []
    same = [seen for seen in columns if key in seen.field.words]
    return same or [seen for seen in columns if any(akin(key, one) for one in seen.field.words)]


def first_table(seen: Iterable[Seen]) -> list[Seen]:
    """Those of the first relation, or all if there are none."""
    some = list(seen)
    return [one for one in some if one.column.table == 0] or some
