from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.epub import EpubLoader
from docindex.loaders.epub_chapter import MarkedChapter
from docindex.loaders.html import HtmlLoader
from docindex.protocols import Loaded
from docindex.schema import Document, Limits, LoadOptions, Page, Problem, Source, Unread
from docindex.testing.loader_contract import LoaderContract

Members = Mapping[str, str | bytes]
Read = Callable[..., list[Loaded]]

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""


def package(items: Mapping[str, str], spine: str = "", metadata: str = "") -> str:
    """A package document; ids of items are their names without suffix."""
    listed = "".join(
        f'<item id="{name.partition(".")[0]}" href="{name}" media-type="{kind.partition(" ")[0]}" '
        f'properties="{kind.partition(" ")[2]}"/>'
        for name, kind in items.items()
    )
    order = spine.split() or [name.partition(".")[0] for name, kind in items.items() if "nav" not in kind]
    references = "".join(f'<itemref idref="{each}"/>' for each in order)
    return f"""<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata>
<manifest>{listed}</manifest><spine>{references}</spine></package>"""


def chapter(body: str, head: str = "<title/>") -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<head>{head}</head><body>{body}</body></html>"""


def navigation(contents: str, pages: str = "") -> str:
    printed = f'<nav epub:type="page-list"><ol>{pages}</ol></nav>' if pages else ""
    return chapter(f'<nav epub:type="toc"><h1>Contents</h1><ol>{contents}</ol></nav>{printed}')


def link(href: str, label: str, inner: str = "") -> str:
    return f'<li><a href="{href}">{label}</a>{f"<ol>{inner}</ol>" if inner else ""}</li>'


def epub(members: Members) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in (
            {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER} | dict(members)
        ).items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return target.getvalue()


XHTML = "application/xhtml+xml"
BOOK = epub(
    {
        "OPS/book.opf": package(
            {"nav.xhtml": f"{XHTML} nav", "one.xhtml": XHTML, "two%20b.xhtml": XHTML},
            metadata="<dc:title>The Book</dc:title><dc:creator>Ann Author</dc:creator><dc:creator>Bob B.</dc:creator>"
            "<dc:language>en-GB</dc:language><dc:date>2011</dc:date><dc:publisher>A House</dc:publisher>"
            "<dc:subject>Fish</dc:subject><dc:subject>Birds</dc:subject><dc:identifier>urn:isbn:1</dc:identifier>",
        ),
        "OPS/nav.xhtml": navigation(
            link("one.xhtml", "Of Fish", link("one.xhtml#eels", "Eels")) + link("two%20b.xhtml", "Of Birds"),
            link("one.xhtml#p1", "i") + link("one.xhtml#p2", "ii") + link("two%20b.xhtml#p3", "1"),
        ),
        "OPS/one.xhtml": chapter(
            '<section><span id="p1" epub:type="pagebreak"/><h1>Of Fish</h1><p>Fish&nbsp;swim. '
            'They go <span id="p2"/> far.</p><h2 id="eels">Eels</h2><p>Eels are long.</p>'
            "<table><tr><th>fish</th><th>cm</th></tr>"
            "<tr><td>eel</td><td>100</td></tr><tr><td>cod</td><td>80</td></tr></table></section>"
        ),
        "OPS/two b.xhtml": chapter('<div id="p3"/><h1>Of Birds</h1><p>Birds fly.</p>', '<title/><script src="x.js"/>'),
    }
)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def load(content: bytes | Members, **options: object) -> list[Loaded]:
        path = tmp_path / "book.epub"
        path.write_bytes(content if isinstance(content, bytes) else epub(content))
        return list(EpubLoader().load(Source("book.epub", path, "application/epub+zip", LoadOptions(**options))))

    return load


def only(loaded: list[Loaded]) -> Document:
    [document] = loaded
    assert isinstance(document, Document)
    return document


def outline(document: Document) -> list[tuple[int, str, str]]:
    """Level and text of each heading, and the text where it stands."""
    return [(each.level, each.text, document.text[each.start :].split("\n")[0]) for each in document.headings]


class TestEpubLoader(LoaderContract):
    media_type = "application/epub+zip"
    suffix = ".epub"

    def loader(self) -> EpubLoader:
        return EpubLoader()

    def write(self, path: Path) -> None:
        path.write_bytes(BOOK)


def test_a_book(read):
    document = only(read(BOOK))
    assert document.text == (
        "Of Fish\n\nFish swim. They go far.\n\nEels\n\nEels are long.\n\n"
        "| fish | cm |\n| --- | --- |\n| eel | 100 |\n| cod | 80 |\n\nOf Birds\n\nBirds fly."
    )
    assert document.title == "The Book"
    assert document.metadata == {
        "author": "Ann Author, Bob B.",
        "language": "en-GB",
        "date": datetime(2011, 1, 1, tzinfo=UTC),
        "publisher": "A House",
        "keywords": ("Fish", "Birds"),
        "identifier": "urn:isbn:1",
    }
    assert outline(document) == [
        (1, "Of Fish", "Of Fish"),
        (2, "Eels", "Eels"),
        (1, "Of Birds", "Of Birds"),
    ]


def test_printed_pages(read):
    document = only(read(BOOK))
    assert [(page.number, page.label) for page in document.pages] == [(1, "i"), (2, "ii"), (3, "1")]
    texts = [document.text[page.start : page.end] for page in document.pages]
    assert texts[0] == "Of Fish\n\nFish swim. They go"
    assert texts[1].startswith("far.\n\nEels")
    assert texts[2] == "Of Birds\n\nBirds fly."


def test_text_before_the_first_printed_page(read):
    document = only(
        read(
            {
                "OPS/book.opf": package({"nav.xhtml": f"{XHTML} nav", "one.xhtml": XHTML}),
                "OPS/nav.xhtml": navigation(
                    link("one.xhtml", "One"), link("one.xhtml#p", "7") + link("one.xhtml#no", "8")
                ),
                "OPS/one.xhtml": chapter('<p>Before.</p><p id="p">After.</p>'),
            }
        )
    )
    assert document.pages == (Page(1, 0, 7, None), Page(2, 9, 15, "7"))


def test_tables_keep_their_places(read):
    document = only(read(BOOK))
    [table] = document.tables
    assert document.text[table.start : table.end].startswith("| fish | cm |")
    assert [document.text[row.start : row.end] for row in table.rows] == ["| eel | 100 |", "| cod | 80 |"]
    assert table.rows[1].cells == ("cod", 80)


def test_older_books_have_an_ncx(read):
    document = only(
        read(
            {
                "OPS/book.opf": package({"toc.ncx": "application/x-dtbncx+xml", "one.html": XHTML}, spine="one"),
                "OPS/toc.ncx": """<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>
                <navPoint><navLabel><text>Part  I</text></navLabel><content src="one.html"/>
                <navPoint><navLabel><text>First</text></navLabel><content src="one.html#f"/></navPoint></navPoint>
                </navMap><pageList><pageTarget value="12"><navLabel><text>12</text></navLabel>
                <content src="one.html#f"/></pageTarget></pageList></ncx>""",
                "OPS/one.html": chapter('<p>Motto.</p><p id="f"><b>First</b></p><p>Text.</p>'),
            }
        )
    )
    assert outline(document) == [(1, "Part I", "Motto."), (2, "First", "First")]
    assert [page.label for page in document.pages] == [None, "12"]


def test_levels_are_those_of_the_contents(read):
    document = only(
        read(
            {
                "OPS/book.opf": package(
                    {"nav.xhtml": f"{XHTML} nav", "a.xhtml": XHTML, "b.xhtml": XHTML, "c.xhtml": XHTML}
                ),
                "OPS/nav.xhtml": navigation(
                    "<li><span>Part One</span><ol>"
                    f"{link('a.xhtml', 'Chapter 1: Fish')}{link('c.xhtml', 'Birds')}</ol></li>"
                ),
                "OPS/a.xhtml": chapter("<h1>Chapter 1. Fish!</h1><p>A</p><h2>Eels</h2><p>B</p><h3>Moray</h3><p>C</p>"),
                "OPS/b.xhtml": chapter("<h2>Still fish</h2><p>D</p>"),
                "OPS/c.xhtml": chapter("<h3>BIRDS</h3><p>E</p><h4>Owls</h4><p>F</p>"),
            }
        )
    )
    assert [(level, text) for level, text, _ in outline(document)] == [
        (1, "Part One"),
        (2, "Chapter 1. Fish!"),
        (3, "Eels"),
        (4, "Moray"),
        (3, "Still fish"),
        (2, "BIRDS"),
        (3, "Owls"),
    ]
    assert all(text == there for _, text, there in outline(document)[1:])


def test_a_book_without_contents_keeps_the_levels_of_its_markup(read):
    document = only(
        read(
            {
                "OPS/book.opf": package({"a.xhtml": XHTML, "b.xhtml": XHTML}),
                "OPS/a.xhtml": chapter("<h1>A</h1><h3>Deep</h3><p>text</p>"),
                "OPS/b.xhtml": chapter("<h2>B</h2><p>text</p>"),
            }
        )
    )
    assert [(level, text) for level, text, _ in outline(document)] == [(1, "A"), (3, "Deep"), (2, "B")]
    assert document.title == "book"


def test_what_is_not_well_formed_is_read_as_browsers_do(read):
    document = only(
        read(
            {
                "OPS/book.opf": package({"nav.xhtml": f"{XHTML} nav", "a.xhtml": XHTML}),
                "OPS/nav.xhtml": navigation(link("a.xhtml#x", "A")),
                "OPS/a.xhtml": "<html><body><h1 id=x>A & B</h1><p>one<br>two<p>three</body>",
            }
        )
    )
    assert document.text == "A & B\n\none\ntwo\n\nthree"
    assert outline(document)[0][0] == 1


def test_what_is_left_out_is_told_of(read):
    loaded = read(
        {
            "OPS/book.opf": package({"a.xhtml": XHTML, "cover.svg": "image/svg+xml", "gone.xhtml": XHTML}),
            "OPS/a.xhtml": chapter("<p>Text.</p>"),
            "OPS/cover.svg": "<svg/>",
        }
    )
    assert [type(item) for item in loaded] == [Document, Unread, Problem]
    assert [item.source for item in loaded] == ["book.epub", "book.epub/OPS/cover.svg", "book.epub/OPS/gone.xhtml"]
    pictures = read({"OPS/book.opf": package({"a.xhtml": XHTML}), "OPS/a.xhtml": chapter('<img src="1.jpg"/>')})
    assert pictures == [Unread("book.epub", "holds pictures only, no text")]


ENCRYPTION = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="{}"/>
<CipherData><CipherReference URI="{}"/></CipherData></EncryptedData></encryption>"""


