"""What the style sheets in a page say about whether its elements are shown.

Only `display` and `visibility` are looked at. What hides must name elements, classes and ids alone and hold in every
window: where more would have to be known, a rule counts only if it shows. So text is rather kept than left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_NO_CODE = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
_BRACE = re.compile(r"([{}])")
_DECLARATION = re.compile(r"(?:^|;)\s*(display|visibility)\s*:\s*([\w-]+)\s*(!\s*important)?", re.IGNORECASE)
_NAME = r"(?:\\.|[a-zA-Z0-9_-]|[^\x00-\x7f])+"
_COMPOUND = re.compile(rf"(\*|{_NAME})?((?:[.#]{_NAME})*)")
_PART = re.compile(rf"[.#]{_NAME}")
_ESCAPE = re.compile(r"\\(.)")
_COMBINATOR = re.compile(r"\s*(?<!\\)[\s>+~]\s*")
_CONDITION = re.compile(r"(?<!\\)(?:::?[\w-]+(?:\([^()]*\))?|\[[^\[\]]*\])")
"""Pseudo-classes and attributes."""
_EVERYWHERE = re.compile(r"(?:|@media\s+)(?:only\s+)?(?:all|screen)?\s*", re.IGNORECASE)
_LARGEST = 1_000_000
"""Characters of style sheets that are read; a page that needs more is no page to read."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A property of the elements that have a tag (or any) and all of the names."""

    rank: tuple[bool, int, int, int, int]
    """Which of two rules wins: the important one, the one with more ids, classes, tags, the later one."""
    tag: str
    names: frozenset[str]
    """Classes as ".name", ids as "#name"."""
    property: str
    value: str


class StyleSheets:
    """The rules of all style sheets of a page that show or hide something."""

    def __init__(self, sheets: Iterable[tuple[str, str]]) -> None:
        """From the text of each sheet and the media it is for."""
        self._rules: dict[str, list[_Rule]] = {}
        left = _LARGEST
        rules: list[_Rule] = []
        for text, media in sheets:
            rules += _rules(text[:left], len(rules), everywhere=bool(_EVERYWHERE.fullmatch(media.strip())))
            left -= min(left, len(text))
        if any(_hides(rule.value) for rule in rules):
            for rule in rules:
                self._rules.setdefault(min(rule.names, default=rule.tag), []).append(rule)

    def said_of(self, tag: str, attributes: Mapping[str, str | None]) -> dict[str, tuple[str, bool]]:
        """The properties of an element, each with its value and whether it is important."""
        if not self._rules:
            return {}
        names = {f".{name}" for name in (attributes.get("class") or "").split()}
        if own := attributes.get("id"):
            names.add(f"#{own}")
        best: dict[str, _Rule] = {}
        for key in (tag, "*", *names):
            for rule in self._rules.get(key, ()):
                if rule.tag in (tag, "*") and rule.names <= names:
                    before = best.get(rule.property)
                    if before is None or before.rank < rule.rank:
                        best[rule.property] = rule
        return {rule.property: (rule.value, rule.rank[0]) for rule in best.values()}


def _hides(value: str) -> bool:
    return value in ("none", "hidden", "collapse")


def _rules(sheet: str, place: int, *, everywhere: bool) -> Iterator[_Rule]:
    """The rules of a sheet; the first one is the `place`-th of the page."""
    around: list[str] = []
    pieces = _BRACE.split(_NO_CODE.sub(" ", sheet))
    for before, brace in zip(pieces[::2], pieces[1::2], strict=False):
        if brace == "{":
            around.append(before.rpartition(";")[2].strip())
            continue
        selectors = around.pop() if around else "@"
        if selectors.startswith("@") or not all(outer.startswith("@") for outer in around):
            continue
        always = everywhere and all(_EVERYWHERE.fullmatch(outer) for outer in around)
        for name, value, important in _DECLARATION.findall(before):
            for selector in selectors.split(","):
                rule = _rule(selector.strip(), name.lower(), value.lower(), bool(important), place, always)
                if rule is not None:
                    yield rule
                    place += 1


def _rule(selector: str, name: str, value: str, important: bool, place: int, always: bool) -> _Rule | None:
    last = _CONDITION.sub("", _COMBINATOR.split(selector)[-1])
    found = _COMPOUND.fullmatch(last)
    if found is None or not last or (_hides(value) and (last != selector or not always)):
        return None
    parts = _PART.findall(selector)
    ids = sum(part.startswith("#") for part in parts)
    rank = (important, ids, len(parts) - ids, 1 if found[1] and found[1] != "*" else 0, place)
    names = frozenset(_ESCAPE.sub(r"\1", part) for part in _PART.findall(found[2]))
    return _Rule(rank, (found[1] or "*").lower(), names, name, value)
