"""Settings that are given as NAME=VALUE, of the types that their dataclass has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from docindex.cli.limits import bytes_of
from docindex.errors import ConfigError


def settings_of(option: str, given: Sequence[str], kinds: Mapping[str, str]) -> dict[str, object]:
    """The values by their names.

    Args:
        option: What they are given with.
        given: Each NAME=VALUE. Bytes may have a unit, such as "500MB" or "4GiB"; of a name that comes twice the last
            value holds.
        kinds: The names that there are, and their types as they are annotated.

    Raises:
        ConfigError: A name is unknown, or its value is of another type.
    """
    values: dict[str, object] = {}
    for setting in given:
        name, equals, value = setting.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in kinds:
            raise ConfigError(f"{option} {setting} is no setting: write NAME=VALUE with one of {', '.join(kinds)}.")
        values[name] = _value(name, value.strip(), kinds[name])
    return values


def _value(name: str, text: str, kind: str) -> object:
    if "bool" in kind:
        if text.lower() not in ("true", "false"):
            raise ConfigError(f"{name} is true or false, and not {text!r}.")
        return text.lower() == "true"
    if name.endswith("_bytes"):
        size = bytes_of(text)
        if size is None:
            raise ConfigError(f"{name} is a size such as 500MB or 4GiB, and not {text!r}.")
        return size
    if "int" in kind or "float" in kind:
        try:
            number = json.loads(text)
        except ValueError:
            number = None
        if isinstance(number, bool) or not isinstance(number, int if "int" in kind else (int, float)):
            raise ConfigError(f"{name} is a {'whole ' if 'int' in kind else ''}number, and not {text!r}.")
        return number
    return text