def test_copy_protection_is_refused_and_scrambled_fonts_are_not(read):
    members = {"OPS/book.opf": package({"a.xhtml": XHTML}), "OPS/a.xhtml": chapter("<p>Text.</p>")}
    aes, font = "http://www.w3.org/2001/04/xmlenc#aes128-cbc", "http://www.idpf.org/2008/embedding"
    with pytest.raises(LoadError, match=r"^book.epub: .*DRM"):
        read(members | {"META-INF/encryption.xml": ENCRYPTION.format(aes, "OPS/a.xhtml")})
    for algorithm, path in ((font, "OPS/f.otf"), (aes, "OPS/film.mp4")):
        assert read(members | {"META-INF/encryption.xml": ENCRYPTION.format(algorithm, path)})


def test_entities_are_not_expanded(read, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret words")
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "bomb " * 10}">' for n in range(9))
    document = only(
        read(
            {
                "OPS/book.opf": package({"a.xhtml": XHTML}),
                "OPS/a.xhtml": f'<!DOCTYPE html [<!ENTITY x SYSTEM "{secret.as_uri()}">{bomb}]>'
                '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>Text &x; and &e8; end.</p></body></html>',
            }
        )
    )
    assert "secret words" not in document.text
    assert len(document.text) < 100
    assert "Text" in document.text


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "is not an EPUB"),
        ({"OPS/book.opf": ""}, "damaged"),
        ({"OPS/book.opf": package({})}, "has no chapters"),
    ],
)
def test_what_is_no_book_is_refused(read, members, reason):
    with pytest.raises(LoadError, match=reason):
        read(members)


