"""Values that are converted without pydantic are those that Typer makes, and one command is as good as all."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.core import TyperCommand
from typer.testing import CliRunner

from docindex.cli.app import PANELS, build_app, command_in, globals_first
from docindex.cli.plain_values import PlainCommand


class Size(StrEnum):
    """A choice."""

    SMALL = "small"
    LARGE = "large"


def app_of(command: type[TyperCommand], taken: list[dict[str, Any]]) -> typer.Typer:
    app = typer.Typer(add_completion=False)

    @app.command(cls=command)
    def work(
        names: Annotated[list[str], typer.Argument()],
        text: Annotated[str | None, typer.Option()] = None,
        path: Annotated[Path | None, typer.Option()] = None,
        there: Annotated[Path | None, typer.Option(exists=True)] = None,
        size: Annotated[Size, typer.Option()] = Size.SMALL,
        mode: Annotated[Literal["fast", "slow"], typer.Option()] = "fast",
        count: Annotated[int, typer.Option(min=1)] = 10,
        share: Annotated[float | None, typer.Option(max=1)] = None,
        globs: Annotated[list[str] | None, typer.Option("--glob")] = None,
        loud: Annotated[bool, typer.Option("--loud")] = False,
    ) -> None:
        taken.append(locals() | {"taken": None})

    return app


WORDS = st.sampled_from(
    ["a", "", "small", "LARGE", "large", "fast", "Slow", "3", "0", "-1", "0.5", "x y", "/", "/none"]
)
OPTIONS = st.sampled_from(["--text", "--path", "--there", "--size", "--mode", "--count", "--share", "--glob"])
PAIRS = st.lists(st.tuples(OPTIONS, WORDS), max_size=4)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.sampled_from(["a", "b c", ""]), max_size=3), PAIRS, st.booleans())
def test_plain_values_are_those_that_typer_makes(names: list[str], pairs: list[tuple[str, str]], loud: bool):
    arguments = [*names, *(part for pair in pairs for part in pair), *(["--loud"] if loud else [])]
    outcomes = []
    for command in (TyperCommand, PlainCommand):
        taken: list[dict[str, Any]] = []
        result = CliRunner().invoke(app_of(command, taken), arguments)
        values = [{name: (type(value), value) for name, value in each.items()} for each in taken]
        outcomes.append((result.exit_code, result.output, values))
    assert outcomes[0] == outcomes[1]


NAMES = [place.partition(":")[2].rstrip("_") for places in PANELS.values() for place in places]


@pytest.mark.parametrize("name", NAMES)
def test_a_command_alone_is_what_it_is_among_all(name: str):
    alone = CliRunner().invoke(build_app(rich=False, only=name), [name, "--help"])
    among = CliRunner().invoke(build_app(rich=False), [name, "--help"])
    assert alone.exit_code == among.exit_code == 0
    assert alone.output == among.output


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("ingest docs --debug", "ingest"),
        ("--offline --log-level debug search x", "search"),
        ("ls --log-level=info", "ls"),
        ("--help", None),
        ("--version", None),
        ("--no-such ls", None),
        ("", None),
        ("--log-level", None),
    ],
)
def test_the_command_is_found_behind_the_options_for_all(line: str, command: str | None):
    assert command_in(globals_first(line.split())) == command


def test_a_misspelt_command_is_told_from_all_commands():
    ran = subprocess.run([sys.executable, "-m", "docindex.cli", "ingst", "x"], capture_output=True, text=True)
    assert ran.returncode == 2
    assert "ingest" in ran.stderr
