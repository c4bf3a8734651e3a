from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from docindex.loaders.html import HtmlLoader
from docindex.testing.loader_contract import LoaderContract

SAMPLE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title> The  page </title>
<meta name="description" content="About it"><meta name="author" content="Ann"><meta name="keywords" content="a, b">
<meta property="article:published_time" content="2024-05-01T12:00:00+02:00">
<style>p { color: red }</style></head>
<body><nav><a href="/">Home</a></nav><script>var x = "no"</script>
<h1>Setting <em>up</em></h1>
<p>Press&nbsp;the <b>red</b>
button.<br>Wait.</p>
<h2></h2><h2>De&shy;tails</h2>
<ul><li>one<li>two <ol start="3"><li>deep</ol></ul>
<table><caption>Sizes</caption><tr><th>A</th><th>B</th><th>C</th></tr>
<tr><td>1</td><td></td><td><p>3</p> mm</td></tr></table>
<pre>
if x:
    <i>go</i>()
</pre>
<p>Look: <img src="p.png" alt="a picture"> &amp; more</p>
</body></html>"""


class TestHtmlLoader(LoaderContract):
    media_type = "text/html"
    suffix = ".html"

    def loader(self) -> HtmlLoader:
        return HtmlLoader()

    def write(self, path: Path) -> None:
        path.write_text(SAMPLE)


def test_text_is_laid_out_in_blocks(load):
    assert load("a.html", SAMPLE)[0].text == (
        "Setting up\n\n"
        "Press the red button.\nWait.\n\n"
        "Details\n\n"
        "- one\n- two\n  3. deep\n\n"
        "Sizes\n\nA | B | C\n1 |  | 3 mm\n\n"
        "if x:\n    go()\n\n"
        "Look: a picture & more"
    )


def test_headings_and_metadata(load):
    document = load("a.html", SAMPLE)[0]
    assert [(heading.level, heading.text) for heading in document.headings] == [(1, "Setting up"), (2, "Details")]
    for heading in document.headings:
        assert document.text[heading.start :].startswith(f"{heading.text}\n")
    assert document.title == "The page"
    assert document.metadata == {
        "description": "About it",
        "author": "Ann",
        "keywords": ("a", "b"),
        "date": datetime(2024, 5, 1, 10, tzinfo=UTC),
        "language": "en",
    }


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>secret</p>",
        '<p style="color: red; DISPLAY :none">secret</p>',
        '<div style="visibility:hidden"><p>secret</p></div>',
        '<span aria-hidden="true">secret</span>',
        "<template><p>secret</p></template>",
        "<noscript>secret</noscript>",
        "<!-- secret -->",
        "<svg><text>secret</text></svg>",
        '<div role="navigation">secret</div>',
        "<textarea>secret</textarea>",
    ],
)
def test_what_readers_do_not_see_is_left_out(load, hidden):
    assert load("a.html", f"<p>be{hidden}fore</p> {hidden} after")[0].text.replace("\n\n", " ").split()[-1] == "after"
    assert "secret" not in load("a.html", f"<p>text</p>{hidden}")[0].text


def test_a_page_of_nothing_but_navigation_keeps_it(load):
    assert load("a.html", "<nav><ul><li>Home<li>About</ul></nav>")[0].text == "- Home\n- About"


def test_tables_that_lay_out_the_page_are_not_rows(load):
    page = "<table><tr><td><h2>Menu</h2><p>one</p></td><td><table><tr><td>1<td>2</table></td></tr></table>"
    document = load("a.html", page)[0]
    assert document.text == "Menu\n\none\n\n1 | 2"
    assert document.headings[0].text == "Menu"


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        ('<meta charset="windows-1251">', "cp1251"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">', "koi8-r"),
        ('<?xml version="1.0" encoding="iso-8859-5"?>', "iso8859-5"),
        ("", "utf-8"),
        ("", "utf-16"),
        ('<meta charset="iso-8859-1">', "utf-8"),
        ('<meta charset="no-such-thing">', "cp1251"),
    ],
)
def test_encodings(load, declaration, encoding):
    text = "Не открывайте корпус устройства. Датчик должен находиться в тени."
    assert load("a.html", f"{declaration}<p>{text}</p>".encode(encoding))[0].text == text


def test_the_first_heading_is_the_title_of_a_page_without_one(load):
    assert load("a.html", "<h2>Head</h2>text")[0].title == "Head"


def test_deep_nesting_is_no_problem(load):
    assert load("a.html", "<div>" * 3000 + "text" + "</div>" * 3000)[0].text == "text"


def test_an_empty_page_is_an_empty_document(load):
    assert load("a.html", "")[0].text == ""
