from pathlib import Path

import pytest

from docindex.ingest.globs import EVERYTHING, Pattern, split_glob


def meets(pattern: Pattern, path: str) -> bool:
    for name in path.split("/"):
        pattern = pattern.after(name)
    return pattern.is_met


@pytest.mark.parametrize(
    ("glob", "met", "unmet"),
    [
        ("*.md", ["a.md"], ["sub/a.md", "a.txt"]),
        ("*/a.md", ["sub/a.md"], ["a.md", "sub/deep/a.md"]),
        ("**/*.md", ["a.md", "sub/deep/a.md"], ["a.txt"]),
        ("**", ["a.md", "sub/deep/a.md"], []),
        ("**/sub/**/[ab].md", ["sub/a.md", "x/sub/y/z/b.md", "sub/sub/a.md"], ["a.md", "x/a.md", "sub/c.md"]),
        ("**/**/a", ["a", "x/a"], ["x/b"]),
    ],
)
def test_a_pattern_is_matched_name_by_name(glob: str, met: list[str], unmet: list[str]):
    pattern = Pattern.of(*glob.split("/"))
    assert [path for path in met if not meets(pattern, path)] == []
    assert [path for path in unmet if meets(pattern, path)] == []


def test_folders_in_which_nothing_can_match_are_known():
    pattern = Pattern.of("*", "x*", "*.md")
    assert pattern.after("any").goes_on
    assert pattern.after("any").after("xy").goes_on
    assert not pattern.after("any").after("yx").goes_on
    assert not pattern.after("any").after("xy").after("a.md").goes_on
    assert EVERYTHING.after("a").after("b") == EVERYTHING


def test_a_path_is_split_before_its_first_wildcard():
    assert split_glob(Path("/a/b/*/c?.md")) == (Path("/a/b"), Pattern.of("*", "c?.md"))
    assert split_glob(Path("*.md")) == (Path(), Pattern.of("*.md"))
