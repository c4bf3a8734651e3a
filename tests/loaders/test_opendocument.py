from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import odfdo
import pytest

from docindex.errors import LoadError
from docindex.loaders.opendocument import OpenDocumentLoader
from docindex.schema import Document, Limits, LoadOptions, Source
from docindex.testing.loader_contract import LoaderContract

ODT = "application/vnd.oasis.opendocument.text"
ODP = "application/vnd.oasis.opendocument.presentation"
NO_OPTIONS = LoadOptions()


def sample() -> odfdo.Document:
    document = odfdo.Document("text")
    document.body.clear()
    document.meta.title, document.meta.initial_creator, document.meta.subject = "The manual", "Ann", "Pumps"
    document.meta.keyword = "pump, valve"
    document.meta.creation_date, document.meta.date = datetime(2024, 5, 1, 12, 30), datetime(2024, 6, 2)
    document.meta.language = "en-GB"
    body = document.body
    body.append(odfdo.Header(1, "Setting up"))
    body.append(odfdo.Paragraph("Press the red button."))
    body.append(odfdo.List(["first", "second"]))
    table = odfdo.Table("Sizes")
    table.set_values([["part", "mm"], ["bolt", 12], ["nut", 8.5]])
    body.append(table)
    body.append(odfdo.Header(2, "Details"))
    noted = odfdo.Paragraph("The end")
    noted.insert_note(after="end", note_id="n1", citation="1", body="Or not.")
    body.append(noted)
    return document


def deck() -> odfdo.Document:
    document = odfdo.Document("presentation")
    document.body.clear()
    document.meta.title = ""
    for number, (title, text) in enumerate([("Pumps", "A talk"), ("Setting up", "Press the button")], 1):
        page = odfdo.DrawPage(f"page{number}", name=f"Page {number}")
        page.append(odfdo.Frame.text_frame(text, presentation_class="subtitle" if number == 1 else "outline"))
        page.append(odfdo.Frame.text_frame(title, presentation_class="title"))
        document.body.append(page)
    return document


