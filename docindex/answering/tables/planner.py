"""Questions to plans, by rule: the relation that accounts for every word of the question, or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

from docindex.answering.tables.catalogue import Catalogue
from docindex.answering.tables.conditions import read_conditions
from docindex.answering.tables.lexicon import ASKED_QUANTITIES, CARRIERS, FILLERS, LIGHT, ROW_WORDS, line
from docindex.answering.tables.marks import Item
from docindex.answering.tables.plan import ColumnOf, QueryPlan
from docindex.answering.tables.reading import Reading
from docindex.answering.tables.relations import Relation
from docindex.answering.tables.shapes import shaped
from docindex.answering.tables.tokens import Word, keys_of, root, words_of
from docindex.answering.tables.view import View

_NAMING = line("which what each every per")
_SIGNS = line("a $ € £ ¥")
_MOST_JOINED = 40
"""So many relations are tried with each other."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and how much of the question its relations know."""

    plan: QueryPlan
    view: View
    score: float


@dataclass(frozen=True, slots=True)
class Missed:
    """A view that names some of what is asked for, and what it could not account for."""

    view: View
    score: float
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Planning:
    """What became of a question."""

    planned: Planned | None = None
    rivals: tuple[Relation, ...] = ()
    """Where several relations answer it equally well: which."""
    missed: tuple[Missed, ...] = ()
    """Where none does: the nearest ones."""


def plan_question(question: str, catalogue: Catalogue) -> Planning:
    """The plan that accounts for every word, of one relation or, where none has one, of two."""
    words = words_of(question)
    if not words:
        return Planning()
    found: list[Planned] = []
    missed: list[Missed] = []
    for relation in _spoken_of(words, catalogue.relations):
        outcome = _tried(words, View([relation], known=catalogue.knows))
        if isinstance(outcome, Planned):
            found.append(outcome)
        elif outcome.score > 0:
            missed.append(outcome)
    if not found:
        found, more = _joined(words, catalogue, [one for one in missed if one.score > 0])
        missed.extend(more)
    if found:
        return _best(found, frozenset(word.key for word in words))
    missed.sort(key=lambda one: (len(one.unknown), -one.score))
    return Planning(missed=tuple(missed))


def _spoken_of(words: Sequence[Word], relations: Iterable[Relation]) -> list[Relation]:
    """Those that a word of the question could name anything of: the others need not be looked at."""
    keys = {key for word in words for key in (word.key, root(word.key))}
    keys |= {key for word in words if word.kind == "quote" for key in keys_of(word.text)}
    quantities = {ASKED_QUANTITIES[key] for key in keys if key in ASKED_QUANTITIES}
    if keys & ROW_WORDS:
        return list(relations)
    return [one for one in relations if one.vocabulary & keys or one.quantities & quantities]


def _joined(
    words: Sequence[Word], catalogue: Catalogue, missed: Sequence[Missed]
) -> tuple[list[Planned], list[Missed]]:
    near = sorted(missed, key=lambda one: -one.score)[:_MOST_JOINED]
    found: list[Planned] = []
    lost: list[Missed] = []
    for many, one in permutations([miss.view.relations[0] for miss in near], 2):
        link = catalogue.link(many, one)
        if link is None:
            continue
        outcome = _tried(words, View([many, one], link, known=catalogue.knows))
        if isinstance(outcome, Missed):
            lost.append(outcome)
        elif {column.table for column in outcome.plan.used()} | {0} == {0, 1}:
            found.append(outcome)
    return found, lost


def _best(found: Sequence[Planned], keys: frozenset[str]) -> Planning:
    ranked = sorted(found, key=lambda one: -one.score)
    best = [one for one in ranked if one.score == ranked[0].score]
    named = [one for one in best if all(relation.title_words <= keys for relation in one.view.relations)]
    best = named if len(named) == 1 else best  # "orders" are those of the table of that name, not the "big orders"
    if len(best) > 1:
        return Planning(rivals=tuple({one.view.relations[0].name: one.view.relations[0] for one in best}.values()))
    return Planning(best[0])


def _tried(words: Sequence[Word], view: View) -> Planned | Missed:
    reading = Reading(words, view)
    score = sum(item.weight for item in reading.items)
    if not score:
        return Missed(view, 0.0, tuple(word.text for word in words))
    read_conditions(reading)
    plan = None if reading.failed else shaped(reading)
    if reading.failed or (plan is not None and _repeats(plan)):
        plan = None
    unknown = tuple(_unaccounted(reading.items, plan, view))
    if plan is None or unknown:
        return Missed(view, score, unknown)
    return Planned(plan, view, score)


def _repeats(plan: QueryPlan) -> bool:
    """Whether values of the second relation would be added up once for each row of the first one."""
    return any(
        measure.column is not None and measure.column.table == 1 and measure.function not in ("min", "max", "distinct")
        for measure in plan.measures
    )


def _unaccounted(items: Sequence[Item], plan: QueryPlan | None, view: View) -> Iterable[str]:
    """The words that neither the plan nor the language explains."""
    used = plan.used() if plan is not None else frozenset()
    before: Item | None = None
    for item in items:
        # What comes after these names something, however little it says elsewhere: "which make", "per work".
        named = before is not None and before.lower in _NAMING
        before = item
        if not (item.used or _explained(item, used, view, named=named)):
            yield item.lower


def _explained(item: Item, used: frozenset[ColumnOf], view: View, *, named: bool) -> bool:
    fields = [view.seen(column).field for column in used]
    quantities = {field.quantity for field in fields} - {None}
    match item.kind:
        case "mark" | "noun" | "title":
            return True
        case "column" if _means_rows(item, view) or any(seen.column in used for seen in item.seen):
            return True
        case "word" if item.lower in FILLERS or item.lower in _SIGNS or (item.key in LIGHT and not named):
            return True
        case "word" if item.unit is not None and item.unit.quantity in quantities:
            return True
    if item.quantity is not None:
        long = item.quantity == "time" and "length" in quantities
        if item.quantity in quantities or long or (item.quantity == "people" and view.persons):
            return True
    carried = item.kind in ("word", "quantity") and item.key in CARRIERS and not named
    return carried and any(field.numeric for field in fields)


def _means_rows(item: Item, view: View) -> bool:
    """Whether a column is named that stands for the rows, or for the key of the other relation."""
    labels = view.labels if len(view.labels) == 1 else ()
    keys = () if view.link is None else (view.link.many_key, view.link.one_key)
    return any(seen in labels or seen.field in keys for seen in item.seen)
