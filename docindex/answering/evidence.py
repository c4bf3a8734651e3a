"""Where the sources say a value: a name, a number, a date, or that something is so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from docindex.answering.citations import Sources
from docindex.answering.orders import blanked, without_orders
from docindex.answering.policy import AnswerPolicy
from docindex.answering.quotes import SourceSentence
from docindex.answering.support import support
from docindex.answering.terms import Terms, analyse
from docindex.chunking.sentences import split_sentences
from docindex.schema import Document, Hit

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_LINE = re.compile(r"\S[^\n]*(?<=\S)")
_ABOUT = 0.5
"""The share of a field's words that a sentence and its headings must have to say whether the field is so."""
_OF_QUESTION = 0.5
"""What the words of the question count beside those of the field."""
_IN_CONTEXT = 0.5
"""What a word of the field's name counts in the headings."""


class Evidence:
    """The sentences of hits, each of which may bear out a value.

    Where none that an answer could quote does, headings and the lines of records are looked at as well.
    """

    def __init__(
        self,
        sources: Sources,
        hits: Sequence[Hit],
        load_document: Callable[[str], Document | None],
        policy: AnswerPolicy,
    ) -> None:
        """Takes the hits apart; what the stored documents no longer say is left out, and so are orders to a model."""
        self._policy = policy
        self._asked = sources.about
        least = policy.off_topic * sources.best_relevance
        lines = (line for place, hit in enumerate(hits, 1) for line in _lines(place, hit))
        quotable, lines_held = (
            [one for one in some if _is_held(one, load_document)] for some in (sources.sentences, lines)
        )
        self._sentences = (quotable, lines_held)
        self._answering = frozenset(id(one) for one in quotable if sources.relevance(one) >= least)
        """The sentences that could answer the question."""

    def of(self, value: str | float | bool, label: str) -> SourceSentence | None:
        """The sentence that bears out a value best; None where none does.

        Args:
            value: A text must be said word for word, or with all of its words and numbers close together; a single word
                or number, where a word of the field is too, or in answer to the question. A number must have the unit
                that the field's name tells. Whether something is so is told by the sentence that is most about it,
                which denies it or does not.
            label: What the field is called, and what is said about it.
        """
        about = analyse(_spaced(label))
        for sentences in self._sentences:
            if isinstance(value, bool):
                fitting = [one for one in sentences if _is_about(one, about)]
            elif isinstance(value, str):
                fitting = [one for one in sentences if self._says(value, one, sentences)]
                if not any(map(str.isalpha, value)) and _moment(value) is None:
                    fitting = [one for one in fitting if _share(about, one)]
                elif analyse(value).size <= 1 and _moment(value) is None:
                    fitting = [one for one in fitting if self._concerns(one, about)]
            else:
                fitting = [one for one in sentences if _counts(value, one, about.units) and self._concerns(one, about)]
            best = max(fitting, key=lambda one: self._merit(one, about), default=None)
            if best is not None:
                return None if isinstance(value, bool) and best.terms.negates is value else best
        return None

    def _concerns(self, sentence: SourceSentence, about: Terms) -> bool:
        """Whether a sentence has to do with a field, by the field's words or because it could answer the question."""
        return _share(about, sentence) > 0 or id(sentence) in self._answering

    def _merit(self, sentence: SourceSentence, about: Terms) -> float:
        return _share(about, sentence) + _OF_QUESTION * _share(self._asked, sentence)

    def _says(self, text: str, sentence: SourceSentence, others: Sequence[SourceSentence]) -> bool:
        """Whether a sentence bears out a text; of a text of several sentences it has to be the first one."""
        first, *rest = [text[start:end] for start, end in split_sentences(text)] or [text]
        return any(self._bears_out(spelling, sentence) for spelling in _spellings(first)) and all(
            any(self._bears_out(part, one) for one in others) for part in rest
        )

    def _bears_out(self, text: str, sentence: SourceSentence) -> bool:
        claim = analyse(text)
        values = {quantity.value for quantity in claim.quantities}
        said = {quantity.value for quantity in sentence.terms.quantities}
        if values <= said and _verbatim(text, sentence.text):
            return True
        found = support(claim, sentence.terms, sentence.context)
        own = claim.words & sentence.terms.words or values & said
        close = found.linked >= self._policy.verified_links and found.score >= self._policy.shown_support
        return bool(own) and found.sound and close


def _lines(place: int, hit: Hit) -> Iterator[SourceSentence]:
    node, text = hit.node, blanked(hit.text)
    context = analyse("\n".join(map(without_orders, (hit.title, *node.headings, node.context))))
    nothing = analyse("")
    for line in _LINE.finditer(text):
        start, said = node.start + line.start(), line.group()
        yield SourceSentence(place, hit, start, start + len(said), said, analyse(said), context, nothing, follows=False)


def _is_held(sentence: SourceSentence, load_document: Callable[[str], Document | None]) -> bool:
    """Whether the stored document has the sentence at its place, to the character."""
    document = load_document(sentence.hit.doc_id)
    return document is not None and document.text.startswith(sentence.text, sentence.start)


def _is_about(sentence: SourceSentence, about: Terms) -> bool:
    return bool(sentence.terms.words & about.words) and _share(about, sentence) >= _ABOUT


def _share(about: Terms, sentence: SourceSentence) -> float:
    """The share of a field's words that a sentence has; those of its headings count half."""
    words = about.words | about.units
    own = words & (sentence.terms.words | sentence.terms.units)
    return (len(own) + _IN_CONTEXT * len((words & sentence.context.words) - own)) / max(1, len(words))


def _counts(value: float, sentence: SourceSentence, units: frozenset[str]) -> bool:
    """Whether a number is said, with its sign and one of the units, if there are any.

    The unit stands beside it or, beside no number at all, somewhere in the sentence or its headings.
    """
    exact = Decimal(str(value))
    if not exact.is_finite():
        return False
    loose = sentence.terms.units - {one.unit for one in sentence.terms.quantities} | sentence.context.units
    (number,) = analyse(f"{exact:f}").quantities
    said = [one.unit for one in sentence.terms.quantities if one.value == number.value]
    return any(not units or unit in units or (unit is None and units & loose) for unit in said)


def _verbatim(text: str, sentence: str) -> bool:
    """Whether the sentence has the text as it stands, and not as a part of a word or number."""
    plain = " ".join(text.split())
    if not any(map(str.isalpha, plain)):
        return False
    pattern = rf"(?<!\w)(?<!\d[.,]){re.escape(plain)}(?!\w)(?![.,]\d)"
    return re.search(pattern, " ".join(sentence.split()), re.IGNORECASE) is not None


def _spellings(text: str) -> list[str]:
    """How documents may write a value: a date in one of many ways, the name of a choice with spaces."""
    moment = _moment(text)
    if moment is None:
        return [text, text.replace("_", " ")] if "_" in text else [text]
    day = moment.date()
    clock = f" {moment:%H:%M}" if len(text) > len("2024-05-03") else ""
    return [text, *(f"{written}{clock}" for written in _days(day))]


def _moment(text: str) -> datetime | None:
    """The date, or date and time, that a text is; None where it is none, as an order number that looks like one."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _days(day: date) -> list[str]:
    month, short = f"{day:%B}", f"{day:%b}"
    return [
        day.isoformat(),
        *(f"{day.day} {name} {day.year}" for name in (month, short)),
        *(f"{name} {day.day}, {day.year}" for name in (month, short)),
        *(f"{day:%d}{mark}{day:%m}{mark}{day.year}" for mark in "./-"),
        f"{day.day}.{day.month}.{day.year}",
        f"{day:%m}/{day:%d}/{day.year}",
    ]


def _spaced(name: str) -> str:
    """The words of a name such as `warranty_years` or `warrantyYears`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").replace(".", " ")
