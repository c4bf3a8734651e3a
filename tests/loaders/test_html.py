from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.loaders.html import HtmlLoader
from docindex.schema import Source
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
        "Sizes\n\n| A | B | C |\n| --- | --- | --- |\n| 1 |  | 3 mm |\n\n"
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


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>secret</p>",
        "<p style='display:none'>secret</p>",
        "<p style='/* x */ display : none !important; color: red'>se<b>cre</b>t</p>",
        "<p style='visibility:hidden'>secret</p>",
        "<p style='opacity:0'>secret</p>",
        "<p style='opacity:0.0'>secret</p>",
        "<p style='font-size:0px'>secret</p>",
        "<p style='position:absolute;left:-9999px'>secret</p>",
        "<p style='position:fixed;top:-100em'>secret</p>",
        "<p style='text-indent:-9999px'>secret</p>",
        "<p style='position:absolute;clip:rect(0,0,0,0)'>secret</p>",
        "<p style='clip-path:inset(50%)'>secret</p>",
        "<p style='height:0;overflow:hidden'>secret</p>",
        "<p style='color:transparent'>secret</p>",
        "<p style='color:rgba(0,0,0,0)'>secret</p>",
        "<p style='color:#fff;background:white'>secret</p>",
        "<p style='color:#FEFEFE;background-color:rgb(254, 254, 254)'>secret</p>",
        "<div style='background:#ffffff'><p><font color=white>secret</font></p></div>",
        "<table bgcolor='#000000'><tr><td><p>a</p><p style='color:black'>secret</p></table>",
        "<table><tr><td>a<td>b<tr style='display:none'><td>sec<td>ret</table>",
        "<style>.x { color: red; display: none }</style><p class='y x'>secret</p>",
        "<style>p#x.y, .z {visibility:hidden}</style><p class=y id=x>sec</p><p class=z>ret</p>",
        "<style>/* { */ @media screen{.x{background: url('}'); display: none}}</style><b class=x>secret</b>",
        "<style>.x{display:block} p.x{display:none} .x{display:block}</style><p class=x>secret</p>",
        "<style>.x{display:none!important}</style><p class=x style='display:block'>secret</p>",
        "<style>.x{display:none} .x.y{display:block}</style><p class=x>secret</p>",
        "<p aria-hidden=true>secret</p>",
        "<textarea>secret</textarea>",
        "<noscript>secret</noscript>",
        "<p hidden>sec<textarea>ret</textarea></p>",
        "<script>no</script><p hidden>secret<script>not counted</script><!-- nor this --></p>",
    ],
)
def test_hidden_text_is_counted(load, hidden):
    document = load("a.html", f"<p>seen</p>{hidden}")[0]
    assert "secret" not in document.text
    assert "ret" not in document.text
    assert document.text.startswith("seen")
    assert document.hidden == 6


@pytest.mark.parametrize(
    "shown",
    [
        "<p style='color:white'>shown</p>",
        "<div style='background:black'><p style='color:white'>shown</p></div>",
        "<div style='background:white url(x.png)'><p style='color:white'>shown</p></div>",
        "<div style='color:white;background:white'><p style='color:red'>shown</p></div>",
        "<table><tr><td style='font-size:0'><span style='font-size:14px'>shown</span></td></tr></table>",
        "<div style='visibility:hidden'><p style='visibility:visible'>shown</p></div>",
        "<p hidden=until-found>shown</p>",
        "<p style='opacity:0.1'>shown</p>",
        "<p style='text-indent:-2em;font-size:.8em'>shown</p>",
        "<p style='left:-9999px'>shown</p>",
        "<p style='overflow:hidden;max-height:20px'>shown</p>",
        "<details><summary>s</summary>shown</details>",
        "<p style='no style at all;;:'>shown</p>",
        "<style>.x{display:none} .x{display:block}</style><p class=x>shown</p>",
        "<style>.x{display:none}</style><p class=x style='display:block'>shown</p>",
        "<style>.x{display:none} .x.y{display:block}</style><p class='x y'>shown</p>",
        "<style>.x{display:none} div .x:target{display:block}</style><p class=x>shown</p>",
        "<style>.a{display:none}@media (width>1px){.md\\:b{display:flex}}</style><p class='a md:b'>shown</p>",
        "<style>.x{visibility:hidden} b{visibility:visible}</style><p class=x><b>shown</b></p>",
        "<style>@media print{.x{display:none}} .no-js .x, .x:hover{display:none}</style><p class=x>shown</p>",
        "<style media=print>p{display:none}</style><p>shown</p>",
        "<noscript><style>p{display:none}</style></noscript><p>shown</p>",
        "<style>p{display:none</style><style>}{{{;</style><p>shown</p>",
    ],
)
def test_text_that_readers_may_see_stays(load, shown):
    document = load("a.html", shown)[0]
    assert document.text.endswith("shown")
    assert document.hidden == 0


