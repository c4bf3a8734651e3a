"""Reads a file of routes. What it does not know it refuses, with the line and the cure: a misspelt key is no route.

version: 1
fallback: facts
slots:
part: [display, sensor]
routes:
- name: facts
description: asks for a fact        # for people, and for routers that are language models
retrieve: {k: 4, mode: hybrid}      # or answer: TEXT, refuse: TEXT, direct: true
stock: courtesy                     # also utterances of this kind that docindex knows
utterances:
- How heavy is the {part}?
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NoReturn, TypeVar, get_args

import yaml

from docindex.errors import ConfigError
from docindex.retrieval.routes import Action, Answer, Direct, Refuse, Retrieve, Route, RouteSet, slots_in
from docindex.retrieval.routes_stock import stock_utterances
from docindex.schema import SearchMode

VERSION = 1
FEWEST = 3
"""Utterances of a route, stock ones included: from fewer nothing can be learned."""

_FILE_KEYS = ("version", "fallback", "slots", "routes")
_ACTIONS = ("retrieve", "answer", "refuse", "direct")
_ROUTE_KEYS = ("name", "description", "utterances", "stock", *_ACTIONS)
_NAME = re.compile(r"[\w.-]+")
_MODES: Mapping[str, SearchMode] = {mode: mode for mode in get_args(SearchMode)}
_Read = TypeVar("_Read")


def read_routes(path: Path) -> RouteSet:
    """The routes of a YAML file.

    Raises:
        ConfigError: The file can't be read, or holds what is no route; with the line and what to do about it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The routes in {path} can't be read: {error}.") from error
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: this is not YAML: {error.problem or error.context}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path}: this is not YAML: {error}.") from error
    if root is None:
        raise ConfigError(f"{path} is empty: give version, fallback and routes.")
    return _Reader(path).file(root)


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path

    def file(self, root: yaml.Node) -> RouteSet:
        entries = self._table(root, "the file", _FILE_KEYS, needs=("version", "fallback", "routes"))
        version = self._whole(entries["version"], "version")
        if version != VERSION:
            self._fail(entries["version"], f"the version is {version}, and this docindex reads {VERSION}")
        slots = self._slots(entries["slots"]) if "slots" in entries else {}
        routes: dict[str, Route] = {}
        said: dict[str, str] = {}
        for node in self._list(entries["routes"], "routes"):
            route = self._route(node, slots, said)
            if route.name in routes:
                self._fail(node, f"there is a route {route.name!r} already: give this one another name")
            routes[route.name] = route
        if len(routes) < 2:
            self._fail(entries["routes"], "there is nothing to choose from: give two routes or more")
        fallback = self._text(entries["fallback"], "fallback")
        if fallback not in routes:
            self._fail(entries["fallback"], f"no route is called {fallback!r}: give one of {', '.join(routes)}")
        return RouteSet(routes=tuple(routes.values()), fallback=fallback, slots=slots)

    def _slots(self, node: yaml.Node) -> Mapping[str, tuple[str, ...]]:
        return {
            name: tuple(self._text(word, f"a word of the slot {name}") for word in self._list(words, f"slot {name}"))
            for name, words in self._table(node, "slots", None).items()
        }

    def _route(self, node: yaml.Node, slots: Mapping[str, tuple[str, ...]], said: dict[str, str]) -> Route:
        entries = self._table(node, "a route", _ROUTE_KEYS, needs=("name",))
        name = self._text(entries["name"], "name")
        if not _NAME.fullmatch(name):
            self._fail(entries["name"], f"the name is {name!r}: give one word of letters, digits, - and _")
        listed = self._list(entries["utterances"], "utterances") if "utterances" in entries else []
        utterances = tuple(self._utterance(item, name, slots, said) for item in listed)
        stock = self._stock(entries["stock"]) if "stock" in entries else ()
        if len(utterances) + len(stock) < FEWEST:
            self._fail(node, f"the route {name!r} has too few utterances: give {FEWEST} or more, 15 to 30 work well")
        return Route(
            name=name,
            action=self._action(node, name, entries),
            utterances=utterances,
            description=self._text(entries["description"], "description") if "description" in entries else "",
            stock=tuple(text for text in stock if text not in utterances),
        )

    def _utterance(
        self, node: yaml.Node, route: str, slots: Mapping[str, tuple[str, ...]], said: dict[str, str]
    ) -> str:
        text = self._text(node, "an utterance")
        for slot in slots_in(text):
            if slot not in slots:
                self._fail(node, f"there is no slot {slot!r}: list its words under slots, or leave the braces out")
        key = " ".join(text.casefold().split())
        if key in said:
            self._fail(node, f"{text!r} is an utterance of {said[key]} already: keep it in one place")
        said[key] = route
        return text

    def _stock(self, node: yaml.Node) -> tuple[str, ...]:
        known = stock_utterances()
        names = self._list(node, "stock") if isinstance(node, yaml.SequenceNode) else [node]
        texts: list[str] = []
        for item in names:
            name = self._text(item, "stock")
            if name not in known:
                self._fail(item, f"docindex knows no utterances of the kind {name!r}: give one of {', '.join(known)}")
            texts += known[name]
        return tuple(texts)

    def _action(self, node: yaml.Node, name: str, entries: Mapping[str, yaml.Node]) -> Action:
        given = [key for key in _ACTIONS if key in entries]
        if len(given) != 1:
            what = f"both {given[0]} and {given[1]}" if given else "nothing to do"
            self._fail(node, f"the route {name!r} has {what}: give one of {', '.join(_ACTIONS)}")
        value = entries[given[0]]
        match given[0]:
            case "retrieve":
                return self._retrieve(value)
            case "answer":
                return Answer(self._text(value, "answer"))
            case "refuse":
                return Refuse(self._text(value, "refuse"))
            case _:
                if not (isinstance(value, yaml.ScalarNode) and value.value.lower() == "true"):
                    self._fail(value, "direct takes no text: write `direct: true`")
                return Direct()

    def _retrieve(self, node: yaml.Node) -> Retrieve:
        if isinstance(node, yaml.ScalarNode) and node.value in ("", "true", "null", "~"):
            return Retrieve()
        entries = self._table(node, "retrieve", tuple(option.name for option in fields(Retrieve)))

        def get(key: str, read: Callable[[yaml.Node, str], _Read]) -> _Read | None:
            return read(entries[key], key) if key in entries else None

        return Retrieve(
            index=get("index", self._text),
            engine=get("engine", self._text),
            k=get("k", self._positive),
            mode=get("mode", self._mode),
            filter=get("filter", self._text),
        )

    # --- values ------------------------------------------------------------------------------------------------------

    def _table(
        self, node: yaml.Node, what: str, known: tuple[str, ...] | None, *, needs: tuple[str, ...] = ()
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, f"{what} is not a table of names and values: write `name: value` lines")
        entries: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self._text(key, "a key")
            if known is not None and name not in known:
                self._fail(key, f"{what} has no key {name!r}: the keys are {', '.join(known)}")
            if name in entries:
                self._fail(key, f"{name!r} is given twice: keep one")
            entries[name] = value
        for name in needs:
            if name not in entries:
                self._fail(node, f"{what} has no {name!r}: give one")
        return entries

    def _list(self, node: yaml.Node, what: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self._fail(node, f"{what} is not a list: write one `- ...` line for each")
        return list(node.value)

    def _text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not (node.value or "").strip():
            self._fail(node, f"{what} is not a text: write one, in quotes where it has braces at its start or a colon")
        return str(node.value).strip()

    def _whole(self, node: yaml.Node, what: str) -> int:
        if not isinstance(node, yaml.ScalarNode) or not node.value.isdecimal():
            self._fail(node, f"{what} is not a whole number: give one")
        return int(node.value)

    def _positive(self, node: yaml.Node, what: str) -> int:
        value = self._whole(node, what)
        if value < 1:
            self._fail(node, f"{what} is {value}: give 1 or more")
        return value

    def _mode(self, node: yaml.Node, what: str) -> SearchMode:
        value = self._text(node, what)
        if value not in _MODES:
            self._fail(node, f"{what} is {value!r}: give one of {', '.join(_MODES)}")
        return _MODES[value]

    def _fail(self, node: yaml.Node, problem: str) -> NoReturn:
        raise ConfigError(f"{self.path}:{node.start_mark.line + 1}: {problem}.")
