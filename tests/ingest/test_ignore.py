from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.ingest.ignore import IGNORE_FILE, IgnoreRules


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read(root: Path) -> Iterator[str]:
    """The files that a walk by the rules comes to, which does not enter what is ignored."""
    rules = IgnoreRules(root)
    for parent, folders, files in os.walk(root):
        here = Path(parent)
        folders[:] = [name for name in folders if rules.reason(here / name, True) is None]
        for name in files:
            if name not in (IGNORE_FILE, ".gitignore") and rules.reason(here / name, False) is None:
                yield (here / name).relative_to(root).as_posix()


def test_names_the_file_the_line_and_the_rule(tmp_path: Path) -> None:
    write(tmp_path, {IGNORE_FILE: "# logs\n\n*.log\n", f"sub/{IGNORE_FILE}": "/draft.md  \n", "sub/draft.md": ""})
    rules = IgnoreRules(tmp_path)
    assert rules.reason(tmp_path / "a.log", False) == "ignored by .docindexignore line 3: *.log"
    assert rules.reason(tmp_path / "sub/deep/a.log", False) == "ignored by .docindexignore line 3: *.log"
    assert rules.reason(tmp_path / "sub/draft.md", False) == "ignored by sub/.docindexignore line 1: /draft.md"
    assert rules.reason(tmp_path / "sub/deep/draft.md", False) is None
    assert rules.reason(tmp_path / "draft.md", False) is None


def test_a_rule_that_ends_in_a_slash_is_for_folders(tmp_path: Path) -> None:
    write(tmp_path, {IGNORE_FILE: "build/\n"})
    rules = IgnoreRules(tmp_path)
    assert rules.reason(tmp_path / "build", True) is not None
    assert rules.reason(tmp_path / "sub/build", True) is not None
    assert rules.reason(tmp_path / "build", False) is None


def test_the_last_rule_and_the_deepest_file_decide(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            IGNORE_FILE: "*.txt\n!keep.txt\n",
            f"notes/{IGNORE_FILE}": "!*.txt\nkeep.txt\n",
            "keep.txt": "",
            "other.txt": "",
            "notes/keep.txt": "",
            "notes/other.txt": "",
        },
    )
    assert sorted(read(tmp_path)) == ["keep.txt", "notes/other.txt"]


def test_what_is_in_an_ignored_folder_stays_ignored(tmp_path: Path) -> None:
    write(tmp_path, {IGNORE_FILE: "private/\n!private/open.txt\n", "private/open.txt": "", "a.txt": ""})
    assert list(read(tmp_path)) == ["a.txt"]


def test_without_rules_nothing_is_ignored(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "", f"sub/{IGNORE_FILE}": "# nothing\n\n", "sub/b.txt": ""})
    assert sorted(read(tmp_path)) == ["a.txt", "sub/b.txt"]


def test_a_relative_root_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {IGNORE_FILE: "/a.txt\n", "a.txt": "", "sub/a.txt": ""})
    monkeypatch.chdir(tmp_path)
    assert list(read(Path())) == ["sub/a.txt"]


def test_windows_line_ends_and_a_byte_order_mark_are_no_part_of_rules(tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).write_bytes(b"\xef\xbb\xbf*.log\r\nbuild/\r\n")
    rules = IgnoreRules(tmp_path)
    assert rules.reason(tmp_path / "a.log", False) == "ignored by .docindexignore line 1: *.log"
    assert rules.reason(tmp_path / "build", True) == "ignored by .docindexignore line 2: build/"


def test_names_that_are_not_utf8_are_matched(tmp_path: Path) -> None:
    (tmp_path / IGNORE_FILE).write_bytes(b"caf\xe9.txt\n")
    assert IgnoreRules(tmp_path).reason(tmp_path / os.fsdecode(b"caf\xe9.txt"), False) is not None


@pytest.mark.parametrize("line", ["!", "[z-a]", "[[:letters:]]"])
def test_a_line_that_is_no_pattern_is_told_of_and_the_others_hold(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, line: str
) -> None:
    write(tmp_path, {IGNORE_FILE: f"{line}\n*.log\n"})
    with caplog.at_level(logging.WARNING, "docindex"):
        assert IgnoreRules(tmp_path).reason(tmp_path / "a.log", False) == "ignored by .docindexignore line 2: *.log"
    assert "line 1" in caplog.text


