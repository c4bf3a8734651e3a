from __future__ import annotations

import re
import time
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from docindex.chunking.passages import PassageChunker
from docindex.errors import ConfigError
from docindex.protocols import Chunker
from docindex.schema import Document, Heading, Page
from docindex.testing.chunker_contract import (
    ChunkerContract,
    check_length,
    check_nodes,
    report,
    sample_documents,
)

WORDS = "the pump starts and runs for ten minutes it is cold machine heading section"
PROSE = "The pump starts and runs for ten minutes. "


class TestPassageChunker(ChunkerContract):
    @pytest.fixture(autouse=True)
    def _tokenizer(self, token_offsets) -> None:
        self.token_offsets = token_offsets

    def chunker(self) -> Chunker:
        return PassageChunker(self.token_offsets, max_tokens=64, overlap_tokens=12)


def of_text(
    text: str, *, title: str = "", headings: tuple[Heading, ...] = (), pages: tuple[Page, ...] = ()
) -> Document:
    return Document("doc", "doc.txt", text, title=title, headings=headings, pages=pages)


def markdown(*sections: tuple[int, str, str], title: str = "") -> Document:
    """A document of (level, heading, body) sections."""
    text, headings = "", []
    for level, name, body in sections:
        headings.append(Heading(level, len(text), name))
        text += f"{'#' * level} {name}\n\n{body}\n\n" if body else f"{'#' * level} {name}\n\n"
    return of_text(text, title=title, headings=tuple(headings))


# --- any document ---------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *("the pump starts. ", "Cold, ten; is ", "machine", "heading section ", "unpumpable ", "ing", "- item ", "# "),
        *("\n", "\n\n", "\r\n", "\f", "\x0b", "\x1c", "\u2028", "\u2029", "\u200b", " ", "   ", "\t"),
        *("机器启动。", "机器", "한국어 ", "שלום ", "مرحبا؟ ", "e\u0301", "\u0301", "ﷺ", "\U0001f469\u200d\U0001f469 "),
        *("\U0001f1e9\U0001f1ea", "a" * 150, "abcdefghij" * 7, "1,2,3,4;5", "http://x.y/z?a=b", ". ", "The end. "),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=120).map("".join)
NAMES = st.sampled_from(["", "Alpha", "alpha.", "Beta gamma", "a heading of very many words " * 5, "机器"])


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(TEXTS)
    places = st.integers(0, len(text))
    starts = sorted(draw(st.lists(places, max_size=8)))
    headings = tuple(Heading(draw(st.integers(1, 4)), start, draw(NAMES)) for start in starts)
    borders = sorted(draw(st.lists(places, max_size=8)))
    pages = tuple(Page(number, *ends, draw(st.none() | NAMES)) for number, ends in enumerate(pairwise(borders), 1))
    return of_text(text, title=draw(NAMES), headings=headings, pages=pages)