def test_limits(read):
    with pytest.raises(LoadError, match="raise the limit pages"):
        read(BOOK, limits=Limits(pages=2))
    zeros = epub({"OPS/book.opf": package({"a.xhtml": XHTML}), "OPS/a.xhtml": " " * 20_000_000})
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(zeros)) as stored, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    with pytest.raises(LoadError, match="bomb"):
        read(target.getvalue())


def test_a_package_document_is_found_without_the_container(read):
    document = only(
        read({"META-INF/container.xml": "", "x.opf": package({"a.xhtml": XHTML}), "A.xhtml": chapter("<p>Text.</p>")})
    )
    assert document.text == "Text."


BLOCKS = st.sampled_from(
    [
        *("<p>one two</p>", "<p>one <b>two</b> three</p>", "<h1>Head</h1>", "<div><h2>Sub</h2><p>x</p></div>", "<p/>"),
        *("<ul><li>a</li><li>b</li></ul>", "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>"),
        *("<pre>a\n  b</pre>", "text", " ", "<br/>", "<img alt='x' src='y'/>", "<blockquote>q</blockquote>"),
    ]
)


def with_ids(body: str, chance: random.Random) -> tuple[str, list[str]]:
    """Some of the tags get an id, and empty elements with one are strewn in."""
    out, ids = [], []
    for part in body.replace("<", "\0<").split("\0"):
        opens = part.startswith("<") and not part.startswith("</")
        if opens and chance.random() < 0.4:
            name = f"i{len(ids)}"
            ids.append(name)
            end = min(at for at in (part.find(mark) for mark in (" ", "/", ">")) if at > 0)
            part = f'{part[:end]} id="{name}"{part[end:]}'
        out.append(part)
    return "".join(out), ids