def saved(document: odfdo.Document) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def changed(data: bytes, **parts: Callable[[bytes], bytes] | None) -> bytes:
    """The package with parts (content, styles, meta, ...) as the functions make them, or without them for None."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as reader, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as writer:
        for name in reader.namelist():
            change = parts.get(Path(name).stem, bytes)
            if change is not None:
                writer.writestr(name, change(reader.read(name)))
    return out.getvalue()


def text_document(content: str, styles: str = "") -> bytes:
    """A text of the markup, with automatic styles."""
    document = odfdo.Document("text")
    document.body.clear()

    def put(data: bytes) -> bytes:
        text = data.decode()
        start = text.index("<office:text")
        head = text[:start].partition("<office:automatic-styles")[0]
        root = head.rpartition("<office:body")[0] or head
        return (
            f"{root}<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:text>{content}"
            "</office:text></office:body></office:document-content>"
        ).encode()

    return changed(saved(document), content=put)


class TestOpenDocumentText(LoaderContract):
    media_type = ODT
    suffix = ".odt"

    def loader(self) -> OpenDocumentLoader:
        return OpenDocumentLoader()

    def write(self, path: Path) -> None:
        path.write_bytes(saved(sample()))


class TestOpenDocumentSlides(TestOpenDocumentText):
    media_type = ODP
    suffix = ".odp"

    def write(self, path: Path) -> None:
        path.write_bytes(saved(deck()))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Document]:
    def write_and_read(document: odfdo.Document | bytes, options: LoadOptions = NO_OPTIONS) -> Document:
        path = tmp_path / "a.odt"
        path.write_bytes(document if isinstance(document, bytes) else saved(document))
        (loaded,) = OpenDocumentLoader().load(Source("a.odt", path, ODT, options))
        return loaded

    return write_and_read


def test_blocks_stand_in_the_order_of_the_document(read):
    document = read(sample())
    assert document.text == (
        "Setting up\n\nPress the red button.\n\n- first\n- second\n\n"
        "| part | mm |\n| --- | --- |\n| bolt | 12 |\n| nut | 8.5 |\n\n"
        "Details\n\nThe end[^1]\n\nNotes\n\n[^1]: Or not."
    )
    assert [(heading.level, heading.text) for heading in document.headings] == [
        (1, "Setting up"),
        (2, "Details"),
        (1, "Notes"),
    ]
    (table,) = document.tables
    assert (table.name, [column.type for column in table.columns]) == ("Sizes", ["text", "number"])
    assert [(row.number, row.cells) for row in table.rows] == [(2, ("bolt", 12.0)), (3, ("nut", 8.5))]
    assert document.pages == ()


def test_properties_are_metadata(read):
    document = read(sample())
    assert document.title == "The manual"
    assert document.metadata == {
        "author": "Ann",
        "subject": "Pumps",
        "keywords": ("pump", "valve"),
        "language": "en-GB",
        "date": datetime(2024, 5, 1, 12, 30, tzinfo=UTC),
        "modified": datetime(2024, 6, 2, tzinfo=UTC),
    }


def test_a_document_without_properties_is_read(read):
    document = read(changed(saved(sample()), meta=None))
    assert document.metadata == {}
    assert document.title == "Setting up"


def test_spaces_tabs_links_and_breaks(read):
    content = (
        '<text:p>One  \n two<text:s text:c="2"/>three<text:tab/><text:a><text:span>link</text:span></text:a>'
        "<text:line-break/><text:span>be<text:bookmark-start/>low</text:span> <!-- no --><text:page-number>7"
        "</text:page-number><text:ruby><text:ruby-base>base</text:ruby-base><text:ruby-text>no</text:ruby-text></text:ruby>"
        "</text:p>"
    )
    assert read(text_document(content)).text == "One two three link\nbelow 7base"


def test_tracked_deletions_are_counted_and_insertions_stay(read):
    content = (
        '<text:tracked-changes><text:changed-region text:id="a"><text:deletion><office:change-info><dc:creator>Bo'
        "</dc:creator></office:change-info><text:p>nine</text:p></text:deletion></text:changed-region></text:tracked-changes>"
        '<text:p>Pay <text:change text:change-id="a"/><text:change-start text:change-id="b"/>ten<text:change-end '
        'text:change-id="b"/> euros</text:p>'
    )
    document = read(text_document(content))
    assert document.text == "Pay ten euros"
    assert document.hidden == len("nine")


def test_hidden_text_is_left_out_and_counted(read):
    styles = (
        '<style:style style:name="T1" style:family="text"><style:text-properties text:display="none"/></style:style>'
        '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="P0"/>'
        '<style:style style:name="P0" style:family="paragraph"><style:text-properties text:display="none"/>'
        "</style:style>"
    )
    content = (
        '<text:p>seen <text:span text:style-name="T1">secret</text:span>too</text:p>'
        '<text:p text:style-name="P1">whole</text:p>'
        '<text:section text:display="none"><text:p>section</text:p></text:section>'
        "<text:p>x<text:hidden-paragraph text:is-hidden='true'/>yz</text:p>"
        "<text:section><text:p>shown</text:p></text:section>"
    )
    document = read(text_document(content, styles))
    assert document.text == "seen too\n\nshown"
    assert document.hidden == len("secret") + len("whole") + len("section") + len("xyz")


def test_lists_are_numbered_as_their_styles_say(read):
    styles = (
        '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1" '
        'style:num-suffix="."/><text:list-level-style-number text:level="2" style:num-format="a" style:num-suffix=")" '
        'text:start-value="3"/><text:list-level-style-bullet text:level="3" text:bullet-char="o"/></text:list-style>'
    )
    inner = (
        "<text:list><text:list-item><text:p>deep</text:p><text:list><text:list-item><text:p>bullet</text:p></text:list-item>"
        "</text:list></text:list-item></text:list>"
    )
    content = (
        f'<text:list text:style-name="L1"><text:list-item><text:p>one</text:p>{inner}</text:list-item>'
        "<text:list-item><text:p>two</text:p><text:p>more</text:p></text:list-item></text:list><text:p>Between</text:p>"
        '<text:list text:style-name="L1" text:continue-numbering="true"><text:list-item><text:p>three</text:p>'
        "</text:list-item></text:list>"
        '<text:list text:style-name="L1"><text:list-item><text:p>anew</text:p></text:list-item></text:list>'
    )
    assert read(text_document(content, styles)).text == (
        "1. one\n  c) deep\n    - bullet\n2. two\n   more\n\nBetween\n\n3. three\n1. anew"
    )


def test_headings_in_lists_and_titles_are_headings(read):
    content = (
        '<text:p text:style-name="Title">The plan</text:p>'
        '<text:list><text:list-item><text:h text:outline-level="2">Scope</text:h></text:list-item></text:list>'
        '<text:p text:style-name="Preformatted_20_Text">if x:</text:p>'
        '<text:p text:style-name="Preformatted_20_Text"><text:s text:c="4"/>go()</text:p><text:p>End</text:p>'
    )
    document = read(text_document(content))
    assert document.text == "The plan\n\nScope\n\nif x:\n    go()\n\nEnd"
    assert [(heading.level, heading.text) for heading in document.headings] == [(1, "The plan"), (2, "Scope")]


def test_comments_boxes_and_descriptions(read):
    content = (
        "<text:p>Text<office:annotation><dc:creator>Bo</dc:creator><dc:date>2024-05-01T00:00:00</dc:date>"
        "<text:p>Really?</text:p></office:annotation><draw:frame><draw:text-box><text:p>In the box</text:p>"
        "</draw:text-box>"
        "<svg:desc>a valve</svg:desc></draw:frame></text:p>"
    )
    assert read(text_document(content)).text == "Texta valve\n\nIn the box\n\nComments\n\n- Bo: Really?"


def cell(text: str, attributes: str = "") -> str:
    return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"


def test_tables_with_merged_repeated_and_typed_cells(read):
    covered = "<table:covered-table-cell/>"
    rows = [
        cell("kind") + cell("n") + cell("made"),
        cell("metal", 'table:number-rows-spanned="2"')
        + cell("1 000", 'office:value-type="float" office:value="1000"')
        + cell("1 May", 'office:value-type="date" office:date-value="2024-05-01"'),
        covered + cell("2", 'office:value-type="float" office:value="2"') + cell(""),
        cell("wood") + cell("3", 'office:value-type="float" office:value="3"') + "<table:table-cell/>",
    ]
    head = f"<table:table-header-rows><table:table-row>{rows[0]}</table:table-row></table:table-header-rows>"
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows[1:3])
    repeated = f'<table:table-row table:number-rows-repeated="2">{rows[3]}</table:table-row>'
    document = read(text_document(f'<table:table table:name="T">{head}{body}{repeated}</table:table>'))
    (table,) = document.tables
    assert [column.name for column in table.columns] == ["kind", "n", "made"]
    assert [(row.number, row.cells) for row in table.rows] == [
        (2, ("metal", 1000, datetime(2024, 5, 1, tzinfo=UTC))),
        (3, ("metal", 2, None)),
        (4, ("wood", 3, None)),
        (5, ("wood", 3, None)),
    ]


def test_tables_that_lay_out_the_page_are_read_through(read):
    rows = "".join(f"<table:table-row>{cell(a)}{cell(b)}</table:table-row>" for a, b in ("ab", "12"))
    inner = f"<table:table-cell><table:table>{rows}</table:table></table:table-cell>"
    outer = f"<table:table><table:table-row>{cell('Left')}{inner}</table:table-row></table:table>"
    assert read(text_document(outer)).text == "Left\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_headers_and_footers_come_last_and_once(read):
    def with_margins(data: bytes) -> bytes:
        page = (
            b'<style:master-page style:name="A"><style:header><text:p>ACME internal</text:p></style:header>'
            b"<style:footer><text:p><text:page-number>1</text:page-number></text:p></style:footer></style:master-page>"
        )
        return data.replace(b"</office:master-styles>", page + page + b"</office:master-styles>")

    data = changed(text_document("<text:p>Text</text:p>"), styles=with_margins)
    assert read(data).text == "Text\n\nHeaders and footers\n\nACME internal"


def test_slides_are_pages(read):
    document = deck()
    notes = odfdo.Element.from_tag("presentation:notes")
    notes.append(odfdo.Frame.text_frame("Say it slowly.", presentation_class="notes"))
    document.body.children[1].append(notes)
    loaded = read(document)
    texts = [loaded.text[page.start : page.end].strip() for page in loaded.pages]
    assert texts == ["Pumps\n\nA talk", "Setting up\n\nPress the button\n\nNotes:\n\nSay it slowly."]
    assert [(heading.level, heading.text) for heading in loaded.headings] == [(1, "Pumps"), (2, "Setting up")]
    assert loaded.title == "Pumps"


def test_hidden_slides_are_labelled_and_prompts_left_out(read):
    document = deck()
    page = document.body.children[1]
    page.set_attribute("draw:style-name", "dp9")
    page.children[0].set_attribute("presentation:placeholder", "true")
    style = (
        b'<office:automatic-styles><style:style style:name="dp9" style:family="drawing-page">'
        b'<style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
    )
    data = changed(saved(document), content=lambda content: content.replace(b"<office:automatic-styles>", style))
    loaded = read(data)
    assert [page.label for page in loaded.pages] == [None, "2 (hidden)"]
    assert loaded.text == "Pumps\n\nA talk\n\nSetting up"


def test_more_slides_than_the_limit_are_refused(read):
    with pytest.raises(LoadError, match="has 2 slides, more than 1: raise the limit pages"):
        read(deck(), LoadOptions(limits=Limits(pages=1)))


def test_entities_are_not_resolved(read, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    doctype = f'<!DOCTYPE d [<!ENTITY in "inner"><!ENTITY out SYSTEM "{secret.as_uri()}">]>'.encode()

    def with_entities(data: bytes) -> bytes:
        start = data.index(b"<office:document")
        return data[:start] + doctype + data[start:].replace(b"MARK", b"&in;&out;")

    document = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Paragraph("before MARK after"))
    document.meta.title = "MARK"
    assert read(changed(saved(document), content=with_entities, meta=with_entities)).text == "before after"
    assert read(changed(saved(document), meta=with_entities)).metadata == {}


def test_what_can_not_be_read_says_why(read):
    data = saved(sample())
    encryption = b"<manifest:file-entry><manifest:encryption-data/></manifest:file-entry></manifest:manifest>"
    for content, reason in [
        (b"", "is empty"),
        (b"{\\rtf1}", "is not an OpenDocument file"),
        (data[:3000], "damaged"),
        (changed(data, content=None), "is not an OpenDocument file"),
        (changed(data, content=lambda _: b"<office"), "is damaged: it can't be read as an OpenDocument file"),
        (changed(data, content=lambda _: b"<a/>"), "is not an OpenDocument file"),
        (changed(data, content=lambda _: bytes(40 << 20)), "unpacks to more than 200 times"),
        (
            changed(data, manifest=lambda text: text.replace(b"</manifest:manifest>", encryption)),
            "is encrypted: remove the password, or save it without one",
        ),
    ]:
        with pytest.raises(LoadError, match=reason):
            read(content)
