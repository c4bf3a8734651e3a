"""The few shapes that a decision has, and the grammars that hold a model to them.

What is written is JSON. Other than the grammars of whole JSON schemas (`docindex.llm.schema_grammar`), these have no
escapes in strings: a model that gets lost in them can't fill the answer, and the longest one is short enough that room
for it is always kept. So what is written is never cut off, and always parses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

_CHARACTER = r'[^"\\\x00-\x1f\x7f]'
_BYTES = 4
"""Of a character, at most."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some strings."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A string of so many characters."""

    shortest: int
    longest: int


@dataclass(frozen=True, slots=True)
class Several:
    """A list of so many strings, one at least."""

    item: Text
    most: int


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with all of the fields, in their order."""

    fields: Mapping[str, OneOf | Text]


Shape = OneOf | Text | Several | Fields


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a model may write."""

    text: str
    """In llama.cpp's notation, GBNF, with the rule `root`."""
    longest: int
    """Bytes of the longest text that it allows: no tokenizer that knows single bytes needs more tokens."""


def grammar_of(shape: Shape) -> Grammar:
    """The grammar of a shape."""
    body, longest = _body(shape)
    return Grammar(f"root ::= {body}\n", longest)


def _body(shape: Shape) -> tuple[str, int]:
    """The right side of its rule, and the bytes of the longest text."""
    match shape:
        case OneOf(values):
            quoted = [_terminal(json.dumps(value, ensure_ascii=False)) for value in values]
            return f"({' | '.join(body for body, _ in quoted)})", max(longest for _, longest in quoted)
        case Text(shortest, longest):
            return rf'"\"" {_CHARACTER}{{{shortest},{longest}}} "\""', 2 + _BYTES * longest
        case Several(item, most):
            body, longest = _body(item)
            return f'"[" {body} (", " {body}){{0,{most - 1}}} "]"', 2 + most * (longest + 2)
        case Fields(fields):
            bodies: list[str] = []
            length = 1
            for name, value in fields.items():
                opening, size = _terminal(f"{', ' if bodies else '{'}{json.dumps(name)}: ")
                body, longest = _body(value)
                bodies.append(f"{opening} {body}")
                length += size + longest
            return f'{" ".join(bodies)} "}}"', length


def _terminal(text: str) -> tuple[str, int]:
    """A text as it stands; the notation escapes as JSON does."""
    return json.dumps(text, ensure_ascii=False), len(text.encode("utf-8", "surrogatepass"))
