"""What is given on the command line, converted without pydantic where that takes no thought.

Typer has pydantic convert every value, also of options that are not given, and importing it takes as long as the rest
of the program's start. A text, a path and a default need no conversion worth the name. All else is left to Typer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args, get_origin

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    from typer._click.core import Context, Parameter

_LEFT = object()
"""Stands for a value that Typer is to convert."""
_CONDITIONS = ("exists", "writable", "executable", "resolve_path", "parser")
"""What can be asked of a value, or done to it, beyond its type."""


class PlainCommand(TyperCommand):
    """A Typer command that converts plain values itself."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """The options and arguments of the command."""
        params = super().get_params(ctx)
        _convert_plainly(params)
        return params


class PlainGroup(TyperGroup):
    """A Typer group that converts the plain values of its own options itself."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """The options before the command."""
        params = super().get_params(ctx)
        _convert_plainly(params)
        return params


def _convert_plainly(params: Iterable[Parameter]) -> None:
    for param in params:
        if isinstance(param, TyperOption | TyperArgument) and "process_value" not in vars(param):
            # Instead of its method: where Typer calls another one some day, it converts as it always did.
            vars(param)["process_value"] = _processing(param)


def _processing(param: TyperOption | TyperArgument) -> Callable[[Context, object], object]:
    by_typer = param.process_value
    many = param.multiple or param.nargs == -1
    annotation, info = param.type_descriptor.annotation, param.type_descriptor.parameter_info
    conditional = any(getattr(info, name, None) for name in _CONDITIONS)

    def process(ctx: Context, value: object) -> object:
        converted = _LEFT if conditional else _plain(annotation, value, many=many)
        if converted is _LEFT or (param.required and not converted):
            return by_typer(ctx, value)
        return converted if param.callback is None else param.callback(ctx, param, converted)

    return process


def _plain(annotation: object, value: object, *, many: bool) -> object:
    if value is None:
        return () if many else None
    if annotation is str and isinstance(value, str):
        return value
    if annotation is Path and isinstance(value, str | Path):
        path = Path(value)
        return path if os.access(path, os.R_OK) or not path.exists() else _LEFT
    if annotation == list[str] and isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return list(value)
    if get_origin(annotation) is Literal and value in get_args(annotation):
        return value
    if isinstance(annotation, type) and issubclass(annotation, Enum | int | float) and isinstance(value, annotation):
        return value  # a default: what is given is text
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next((choice for choice in annotation if choice.value == value), _LEFT)
    return _LEFT
