"""What every Chunker must do, as tests: subclass the suite, override `chunker`, and pytest runs all of it.

```python
class TestMyChunker(ChunkerContract):
    def chunker(self) -> Chunker:
        return MyChunker()
```

The checks are functions of a document and its nodes, so that property tests can call them on documents of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from docindex.protocols import Chunker
from docindex.schema import Document, Heading, Node, Page


def check_nodes(document: Document, nodes: Sequence[Node]) -> None:
    """All that must hold for any document and its nodes."""
    check_slices(document, nodes)
    check_order(document, nodes)
    check_coverage(document, nodes)
    check_pages(document, nodes)
    assert len({node.node_id for node in nodes}) == len(nodes), "node ids are unique"


def check_slices(document: Document, nodes: Sequence[Node]) -> None:
    """A node's text is a slice of the document's, without space at its ends, and not empty."""
    for node in nodes:
        assert document.text[node.start : node.end] == node.text
        assert node.text
        assert node.text == node.text.strip()


def check_order(document: Document, nodes: Sequence[Node]) -> None:
    """The nodes of a level are numbered as they stand, each goes further than the one before, all name the document."""
    for level in {node.level for node in nodes}:
        members = [node for node in nodes if node.level == level]
        assert [node.order for node in members] == list(range(len(members)))
        for before, after in pairwise(members):
            assert before.start < after.start
            assert before.end < after.end
    assert all(node.doc_id == document.doc_id for node in nodes)


def check_coverage(document: Document, nodes: Sequence[Node]) -> None:
    """Every character that is not space is in a passage."""
    held = bytearray(len(document.text))
    for node in nodes:
        if node.level == 0:
            held[node.start : node.end] = b"\x01" * (node.end - node.start)
    lost = [place for place, character in enumerate(document.text) if not held[place] and not character.isspace()]
    assert not lost, f"no passage holds the characters at {lost[:10]}"


def check_pages(document: Document, nodes: Sequence[Node]) -> None:
    """No passage crosses the border of a page, and each names its page."""
    borders = {border for page in document.pages for border in (page.start, page.end)}
    for node in nodes:
        if node.level == 0:
            assert not [border for border in borders if node.start < border < node.end]
            page = document.page_at(node.start)
            assert (node.page, node.page_label) == ((page.number, page.label) if page else (None, None))


def check_length(nodes: Sequence[Node], count_tokens: Callable[[str], int], most: int) -> None:
    """What is embedded has at most so many tokens; only a single character may have more."""
    for node in nodes:
        assert count_tokens(node.full_text) <= most or len(node.text) == 1


class ChunkerContract(ABC):
    """Tests that hold for every chunker."""

    @abstractmethod
    def chunker(self) -> Chunker:
        """The chunker under test."""

    def test_nodes_are_sound(self) -> None:
        chunker = self.chunker()
        for document in sample_documents():
            check_nodes(document, chunker.chunk(document))

    def test_documents_without_text_have_no_nodes(self) -> None:
        for text in ("", " ", "\n\t \u2028\u3000\r\n"):
            document = Document("empty", "empty", text, title="Title", pages=(Page(1, 0, len(text)),))
            assert self.chunker().chunk(document) == []

    def test_same_document_gives_same_nodes(self) -> None:
        for document in sample_documents():
            assert self.chunker().chunk(document) == self.chunker().chunk(document)

    def test_ids_depend_on_the_document(self) -> None:
        chunker = self.chunker()
        for document in sample_documents():
            ids = {node.node_id for node in chunker.chunk(document)}
            assert ids.isdisjoint(node.node_id for node in chunker.chunk(replace(document, doc_id="another")))

    def test_ids_do_not_depend_on_metadata_or_source(self) -> None:
        chunker = self.chunker()
        for document in sample_documents():
            moved = replace(document, source="moved", metadata={"tag": "new"}, media_type="text/x-other")
            assert [node.node_id for node in chunker.chunk(moved)] == [node.node_id for node in chunker.chunk(document)]

    def test_most_ids_outlive_an_edit_elsewhere(self) -> None:
        chunker = self.chunker()
        before = chunker.chunk(report(sections=40))
        after = {node.node_id for node in chunker.chunk(report(sections=40, edited=20))}
        assert len([node for node in before if node.node_id not in after]) <= max(2, len(before) // 4)


def report(*, sections: int, edited: int | None = None) -> Document:
    """A document of many sections, no two alike; one of them may be another edition's."""
    parts: list[str] = []
    headings: list[Heading] = []
    length = 0
    for number in range(sections):
        name = f"Chapter {number}"
        sentences = [f"In case {number}.{line} the valve turned {line * 7 + number} times." for line in range(25)]
        if number == edited:
            sentences.insert(3, "This sentence is new in this edition and tells of a leak.")
        part = f"## {name}\n\n" + " ".join(sentences) + "\n\n"
        headings.append(Heading(2, length, name))
        parts.append(part)
        length += len(part)
    return Document("report", "report.md", "".join(parts), title="Report", headings=tuple(headings))


def sample_documents() -> list[Document]:
    """Short and long documents, with and without structure, in several scripts, and some that no one would write."""
    prose = "The pump starts. It runs for ten minutes, then rests! Does it hum? Only when it is cold. " * 40
    pages = (
        Page(1, 0, 900, "i"),
        Page(2, 900, 900, "ii"),
        Page(3, 900, 901, "1"),
        Page(4, 905, 1700, "2"),
        Page(5, 1700, len(prose)),
    )
    texts = {
        "word": "word",
        "prose": prose,
        "list": "Shopping:\n" + "".join(f"- item {number}: a thing of use\n" for number in range(200)),
        "one long word": "x" * 20_000,
        "no full stop": "all words and nothing to pause at " * 300,
        "no space": "a,b;c/d=e&" * 2_000,
        "chinese": "机器启动。它运行十分钟，然后休息！它会嗡嗡响吗？只有在冷的时候。" * 100,
        "korean": "기계가 시작됩니다. 십 분 동안 작동한 다음 쉽니다. " * 100,
        "arabic": "تبدأ الآلة. تعمل لمدة عشر دقائق، ثم تستريح! هل تطن؟ فقط عندما يكون الجو باردا. " * 100,
        "marks": "e\u0301 n\u0303 \u0301\u0301 \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea " * 300,
        "lines": "one\u2028two\u2029three\x0bfour\x0cfive\r\nsix\rseven\x85eight\n" * 100,
        "invisible": "\u200b\u200b\ufeff\x00\x01" * 500,
    }
    return [
        *(Document(name, f"{name}.txt", text, title=name) for name, text in texts.items()),
        Document("pages", "pages.pdf", prose, title="Pump", pages=pages),
        Document(
            "both",
            "both.pdf",
            prose,
            title="A title of many words, " * 30,
            pages=pages,
            headings=(
                Heading(1, 0, "Pump"),
                Heading(3, 40, ""),
                Heading(2, 1000, "Noise " * 50),
                Heading(2, 1000, "Twice at one place"),
                Heading(1, len(prose), "At the end"),
            ),
        ),
        report(sections=30),
    ]
