"""The language of `--filter`, parsed into a `Condition`.

    source = manual.pdf and page >= 10
    author in ("Ada Lovelace", 'O''Brien') or not (tags contains draft)
    modified_at >= 2024-05-01 and "odd name" != true

Values stand bare when they are one word, else in single or double quotes; in quotes, a backslash or a second quote lets
a quote stand for itself. Field names that are not one word stand in double quotes or backticks. A date without a time
means the whole day in UTC, a month or year all of it.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.lark import PostLex

from docindex.errors import QueryError
from docindex.schema import And, Compare, CompareOp, Condition, Field, FieldType, Not, Or, encodable

MAX_LENGTH = 100_000
"""The longest filter, in code points."""
MAX_DEPTH = 50
"""How deep parentheses and NOT may nest."""

_NAMES_IN_MESSAGES = 40

_GRAMMAR = r"""
?start: either
?either: both (_OR both)*
?both: negated (_AND negated)*
?negated: _NOT negated -> negation
    | comparison
    | "(" either ")"
?comparison: name OPERATOR value -> compares
    | name _IN _values -> one_of
    | name _NOT _IN _values -> none_of
    | name _CONTAINS value -> contains
    | name _NOT _CONTAINS value -> lacks
?name: WORD | DOUBLE_QUOTED | BACKTICKED
?value: WORD | SINGLE_QUOTED | DOUBLE_QUOTED
_values: "(" value ("," value)* ")"

