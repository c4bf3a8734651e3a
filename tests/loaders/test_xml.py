from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.xml_files import XmlLoader
from docindex.schema import Document, Source
from docindex.testing.loader_contract import LoaderContract

BOOK = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE book PUBLIC "-//OASIS//DTD DocBook XML V4.5//EN" "http://localhost:9/docbookx.dtd" [
<!ENTITY gauge "WindNet">
]>
<book xml:lang="en"><title>The &gauge; book</title>
<bookinfo><author><firstname>Ann</firstname><surname>Lee</surname></author><date>2024-05-01</date></bookinfo>
<!-- a remark -->
<chapter id="c1"><title>Wind &amp; <emphasis>rain</emphasis></title>
<para>It stands on <emphasis>the</emphasis> roof<footnote><para>A note.</para></footnote>:
<itemizedlist><listitem><para>one</para><para>more</para></listitem><listitem><simpara>two</simpara>
<orderedlist><listitem><para>deep</para></listitem></orderedlist></listitem></itemizedlist>
and ends<indexterm><primary>end</primary></indexterm>.</para>
<note><para>Oil it.</para></note>
<variablelist><varlistentry><term>Vane</term><listitem><para>turns</para></listitem></varlistentry></variablelist>
<programlisting>
  def f():
      pass
</programlisting>
<section><title>Sizes</title>
<table><title>Sizes of parts</title><tgroup cols="3">
<colspec colname="a"/><colspec colname="b"/><colspec colname="c"/>
<thead><row><entry>part</entry><entry>mm</entry><entry>inch</entry></row></thead>
<tbody><row><entry>bolt</entry><entry>12</entry><entry>0.5</entry></row>
<row><entry>nut</entry><entry namest="b" nameend="c">8</entry></row></tbody></tgroup></table>
<figure><title>A picture</title><mediaobject><imagedata fileref="x.png" alt="a vane"/></mediaobject></figure>
</section></chapter></book>"""

RSS = """<rss version="2.0" xmlns:content="urn:c" xmlns:dc="urn:d"><channel><title>News</title>
<link>http://a.b/</link><description>On wind</description><language>en</language>
<item><title>First &amp;amp; best</title><link>http://a.b/1</link><dc:creator>Ann</dc:creator>
<pubDate>Wed, 01 May 2024 12:00:00 +0200</pubDate>
<description>&lt;p&gt;Short &lt;b&gt;text&lt;/b&gt;.&lt;/p&gt;</description>
<content:encoded><![CDATA[<p>Short <b>text</b>.</p><p>And more.<script>x()</script></p>]]></content:encoded></item>
<item><description>Untitled</description></item></channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>Neues</title>
<updated>2024-05-01T10:00:00Z</updated><link rel="self" href="http://s"/><link href="http://a.b/"/>
<entry><title type="html">&lt;i&gt;Eins&lt;/i&gt;</title><link href="http://a.b/1"/>
<author><name>Ann</name><uri>x</uri></author><published>2024-05-01T10:00:00Z</published>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>One</p><p>Two <b>x</b>.</p></div></content></entry>
</feed>"""

ARTICLE = """<article><front><article-meta><title-group><article-title>On <italic>wind</italic></article-title>
</title-group><contrib-group><contrib><name><surname>Lee</surname><given-names>Ann</given-names></name></contrib>
</contrib-group><abstract><p>We say.</p></abstract></article-meta></front><body><sec><label>1.</label>
<title>Intro</title><p>As in [<xref>1</xref>], H<sub>2</sub>O.</p><table-wrap><label>Table 1</label>
<caption><p>Sizes</p></caption><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></table-wrap>
</sec></body></article>"""

PARTS = """<stock xmlns="urn:s" xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:type="1" year="2024">
  <place>Town</place>
  <part id="7"><name>bolt</name><size unit="mm">12</size><tag>a</tag><tag>b</tag></part>
  <part id="8"><name>nut</name><size unit="mm">8</size></part>
  <shelf name="left"><box><level>1</level><items><item>cap</item><item>pin</item></items><empty/></box></shelf>
