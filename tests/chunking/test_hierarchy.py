"""Parents above passages: slices of the text that hold their children, level by level."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.chunking.hierarchy import HierarchicalChunker
from docindex.chunking.passages import PassageChunker
from docindex.errors import ConfigError
from docindex.schema import Document, Heading
from docindex.testing.chunker_contract import ChunkerContract
from docindex.testing.fakes import HashingEmbedder

OFFSETS = HashingEmbedder().token_offsets


def new_chunker(*levels: int) -> HierarchicalChunker:
    return HierarchicalChunker(PassageChunker(OFFSETS, max_tokens=24, overlap_tokens=4), OFFSETS, levels or (60, 240))


def document(sections: int, sentences: int) -> Document:
    parts, headings, at = [], [], 0
    for section in range(sections):
        title = f"Section {section}"
        headings.append(Heading(1, at, title))
        body = " ".join(f"Sentence {number} of section {section} tells what is so." for number in range(sentences))
        parts.append(f"{title}\n\n{body}\n\n")
        at += len(parts[-1])
    return Document("a", "a", "".join(parts), title="Manual", headings=tuple(headings))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 9), st.integers(1, 30), st.sampled_from([(60,), (60, 240), (40, 90, 300)]))
def test_a_parent_is_the_text_of_its_children(sections: int, sentences: int, levels: tuple[int, ...]) -> None:
    made = document(sections, sentences)
    nodes = new_chunker(*levels).chunk(made)
    by_id = {node.node_id: node for node in nodes}
    assert len(by_id) == len(nodes)
    for node in nodes:
        assert made.text[node.start : node.end] == node.text
        children = sorted((child for child in nodes if child.parent_id == node.node_id), key=lambda child: child.start)
        if node.level:
            assert len(children) >= 2
            assert (node.start, node.end) == (children[0].start, max(child.end for child in children))
            assert all(child.level < node.level for child in children)
            assert len(OFFSETS(node.text)) <= levels[node.level - 1]
        else:
            assert not children
        if node.parent_id is not None:
            assert node.parent_id in by_id
    for level in range(len(levels) + 1):
        assert [node.order for node in nodes if node.level == level] == list(
            range(sum(node.level == level for node in nodes))
        )


def test_passages_are_those_of_the_inner_chunker() -> None:
    made = document(4, 12)
    plain = PassageChunker(OFFSETS, max_tokens=24, overlap_tokens=4).chunk(made)
    nodes = [node for node in new_chunker().chunk(made) if node.level == 0]
    assert [(node.node_id, node.start, node.end) for node in nodes] == [
        (node.node_id, node.start, node.end) for node in plain
    ]
    assert all(node.parent_id for node in nodes)


def test_an_edit_keeps_the_passages_and_parents_elsewhere() -> None:
    made = document(6, 12)
    before = new_chunker().chunk(made)
    edited = replace(made, text=made.text.replace("Sentence 5 of section 3", "Sentence X of another 3"))
    after = new_chunker().chunk(edited, before)
    kept = {node.node_id for node in before} & {node.node_id for node in after}
    assert len([node for node in after if node.level == 0 and node.node_id not in kept]) <= 3
    assert any(node.level for node in after if node.node_id in kept)


def test_parents_end_where_sections_begin() -> None:
    nodes = new_chunker(150).chunk(document(3, 12))
    parents = [node for node in nodes if node.level == 1]
    assert [parent.text.startswith("Section") for parent in parents] == [True] * len(parents)
    assert parents[0].context == "Manual"


def test_levels_must_ascend() -> None:
    with pytest.raises(ConfigError, match="ascending"):
        new_chunker(200, 100)


class TestHierarchicalChunker(ChunkerContract):
    def chunker(self) -> HierarchicalChunker:
        return new_chunker()
