"""What a request for a summary says about its form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from docindex.answering.terms import SMALL_NUMBERS

_NUMBER = rf"(?:{'|'.join(SMALL_NUMBERS)})"
_COUNT = re.compile(
    rf"(?<!\d[.,])\b(?P<count>\d{{1,3}}(?:,\d{{3}})+|\d{{1,9}}|{_NUMBER}(?:[ -]{_NUMBER})?|(?:a|one) hundred|a single)"
    r"(?: short| brief| key| main)? (?P<what>sentences?|bullet points?|bullets?|points?|lines?|takeaways?)\b",
    re.IGNORECASE,
)
_BULLETS = re.compile(
    r"\b(?:bullet(?:ed)?(?: points?| list)?|bullets|(?:as|in) a list|key points|main points|takeaways)\b", re.IGNORECASE
)
_BRIEF = re.compile(r"\b(?:brief(?:ly)?|in short|short(?:ly)?|concise(?:ly)?|tl;?dr|gist|nutshell)\b", re.IGNORECASE)
_DETAIL = re.compile(r"\b(?:in detail|detailed|at length|thorough(?:ly)?|long|extensive(?:ly)?|full)\b", re.IGNORECASE)
_REQUEST = re.compile(
    r"\b(?:summar(?:y|ies|i[sz]e|i[sz]ing)|overview|outline|recap|digest|condense|sum up|abstract|main|ideas?"
    r"|points?|key|about|sections?|chapters?|content|contents"
    r"|please|give|make|write|show|want|whole|entire|all|every|everything|roughly|tell|me|us"
    r"|documents?|files?|texts?|pages?)\b",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"\b(?:summar(?:y|ies|i[sz]e|i[sz]ing)|overview|outline|recap|digest|condense|sum up|abstract|gist|nutshell|tl;?dr"
    r"|(?:main|key) (?:points?|ideas?|messages?)|takeaways?|bullets?)\b",
    re.IGNORECASE,
)
_NARROW = re.compile(r"\b(?:about|on|regarding|concerning|with regard to)\b", re.IGNORECASE)
_BRIEF_SHARE, _DETAIL_SHARE = 0.6, 2.0
_MOST = 100
"""Sentences that a request can ask for."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How long a summary is to be, and how it is to look."""

    sentences: int
    counted: bool
    """The request says how many."""
    bullets: bool
    about: str
    """What is left of the request when its form is taken away: what the summary is to be about."""
    narrow: bool
    """The request says that it is to be about that and nothing else."""
    asks: bool
    """It is a question, and not a request for a summary."""


def wishes_of(request: str, sentences: int) -> Wishes:
    """What the request asks for; `sentences` is the number where it says none."""
    about = request
    asks = request.rstrip().endswith("?") and _SUMMARY.search(request) is None
    bullets = _BULLETS.search(request) is not None
    match = _COUNT.search(request)
    if match is not None:
        sentences = min(_counted(match["count"].lower()), _MOST)
        bullets = bullets or match["what"].lower().startswith(("point", "bullet", "takeaway"))
    elif _BRIEF.search(request):
        sentences = round(_BRIEF_SHARE * sentences)
    elif _DETAIL.search(request):
        sentences = round(_DETAIL_SHARE * sentences)
    for pattern in () if asks else (_COUNT, _BULLETS, _BRIEF, _DETAIL, _REQUEST):
        about = pattern.sub(" ", about)
    return Wishes(
        sentences=max(sentences, 1),
        counted=match is not None,
        bullets=bullets,
        about=" ".join(about.split()),
        narrow=not asks and _NARROW.search(request) is not None,
        asks=asks,
    )


def _counted(number: str) -> int:
    """The number that digits or words spell; 1 for "a single"."""
    digits = number.replace(",", "")
    if digits.isdigit():
        return int(digits)
    if number.endswith("hundred"):
        return 100
    return 1 if number == "a single" else sum(SMALL_NUMBERS[word] for word in re.split("[ -]", number))
