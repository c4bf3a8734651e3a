"""Templates of prompts, rendered in a sandbox."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a template that parses may raise once it has its values."""


class BrokenTemplateError(Exception):
    """What is wrong with a line of a template."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


def render(text: str, file: str, values: Mapping[str, object]) -> str:
    """The text with the values in it.

    Raises:
        BrokenTemplateError: It can't be filled in.
    """
    try:
        return _template(text, file).render(values)
    except _FAULTS as error:
        frames = traceback.walk_tb(error.__traceback__)
        lines = [line for frame, line in frames if frame.f_code.co_filename == file]
        raise BrokenTemplateError(lines[-1] if lines else 1, str(error) or type(error).__name__) from error


def variables(text: str) -> frozenset[str]:
    """What a template puts in, of what it does not make itself.

    Raises:
        jinja2.TemplateSyntaxError: It is none.
    """
    environment = _environment()
    return frozenset(meta.find_undeclared_variables(environment.parse(text))) - environment.globals.keys()


def names(text: str) -> Iterator[tuple[str, int]]:
    """Each name in a template, with its line.

    Raises:
        jinja2.TemplateSyntaxError: It is none.
    """
    for node in _environment().parse(text).find_all(nodes.Name):
        yield node.name, node.lineno


def check(text: str, file: str) -> None:
    """Tells whether it is a template.

    Raises:
        BrokenTemplateError: It is none.
    """
    try:
        _template(text, file)
    except jinja2.TemplateSyntaxError as error:
        raise BrokenTemplateError(error.lineno, error.message or "it can't be read") from error


@cache
def _environment() -> jinja2.Environment:
    return ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)


@lru_cache(maxsize=256)
def _template(text: str, file: str) -> jinja2.Template:
    """The compiled text; errors in it name the file."""
    environment = _environment()
    code = environment.compile(text, file, file)
    return jinja2.Template.from_code(environment, code, environment.make_globals(None))
