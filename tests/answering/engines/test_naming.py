from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from docindex.answering.engines.naming import DocumentNames
from docindex.protocols import DocumentRecord

FILES = {
    "guides/user-manual.pdf": "Tirrim WS-210 User Manual",
    "faq.md": "Frequently asked questions",
    "changelog.md": "Firmware changelog",
    "privacy-policy.html": "Privacy policy of Tirrim Sky",
    "mountingGuide.md": "",
    "notes.txt": "",
}
NOW = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass
class Listed:
    """A snapshot that knows the list of its documents."""

    version: int = 1

    def documents(self):
        for source, title in FILES.items():
            yield DocumentRecord(
                doc_id=source, source=source, location=source, media_type="text/plain", title=title, bytes=1, pages=0,
                nodes=1, state="ready", content_hash="", metadata={}, modified_at=None, added_at=NOW, updated_at=NOW,
            )  # fmt: skip


@pytest.mark.parametrize(
    ("question", "doc_ids"),
    [
        ("Summarise the user manual", ["guides/user-manual.pdf"]),
        ("Summarise the manual", ["guides/user-manual.pdf"]),
        ("What does user-manual.pdf say about cells?", ["guides/user-manual.pdf"]),
        ("Compare the FAQ with the privacy policy", ["faq.md", "privacy-policy.html"]),
        ("What do the frequently asked questions say?", ["faq.md"]),
        ("Sum up the mounting guide and the changelog", ["mountingGuide.md", "changelog.md"]),
        ("Summarise notes.txt", ["notes.txt"]),
        ("How do I take notes during mounting?", []),
        ("Where is the manual reset button?", []),
        ("How long is the warranty?", []),
        ("", []),
    ],
)
def test_documents_are_known_by_their_names(question: str, doc_ids: list[str]):
    named = DocumentNames(Listed).named(question)
    assert [doc_id for one in named for doc_id in one.doc_ids] == doc_ids


def test_the_words_of_the_question_are_told():
    first, second = DocumentNames(Listed).named("Compare the FAQ with the Privacy Policy")
    assert (first.words, second.words) == (("FAQ",), ("Privacy", "Policy"))
