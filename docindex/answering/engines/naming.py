"""Which documents a question names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from docindex.answering.terms import STOPWORDS, stem
from docindex.protocols import DocumentRecord, Snapshot
from docindex.retrieval.filtered import DOC_ID
from docindex.schema import And, Compare, Condition

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BEFORE_NAME = _set(
    "the this that our my your its of in with to and or between versus vs compare summarise summarize from"
)
_AFTER_NAME = _set("file document page text say says said contain contains cover covers tell tells")
_ARTICLES = _set("the this that our my")
_LONGEST_TITLE = 8
"""Words of a title; longer ones are sentences that nobody names a document by."""


@dataclass(frozen=True, slots=True)
class Named:
    """Documents that a question names by the same words."""

    doc_ids: tuple[str, ...]
    words: tuple[str, ...]
    """The question's own."""
    at: int
    """Where they begin, in words of the question."""
    whole: bool
    """They are a whole name, and not its last word alone."""


class DocumentNames:
    """Finds documents by their file names, titles and ids in questions; reads the index's list once a version."""

    def __init__(self, snapshot: Callable[[], Snapshot], where: Condition | None = None) -> None:
        """Takes the index, and what passages of a document must meet for it to count."""
        self._snapshot = snapshot
        self._where = where
        self._read: tuple[int, dict[str, list[tuple[tuple[str, ...], str]]]] | None = None

    def named(self, question: str) -> list[Named]:
        """What the question names, in its order. "The manual" names a document if only one is some manual."""
        spelt = _WORD.findall(_CAMEL.sub(" ", question))
        words = [_form(word) for word in spelt]
        by_last = self._by_last()
        found: dict[tuple[int, int], dict[str, None]] = defaultdict(dict)
        in_part: set[tuple[int, int]] = set()
        for end, word in enumerate(words, 1):
            whole = [
                (name, doc_id)
                for name, doc_id in by_last.get(word, ())
                if words[max(0, end - len(name)) : end] == list(name)
            ]
            for name, doc_id in whole:
                if len(name) > 1 or _stands_alone(spelt, end - 1):
                    found[end - len(name), end][doc_id] = None
            heads = {doc_id for _, doc_id in by_last.get(word, ())}
            if not whole and len(heads) == 1 and _stands_alone(spelt, end - 1, article=True):
                found[end - 1, end][heads.pop()] = None
                in_part.add((end - 1, end))
        best = {span for span in found if not any(_within(span, other) for other in found)}
        named = [
            Named(tuple(filter(self.meets, found[span])), tuple(spelt[slice(*span)]), span[0], span not in in_part)
            for span in sorted(best)
        ]
        return [one for one in named if one.doc_ids]

    def meets(self, doc_id: str) -> bool:
        """Whether any passage of a document meets the condition."""
        if self._where is None:
            return True
        return self._snapshot().count(And((self._where, Compare(DOC_ID, "=", doc_id)))) > 0

    def _by_last(self) -> dict[str, list[tuple[tuple[str, ...], str]]]:
        """All names with their documents, by the name's last word."""
        snapshot = self._snapshot()
        if self._read is None or self._read[0] != snapshot.version:
            names: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
            for record in snapshot.documents():
                for name in _names(record):
                    names[name[-1]].append((name, record.doc_id))
            self._read = snapshot.version, dict(names)
        return self._read[1]


def _names(record: DocumentRecord) -> Iterable[tuple[str, ...]]:
    stem_of_file = PurePosixPath(record.source).name.partition(".")[0]
    extension = PurePosixPath(record.source).suffix
    spellings = [stem_of_file, stem_of_file + extension, record.title, record.doc_id]
    names = (tuple(map(_form, _WORD.findall(_CAMEL.sub(" ", spelling)))) for spelling in spellings)
    return {name for name in names if 0 < len(name) <= _LONGEST_TITLE and not all(word in STOPWORDS for word in name)}


def _form(word: str) -> str:
    return stem(word.casefold())


def _stands_alone(words: list[str], at: int, *, article: bool = False) -> bool:
    """Whether a single word stands where a document's name would: "the manual", and not "the manual reset"."""
    before = words[at - 1].casefold() if at else ""
    after = words[at + 1].casefold() if at + 1 < len(words) else ""
    known = before in _ARTICLES if article else before in _BEFORE_NAME
    return known and (not after or after in STOPWORDS or after in _AFTER_NAME)


def _within(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]