</stock>"""


class TestXmlLoader(LoaderContract):
    media_type = "text/xml"
    suffix = ".xml"

    def loader(self) -> XmlLoader:
        return XmlLoader()

    def write(self, path: Path) -> None:
        path.write_text(BOOK)


class TestXmlLoaderOnFeeds(TestXmlLoader):
    def write(self, path: Path) -> None:
        path.write_text(RSS)


class TestXmlLoaderOnData(TestXmlLoader):
    def write(self, path: Path) -> None:
        path.write_text(PARTS)


@pytest.fixture
def read(tmp_path: Path):
    def write_and_load(content: str | bytes) -> Document:
        path = tmp_path / "file.xml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        (document,) = XmlLoader().load(Source("file.xml", path, "text/xml"))
        return document

    return write_and_load


def _outline(document: Document) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in document.headings]


def test_a_book(read):
    document = read(BOOK)
    assert document.text == (
        "The WindNet book\n\n"
        "author: Ann Lee\ndate: 2024-05-01\n\n"
        "Wind & rain\n\n"
        "It stands on the roof (A note.):\n\n"
        "- one\n\nmore\n\n- two\n  1. deep\n\n"
        "and ends.\n\n"
        "Note: Oil it.\n\n"
        "- Vane: turns\n\n"
        "def f():\n    pass\n\n"
        "Sizes\n\n"
        "Sizes of parts\n\n| part | mm | inch |\n| --- | --- | --- |\n| bolt | 12 | 0.5 |\n| nut | 8 | 8 |\n\n"
        "A picture\n\na vane"
    )
    assert _outline(document) == [(1, "The WindNet book"), (2, "Wind & rain"), (3, "Sizes")]
    assert document.title == "The WindNet book"
    assert document.metadata == {
        "author": "Ann Lee",
        "date": datetime(2024, 5, 1, tzinfo=UTC),
        "language": "en",
    }
    (table,) = document.tables
    assert table.name == "Sizes of parts"
    assert [row.cells for row in table.rows] == [("bolt", 12, 0.5), ("nut", 8, 8.0)]


def test_an_article_of_a_journal(read):
    document = read(ARTICLE)
    assert document.text == (
        "On wind\n\ncontrib: Lee Ann\n\nAbstract\n\nWe say.\n\n1. Intro\n\nAs in [1], H2O.\n\nTable 1 Sizes\n\n"
        "| a | b |\n| --- | --- |\n| 1 | 2 |"
    )
    assert _outline(document) == [(1, "On wind"), (2, "Abstract"), (2, "1. Intro")]
    assert document.tables[0].name == "Sizes"


def test_a_feed_has_a_section_an_entry(read):
    document = read(RSS)
    assert document.text == (
        "News\n\nOn wind\n\n"
        "First & best\n\ndate: 2024-05-01T12:00:00+02:00\nauthor: Ann\nlink: http://a.b/1\n\n"
        "Short text.\n\nAnd more.\n\n"
        "Entry\n\nUntitled"
    )
    assert _outline(document) == [(1, "News"), (2, "First & best"), (2, "Entry")]
    assert document.title == "News"
    assert document.metadata == {"url": "http://a.b/", "language": "en"}


def test_atom(read):
    document = read(ATOM)
    assert document.text == (
        "Neues\n\nEins\n\ndate: 2024-05-01T10:00:00Z\nauthor: Ann\nlink: http://a.b/1\n\nOne\n\nTwo x."
    )
    assert document.metadata == {
        "date": datetime(2024, 5, 1, 10, tzinfo=UTC),
        "url": "http://a.b/",
        "language": "de",
    }


def test_data_is_an_outline_with_its_records_as_tables(read):
    document = read(PARTS)
    assert document.text == (
        "- year: 2024\n- place: Town\n\n"
        "| id | name | size | size unit | tag |\n| --- | --- | --- | --- | --- |\n"
        "| 7 | bolt | 12 | mm | a; b |\n| 8 | nut | 8 | mm |  |\n\n"
        "shelf: left\n\n- name: left\n\n"
        "box\n\n- level: 1\n- items\n  - item: cap\n  - item: pin\n- empty"
    )
    assert _outline(document) == [(1, "shelf: left"), (2, "box")]
    (table,) = document.tables
    assert table.name == "part"
    assert [row.cells for row in table.rows] == [(7, "bolt", 12, "mm", "a; b"), (8, "nut", 8, "mm", None)]


def test_records_in_attributes(read):
    document = read('<rows><row Id="1" Title="one"/><row Id="2" Title="two"/></rows>')
    assert [row.cells for row in document.tables[0].rows] == [(1, "one"), (2, "two")]
    document = read('<resources><string name="app">The app</string><string name="ok">Yes</string></resources>')
    assert [column.name for column in document.tables[0].columns] == ["name", "string"]


def test_a_web_page_is_read_as_one(read):
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><h1>Head</h1><p>one</p></body></html>'
    assert read(page).text == "Head\n\none"


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "windows-1252", "utf-16"])
def test_the_declared_encoding(read, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><p>Größe: 5 °C</p>'
    assert read(text.encode(encoding)).text == "Größe: 5 °C"


def test_no_file_is_read_but_this_one(read, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for attack in (
        f'<!DOCTYPE p [<!ENTITY x SYSTEM "file://{secret}">]><p>text &x;</p>',
        f'<!DOCTYPE p [<!ENTITY x PUBLIC "a" "{secret}">]><p>text &x;</p>',
        f'<!DOCTYPE p [<!ENTITY % x SYSTEM "file://{secret}"> %x;]><p>text</p>',
        f'<!DOCTYPE p SYSTEM "file://{secret}"><p>text</p>',
        f'<p xmlns:xi="http://www.w3.org/2001/XInclude">text <xi:include href="{secret}" parse="text"/></p>',
    ):
        try:
            text = read(attack).text
        except LoadError as error:
            text = error.reason
        assert "secret" not in text.replace(str(secret), "")


@pytest.mark.parametrize(
    "bomb",
    [
        "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(12)),
        f'<!ENTITY a11 "{"a" * 100_000}">',
    ],
    ids=["billion laughs", "quadratic blow-up"],
)
def test_bombs(read, bomb):
    started = time.process_time()
    with pytest.raises(LoadError, match="expands entities without end"):
        read(f"<!DOCTYPE p [{bomb}]><p>{'&a11;' * 20_000}</p>")
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", ["a", "para", "section", "itemizedlist", "listitem"])
def test_deep_nesting_is_no_problem(read, name):
    assert "words" in read(f"<{name}>" * 2000 + "words" + f"</{name}>" * 2000).text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("just words", "is not well-formed XML"),
        ("<p>" * 3000 + "words" + "</p>" * 3000, "is nested too deeply"),
        ("<a>one</a><b>" + "two " * 100, "is not well-formed XML"),
        ("<?xml version='1.0'?>", "is empty"),
    ],
)
def test_what_is_no_xml(read, text, reason):
    with pytest.raises(LoadError, match=reason):
        read(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>caf&eacute;&nbsp;au lait</p>", "café au lait"),
        ("<p>this & that</p>", "this & that"),
        ("<p>one <b>two</p>", "one two"),
        ("\n<?xml version='1.0'?><p>after a line</p>", "after a line"),
        ("<p a='1' a='2'>twice</p>", "twice"),
    ],
)
def test_mistakes_that_lose_no_text_are_forgiven(read, text, found):
    assert read(text).text == found


def test_large_files_take_little_time(read):
    started = time.process_time()
    document = read(f"<rows>{'<row><a>1</a><b>two</b></row>' * 20_000}</rows>")
    assert len(document.tables[0].rows) == 20_000
    read(f"<book>{'<para>some <b>words</b></para>' * 20_000}</book>")
    assert time.process_time() - started < 10


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from((BOOK, RSS, ATOM, ARTICLE, PARTS)),
    st.lists(
        st.tuples(st.integers(0, 2000), st.sampled_from(["<", ">", "/", "&", '"', "</p>", "<p>", "]]>"])), max_size=4
    ),
)
def test_damage_is_read_or_a_load_error(read, text, changes):
    for at, put in changes:
        text = text[:at] + put + text[at + 1 :]
    with contextlib.suppress(LoadError):
        assert read(text).text


def test_raised_digits_do_not_melt_into_the_number_before(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(
        "<article xmlns='urn:x'><title>Of 10<sup>3</sup></title><sec><title>A</title>"
        "<p>10<sup>-6</sup> m<sup>2</sup> in 2020<sup><xref>3</xref></sup>, 2<superscript>1</superscript>/2</p>"
        "<table><tr><th>a</th><th>b</th></tr><tr><td>10<sup>6</sup></td><td>1</td></tr></table></sec></article>"
    )
    document = next(iter(XmlLoader().load(Source("a.xml", path, "application/xml"))))
    assert isinstance(document, Document)
    assert document.title == "Of 10^3"
    assert "10^-6 m2 in 20203, 2 1/2" in document.text
    assert document.tables[0].rows[0].cells == ("10^6", 1)
