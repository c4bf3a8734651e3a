"""What holds for every command: help, documentation, exit codes, errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.main import get_command

from docindex import __version__
from docindex.cli.app import build_app, globals_first

DOCUMENTATION = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
WRITTEN_BY_TYPER = {"--help", "--install-completion", "--show-completion"}


def commands() -> Iterator[tuple[str, object]]:
    """Every command with the name that people type, without the group "docindex" itself."""
    app = get_command(build_app(rich=False))
    waiting = [("", app)]
    while waiting:
        name, command = waiting.pop()
        if inner := getattr(command, "commands", None):
            waiting += [(f"{name} {child}".strip(), each) for child, each in inner.items()]
        else:
            yield name, command


COMMANDS = dict(commands())


def section(name: str) -> str:
    """The part of the page under the heading of the command or of its group."""
    heading = "models" if name.startswith("models ") else name
    found = re.search(rf"^## docindex {heading}\n(.*?)(?=^## |\Z)", DOCUMENTATION, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section for {name}"
    return found[1]


def test_the_commands_are_those_of_the_contract():
    assert set(COMMANDS) == {
        *("ingest", "embed", "ls", "show", "rm", "search", "query", "chat"),
        *("tag", "diff", "rollback", "purge", "export", "import", "merge", "status", "check", "doctor"),
        *("duplicates", "terms", "why", "route", "prompts"),
        *("indexes list", "indexes add", "indexes refresh", "indexes drop"),
        *("traces on", "traces off", "traces list", "traces show", "traces prune"),
        *("graph entities", "graph neighbours", "graph path", "graph export"),
        *("conversations list", "conversations show", "conversations rm"),
        *("models list", "models pull", "models path", "models info", "models plan", "models bench", "models optimize"),
        *("eval make", "eval run", "eval answers", "eval compare", "eval report", "eval tune"),
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_explained_and_documented(name: str):
    command = COMMANDS[name]
    summary, *rest = command.help.split("\n\n")
    assert summary.endswith(".")
    examples = rest[-1].splitlines()
    assert examples[:2] == ["\b", "Examples:"]
    assert all("docindex " in line for line in examples[2:])
    assert any(f"docindex {name}" in line for line in examples[2:])
    text = section(name)
    assert f"docindex {name}" in text
    for parameter in command.params:
        if WRITTEN_BY_TYPER & set(parameter.opts):
            continue
        assert parameter.help, f"{name}: {parameter.name} has no help"
        if parameter.param_type_name == "option":
            for option in [*parameter.opts, *parameter.secondary_opts]:
                assert re.search(rf"(?<![\w-]){option}(?![\w-])", text), f"docs/cli.md: {name} {option}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_json_and_help_shows_it(run, name: str):
    ran = run(*name.split(), "--help")
    assert ran.code == 0
    assert "--json" in ran.out
    assert "\b" not in ran.out


def test_options_before_the_command_are_documented(run):
    for option in ("--offline", "--debug", "--log-level", "--version"):
        assert option in run("--help").out
        assert f"`{option}" in DOCUMENTATION


def test_every_environment_variable_is_documented():
    source = (Path(__file__).parents[2] / "docindex" / "config.py").read_text(encoding="utf-8")
    names = set(re.findall(r"DOCINDEX_[A-Z]+", source))
    assert names
    assert names - set(re.findall(r"DOCINDEX_[A-Z]+", DOCUMENTATION)) == set()


def test_version(run):
    assert run("--version").out == f"docindex {__version__}\n"


@pytest.mark.parametrize(
    "command",
    [
        *(("search", "x"), ("query", "x"), ("chat",), ("status",), ("ls",), ("show", "x"), ("rm", "x"), ("check",)),
        *(("embed",), ("tag",), ("diff", "x"), ("rollback", "x"), ("purge",), ("export", "x.bundle")),
    ],
)
def test_without_an_index_every_command_says_how_to_make_one(run, tmp_path: Path, command):
    ran = run(*command, "--json", "-i", tmp_path / "none")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"Error: There is no index at {tmp_path / 'none'}")
    assert "docindex ingest" in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "none").exists()


def test_debug_shows_the_traceback_as_well(run, tmp_path: Path):
    ran = run("--debug", "status", "-i", tmp_path / "none")
    assert ran.code == 1
    assert "Traceback (most recent call last)" in ran.err
    assert ran.err.splitlines()[-1].startswith("Error: There is no index")


def test_the_log_goes_to_standard_error_and_the_handler_goes_away(run, built: Path, tmp_path: Path):
    before = list(logging.getLogger("docindex").handlers)
    elsewhere = {"DOCINDEX_MODELS": str(tmp_path / "models")}
    ran = run("--offline", "search", "bees", "-i", built, "--json", variables=elsewhere)
    assert (ran.code, ran.json["hits"][0]["doc_id"]) == (0, "bees.txt")
    assert ran.err.startswith("WARNING docindex")
    assert logging.getLogger("docindex").handlers == before
    quiet = run("--offline", "--log-level", "error", "search", "bees", "-i", built, variables=elsewhere)
    assert quiet.err == ""
    assert run("--log-level", "loud", "ls", "-i", built).code == 2
    assert run("ls", "-i", built, variables={"DOCINDEX_LOG": "loud"}).code == 2


def test_a_bug_keeps_its_traceback(run, built: Path, monkeypatch: pytest.MonkeyPatch):
    from docindex import Index

    def broken(self: Index) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Index, "status", broken)
    with pytest.raises(ZeroDivisionError):
        run("status", "-i", built)


def test_ctrl_c_is_one_even_if_a_library_makes_an_error_of_it(run, built: Path, monkeypatch: pytest.MonkeyPatch):
    from docindex import Index

    def interrupted(self: Index) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise AssertionError

    monkeypatch.setattr(Index, "status", interrupted)
    ran = run("status", "-i", built)
    assert (ran.code, ran.out, ran.err) == (130, "", "Interrupted.\n")


def test_what_the_machine_refuses_is_no_bug(run, tmp_path: Path, docs: Path, monkeypatch: pytest.MonkeyPatch):
    from docindex import Index

    def full(self: Index, *sources: str, options: object, on_progress: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "index"))

    monkeypatch.setattr(Index, "ingest", full)
    ran = run("ingest", docs, "-i", tmp_path / "index")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"Error: {tmp_path / 'index'}: No space left on device\n"


@pytest.mark.parametrize(
    ("given_arguments", "expected"),
    [
        (["search", "x", "--debug"], ["--debug", "search", "x"]),
        (["ls", "--log-level", "info", "--offline"], ["--log-level", "info", "--offline", "ls"]),
        (["ls", "--log-level=info"], ["--log-level=info", "ls"]),
        (["search", "--", "--debug"], ["search", "--", "--debug"]),
        (["ls", "--log-level"], ["ls", "--log-level"]),
    ],
)
def test_options_of_the_program_may_stand_anywhere(given_arguments: list[str], expected: list[str]):
    assert globals_first(given_arguments) == expected


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(["search", "x", "--debug", "--offline", "--", "--log-level", "info", "-k"])))
def test_no_argument_is_lost_or_made_up(arguments: list[str]):
    moved = globals_first(arguments)
    assert sorted(moved) == sorted(arguments)
    assert globals_first(moved) == moved


def test_help_on_a_terminal_is_drawn_with_the_brackets_it_has():
    app = build_app(rich=True)
    texts = [command.help for command in get_command(app).commands.values()]
    assert any("[not dim bold]Examples[/]" in text for text in texts)
    assert isinstance(app, typer.Typer)
