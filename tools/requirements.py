"""Reading the pinned requirement files in `constraints/`, with the standard library alone."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def read_pins(path: Path) -> dict[str, str]:
    """Each pinned requirement with its marker and hashes, as text, by normalised name.

    A package that is pinned differently for different Pythons has all of its pins in one text.
    """
    pins: dict[str, str] = {}
    for block in re.split(r"\n(?=[^\s#])", path.read_text(encoding="utf-8").strip()):
        match = _NAME.match(block)
        if match:
            name = normalise(match[0])
            pins[name] = f"{pins[name]}\n{block}" if name in pins else block
    return pins


def version_of(pin: str) -> str:
    """The version that a pin names."""
    match = re.search(r"==([^\s;\\]+)", pin)
    if match is None:
        raise ValueError(f"{pin.splitlines()[0]!r} names no version: pin it with `==`.")
    return match[1]


def normalise(name: str) -> str:
    """The one spelling of a package's name: `Foo_Bar` is `foo-bar`."""
    return re.sub(r"[-_.]+", "-", name).lower()
