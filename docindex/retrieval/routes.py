"""What a router chooses from: routes, each with utterances that are like what it is for, and one thing to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from docindex.schema import SearchMode, digest

STOCK_COUNT = 30
"""All stock utterances of a route count as much as so many of its own, or as all of its own if those are more."""
FILLS = 6
"""How many utterances a pattern with words in braces becomes at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieve:
    """Look for passages and answer from them. What is None is left to the index or engine."""

    index: str | None = None
    """The folder of the index that serves."""
    engine: str | None = None
    """The name of the engine that serves."""
    k: int | None = None
    mode: SearchMode | None = None
    filter: str | None = None
    """A condition, as `--filter` takes it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Say a fixed text."""

    text: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Say a fixed text, and that this is no answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Direct:
    """Let the model answer without passages."""


Action = Retrieve | Answer | Refuse | Direct


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One choice of a router."""

    name: str
    action: Action
    utterances: tuple[str, ...]
    """As they stand in the file: a `{slot}` in one stands for each of the slot's words."""
    description: str = ""
    stock: tuple[str, ...] = ()
    """Utterances of this kind that docindex knows, which count as the route's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSet:
    """All routes of a file."""

    routes: tuple[Route, ...]
    fallback: str
    """The name of the route for what is like no utterance."""
    slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Route:
        """The route of that name."""
        for route in self.routes:
            if route.name == name:
                return route
        raise KeyError(name)

    def examples(self) -> Iterator[Example]:
        """Every utterance with its slots filled, and the stock ones, in the order of the routes."""
        group = 0
        for place, route in enumerate(self.routes):
            for pattern in route.utterances:
                texts = filled(pattern, self.slots)
                for text in texts:
                    yield Example(text, place, group, 1 / len(texts))
                group += 1
            stock_weight = min(1.0, max(len(route.utterances), STOCK_COUNT) / max(len(route.stock), 1))
            for text in route.stock:
                yield Example(text, place, group, stock_weight)
                group += 1


@dataclass(frozen=True, slots=True)
class Example:
    """An utterance that a router learns from."""

    text: str
    route: int
    """The place of its route."""
    group: int
    """Equal for those that come from one pattern."""
    weight: float
    """A pattern counts once, however many texts it stands for; the stock ones count less where they are many."""


def action_dict(action: Action) -> dict[str, Any]:
    """The action as `--json` prints it: what to do, and with what."""
    return {"do": type(action).__name__.lower(), **dataclasses.asdict(action)}


def filled(pattern: str, slots: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The pattern with the words of its slots: up to `FILLS` texts, spread over the words, always the same."""
    pieces = list(_pieces(pattern, slots))
    sizes = [len(piece) for piece in pieces if isinstance(piece, tuple)]
    if not sizes:
        return [pattern]
    start = int(digest(pattern)[:8], 16)  # or all patterns would have the same few words
    texts: dict[str, None] = {}
    for turn in range(FILLS):
        occurrence = 0
        parts = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            apart = max(1, len(piece) // 2)
            parts.append(piece[(start + turn * max(1, len(piece) // FILLS) + occurrence * apart) % len(piece)])
            occurrence += 1
        texts["".join(parts)] = None
    return list(texts)


def slots_in(pattern: str) -> list[str]:
    """The names in braces."""
    return [part.partition("}")[0] for part in pattern.split("{")[1:] if "}" in part]


def _pieces(pattern: str, slots: Mapping[str, tuple[str, ...]]) -> Iterator[str | tuple[str, ...]]:
    first, *rest = pattern.split("{")
    yield first
    for part in rest:
        name, closed, tail = part.partition("}")
        if closed and name in slots:
            yield slots[name]
            yield tail
        else:
            yield "{" + part
