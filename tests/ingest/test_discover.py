"""Every path under a source is either a file to read or accounted for."""

import io
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from docindex.config import IngestOptions
from docindex.ingest.discover import discover
from docindex.ingest.found import Discovery, modified_at


def find(*sources: str | Path, **options: object) -> Discovery:
    with ExitStack() as stack:
        return discover(sources, IngestOptions(**options), stack)


def names(found: Discovery) -> list[str]:
    return [file.name for file in found.files]


def reasons(found: Discovery) -> dict[str, str]:
    return {problem.source: problem.reason for problem in [*found.skipped, *found.failed]}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    for name in ("b.txt", "a.md", "sub/c.txt", "sub/deep/d.html", ".hidden.txt", ".git/config"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
    (root / "empty.txt").touch()
    return root


def test_a_folder_is_walked_in_order_and_what_is_passed_over_is_named(tree: Path):
    found = find(tree)
    assert names(found) == ["a.md", "b.txt", "sub/c.txt", "sub/deep/d.html"]
    assert reasons(found) == {".hidden.txt": "hidden file", ".git/": "hidden folder", "empty.txt": "empty file"}
    assert {file.root for file in found.files} == {str(tree)}


def test_a_file_a_folder_and_a_glob_that_overlap_give_each_file_once(tree: Path):
    found = find(tree / "b.txt", tree, str(tree / "**" / "*.txt"))
    assert sorted(file.location for file in found.files) == sorted(
        str(tree / name) for name in ("a.md", "b.txt", "sub/c.txt", "sub/deep/d.html")
    )


def test_a_glob_names_files_relative_to_its_fixed_part(tree: Path):
    assert names(find(str(tree / "*" / "*.txt"))) == ["sub/c.txt"]
    assert reasons(find(str(tree / "*.pdf"))) == {str(tree / "*.pdf"): "matches no file"}


def test_a_glob_passes_over_what_a_folder_does(tree: Path):
    (tree / ".docindexignore").write_text("deep/\n")
    (tree / "index").mkdir()
    (tree / "index" / "docindex.json").write_text("{}")
    (tree / "index" / "x.html").write_text("text")
    found = find(str(tree / "**" / "*.[hmt]*"))
    assert names(found) == ["a.md", "b.txt", "sub/c.txt"]
    assert reasons(found) == {
        ".hidden.txt": "hidden file",
        ".git/": "hidden folder",
        "index/": "a docindex index",
        "sub/deep/": "ignored by .docindexignore line 1: deep/",
        "empty.txt": "empty file",
    }


def test_links_below_a_glob_give_each_file_once(tree: Path):
    (tree / "one").symlink_to(tree)
    (tree / "sub" / "two").symlink_to(tree)
    found = find(str(tree / "**" / "*.md"))
    assert names(found) == ["a.md"]
    assert reasons(found)["sub/two/"] == "a link to a folder that is already read"


def test_a_glob_enters_no_folder_where_nothing_can_match(tree: Path):
    found = find(str(tree / "*.md"))
    assert names(found) == ["a.md"]
    assert reasons(found) == {}


def test_include_and_exclude_match_the_name_or_its_last_part(tree: Path):
    assert names(find(tree, include=("*.txt",))) == ["b.txt", "sub/c.txt"]
    assert names(find(tree, exclude=("sub/*",))) == ["a.md", "b.txt"]
    found = find(tree, include=("*.md", "*.txt"), exclude=("b.*",))
    assert names(found) == ["a.md", "sub/c.txt"]
    assert reasons(found)["b.txt"] == "excluded by b.*"
    assert reasons(found)["sub/deep/d.html"] == "not included"


def test_a_file_that_is_named_outright_needs_no_include(tree: Path):
    assert names(find(tree / "a.md", include=("*.txt",))) == ["a.md"]


def test_a_missing_source_fails_and_costs_nothing_else(tree: Path):
    found = find(tree / "nowhere", tree / "b.txt")
    assert names(found) == ["b.txt"]
    assert reasons(found) == {str(tree / "nowhere"): "no such file or folder"}


def test_a_tilde_is_a_home_folder_unless_a_file_is_called_so(tree: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tree))
    monkeypatch.chdir(tree)
    (tree / "~$report.txt").write_text("lock")
    found = find("~$report.txt", "~/b.txt", "~/sub/*.txt", "~nobody/here.txt")
    assert names(found) == ["~$report.txt", "b.txt", "c.txt"]
    assert reasons(found) == {"~nobody/here.txt": "no such file or folder"}


