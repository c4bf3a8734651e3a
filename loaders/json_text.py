"""JSON as it is found in files, with integers of any length."""

from __future__ import annotations

import json
from collections.abc import Callable


def parse_json(text: str, parse_constant: Callable[[str], object] | None = None) -> object:
    """What the text holds; line ends and tabs may stand in strings as they are.

    An integer of more digits than Python converts, 4,300 unless it is told otherwise, is the text that it was: to
    convert one takes time that grows with the square of its length.

    Args:
        text: JSON.
        parse_constant: Gives the values of NaN and the infinities; by default they are numbers.

    Raises:
        JSONDecodeError: It is not JSON.
        RecursionError: It is nested too deeply.
    """
    try:
        value: object = json.loads(text, parse_constant=parse_constant, strict=False)
    except json.JSONDecodeError:
        raise
    except ValueError:  # from int()
        value = json.loads(text, parse_constant=parse_constant, parse_int=_integer, strict=False)
    return value


def _integer(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits
