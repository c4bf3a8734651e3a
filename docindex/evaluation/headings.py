"""Questions from headings: whoever types a section's heading looks for that section."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from docindex.answering.terms import STOPWORDS
from docindex.evaluation.questions import LoadDocument, Question, question_id_of
from docindex.evaluation.sampling import sample, spread
from docindex.schema import Document, Heading

SHORTEST_SECTION = 40
"""Characters under a heading; a section with fewer holds nothing to find."""
FEWEST_WORDS = 2
_NUMBERING = re.compile(
    r"^(?:(?:chapter|section|appendix|part)\s+)?(?:(?:[A-Z]\.?)?\d+(?:\.\d+)*\.?|[A-Z]\.|[IVX]+\.)\s+", re.IGNORECASE
)
_EDGES = " \t\n#*_`:.¶§|"


@dataclass(frozen=True, slots=True)
class Section:
    """A section's own text: up to the next heading, of whatever level."""

    doc_id: str
    start: int
    end: int
    text: str
    path: tuple[str, ...]
    """The title of the document and the headings that it stands under, its own last."""


def heading_questions(doc_ids: Sequence[str], load: LoadDocument, count: int, *, seed: int = 0) -> list[Question]:
    """At most `count` questions, spread over the documents.

    A heading that names several sections, or says hardly anything, gets those above it in front; where that does not
    tell the sections apart, no question is made of it.
    """
    documents = (load(doc_id) for doc_id in sample(doc_ids, count, seed))
    sections = list(chain.from_iterable(sections_of(document) for document in documents if document is not None))
    known = Counter(name.casefold() for section in sections for name in _names(section))
    by_document: dict[str, list[Question]] = {}
    for section in sections:
        name = next((name for name in _names(section) if _tells(name, known)), None)
        if name is not None:
            by_document.setdefault(section.doc_id, []).append(_question(section, name))
    for doc_id, questions in by_document.items():
        random.Random(f"{seed}{doc_id}").shuffle(questions)  # noqa: S311 - no secret
    return spread(by_document, count, seed)


def sections_of(document: Document) -> Iterator[Section]:
    """The sections that have a text of their own."""
    end_mark = Heading(0, len(document.text), "")
    above: list[Heading] = []
    for heading, following in pairwise([*document.headings, end_mark]):
        above = [*(upper for upper in above if upper.level < heading.level), heading]
        text = document.text[heading.start : following.start].rstrip()
        if len(text) - len(heading.text) >= SHORTEST_SECTION:
            path = tuple(filter(None, (clean(part) for part in (document.title, *(each.text for each in above)))))
            yield Section(document.doc_id, heading.start, heading.start + len(text), text, path)


def clean(heading: str) -> str:
    """The heading without its number and marks, on one line."""
    return _NUMBERING.sub("", " ".join(heading.split()).strip(_EDGES)).strip(_EDGES)


def _names(section: Section) -> list[str]:
    """What the section may be called, the shortest name first: its heading, then with those above it in front."""
    parts = list(dict.fromkeys(section.path))
    names = [" ".join(parts[-depth:]) for depth in range(1, min(len(parts), 3) + 1)]
    return list(dict.fromkeys(names))


def _tells(name: str, known: Mapping[str, int]) -> bool:
    words = [word for word in re.findall(r"\w+", name.lower()) if word not in STOPWORDS and not word.isdecimal()]
    return len(words) >= FEWEST_WORDS and known[name.casefold()] == 1


def _question(section: Section, name: str) -> Question:
    return Question(
        question_id=question_id_of("heading", section.doc_id, section.start, name),
        text=name,
        kind="heading",
        doc_id=section.doc_id,
        start=section.start,
        end=section.end,
        answer=section.text,
    )
