"""What one question about tables may cost."""

from __future__ import annotations

from dataclasses import dataclass, fields

from docindex.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLimits:
    """Each is more than 0."""

    seconds: float = 10.0
    """The longest that one statement may run."""
    rows: int = 1000
    """How many rows a result may have; the answer says when there were more."""
    loaded_rows: int = 2_000_000
    """Of the tables of documents: how many rows a question may need in all."""
    shown: int = 20
    """How many rows or groups an answer lists."""
    cited: int = 8
    """How many rows an answer cites."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) <= 0:
                raise ConfigError(f"The limit {field.name} is {getattr(self, field.name)}: give more than 0.")