def test_a_page_that_a_script_shows_is_read(load):
    page = "<body style='visibility:hidden'><p>text</p></body>"
    assert (load("a.html", page)[0].text, load("a.html", page)[0].hidden) == ("text", 0)


def test_a_page_of_nothing_but_navigation_keeps_it(load):
    assert load("a.html", "<nav><ul><li>Home<li>About</ul></nav>")[0].text == "- Home\n- About"


def test_tables_are_markdown_and_typed_rows(load):
    page = (
        "<p>Before</p><table><caption>Parts &amp; prices</caption>"
        "<thead><tr><th rowspan=2>Part<th colspan=2>Price</tr><tr><th>net<th>gross</tr></thead>"
        "<tr><td>Bolt | nut<td>1.50<td>1.80<tr><td colspan=3>Metric<tr><td rowspan=2>Screw<td colspan=2>2.00"
        "<tr><td>3.00<td></tr><tr><td></td></tr></table><p>After"
    )
    document = load("a.html", page)[0]
    assert document.text == (
        "Before\n\nParts & prices\n\n"
        "| Part | Price net | Price gross |\n| --- | --- | --- |\n"
        "| Bolt \\| nut | 1.50 | 1.80 |\n| Metric |  |  |\n| Screw | 2.00 | 2.00 |\n| Screw | 3.00 |  |\n\nAfter"
    )
    (table,) = document.tables
    assert table.name == "Parts & prices"
    assert [(column.name, column.type) for column in table.columns] == [
        ("Part", "text"),
        ("Price net", "number"),
        ("Price gross", "number"),
    ]
    assert [(row.number, row.cells) for row in table.rows] == [
        (3, ("Bolt | nut", 1.5, 1.8)),
        (4, ("Metric", None, None)),
        (5, ("Screw", 2.0, 2.0)),
        (6, ("Screw", 3.0, None)),
    ]
    assert document.text[table.rows[2].start : table.rows[2].end] == "| Screw | 2.00 | 2.00 |"
    assert document.text[table.start : table.end].startswith("| Part |")


def test_names_are_guessed_where_nothing_marks_them(load):
    named = load("a.html", "<table><tr><td>city<td>size<tr><td>Oslo<td>7</table>")[0].tables[0]
    assert [column.name for column in named.columns] == ["city", "size"]
    unnamed = load("a.html", "<table><tr><td>1<td>2<tr><td>3<td>4</table>")[0].tables[0]
    assert [column.name for column in unnamed.columns] == ["column 1", "column 2"]
    rows_named = load("a.html", "<table><tr><th>a<td>1<tr><th>b<td>2</table>")[0].tables[0]
    assert [row.cells for row in rows_named.rows] == [("a", 1), ("b", 2)]


def test_frames_around_words_are_no_tables(load):
    for page, text in (
        ("<table><tr><td>one<br>two</td></tr></table>", "one\ntwo"),
        ("<table><tr><td>one<tr><td>two</table>", "one\ntwo"),
        ("<table><tr><td>one<br><br>two<td>three</table>x", "one\n\ntwo\n\nthree\n\nx"),
        (f"<table><tr><td>a<td>b<tr><td>c<td>{'long ' * 500}</table>", f"a | b\nc | {'long ' * 500}".rstrip()),
        ("<table role=presentation><tr><td>1<td>2<tr><td>3<td>4</table>", "1\n\n2\n\n3\n\n4"),
    ):
        document = load("a.html", page)[0]
        assert (document.text, document.tables) == (text, ())


def test_spans_do_not_make_a_table_much_larger_than_its_page(load):
    page = "<table>" + ("<tr>" + "<td colspan=1000 rowspan=65534>x" * 20) * 200 + "</table>"
    document = load("a.html", page)[0]
    assert len(document.text) < 50 * len(page)


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


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<div>" * 3000 + "text" + "</div>" * 3000 + "<p>after", "text\n\nafter"),
        ("<div>" * 100_000 + "text", "text"),
        ("<div>" * 50_000 + "<p>x</p>" * 3, "x\n\nx\n\nx"),
        ("<table><tr><td>" * 20_000 + "text", "text"),
        ("<b>" * 100_000 + "text", "text"),
        ("<!-- " + "<div>" * 5000 + " --><p>a<script>" + "<div>" * 5000 + "</script><p>b", "a\n\nb"),
    ],
)
def test_deep_nesting_is_no_problem(load, page, text):
    started = time.process_time()
    assert load("a.html", page)[0].text == text
    assert time.process_time() - started < 5