_AND.2: /and(?![^\s()=<>!,'"`])/i
_OR.2: /or(?![^\s()=<>!,'"`])/i
_NOT.2: /not(?![^\s()=<>!,'"`])/i
_IN.2: /in(?![^\s()=<>!,'"`])/i
_CONTAINS.2: /contains(?![^\s()=<>!,'"`])/i
OPERATOR: /==|!=|<>|<=|>=|=|<|>/
SINGLE_QUOTED: /'(?:[^'\\]|\\.|'')*'/s
DOUBLE_QUOTED: /"(?:[^"\\]|\\.|"")*"/s
BACKTICKED: /`(?:[^`\\]|\\.|``)*`/s
WORD: /[^\s()=<>!,'"`]+/
%ignore /\s+/
"""

_OPERATORS: Mapping[str, CompareOp] = {
    "=": "=",
    "==": "=",
    "!=": "!=",
    "<>": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}
_ALLOWED: Mapping[FieldType, tuple[CompareOp, ...]] = {
    "text": ("=", "!=", "<", "<=", ">", ">=", "in", "contains"),
    "number": ("=", "!=", "<", "<=", ">", ">=", "in"),
    "date": ("=", "!=", "<", "<=", ">", ">=", "in"),
    "boolean": ("=", "!=", "in"),
    "list": ("=", "!=", "in", "contains"),
}
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?")
_LONGEST_NUMBER = 400
_PERIOD = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")


def parse_filter(text: str, fields: Sequence[Field]) -> Condition:
    """The condition that the filter states.

    Args:
        text: The filter.
        fields: The fields that it may name; where two share a name the first is meant, and `metadata.NAME` means the
            one that is not built in.

    Raises:
        QueryError: The filter can't be read, names a field that there is not, or compares one with what its type does
            not allow. The message says where, counting characters from 1, and what to write.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(f"The filter has {len(text):,} characters: give one of at most {MAX_LENGTH:,}.")
    if not text.strip():
        raise QueryError("The filter is empty: write a comparison such as page >= 10.")
    text = encodable(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _unreadable(text, error) from error
    return _Reader(fields).condition(tree)


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="basic", postlex=_DepthLimit())


class _DepthLimit(PostLex):
    """Watches the tokens on their way to the parser: programs that walk a condition can't bear any depth."""

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        parentheses = negations = 0
        for token in stream:
            if token.type == "LPAR":
                parentheses += 1
            elif token.type == "RPAR":
                parentheses -= 1
            elif token.type == "_NOT":
                negations += 1
            else:
                negations = 0
            if parentheses + negations > MAX_DEPTH:
                raise _error(token.start_pos, f"parentheses and NOT nest deeper than {MAX_DEPTH} levels: write fewer")
            yield token


# --- from the tree to the condition ---------------------------------------------------------------------------------


class _Reader:
    """Turns the syntax tree into a condition over known fields."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields: dict[str, Field] = {}
        for field in fields:
            self._fields.setdefault(field.name, field)
        for field in fields:
            if not field.builtin:
                self._fields.setdefault(f"metadata.{field.name}", field)
        self._names = list(dict.fromkeys(field.name for field in fields))

    def condition(self, tree: Tree[Token]) -> Condition:
        parts = tuple(self.condition(child) for child in tree.children if isinstance(child, Tree))
        tokens = [child for child in tree.children if isinstance(child, Token)]
        match tree.data:
            case "either":
                return Or(parts)
            case "both":
                return And(parts)
            case "negation":
                return Not(parts[0])
            case "compares":
                return self._compare(tokens[0], _OPERATORS[tokens[1].value], tokens[2])
            case "one_of":
                return self._one_of(tokens[0], tokens[1:])
            case "none_of":
                return Not(self._one_of(tokens[0], tokens[1:]))
            case "contains":
                return self._compare(tokens[0], "contains", tokens[1])
            case _:
                return Not(self._compare(tokens[0], "contains", tokens[1]))

    def _compare(self, name: Token, op: CompareOp, value: Token) -> Condition:
        field = _as_written(self._field(name, op), op, (value,))
        if field.type != "date":
            return Compare(field, op, _value(field, value))
        start, end = _moments(value)
        return Compare(field, op, start) if end is None else _in_period(field, op, start, end)

    def _one_of(self, name: Token, values: Sequence[Token]) -> Condition:
        field = _as_written(self._field(name, "in"), "in", values)
        if field.type != "date":
            return Compare(field, "in", tuple(_value(field, value) for value in values))
        moments = [_moments(value) for value in values]
        exact = tuple(start for start, end in moments if end is None)
        periods = [_in_period(field, "=", start, end) for start, end in moments if end is not None]
        parts = ([Compare(field, "in", exact)] if exact else []) + periods
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _field(self, token: Token, op: CompareOp) -> Field:
        name = _content(token)
        field = self._fields.get(name)
        if field is None:
            raise _error(token.start_pos, f"there is no field {name!r}: {self._suggestion(name)}")
        if op not in _ALLOWED[field.type]:
            allowed = ", ".join(_ALLOWED[field.type]).upper()
            raise _error(
                token.start_pos, f"{op.upper()} can't be asked of {name}, a {field.type} field: use one of {allowed}"
            )
        return field

    def _suggestion(self, name: str) -> str:
        folded = {known.casefold(): known for known in self._fields}
        close = difflib.get_close_matches(name.casefold(), folded, n=1)
        guess = f"did you mean {folded[close[0]]}? " if close else ""
        known = ", ".join(self._names[:_NAMES_IN_MESSAGES])
        more = len(self._names) - _NAMES_IN_MESSAGES
        return f"{guess}the fields are {known}" + (f" and {more} more" if more > 0 else "")


def _in_period(field: Field, op: CompareOp, start: datetime, end: datetime) -> Condition:
    """The comparison with a stretch of time from `start` until before `end`."""
    match op:
        case "=":
            return And((Compare(field, ">=", start), Compare(field, "<", end)))
        case "!=" if field.also:  # a text is no time in the period either
            return And((Compare(field, "!=", start), Not(_in_period(field, "=", start, end))))
        case "!=":
            return Or((Compare(field, "<", start), Compare(field, ">=", end)))
        case "<" | ">=":
            return Compare(field, op, start)
        case "<=":
            return Compare(field, "<", end)
        case _:
            return Compare(field, ">=", end)


# --- values ---------------------------------------------------------------------------------------------------------


def _as_written(field: Field, op: CompareOp, values: Sequence[Token]) -> Field:
    """The field as the values ask for it, where documents disagree on its type.

    One document with "n/a" for a price would otherwise turn the prices of all into texts, among which 9 is above 10.
    """
    readable: tuple[tuple[FieldType, Callable[[Token], bool]], ...] = (("number", _is_number), ("date", _is_date))
    for kind, reads in readable:
        if kind in field.also and op in _ALLOWED[kind] and all(map(reads, values)):
            return replace(field, type=kind)
    return field


def _content(token: Token) -> str:
    """What the token stands for, without quotes."""
    text = str(token)
    quote = text[0]
    if token.type == "WORD":
        return text
    return re.sub(rf"\\([\\'\"`])|{quote}({quote})", lambda match: match[1] or match[2], text[1:-1])


def _value(field: Field, token: Token) -> str | float | int | bool:
    text = _content(token)
    if field.type == "number":
        return _number(field, token, text)
    if field.type == "boolean":
        if text.casefold() not in ("true", "false"):
            raise _error(token.start_pos, f"{field.name} is true or false, and not {_short(text)}: write one of them")
        return text.casefold() == "true"
    return text


def _number(field: Field, token: Token, text: str) -> float | int:
    if _is_number(token):
        return float(text) if any(mark in text for mark in ".eE") else int(text)
    raise _error(token.start_pos, f"{field.name} is a number, and {_short(text)} is none: write it as 12, -3.5 or 1e6")


def _is_number(token: Token) -> bool:
    text = _content(token)
    return len(text) <= _LONGEST_NUMBER and bool(_NUMBER.fullmatch(text)) and math.isfinite(float(text))


def _is_date(token: Token) -> bool:
    try:
        _moments(token)
    except QueryError:
        return False
    return True


def _moments(token: Token) -> tuple[datetime, datetime | None]:
    """A time in UTC; or the beginning of a year, month or day, and of the next."""
    text = _content(token)
    try:
        if period := _PERIOD.fullmatch(text):
            year, month, day = (int(part) if part else None for part in period.groups())
            start = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
            if day:
                return start, start + timedelta(days=1)
            months = start.month if month else 12
            return start, start.replace(year=start.year + months // 12, month=months % 12 + 1)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC), None
    except (ValueError, OverflowError) as error:
        reason = f"{_short(text)} is no date: write 2024-05-01 or 2024-05-01T13:30:00Z"
        raise _error(token.start_pos, reason) from error


# --- what is wrong --------------------------------------------------------------------------------------------------


def _error(position: int | None, reason: str) -> QueryError:
    return QueryError(f"In the filter, at character {(position or 0) + 1}, {reason}.")


def _unreadable(text: str, error: UnexpectedInput) -> QueryError:
    if isinstance(error, UnexpectedCharacters):
        position = cast("int", error.pos_in_stream)  # lark's annotation of it says None
        character = text[position]
        if character == "!":
            return _error(position, "! stands alone: write != for unequal, or NOT before the comparison")
        return _error(position, f"a {character} opens a text that does not end: close it, and double the ones inside")
    expected = _expected(error)
    if not isinstance(error, UnexpectedToken) or error.token.type == "$END":
        return _error(len(text), f"the filter ends too early: go on with {expected}")
    token = error.token
    reason = f"{_short(str(token))} was not expected: go on with {expected}"
    if expected.startswith("AND") and token.type in ("WORD", "SINGLE_QUOTED", "DOUBLE_QUOTED"):
        reason += ", and put a value of several words in quotes"
    elif expected == _VALUE and token.type in ("_AND", "_OR", "_NOT", "_IN", "_CONTAINS", "LPAR"):
        reason += ", in quotes if it is such a word or sign"
    return _error(token.start_pos, reason)


_JOIN = "AND, OR or the end"
_VALUE = "a value"


def _expected(error: UnexpectedInput) -> str:
    wanted = error.accepts if isinstance(error, UnexpectedToken) else set()
    if "OPERATOR" in wanted:
        return "=, !=, <, <=, >, >=, IN or CONTAINS"
    if "BACKTICKED" in wanted:
        return "a field name, in double quotes if it is not one word"
    if "SINGLE_QUOTED" in wanted:
        return _VALUE
    if "COMMA" in wanted:
        return "a comma or )"
    if "LPAR" in wanted:
        return "the list of values in parentheses"
    if "_CONTAINS" in wanted:
        return "IN or CONTAINS"
    return _JOIN if "$END" in wanted else "AND, OR or )"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
