"""Makes the classes of a package that is being imported without checks and schemas that nobody asks for.

LanceDB's classes check on Python 3.11 that what they override is there and takes the same arguments, and those of its
REST client build a schema each: a fifth of a second, of which a table on disk needs nothing. Newer Pythons have an
`override` of their own, which checks nothing either.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import BaseModel

T = TypeVar("T")


@contextmanager
def schemas_on_first_use() -> Iterator[None]:
    """Within the block, a class of Pydantic's is made without its schema, which it builds when it is first used."""
    before = BaseModel.model_config.copy()
    BaseModel.model_config["defer_build"] = True
    try:
        yield
    finally:
        BaseModel.model_config = before


@contextmanager
def overrides_unchecked() -> Iterator[None]:
    """Within the block, the `override` that Python 3.11 lacks marks a method, and looks at nothing else."""
    if sys.version_info >= (3, 12):
        yield
        return
    import overrides

    checked = overrides.override
    overrides.override = _marked  # type: ignore[assignment]
    try:
        yield
    finally:
        overrides.override = checked


def _marked(method: T) -> T:
    method.__override__ = True  # type: ignore[attr-defined]
    return method
