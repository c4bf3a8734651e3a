"""Whether an SQL text is one statement that only reads."""

from __future__ import annotations

import re

_READING = frozenset(("select", "with", "values", "table"))
_FIRST_WORD = re.compile(r"[\s(]*([^\W\d]+)")

_COMMENT = r"--[^\n]*|/\*.*?(?:\*/|\Z)"
_MYSQL_COMMENT = r"--(?=\s|\Z)[^\n]*|#[^\n]*|/\*(?!!).*?(?:\*/|\Z)"
_TEXT = r"'(?:[^']|'')*(?:'|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z)"
_MYSQL_TEXT = r"'(?:[^'\\]|\\.|'')*(?:'|\Z)|\"(?:[^\"\\]|\\.|\"\")*(?:\"|\Z)|`[^`]*(?:`|\Z)"
_DOLLARS = r"\$(\w*)\$.*?(?:\$\1\$|\Z)"
_BRACKETS = r"\[[^\]]*(?:\]|\Z)"
_READINGS = tuple(
    re.compile(parts, re.DOTALL)
    for parts in (
        f"{_COMMENT}|{_TEXT}",
        f"{_DOLLARS}|{_COMMENT}|{_TEXT}",  # PostgreSQL
        f"{_COMMENT}|{_TEXT}|{_BRACKETS}",  # SQL Server, SQLite
        f"{_MYSQL_COMMENT}|{_MYSQL_TEXT}",
    )
)
"""What of a statement is comment or quoted, which dialects see differently."""


def refusal(statement: str) -> str | None:
    """Why the statement is not run, or None: it has to be a single SELECT (or WITH, VALUES, TABLE).

    It has to be that however a dialect may read it. This is against mistakes: what the functions in it do, only the
    rights of the database's user can limit.
    """
    for quoted in _READINGS:
        bare = quoted.sub(lambda found: " " if found[0][0] in "-/#" else " x ", statement).strip()
        word = _FIRST_WORD.match(bare)
        if not bare:
            return "is empty: give a SELECT"
        if word is None or word[1].lower() not in _READING:
            begins = bare.split(maxsplit=1)[0]
            return f"begins with {begins[:40]!r}: give a SELECT, since a source is only read"
        if ";" in bare.rstrip("; \t\r\n"):
            return "has more than one statement: give a single SELECT"
    return None