@pytest.mark.parametrize("seconds", [300_000_000_000, -100_000_000_000, 1 << 62, -(1 << 62)])
def test_a_time_that_no_calendar_has_is_none(seconds: int):
    times = {"st_mtime_ns": seconds * 1_000_000_000}
    assert modified_at(os.stat_result(range(10), times)) is None


def test_links_that_form_a_loop_end(tree: Path):
    (tree / "sub" / "up").symlink_to(tree)
    found = find(tree)
    assert names(found) == ["a.md", "b.txt", "sub/c.txt", "sub/deep/d.html"]
    assert reasons(found)["sub/up/"] == "a link to a folder that is already read"


def test_dangling_links_and_pipes_are_named(tree: Path):
    (tree / "gone.txt").symlink_to(tree / "nowhere")
    os.mkfifo(tree / "pipe.txt")
    found = find(tree)
    assert reasons(found)["gone.txt"].startswith("can't be read")
    assert reasons(found)["pipe.txt"] == "not a regular file"


def test_an_index_inside_a_source_is_not_read(tree: Path):
    (tree / "my_index").mkdir()
    (tree / "my_index" / "docindex.json").write_text("{}")
    assert reasons(find(tree))["my_index/"] == "a docindex index"


@pytest.mark.parametrize("named", ["my_index", "my_index/", "my_index/*", "my_index/**/*.txt"])
def test_an_index_that_is_a_source_is_not_read(tree: Path, monkeypatch: pytest.MonkeyPatch, named: str):
    monkeypatch.chdir(tree)
    (tree / "my_index" / "sub").mkdir(parents=True)
    for name in ("docindex.json", "registry.db", "sub/a.txt"):
        (tree / "my_index" / name).write_text("text")
    found = find("b.txt", named)
    assert names(found) == ["b.txt"]
    assert reasons(found) == {named: "a docindex index"}
    assert found.failed == []


@pytest.mark.parametrize("source", ["", " ", "\t\n"])
def test_a_source_without_a_name_fails_and_does_not_mean_this_folder(
    tree: Path, monkeypatch: pytest.MonkeyPatch, source: str
):
    monkeypatch.chdir(tree)
    found = find(source, "b.txt")
    assert names(found) == ["b.txt"]
    assert [(problem.source, problem.reason) for problem in found.failed] == [
        ('""', "is empty: name a file or a folder")
    ]


def test_names_that_are_not_utf8_are_written_out(tmp_path: Path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text("text")
    assert names(find(tmp_path)) == ["caf\\xe9.txt"]


@pytest.mark.parametrize("named", [("",), ("", "caf\\xe9.txt"), ("caf\\xe9.txt", os.fsdecode(b"caf\xe9.txt"))])
def test_of_two_names_that_are_written_out_alike_one_fails(tmp_path: Path, named: tuple[str, ...]):
    for name in (b"caf\xe9.txt", rb"caf\xe9.txt"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text(repr(name))
    found = find(*(tmp_path / name for name in named))
    (file,) = found.files
    assert file.path.read_text() == repr(rb"caf\xe9.txt")
    assert [(problem.source, "rename one" in problem.reason) for problem in found.failed] == [("caf\\xe9.txt", True)]


def test_a_file_that_is_named_in_two_ways_is_one(tree: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tree)
    found = find("b.txt", tree / "b.txt", "sub/../b.txt", ".")
    assert names(found) == ["b.txt", "a.md", "sub/c.txt", "sub/deep/d.html"]
    assert found.failed == []


def test_standard_input_is_a_file_called_stdin(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped text")))
    with ExitStack() as stack:
        (file,) = discover(["-"], IngestOptions(), stack).files
        assert (file.name, file.location, file.bytes) == ("stdin", "-", 10)
        assert file.path.read_bytes() == b"piped text"
    assert not file.path.exists()


def test_a_database_without_a_statement_is_refused_with_the_cure():
    found = find("sqlite:///things.db")
    assert reasons(found) == {
        "sqlite:///things.db": "is neither a path nor a web address; of a database, choose the rows with --sql"
    }