def test_a_thousand_lists_in_lists(load):
    assert len(load("a.html", "<ul><li>x" * 20_000)[0].text) < 3_000_000


def test_an_empty_page_is_an_empty_document(load):
    assert load("a.html", "")[0].text == ""


PIECES = st.sampled_from(
    [
        *("<table>", "</table>", "<tr>", "<td>", "<th colspan=2>", "<td rowspan=0>", "<td rowspan=3>", "<thead>"),
        *("<caption>", "</caption>", "<ul>", "<li>", "</ul>", "<h2>", "</h2>", "<p>", "<pre>", "</pre>", "<br>"),
        *("<div hidden>", "</div>", "<nav>", "</nav>", "one", " two\n three ", "|", "4", "<b>", "<!--", "-->", "é"),
    ]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_structure_points_at_its_text_whatever_the_markup(tmp_path_factory, page):
    path = tmp_path_factory.mktemp("html") / "a.html"
    path.write_text(page)
    (document,) = HtmlLoader().load(Source("a.html", path, "text/html"))
    text = document.text
    assert text == text.rstrip("\n")
    for heading in document.headings:
        assert " ".join(text[heading.start :].split()).startswith(heading.text)
    end = 0
    for table in document.tables:
        assert end <= table.start < table.end <= len(text)
        lines = text[table.start : table.end].split("\n")
        assert [text[row.start : row.end] for row in table.rows] == lines[2:]
        assert text[: table.start].endswith("\n\n") or table.start == 0
        end = table.end


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<ol><li>a<li value=7>b<li>c</ol>", "1. a\n7. b\n8. c"),
        ("<ol type=a><li>a<li>b</ol>", "a. a\nb. b"),
        ("<ol type=I start=3><li>a</ol>", "III. a"),
        ("<ol reversed><li>a<li>b<ul><li>c</ul></ol>", "2. a\n1. b\n  - c"),
        ("<ol reversed start=9><li>a<li value=5>b<li>c</ol>", "9. a\n5. b\n4. c"),
        ("<ol start=-1><li>a<li>b</ol>", "-1. a\n0. b"),
        ("<ol start=x type=q><li value=y>a</ol>", "1. a"),
        ("<ul><li value=7>a</ul>", "- a"),
        ("<li value=7>a", "- a"),
    ],
)
def test_items_have_the_numbers_that_a_browser_shows(load, markup, text):
    assert load("a.html", markup)[0].text == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<ul><li><table><tr><td>a<td>b<tr><td>c<td>d</table><li>y</ul>", "| a | b |\n| --- | --- |\n| c | d |\n\n- y"),
        ("<ul><li>x<table><tr><td>a<td>b<tr><td>c<td>d</table></ul>", "- x\n\n| a | b |\n| --- | --- |\n| c | d |"),
        ("<table><td rowspan=0>one<thead><li><td>", "| one |\n| --- |\n| one |"),
    ],
)
def test_no_mark_of_an_item_stands_in_the_first_line_of_a_table(load, markup, text):
    assert load("a.html", markup)[0].text == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("10<sup>6</sup> cells", "10^6 cells"),
        ("10<sup>&minus;6</sup>", "10^\u22126"),
        ("1,5\u00b710<sup>-3</sup>.", "1,5\u00b710^-3."),
        ("2<sup>1</sup>/<sub>2</sub> cups", "2 1/2 cups"),
        ("m<sup>2</sup>, 2<sup>nd</sup>, 5 <sup>14</sup>C", "m2, 2nd, 5 14C"),
        ("in 2020<sup><a href=#n>3</a></sup>", "in 20203"),
        ("in 2020<a href=#n><sup>3</sup></a>", "in 20203"),
        ("in 2020<sup class=footnote-ref>3</sup>", "in 20203"),
        ("<h1>Of 10<sup>3</sup></h1>", "Of 10^3"),
    ],
)
def test_raised_digits_do_not_melt_into_the_number_before(load, markup, text):
    document = load("a.html", f"<div>{markup}</div>")[0]
    assert document.text == text
    assert all(document.text[each.start :].startswith(each.text) for each in document.headings)