@settings(deadline=None, max_examples=100)
@given(st.lists(BLOCKS, max_size=8), st.integers(0, 10**6))
def test_marks_leave_no_trace(tmp_path_factory, blocks, seed):
    body, ids = with_ids("".join(blocks), random.Random(seed))
    path = tmp_path_factory.getbasetemp() / "chapter.html"

    def load(html: bytes) -> Document:
        path.write_bytes(html)
        return next(iter(HtmlLoader().load(Source("a", path, "text/html"))))

    data = chapter(body).encode()
    plain = load(MarkedChapter(data, ()).html)
    marked = MarkedChapter(data, ids)
    document, found = marked.unmark(load(marked.html))
    assert document.text == plain.text
    assert [(each.level, each.text) for each in document.headings] == [
        (each.level, each.text) for each in plain.headings
    ]
    for heading in document.headings:
        assert document.text[heading.start :].startswith(heading.text)
    for table in document.tables:
        assert document.text[table.start : table.end].startswith("|")
    assert all(0 <= at <= len(document.text) for at in found.values())
    assert set(found) <= set(ids)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**9))
def test_random_damage_is_a_load_error_or_a_problem(tmp_path_factory, seed):
    chance = random.Random(seed)
    data = bytearray(BOOK)
    for _ in range(chance.randint(1, 10)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    path = tmp_path_factory.getbasetemp() / "damaged.epub"
    path.write_bytes(data)
    failed = ""
    try:
        for item in EpubLoader().load(Source("a.epub", path, "application/epub+zip")):
            assert isinstance(item, Document | Problem | Unread)
    except LoadError as error:
        failed = error.source
    assert failed in ("", "a.epub")
