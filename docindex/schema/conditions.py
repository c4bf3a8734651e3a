"""Conditions on nodes: what a filter parses to, and what stores compile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

FieldType = Literal["text", "number", "boolean", "date", "list"]
CompareOp = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field that exists and may be filtered on."""

    name: str
    type: FieldType
    builtin: bool
    """True for a column of every node, False for a metadata field."""
    also: frozenset[FieldType] = frozenset()
    """Where documents disagree and the type is therefore text: what else some of them have."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`field op value`; the value has the field's type, a tuple of them for `in`."""

    field: Field
    op: CompareOp
    value: str | float | int | bool | datetime | tuple[str | float | int | bool | datetime, ...]


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of the parts holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Compare | And | Or | Not
"""What `--filter` parses to. Stores compile it; no text of the user's reaches them except as a value."""
