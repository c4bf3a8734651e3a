"""What a request for a summary says about its form."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12,
}  # fmt: skip
_COUNT = re.compile(
    rf"\b(?P<count>\d{{1,2}}|{'|'.join(_NUMBERS)}|a single)(?: short| brief| key| main)? "
    r"(?P<what>sentences?|bullet points?|bullets?|points?|lines?|takeaways?)\b",
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
_MOST = 40


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
        word = match["count"].lower()
        sentences = int(word) if word.isdigit() else _NUMBERS.get(word, 1)
        bullets = bullets or match["what"].lower().startswith(("point", "bullet", "takeaway"))
    elif _BRIEF.search(request):
        sentences = round(_BRIEF_SHARE * sentences)
    elif _DETAIL.search(request):
        sentences = round(_DETAIL_SHARE * sentences)
    for pattern in () if asks else (_COUNT, _BULLETS, _BRIEF, _DETAIL, _REQUEST):
        about = pattern.sub(" ", about)
    return Wishes(
        sentences=min(max(sentences, 1), _MOST),
        counted=match is not None,
        bullets=bullets,
        about=" ".join(about.split()),
        narrow=not asks and _NARROW.search(request) is not None,
        asks=asks,
    )
