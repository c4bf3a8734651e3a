from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import docx
import pytest
from docx.document import Document as WordDocument
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from docindex.errors import LoadError
from docindex.loaders.word import DocxLoader
from docindex.schema import Document, Limits, LoadOptions, Source
from docindex.testing.loader_contract import LoaderContract

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
W = nsdecls("w")
NO_OPTIONS = LoadOptions()


def sample() -> WordDocument:
    document = docx.Document()
    properties = document.core_properties
    properties.title, properties.author, properties.subject = "The manual", "Ann", "Pumps"
    properties.keywords, properties.comments = "pump; valve", ""
    properties.created = datetime(2024, 5, 1, 12, 30)
    properties.modified = datetime(2024, 6, 2, 8, 0)
    document.add_heading("Manual", 0)
    document.add_heading("Setting up", 1)
    document.add_paragraph("Press the red button.")
    document.add_paragraph("first", style="List Bullet")
    document.add_paragraph("second", style="List Bullet 2")
    table = document.add_table(rows=3, cols=3)
    for row, cells in zip(table.rows, [["part", "mm", "note"], ["bolt", "12", "a"], ["nut", "8", ""]], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.add_heading("Details", 2)
    document.add_paragraph("The end.")
    return document


def saved(document: WordDocument) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def changed(data: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """The ZIP with each member as the function has it, without those for which it gives None."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as reader, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as writer:
        for name in reader.namelist():
            content = change(name, reader.read(name))
            if content is not None:
                writer.writestr(name, content)
    return out.getvalue()


class TestDocxLoader(LoaderContract):
    media_type = MEDIA_TYPE
    suffix = ".docx"

    def loader(self) -> DocxLoader:
        return DocxLoader()

    def write(self, path: Path) -> None:
        path.write_bytes(saved(sample()))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Document]:
    def write_and_read(document: WordDocument | bytes, options: LoadOptions = NO_OPTIONS) -> Document:
        path = tmp_path / "a.docx"
        path.write_bytes(document if isinstance(document, bytes) else saved(document))
        (loaded,) = DocxLoader().load(Source("a.docx", path, MEDIA_TYPE, options))
        return loaded

    return write_and_read


def body(*blocks: str) -> WordDocument:
    """A document of the blocks in Word's markup."""
    document = docx.Document()
    last = document.element.body[-1]
    for block in blocks:
        last.addprevious(parse_xml(block))
    return document


def paragraph(content: str, properties: str = "") -> str:
    return f"<w:p {nsdecls('w', 'r', 'wp', 'a', 'm')}><w:pPr>{properties}</w:pPr>{content}</w:p>"


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def relate(document: WordDocument, kind: str, name: str, xml: str) -> str:
    part = Part(PackURI(name), f"application/vnd.test.{name.count('/')}+xml", xml.encode(), document.part.package)
    return document.part.relate_to(part, kind)


def test_blocks_stand_in_the_order_of_the_document(read):
    document = read(sample())
    assert document.text == (
        "Manual\n\nSetting up\n\nPress the red button.\n\n- first\n- second\n\n"
        "| part | mm | note |\n| --- | --- | --- |\n| bolt | 12 | a |\n| nut | 8 |  |\n\n"
        "Details\n\nThe end."
    )
    assert [(heading.level, heading.text) for heading in document.headings] == [
        (1, "Manual"),
        (1, "Setting up"),
        (2, "Details"),
    ]
    assert document.pages == ()
    assert document.hidden == 0


def test_tables_are_typed_and_know_their_rows(read):
    (table,) = read(sample()).tables
    assert [(column.name, column.type) for column in table.columns] == [
        ("part", "text"),
        ("mm", "integer"),
        ("note", "text"),
    ]
    assert [(row.number, row.cells) for row in table.rows] == [(2, ("bolt", 12, "a")), (3, ("nut", 8, None))]


def test_properties_are_metadata(read):
    document = read(sample())
    assert document.title == "The manual"
    assert document.metadata == {
        "author": "Ann",
        "subject": "Pumps",
        "keywords": ("pump", "valve"),
        "date": datetime(2024, 5, 1, 12, 30, tzinfo=UTC),
        "modified": datetime(2024, 6, 2, 8, tzinfo=UTC),
    }


def test_the_first_heading_is_the_title_of_a_document_without_one(read):
    document = sample()
    document.core_properties.title = "Untitled"
    assert read(document).title == "Manual"


@pytest.mark.parametrize(
    ("style_id", "name", "extra", "level"),
    [
        ("berschrift2", "heading 2", "", 2),
        ("X", "Überschrift 3", "", 3),
        ("X", "标题 1", "", 1),
        ("X", "Clause", '<w:pPr><w:outlineLvl w:val="3"/></w:pPr>', 4),
        ("X", "Custom", '<w:basedOn w:val="Heading1"/>', 1),
        ("X", "Custom", '<w:basedOn w:val="Heading1"/><w:pPr><w:outlineLvl w:val="9"/></w:pPr>', None),
        ("X", "heading notes", "", None),
    ],
)
def test_headings_are_told_by_style(read, style_id, name, extra, level):
    document = body(paragraph(run("Text"), f'<w:pStyle w:val="{style_id}"/>'))
    document.styles.element.append(
        parse_xml(f'<w:style {W} w:type="paragraph" w:styleId="{style_id}"><w:name w:val="{name}"/>{extra}</w:style>')
    )
    assert [heading.level for heading in read(document).headings] == ([level] if level else [])


def test_an_outline_level_makes_a_heading_and_unmakes_one(read):
    document = read(
        body(
            paragraph(run("One"), '<w:outlineLvl w:val="1"/>'),
            paragraph(run("Two"), '<w:pStyle w:val="Heading1"/><w:outlineLvl w:val="9"/>'),
        )
    )
    assert [(heading.level, heading.text) for heading in document.headings] == [(2, "One")]


NUMBERING = f"""<w:numbering {W}><w:abstractNum w:abstractNumId="1">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:pStyle w:val="Heading1"/><w:lvlText w:val="%1"/>
</w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="4"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%3."/></w:lvl>
<w:lvl w:ilvl="3"><w:numFmt w:val="bullet"/><w:lvlText w:val="o"/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>
</w:num>
</w:numbering>"""


def numbered(text: str, depth: int, number: int = 1, style: str = "") -> str:
    place = f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'
    return paragraph(run(text), style + place)


def test_numbers_are_counted_as_word_counts(read):
    heading = '<w:pStyle w:val="Heading1"/>'
    document = body(
        numbered("Scope", 0, style=heading),
        numbered("a", 1),
        numbered("b", 1),
        numbered("deep", 2),
        numbered("deeper", 2),
        numbered("bullet", 3),
        numbered("Terms", 0, style=heading),
        numbered("c", 1),
        numbered("Annex", 0, number=2, style=heading),
        numbered("Annex", 0, number=2, style=heading),
        numbered("plain", 0, number=0),
    )
    part = document.part.numbering_part
    part._element = parse_xml(NUMBERING)
    loaded = read(document)
    assert loaded.text == (
        "1 Scope\n\n  1.a) a\n  1.b) b\n    IV. deep\n    V. deeper\n      - bullet\n\n2 Terms\n\n  2.a) c\n\n"
        "7 Annex\n\n8 Annex\n\nplain"
    )
    assert [heading.text for heading in loaded.headings] == ["1 Scope", "2 Terms", "7 Annex", "8 Annex"]


def test_inserted_text_stays_and_deleted_text_is_counted(read):
    tracked = (
        f'{run("Pay ")}<w:ins w:id="1" w:author="A">{run("ten")}</w:ins>'
        '<w:del w:id="2" w:author="A"><w:r><w:delText>nine</w:delText></w:r></w:del>'
        f'<w:moveFrom w:id="3" w:author="A">{run("gone")}</w:moveFrom>'
        f'<w:moveTo w:id="4" w:author="A">{run(" euros")}</w:moveTo>'
    )
    row = "<w:tr>{}<w:tc><w:p>{}</w:p></w:tc><w:tc><w:p>{}</w:p></w:tc></w:tr>"
    deleted = "<w:trPr><w:del w:id='9' w:author='A'/></w:trPr>"
    rows = (
        row.format("", run("a"), run("b"))
        + row.format(deleted, run("xx"), run("y"))
        + row.format("", run("1"), run("2"))
    )
    document = read(body(paragraph(tracked), f"<w:tbl {W}>{rows}</w:tbl>"))
    assert document.text == "Pay ten euros\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert document.hidden == len("nine") + len("gone") + len("xxy")


def test_hidden_text_is_left_out_and_counted(read):
    document = body(
        paragraph(run("seen ") + run("secret", "<w:vanish/>") + run("too", '<w:vanish w:val="0"/>')),
        paragraph(run("styled", '<w:rStyle w:val="Gone"/>') + run("!")),
        paragraph(run("whole"), '<w:pStyle w:val="GoneToo"/>'),
    )
    for kind, name in (("character", "Gone"), ("paragraph", "GoneToo")):
        document.styles.element.append(
            parse_xml(
                f'<w:style {W} w:type="{kind}" w:styleId="{name}"><w:name w:val="{name}"/>'
                "<w:rPr><w:vanish/></w:rPr></w:style>"
            )
        )
    loaded = read(document)
    assert loaded.text == "seen too\n\n!"
    assert loaded.hidden == len("secret") + len("styled") + len("whole")


def test_text_is_read_through_whatever_wraps_it(read):
    link = f'<w:hyperlink r:id="rId99">{run("a link")}</w:hyperlink>'
    field = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGEREF x</w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run(" 7")}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    control = f"<w:sdt><w:sdtContent>{run(' control')}</w:sdtContent></w:sdt>"
    simple = f'<w:fldSimple w:instr="DATE">{run(" today")}</w:fldSimple>'
    characters = "<w:r><w:tab/><w:t>x</w:t><w:br/><w:t>y</w:t><w:noBreakHyphen/><w:sym w:char='2192'/></w:r>"
    math = "<m:oMath><m:r><m:t>a=b</m:t></m:r></m:oMath>"
    block = f"<w:sdt {W}><w:sdtContent><w:p>{run('in a control')}</w:p></w:sdtContent></w:sdt>"
    document = read(body(paragraph(link + field + control + simple), paragraph(characters + math), block))
    assert document.text == "a link 7 control today\n\nx\ny-→a=b\n\nin a control"


def test_code_keeps_its_spaces(read):
    style = '<w:pStyle w:val="HTMLPreformatted"/>'
    document = body(paragraph(run("if x:"), style), paragraph(run("    go()"), style), paragraph(run("after")))
    document.styles.element.append(
        parse_xml(
            f'<w:style {W} w:type="paragraph" w:styleId="HTMLPreformatted"><w:name w:val="HTML Preformatted"/>'
            "</w:style>"
        )
    )
    assert read(document).text == "if x:\n    go()\n\nafter"


def test_notes_stand_at_the_end_and_are_marked(read):
    document = body(
        paragraph(
            run("One")
            + '<w:r><w:footnoteReference w:id="2"/></w:r>'
            + run(" two")
            + '<w:r><w:endnoteReference w:id="2"/></w:r>'
        )
    )
    separator = '<w:footnote w:type="separator" w:id="-1"><w:p/></w:footnote>'
    relate(
        document,
        RELATIONSHIP_TYPE.FOOTNOTES,
        "/word/footnotes.xml",
        f'<w:footnotes {W}>{separator}<w:footnote w:id="2"><w:p>{run("Below")}</w:p></w:footnote></w:footnotes>',
    )
    relate(
        document,
        RELATIONSHIP_TYPE.ENDNOTES,
        "/word/endnotes.xml",
        f'<w:endnotes {W}><w:endnote w:id="2"><w:p>{run("Behind")}</w:p></w:endnote></w:endnotes>',
    )
    loaded = read(document)
    assert loaded.text == "One[^1] two[^2]\n\nNotes\n\n[^1]: Below\n[^2]: Behind"
    assert [heading.text for heading in loaded.headings] == ["Notes"]


def test_comments_headers_and_footers_come_last_and_once(read):
    document = docx.Document()
    text = document.add_paragraph("Text")
    document.add_comment(text.runs, text="Is that so?", author="Bo", initials="B")
    section = document.sections[0]
    section.header.paragraphs[0].text = "ACME internal"
    section.footer.paragraphs[0].text = "17"
    document.add_section().header.is_linked_to_previous = False
    document.sections[1].header.paragraphs[0].text = "ACME internal"
    assert read(document).text == "Text\n\nComments\n\n- Bo: Is that so?\n\nHeaders and footers\n\nACME internal"


BOX = (
    '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
    '<mc:Choice Requires="x"><w:drawing><wp:inline><wp:docPr id="1" name="p" descr="a valve"/><a:graphic>'
    '<a:graphicData uri="u">{0}'
    "</a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice><mc:Fallback><w:pict>{0}</w:pict></mc:Fallback>"
    "</mc:AlternateContent>"
)


def test_text_boxes_follow_their_paragraph_once(read):
    box = BOX.format(f"<w:txbxContent><w:p>{run('In the box')}</w:p></w:txbxContent>")
    document = read(body(paragraph(run("Look: ") + f"<w:r>{box}</w:r>"), paragraph(run("after"))))
    assert document.text == "Look: a valve\n\nIn the box\n\nafter"


CHART = """<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:chart><c:title><c:tx><c:rich><a:p><a:r>
<a:t>Output</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea><c:barChart><c:ser>
<c:tx><c:strRef><c:strCache><c:pt idx="0"><c:v>tonnes</c:v></c:pt></c:strCache></c:strRef></c:tx>
<c:cat><c:strRef><c:strCache><c:pt idx="0"><c:v>North</c:v></c:pt><c:pt idx="1"><c:v>South</c:v></c:pt></c:strCache>
</c:strRef></c:cat><c:val><c:numRef><c:numCache><c:pt idx="0"><c:v>4.5</c:v></c:pt><c:pt idx="1"><c:v>1.0E2</c:v></c:pt>
</c:numCache></c:numRef></c:val></c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"""


def test_charts_are_tables(read):
    document = docx.Document()
    relation = relate(document, RELATIONSHIP_TYPE.CHART, "/word/charts/chart1.xml", CHART)
    chart = f'<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" r:id="{relation}"/>'
    document.element.body.insert(0, parse_xml(paragraph(f"<w:r>{BOX.format(chart)}</w:r>")))
    loaded = read(document)
    assert loaded.text.startswith("a valve\n\nOutput\n\n| column 1 | tonnes |")
    (table,) = loaded.tables
    assert table.name == "Output"
    assert [row.cells for row in table.rows] == [("North", 4.5), ("South", 100.0)]


def test_merged_cells_hold_for_each_row_that_they_span(read):
    document = docx.Document()
    table = document.add_table(rows=4, cols=3)
    rows = [["kind", "name", "qty"], ["metal", "bolt", "5"], ["", "nut", ""], ["none", "", "7"]]
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(1, 2).merge(table.cell(2, 2))
    table.cell(3, 0).merge(table.cell(3, 1))
    (typed,) = read(document).tables
    assert [row.cells for row in typed.rows] == [("metal", "bolt", 5), ("metal", "nut", None), ("none", None, 7)]


def test_a_header_row_is_believed(read):
    document = docx.Document()
    table = document.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, [["1", "2"], ["3", "4"]], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    table.rows[0]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {W}/>"))
    (typed,) = read(document).tables
    assert [column.name for column in typed.columns] == ["1", "2"]
    assert [row.cells for row in typed.rows] == [(3, 4)]


def test_nested_tables_are_told_in_their_cell(read):
    document = docx.Document()
    outer = document.add_table(rows=2, cols=2)
    outer.cell(0, 0).text, outer.cell(0, 1).text, outer.cell(1, 0).text = "name", "parts", "pump"
    inner = outer.cell(1, 1).add_table(rows=2, cols=2)
    for row, cells in zip(inner.rows, [["a", "1"], ["b", "2"]], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document = read(document)
    assert [row.cells for row in document.tables[0].rows] == [("pump", "a, 1\nb, 2")]
    assert document.text.endswith("| pump | a, 1 b, 2 |")


def test_a_table_that_lays_out_the_page_is_read_through(read):
    document = docx.Document()
    outer = document.add_table(rows=1, cols=2)
    outer.cell(0, 0).text = "Left"
    inner = outer.cell(0, 1).add_table(rows=2, cols=2)
    for row, cells in zip(inner.rows, [["a", "b"], ["1", "2"]], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    assert read(document).text == "Left\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_templates_and_documents_with_macros_are_read(read):
    def with_macros(name: str, content: bytes) -> bytes:
        return (
            content.replace(b"wordprocessingml.document.main+xml", b"wordprocessingml.template.main+xml")
            if name == "[Content_Types].xml"
            else content
        )

    assert read(changed(saved(sample()), with_macros)).text.startswith("Manual\n\nSetting up")


def test_a_document_without_properties_has_no_metadata(read):
    data = changed(saved(sample()), lambda name, content: None if name.startswith("docProps/") else content)
    document = read(data)
    assert document.metadata == {}
    assert document.title == "Manual"


def test_a_relationship_that_leads_nowhere_is_no_problem(read):
    def dangling(name: str, content: bytes) -> bytes:
        relation = b'<Relationship Id="rId77" Type="http://x/image" Target="../NULL"/></Relationships>'
        return content.replace(b"</Relationships>", relation) if name == "word/_rels/document.xml.rels" else content

    assert read(changed(saved(sample()), dangling)).title == "The manual"


# --- files that can't be read ----------------------------------------------------------------------------------------


def compound(stream: str) -> bytes:
    """The least of a container of the formats before 2007 that holds the stream."""
    head = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0"))
    head[0x1E:0x20] = (9).to_bytes(2, "little")
    root, entry = "Root Entry".encode("utf-16-le").ljust(128, b"\0"), stream.encode("utf-16-le").ljust(128, b"\0")
    return bytes(head) + (root + entry).ljust(4096, b"\0")


def broken() -> Iterator[tuple[str, bytes, str]]:
    data = saved(sample())
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    yield "empty", b"", "is empty"
    yield "text", b"Just some text", "is not a Word document"
    yield "truncated", data[: len(data) // 2], "damaged"
    yield "encrypted", compound("EncryptedPackage"), "is encrypted: remove the password, or save it without one"
    yield "old", compound("WordDocument"), r"before 2007: save it as \.docx"
    yield "other zip", changed(data, lambda name, content: None if name.startswith("[") else content), "is not a Word"
    yield (
        "no document",
        changed(data, lambda name, content: None if "document.xml" in name else content),
        "Word document",
    )
    yield "not xml", changed(data, lambda name, content: b"<w" if name == "word/document.xml" else content), "damaged"
    yield (
        "deep",
        changed(data, lambda name, content: b"<a>" * 9000 + b"</a>" * 9000 if name == "word/document.xml" else content),
        "damaged",
    )
    yield (
        "strict",
        changed(
            data,
            lambda name, content: content.replace(
                b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument",
                b"http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument",
            ),
        ),
        "strict form of Open XML: save it in the ordinary form",
    )
    yield (
        "bomb",
        changed(data, lambda name, content: bytes(40 << 20) if name == "word/document.xml" else content),
        "unpacks to more than 200 times",
    )
    yield (
        "entities",
        changed(
            data,
            lambda name, content: (
                entities + b"<w:document>&b;</w:document>" if name == "word/document.xml" else content
            ),
        ),
        "damaged",
    )


@pytest.mark.parametrize(("data", "reason"), [pytest.param(*case[1:], id=case[0]) for case in broken()])
def test_what_can_not_be_read_says_why(read, data, reason):
    with pytest.raises(LoadError, match=reason):
        read(data)


def test_entities_are_not_resolved(read, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    doctype = f'<!DOCTYPE d [<!ENTITY in "inner"><!ENTITY out SYSTEM "{secret.as_uri()}">]>'.encode()
    document = body(paragraph(run("before MARK after")))

    def with_entities(name: str, content: bytes) -> bytes:
        if name != "word/document.xml":
            return content
        start = content.index(b"<w:document")
        return content[:start] + doctype + content[start:].replace(b"MARK", b"&in;&out;")

    assert "secret" not in (text := read(changed(saved(document), with_entities)).text)
    assert "inner" not in text


def test_a_file_beyond_the_limit_is_refused(read):
    with pytest.raises(LoadError, match="raise the limit file_bytes"):
        read(sample(), LoadOptions(limits=Limits(file_bytes=1000)))