@pytest.mark.parametrize(
    ("rule", "ignored", "read"),
    [
        ("log[[:digit:]].txt", ["log7.txt"], ["logs.txt", "log:.txt", "log7].txt"]),
        ("[![:digit:]]*", ["a1"], ["1a"]),
        ("[[:upper:]_]x", ["Ax", "_x"], ["ax"]),
        ("[][:digit:]]", ["]", "1"], ["a"]),
        ("[[:blank:]]x", [" x"], ["ax"]),
        ("[[:punct:]]x", ["-x", "[x", "~x", "!x"], ["ax", "1x"]),
        ("[[:xdigit:][:blank:]]/", [], ["f"]),
        ("a\\[[:digit:]]", ["a[d]"], ["a[1]", "a1"]),
        ("[:digit:]", ["d", ":"], ["1"]),
        ("[[a]x", ["[x", "ax"], ["bx"]),
    ],
)
def test_classes_in_brackets_are_those_of_git(tmp_path: Path, rule: str, ignored: list[str], read: list[str]) -> None:
    (tmp_path / IGNORE_FILE).write_text(f"{rule}\n")
    rules = IgnoreRules(tmp_path)
    assert [name for name in [*ignored, *read] if rules.reason(tmp_path / name, False)] == ignored


def test_rules_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "sub" / IGNORE_FILE).mkdir(parents=True)
    rules = IgnoreRules(tmp_path)
    assert rules.reason(tmp_path / "sub", True) is None
    with pytest.raises(LoadError, match=r"sub/\.docindexignore: can't be read"):
        rules.reason(tmp_path / "sub/a.txt", False)


def test_each_file_of_rules_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, {IGNORE_FILE: "*.log\n"})
    rules = IgnoreRules(tmp_path)
    assert rules.reason(tmp_path / "a.log", False) is not None
    (tmp_path / IGNORE_FILE).unlink()
    assert rules.reason(tmp_path / "b.log", False) is not None
    assert rules.reason(tmp_path / "sub/b.log", False) is not None


_WORDS = st.sampled_from(["a", "b", "ab", "a.b", "b.a"])
_PARTS = st.sampled_from(
    ["a", "b", "ab", "a.b", "*", "*.b", "a*", "?", "**", "[ab]", "[!a]", "[[:alpha:]]", "[^[:punct:]b]*", "\\a"]
)
_PATTERNS = st.builds(
    lambda negated, rooted, parts, folder: f"{negated}{rooted}{'/'.join(parts)}{folder}",
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(_PARTS, min_size=1, max_size=3),
    st.sampled_from(["", "/"]),
)
_RULES = st.lists(st.one_of(_PATTERNS, st.sampled_from(["", "# a", "a ", "\\#a", "\\!a"])), max_size=4).map("\n".join)
_FOLDERS = st.lists(_WORDS, max_size=2).map("/".join)


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git")
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.lists(_WORDS, min_size=1, max_size=3).map("/".join), min_size=1), st.dictionaries(_FOLDERS, _RULES))
def test_ignores_what_git_ignores(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], rules: dict[str, str]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    folders = {"/".join(name.split("/")[:end]) for name in names for end in range(1, len(name.split("/")))}
    write(root, dict.fromkeys(names - folders, ""))
    for folder, text in rules.items():
        if folder in folders | {""}:
            write(root, {f"{folder}/{IGNORE_FILE}".lstrip("/"): text, f"{folder}/.gitignore".lstrip("/"): text})
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", str(root)], env=environment, check=True)
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--others", "--exclude-standard", "-z"],
        env=environment,
        check=True,
        capture_output=True,
    )
    expected = {name for name in listing.stdout.decode().split("\0") if name and not name.endswith("ignore")}
    found = {name for name in read(root) if not name.startswith(".git/")}
    assert found == expected
    shutil.rmtree(root)
