from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.loaders.markdown import MarkdownLoader
from docindex.schema import Source
from docindex.testing.loader_contract import LoaderContract

SAMPLE = """---
title: "The manual: part 1"
author: Ann O'Nym
date: 2024-05-01
version: 2.5
code: 007
draft: false
tags: [setup, wi-fi]
owners:
  - Bo
  - Cy
empty:
---

Intro — before any heading.

# First *part*

```python
# not a heading
```

Second part
-----------

> # quoted
> not ours

- # in a list

### With `code`, a [link](http://x.example) and ![a picture](p.png) ###

    # indented code

| part *no* | mm |
|:--|--:|
| `a\\|b` | 1,234.5 |
| [nut](http://x.example) | 12 |

> | q |
> |---|
> | 1 |
"""


class TestMarkdownLoader(LoaderContract):
    media_type = "text/markdown"
    suffix = ".md"

    def loader(self) -> MarkdownLoader:
        return MarkdownLoader()

    def write(self, path: Path) -> None:
        path.write_text(SAMPLE)


def test_headings_are_those_of_the_parser(load):
    document = load("a.md", SAMPLE)[0]
    found = [(heading.level, heading.text) for heading in document.headings]
    assert found == [(1, "First part"), (2, "Second part"), (3, "With code, a link and a picture")]
    lines = [document.text[heading.start :].split("\n")[0] for heading in document.headings]
    assert lines[:2] == ["# First *part*", "Second part"]
    assert lines[2].startswith("### With `code`")


def test_front_matter_becomes_metadata_and_leaves_the_text(load):
    document = load("a.md", SAMPLE)[0]
    assert document.text == SAMPLE.split("---\n\n", 1)[1]
    assert document.title == "The manual: part 1"
    assert document.metadata == {
        "author": "Ann O'Nym",
        "date": datetime(2024, 5, 1, tzinfo=UTC),
        "version": 2.5,
        "code": "007",
        "draft": False,
        "tags": ("setup", "wi-fi"),
        "owners": ("Bo", "Cy"),
    }


def test_toml_front_matter_with_an_integer_that_is_too_long_stays_in_the_text(load):
    (document,) = load("a.md", f'+++\ntitle = "T"\nid = {"7" * 5000}\n+++\nThe lamp.\n')
    assert document.text.startswith("+++\ntitle")
    assert document.text.endswith("The lamp.\n")


def test_toml_front_matter(load):
    text = '+++\ntitle = "T"\ndate = 2024-05-01T12:00:00+02:00\nweight = 3\n[menu]\nmain = true\n+++\n# Head\n'
    document = load("a.md", text)[0]
    assert (document.text, document.title) == ("# Head\n", "T")
    assert document.metadata == {"date": datetime(2024, 5, 1, 10, tzinfo=UTC), "weight": 3, "menu.main": True}


@pytest.mark.parametrize("odd", ["nested:\n  key: value", "text: |\n  several\n  lines", "a: {b: 1}", "- only an item"])
def test_front_matter_that_is_not_understood_stays_in_the_text(load, odd):
    text = f"---\ntitle: T\n{odd}\n---\n\n# Head\n\ntext\n"
    document = load("a.md", text)[0]
    assert document.text == text
    assert document.title == "T"
    assert [heading.text for heading in document.headings] == ["Head"]
    assert document.text[document.headings[0].start :].startswith("# Head")


@pytest.mark.parametrize("text", ["---\n\nA rule, then text.\n\n---\n\nmore\n", "---\ntitle: never closed\n", "--- \n"])
def test_a_rule_is_no_front_matter(load, text):
    document = load("a.md", text)[0]
    assert document.text == text
    assert document.metadata == {}


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- secret -->",
        "<!-- sec\nret -->",
        "<!--secret",
        "<!----><!--> <!--secret-->",
        '<div style="display:none">secret</div>',
        '<div\n style="display:none">\n\nsec\n\n<div>ret</div>\n\n</div>',
        "<p hidden>secret\n",
        "<div hidden>\n\n    <!-- code, as it says -->\n",
        "<STYLE>.x{display:none}</STYLE>\n\n<p class=x>secret</p>",
        "<p aria-hidden='true'>secret</p>",
        '<div style="display&colon;none">secret</div>',
    ],
)
def test_hidden_html_is_left_out_and_counted(load, hidden):
    text = f"# Head\n\nseen\n\n{hidden}"
    document = load("a.md", text)[0]
    assert "sec" not in document.text
    assert "code" not in document.text
    assert document.hidden in (6, 7, len("<!-- code, as it says -->"))
    assert document.text.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "shown",
    [
        "`<!-- shown -->`",
        "``<b hidden>`shown``",
        "```html\n<!-- shown -->\n```",
        "    <p hidden>shown</p>",
        "\\<!-- shown -->",
        "\\<p hidden>shown</p>",
        "<!-- shown, since it has no end",
        "<p style='color:red'>shown</p>",
        "<img hidden> shown",
        "a < b hidden > shown",
        "```\n<style>p{display:none}</style>\n```\n\n<p>shown</p>",
    ],
)
def test_html_that_readers_see_stays(load, shown):
    text = f"text {shown}" if shown.startswith("<!--") else shown
    document = load("a.md", text)[0]
    assert (document.text, document.hidden) == (text, 0)


def test_what_stands_beside_hidden_text_keeps_its_place(load):
    text = "---\ntitle: T\n---\n<!--\n# no head\n-->\n\n# Head <b hidden>or</b>\n\n| a |\n|---|\n| 1<!-- 2 --> |\n"
    document = load("a.md", text)[0]
    assert [(head.text, document.text[head.start :][:6]) for head in document.headings] == [("Head", "# Head")]
    assert [row.cells for row in document.tables[0].rows] == [(1,)]
    assert document.tables[0].rows[0].number == 12
    assert "Head" in document.text


def test_title_is_the_first_heading_of_the_first_level(load):
    assert load("a.md", "## Sub\n\n# Main\n\n# Other\n")[0].title == "Main"
    assert load("a.md", "no heading")[0].title == ""


def test_tables_are_typed_rows_of_the_text(load):
    document = load("a.md", SAMPLE)[0]
    parts, quoted = document.tables
    assert [(column.name, column.type) for column in parts.columns] == [("part no", "text"), ("mm", "number")]
    assert [row.cells for row in parts.rows] == [("a|b", 1234.5), ("nut", 12.0)]
    lines = SAMPLE.split("\n")
    for row in parts.rows:
        assert document.text[row.start : row.end] == lines[row.number - 1]
    assert document.text[parts.start : parts.end].split("\n") == lines[parts.rows[0].number - 3 : parts.rows[1].number]
    assert [row.cells for row in quoted.rows] == [(1,)]


def test_a_table_without_rows(load):
    (table,) = load("a.md", "| a |\n|---|\n")[0].tables
    assert (table.rows, table.start, table.end) == ((), 0, 11)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(["# é 1", "## 2", "a\u0301 text", "", "```", "---", "> # q", "x", "===", "\t# t"])))
def test_headings_point_at_their_lines(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("md") / "a.md"
    path.write_text("intro\n" + "\n".join(lines))
    document = next(iter(MarkdownLoader().load(Source("a.md", path, "text/markdown"))))
    for heading in document.headings:
        assert heading.start == 0 or document.text[heading.start - 1] == "\n"
        assert heading.text.split()[0] in document.text[heading.start :].split("\n---")[0]
