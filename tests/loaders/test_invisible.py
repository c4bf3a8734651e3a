from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.loaders.invisible import invisible_spans, visible, without_invisible
from docindex.schema import Column, Document, DocumentTable, Heading, Page, TableRow

TAGS = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("pass\u200bword", "password"),
        ("so\xadft", "soft"),
        ("\ufeffa\ufeffb", "ab"),
        ("a\u202eb\u202c \u2066c\u2069 \u200fd\u200e", "ab c d"),
        (f"a{TAGS}b", "ab"),
        ("a\x07b\x1b\x85c\x7f", "abc"),
        ("note\ufff9base\ufffagloss\ufffb", "notebasegloss"),
        ("a\ufe0f\ufe0fb\U000e0101", "ab"),
        ("a" + "".join(chr(0xFE00 + value) for value in range(16)), "a"),
        ("x\u3164y\u115f", "xy"),
        ("a\u200db", "ab"),
        ("a\ufdd0b\uffff", "ab"),
        ("plain\ttext\n", "plain\ttext\n"),
        ("näive — “quoted” · 日本語", "näive — “quoted” · 日本語"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("می\u200c\u200c\u200bخواهم", "می\u200cخواهم"),
        ("سلام\u200c ", "سلام "),
        ("ක\u0dca\u200dර", "ක\u0dca\u200dර"),
        ("ന\u0d4d\u200d ", "ന\u0d4d\u200d "),
        ("ภาษา\u200bไทย", "ภาษา\u200bไทย"),
        ("👩\u200d💻 👨\u200d👩\u200d👧", "👩\u200d💻 👨\u200d👩\u200d👧"),
        ("❤\ufe0f\u200d🔥 1\ufe0f\u20e3 ☎\ufe0e", "❤\ufe0f\u200d🔥 1\ufe0f\u20e3 ☎\ufe0e"),
        ("👩\u200d hi", "👩 hi"),
        ("🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"),
        (
            "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        (f"\U0001f3f4{TAGS}", "\U0001f3f4"),
        ("葛\U000e0100城", "葛\U000e0100城"),
        ("≨\ufe00", "≨\ufe00"),
        ("\u1112\u1160\u11ab", "\u1112\u1160\u11ab"),
        ("\U000e0041" * 50, ""),
    ],
)
def test_what_no_reader_sees_goes_and_what_scripts_need_stays(text, seen):
    assert visible(text) == seen
    assert visible(seen) == seen


def document_of(text: str) -> Document:
    return Document(doc_id="a", source="a", text=text)


def test_a_document_without_any_is_returned_as_it_is():
    document = document_of("Ordinary text — with é and 日本語.\n\tAnd more.")
    assert without_invisible(document) is document


def test_title_metadata_and_cells_are_cleaned_and_counted():
    row = TableRow(2, 14, 21, ("p\u200bq", 3))
    document = replace(
        document_of("| x | n |\n---\n| p\u200bq | 3 |"),
        title="A\u200b title",
        metadata={"a": "x\xady", "l": ("p\u200b", "\u200b"), "n": 3, "gone": "\u200b", "none": ""},
        tables=(DocumentTable("t\u200b", (Column("x\u200b", "text"), Column("x", "integer")), (row,), 0, 27),),
        headings=(Heading(1, 0, "\u200b"), Heading(1, 2, "x\u200b")),
        hidden=5,
    )
    clean = without_invisible(document)
    assert clean.text == "| x | n |\n---\n| pq | 3 |"
    assert clean.title == "A title"
    assert clean.metadata == {"a": "xy", "l": ("p",), "n": 3, "none": ""}
    table = clean.tables[0]
    assert (table.name, [column.name for column in table.columns]) == ("t", ["x", "x (2)"])
    assert table.rows[0].cells == ("pq", 3)
    assert clean.headings == (Heading(1, 2, "x"),)
    assert clean.hidden == 5 + 1 + 1 + 4


PIECES = st.lists(st.sampled_from(["a", " ", "é", "\n", "👩", "ش", "\u200b", "\u200d", "\xad", "\ufe0f", "\U000e0041"]))


@settings(deadline=None, max_examples=300)
@given(PIECES.map("".join), st.lists(st.integers(0, 60), min_size=2, max_size=8))
def test_structure_still_points_at_the_same_visible_text(text, offsets):
    places = sorted(min(offset, len(text)) for offset in offsets)
    pairs = list(zip(places[::2], places[1::2], strict=False))
    document = replace(
        document_of(text),
        pages=tuple(Page(number, *pair) for number, pair in enumerate(pairs, 1)),
        headings=tuple(Heading(1, start, "h") for start, _ in pairs),
        tables=tuple(
            DocumentTable("", (Column("c", "text"),), (TableRow(1, start, end, ("x",)),), start, end)
            for start, end in pairs
        ),
    )
    clean = without_invisible(document)
    spans = invisible_spans(text)
    gone = {offset for start, end in spans for offset in range(start, end)}
    kept = "".join(character for offset, character in enumerate(text) if offset not in gone)
    assert clean.text == kept
    assert clean.hidden == len(text) - len(kept)
    assert without_invisible(clean) is clean
    for (start, end), page, heading, table in zip(pairs, clean.pages, clean.headings, clean.tables, strict=True):
        seen = "".join(text[offset] for offset in range(start, end) if offset not in gone)
        assert clean.text[page.start : page.end] == seen
        assert clean.text[table.start : table.end] == seen
        assert clean.text[table.rows[0].start : table.rows[0].end] == seen
        before = sum(offset not in gone for offset in range(start))
        assert heading.start == page.start == before


def test_looking_for_them_is_quick_and_taking_out_many_is_linear():
    for text, most in (("plain words. " * 80_000, 2.0), ("wörds, wörds " * 80_000, 5.0), ("a\u200b" * 200_000, 15.0)):
        started = time.process_time()
        without_invisible(document_of(text))
        assert time.process_time() - started < most
