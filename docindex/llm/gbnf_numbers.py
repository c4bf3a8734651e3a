"""Numbers in GBNF: whole ones between bounds, fractions, and how often something is repeated."""

from __future__ import annotations

from docindex.errors import QueryError

FRACTION = '( "." [0-9]{1,24} )? ( [eE] [-+]? [0-9]{1,3} )?'
"""What follows the whole part of a number."""
_MOST_DIGITS = 18
_MOST_REPEATS = 1000
"""Larger bounds make grammars that llama.cpp refuses; there is none in their place."""


def integers(low: int | None, high: int | None) -> str:
    """The whole numbers from the one to the other, of up to 18 digits where there is no bound."""
    choices = []
    if low is None or low < 0:
        least = 1 if high is None or high >= 0 else -high
        choices.append(f'"-" {naturals(least, None if low is None else -low)}')
    if high is None or high >= 0:
        choices.append(naturals(max(0, low or 0), high))
    return choices[0] if len(choices) == 1 else f"( {' | '.join(choices)} )"


def naturals(low: int, high: int | None) -> str:
    """The whole numbers from `low`, which is not negative, to `high`, without leading zeros."""
    length = len(str(low))
    most = 10**length - 1 if high is None else high
    choices = []
    while low <= most:
        end = min(10**length - 1, most)
        choices.append(_between(str(low), str(end)))
        low, length = end + 1, length + 1
    if high is None and length <= _MOST_DIGITS:
        choices.append(f"[1-9] {repeated('[0-9]', length - 1, _MOST_DIGITS - 1)}")
    return choices[0] if len(choices) == 1 else f"( {' | '.join(choices)} )"


def repeated(item: str, low: int, high: int | None) -> str:
    """The item so many times.

    Raises:
        QueryError: No number of times is meant. On such bounds llama.cpp would work without end.
    """
    if low < 0 or (high is not None and low > high):
        raise QueryError(f"Something is to be repeated {low} to {high} times: give bounds from 0 up, the lower first.")
    low = min(low, _MOST_REPEATS)
    if high is not None and high <= _MOST_REPEATS:
        return f"{item}{{{low},{high}}}" if low != high else f"{item}{{{low}}}"
    return f"{item}*" if not low else f"{item}+" if low == 1 else f"{item}{{{low},}}"


def _between(low: str, high: str) -> str:
    """The rows of digits from the one to the other, which are of one length."""
    size = len(low)
    if not size:
        return ""
    if not low.strip("0") and not high.strip("9"):
        return "[0-9]" if size == 1 else f"[0-9]{{{size}}}"
    if low[0] == high[0]:
        return f'"{low[0]}" {_between(low[1:], high[1:])}'.strip()
    first, last = int(low[0]), int(high[0])
    before = after = ""
    if low[1:].strip("0"):
        before, first = f'"{first}" {_between(low[1:], "9" * (size - 1))}', first + 1
    if high[1:].strip("9"):
        after, last = f'"{last}" {_between("0" * (size - 1), high[1:])}', last - 1
    middle = f"[{first}-{last}] {_between('0' * (size - 1), '9' * (size - 1))}".strip() if first <= last else ""
    choices = [choice for choice in (before, middle, after) if choice]
    return choices[0] if len(choices) == 1 else f"( {' | '.join(choices)} )"