@settings(deadline=None, max_examples=300)
@given(documents(), st.integers(16, 80), st.integers(0, 40))
def test_any_document_becomes_sound_nodes(token_offsets, document: Document, most: int, overlap: int) -> None:
    chunker = PassageChunker(token_offsets, max_tokens=most, overlap_tokens=min(overlap, most // 2))
    nodes = chunker.chunk(document)
    check_nodes(document, nodes)
    check_length(nodes, lambda text: len(token_offsets(text)), most - 2)
    assert nodes == chunker.chunk(document)
    for node in nodes:
        assert node.level == 0
        assert node.parent_id is None
        assert "\n" not in node.context


@settings(deadline=None, max_examples=40)
@given(documents(), st.sampled_from([16, 33, 128]))
def test_the_real_tokenizer_agrees(minilm_offsets, document: Document, most: int) -> None:
    nodes = PassageChunker(minilm_offsets, max_tokens=most, overlap_tokens=most // 8).chunk(document)
    check_nodes(document, nodes)
    check_length(nodes, lambda text: len(minilm_offsets(text)), most - 2)


def test_samples_fit_the_real_model(minilm_offsets) -> None:
    for document in sample_documents():
        nodes = PassageChunker(minilm_offsets, max_tokens=200, overlap_tokens=24).chunk(document)
        check_nodes(document, nodes)
        check_length(nodes, lambda text: len(minilm_offsets(text)), 198)


def test_the_text_is_tokenised_once(token_offsets) -> None:
    seen: list[str] = []

    def recording(text: str) -> NDArray[np.int32]:
        seen.append(text)
        return token_offsets(text)

    document = report(sections=30)
    PassageChunker(recording, max_tokens=64, overlap_tokens=12).chunk(document)
    assert seen.count(document.text) == 1
    assert all(len(text) < 80 for text in seen if text != document.text)  # context headers


# --- where it cuts --------------------------------------------------------------------------------------------------


def test_a_document_that_fits_is_one_node_under_its_title(token_offsets) -> None:
    document = markdown((1, "Alpha", "the pump."), (2, "Beta", "it is cold."), title="Guide")
    (node,) = PassageChunker(token_offsets, max_tokens=64, overlap_tokens=12).chunk(document)
    assert node.text == document.text.strip()
    assert node.context == "Guide"
    assert node.headings == ("Alpha",)


def test_a_title_that_begins_the_text_is_no_context(token_offsets) -> None:
    chunker = PassageChunker(token_offsets, max_tokens=64, overlap_tokens=12)
    (node,) = chunker.chunk(of_text("The pump.\n\nIt is cold.", title="the Pump"))
    assert node.context == ""
    assert node.full_text == node.text


def test_sections_begin_nodes_and_carry_their_path(token_offsets) -> None:
    document = markdown((1, "Pump", PROSE * 3), (2, "Cold", PROSE * 12), (2, "Heading", PROSE * 3), title="Machine")
    nodes = PassageChunker(token_offsets, max_tokens=64, overlap_tokens=12).chunk(document)
    starts = {node.start for node in nodes}
    assert {heading.start for heading in document.headings} <= starts
    for before, after in pairwise(nodes):
        if after.start in {heading.start for heading in document.headings}:
            assert before.end <= after.start
    first, *rest = [node for node in nodes if node.headings == ("Pump", "Cold")]
    assert (first.text[:7], first.context) == ("## Cold", "Machine > Pump")
    assert rest
    assert all(node.context == "Machine > Pump > Cold" for node in rest)


def test_tiny_sections_share_a_node_under_the_same_parent(token_offsets) -> None:
    tiny = [(2, f"Section {number}", "it is cold.") for number in range(24)]
    document = markdown((1, "One", PROSE * 4), *tiny[:12], (1, "Two", PROSE * 4), *tiny[12:])
    nodes = PassageChunker(token_offsets, max_tokens=64, overlap_tokens=0).chunk(document)
    assert 8 <= len(nodes) <= 16
    second = document.text.index("# Two")
    assert not [node for node in nodes if node.start < second < node.end]
    for node in nodes:
        assert node.text.startswith("#")


def test_a_heading_stays_with_what_it_stands_above(token_offsets) -> None:
    document = markdown((1, "Pump", ""), (2, "Cold", ""), (3, "Heading", PROSE * 20), (3, "Machine", PROSE * 20))
    nodes = PassageChunker(token_offsets, max_tokens=64, overlap_tokens=12).chunk(document)
    assert nodes[0].text.startswith("# Pump\n\n## Cold\n\n### Heading\n\nThe pump starts")
    assert nodes[0].headings == ("Pump",)
    assert all(node.text.rstrip().endswith("minutes.") for node in nodes)


def test_a_setext_heading_stays_with_its_text(token_offsets) -> None:
    text = "Pump\n====\n\n" + PROSE * 20
    document = of_text(text, headings=(Heading(1, 0, "Pump"),))
    nodes = PassageChunker(token_offsets, max_tokens=48, overlap_tokens=0).chunk(document)
    assert nodes[0].text.startswith("Pump\n====\n\nThe pump starts")


def test_pages_are_never_crossed_and_name_themselves(token_offsets) -> None:
    first = PROSE * 5
    text = first + "end\f" + PROSE * 5
    pages = (
        Page(1, 0, len(first) + 3, "i"),
        Page(2, len(first) + 4, len(first) + 4),
        Page(3, len(first) + 4, len(text)),
    )
    nodes = PassageChunker(token_offsets, max_tokens=64, overlap_tokens=12).chunk(of_text(text, pages=pages))
    assert {(node.page, node.page_label) for node in nodes} == {(1, "i"), (3, None)}
    assert min(node.start for node in nodes if node.page == 3) == len(first) + 4


def test_nodes_end_with_paragraphs_and_sentences(token_offsets) -> None:
    text = "\n\n".join([PROSE * 3, PROSE * 2, PROSE * 3, PROSE * 2, PROSE * 9])
    nodes = PassageChunker(token_offsets, max_tokens=64, overlap_tokens=0).chunk(of_text(text))
    assert all(node.text.endswith("minutes.") for node in nodes)
    paragraphs = {match.end() for match in re.finditer(r"^|\n\n", text)}
    assert len(nodes) == 4
    assert len([node for node in nodes if node.start in paragraphs]) == 3


def test_the_pieces_of_a_section_are_even(token_offsets) -> None:
    nodes = PassageChunker(token_offsets, max_tokens=102, overlap_tokens=0).chunk(of_text(PROSE * 23))
    lengths = [len(token_offsets(node.text)) for node in nodes]
    assert sum(lengths) == 9 * 23
    assert len(lengths) == 3
    assert min(lengths) >= 54


def test_neighbours_share_whole_sentences(token_offsets) -> None:
    text = "".join(f"The pump {number} starts for ten minutes. " for number in range(200))
    nodes = PassageChunker(token_offsets, max_tokens=64, overlap_tokens=24).chunk(of_text(text))
    for before, after in pairwise(nodes):
        shared = text[after.start : before.end]
        assert shared.startswith("The pump")
        assert shared.endswith("minutes.")
        assert 8 <= len(token_offsets(shared)) <= 24


def test_a_long_sentence_is_cut_at_clauses_then_between_words(token_offsets) -> None:
    clauses = "the pump runs and runs and runs, " * 30
    nodes = PassageChunker(token_offsets, max_tokens=40, overlap_tokens=0).chunk(of_text(clauses))
    assert all(node.text.endswith(",") for node in nodes)
    words = "pump cold ten machine " * 60
    nodes = PassageChunker(token_offsets, max_tokens=40, overlap_tokens=0).chunk(of_text(words))
    assert {word for node in nodes for word in node.text.split()} == {"pump", "cold", "ten", "machine"}


def test_code_is_cut_between_lines(token_offsets) -> None:
    code = "".join(f"x{number} = pump(cold, ten({number}))\n" for number in range(60))
    nodes = PassageChunker(token_offsets, max_tokens=64, overlap_tokens=0).chunk(of_text(code))
    assert len(nodes) > 5
    assert all(node.text.startswith("x") and node.text.endswith("))") for node in nodes)


def test_characters_made_of_several_code_points_stay_whole(token_offsets) -> None:
    family, accent, flag = "\U0001f469\u200d\U0001f469\u200d\U0001f467", "q\u0303", "\U0001f1e9\U0001f1ea"
    for unit in (family, accent, family + accent, "ab" + flag):
        text = unit * 400
        nodes = PassageChunker(token_offsets, max_tokens=16, overlap_tokens=0).chunk(of_text(text))
        for node in nodes:
            assert text[node.end : node.end + 1] not in ("\u200d", "\u0303", "\U0001f1ea")
            assert not node.text.endswith("\u200d")


# --- identity -------------------------------------------------------------------------------------------------------


def test_equal_passages_of_a_document_have_ids_of_their_own(token_offsets) -> None:
    document = markdown(*((1, "Same", PROSE * 3) for _ in range(4)))
    nodes = PassageChunker(token_offsets, max_tokens=40, overlap_tokens=0).chunk(document)
    assert len({node.content_hash for node in nodes}) < len(nodes)
    assert len({node.node_id for node in nodes}) == len(nodes)


def test_an_edit_in_long_text_without_headings_changes_few_nodes(token_offsets) -> None:
    random = Random(1)
    words = WORDS.split()

    def sentence() -> str:
        return " ".join(random.choices(words, k=random.randint(5, 20))).capitalize() + "."

    paragraphs = [" ".join(sentence() for _ in range(random.randint(1, 5))) for _ in range(300)]
    chunker = PassageChunker(token_offsets, max_tokens=100, overlap_tokens=12)
    before = {node.node_id for node in chunker.chunk(of_text("\n\n".join(paragraphs)))}
    changed = []
    for place in range(10, 290, 20):
        edited = [*paragraphs[:place], "the machine is cold. It is new.", *paragraphs[place:]]
        changed.append(
            len([node for node in chunker.chunk(of_text("\n\n".join(edited))) if node.node_id not in before])
        )
    assert len(before) > 100
    assert sorted(changed)[len(changed) // 2] <= 4
    assert max(changed) < len(before) / 5


# --- cost and limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [PROSE, PROSE + "\n\n", "x\n", "a", "\u0301", "a,", ". ", "机器"])
def test_time_is_linear_in_the_text(token_offsets, unit: str) -> None:
    document = of_text(unit * (200_000 // len(unit)), title="Title")
    offsets = token_offsets(document.text)
    chunker = PassageChunker(
        lambda text: offsets if text is document.text else token_offsets(text), max_tokens=200, overlap_tokens=24
    )
    began = time.process_time()
    nodes = chunker.chunk(document)
    assert time.process_time() - began < 10  # below 1 s; quadratic time would be hours
    assert all(len(node.text) < 200 * 24 for node in nodes)


def test_options_out_of_range_are_refused(token_offsets) -> None:
    with pytest.raises(ConfigError, match="max_tokens is 15"):
        PassageChunker(token_offsets, max_tokens=15, overlap_tokens=0)
    with pytest.raises(ConfigError, match="overlap_tokens is 33"):
        PassageChunker(token_offsets, max_tokens=64, overlap_tokens=33)


@st.composite
def edits(draw: st.DrawFn) -> tuple[Document, Document]:
    """A document, and what some edits have made of it; its headings and pages may have changed as well."""
    before = draw(documents())
    text = before.text
    for _ in range(draw(st.integers(0, 3))):
        start, end = sorted(draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
        text = text[:start] + draw(TEXTS) + text[draw(st.sampled_from([start, end])) :]
    if text == before.text and draw(st.booleans()):
        return before, before
    borders = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return before, of_text(
        text,
        title=draw(NAMES),
        headings=tuple(
            Heading(draw(st.integers(1, 4)), start, draw(NAMES))
            for start in sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
        ),
        pages=tuple(Page(number, *ends) for number, ends in enumerate(pairwise(borders), 1)),
    )


@settings(deadline=None, max_examples=300)
@given(edits(), st.integers(16, 60), st.integers(0, 30))
def test_nodes_cut_around_those_that_stand_are_sound(token_offsets, edit, most: int, overlap: int) -> None:
    before, after = edit
    chunker = PassageChunker(token_offsets, max_tokens=most, overlap_tokens=min(overlap, most // 2))
    nodes = chunker.chunk(after, chunker.chunk(before))
    check_nodes(after, nodes)
    check_length(nodes, lambda text: len(token_offsets(text)), most - 2)
    if before is after:
        assert nodes == chunker.chunk(before)


@pytest.mark.parametrize("seed", range(12))
def test_the_edit_of_a_paragraph_changes_at_most_three_nodes(token_offsets, seed: int) -> None:
    rng = Random(seed)
    nouns = ["pump", "valve", "gauge", "motor", "lamp", "relay", "switch", "sensor", "bolt", "panel"]

    def paragraph() -> str:
        sentences = rng.randint(2, 8)
        return " ".join(
            f"The {rng.choice(nouns)} {rng.randint(100, 9999)} turns the {rng.choice(nouns)} off."
            for _ in range(sentences)
        )

    chunker = PassageChunker(token_offsets, max_tokens=200, overlap_tokens=24)
    paragraphs = [paragraph() for _ in range(150)]
    nodes = chunker.chunk(of_text("\n\n".join(paragraphs)))
    for step in range(10):
        at = rng.randrange(30, 120)
        match step % 3:
            case 0:
                paragraphs[at] = paragraph()
            case 1:
                paragraphs.insert(at, paragraph())
            case _:
                del paragraphs[at]
        known = {node.content_hash for node in nodes}
        nodes = chunker.chunk(of_text("\n\n".join(paragraphs)), nodes)
        assert len({node.content_hash for node in nodes} - known) <= 3
    fresh = chunker.chunk(of_text("\n\n".join(paragraphs)))
    assert len(nodes) <= 1.2 * len(fresh) + 1


def test_a_moved_text_keeps_its_nodes_however_it_was_edited(token_offsets) -> None:
    chunker = PassageChunker(token_offsets, max_tokens=60, overlap_tokens=8)
    paragraphs = [
        f"The valve {number} opens the tank {number + 7}. It closes when the level is high." for number in range(80)
    ]
    nodes = chunker.chunk(of_text("\n\n".join(paragraphs)))
    paragraphs[40] = "A short one."
    nodes = chunker.chunk(of_text("\n\n".join(paragraphs)), nodes)
    moved = chunker.chunk(of_text("\n\n".join(paragraphs)), nodes)
    assert [node.node_id for node in moved] == [node.node_id for node in nodes]
