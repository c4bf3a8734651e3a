"""What a question sets side by side."""

from __future__ import annotations

import re
from dataclasses import dataclass

from docindex.answering.engines.clauses import BEGINS, CLAUSE
from docindex.chunking.sentences import split_sentences

_RELATION = r"(?:difference|differences|distinction|similarities|similarity|relation|contrast)"
_AGAINST = r"(?:with|to|and|against|versus|vs\.?)"
_MORE = r"(?:more|less) (?P<more>\w+)|(?P<longer>\w{2,}er)|(?P<odd>better|worse)"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_RELATION}(?: in (?:the )?(?P<aspect>[\w -]+?))? between (?P<first>.+?) and (?P<rest>.+)",
        r"\bhow (?:do|does|did|is|are) (?P<first>.+?) (?:and|differs? from|different from) (?P<rest>.+?)(?: differ)?$",
        rf"\b(?:compare|contrast|comparison (?:of|between)) (?P<first>.+?) {_AGAINST} (?P<rest>.+)",
        rf"^(?:which|what|who)\b.*?\b(?:{_MORE})\b.*?[,:] *(?P<first>.+?) (?:or|versus|vs\.?) (?P<rest>.+)",
        r"^(?:what about |how about |what(?:['’]s| is| are) |explain |tell me about )?(?P<first>.+?) "
        r"(?:versus|vs\.?|compared (?:with|to)) (?P<rest>.+)",
        rf"^(?:is|are) (?P<first>(?:the|a|an|my|our) .+?) (?:{_MORE}) than (?P<rest>.+)",
        r"\bwhat (?:do|does) (?P<first>.+?) and (?P<rest>.+?) have in common$",
    )
)
_ONLY_IF_DIFFER = re.compile(r"\bdiffer\b|\bdifferent\b", re.IGNORECASE)
_ASPECT = re.compile(
    r",? (?:in terms of|with regards? to|regarding|as to|concerning|when it comes to|by) (?:the |their )?"
    r"(?P<aspect>.+)$",
    re.IGNORECASE,
)
_OF = re.compile(r"^(?:the )?(?P<aspect>[\w -]+?) of (?P<name>.+)$", re.IGNORECASE)
_LIST = re.compile(r",? (?:and|or|with|to) |, ")
_LONGEST = 8
"""Words of a side; what is longer is a sentence, not a thing."""
_LONG_FORMS = {
    "bigger": "big",
    "hotter": "hot",
    "thinner": "thin",
    "heavier": "heavy",
    "cheaper": "expensive",
    "larger": "large",
    "wider": "wide",
    "safer": "safe",
    "later": "late",
    "better": "good",
    "worse": "good",
}
_VERBS = {"heavy": "weigh", "light": "weigh", "expensive": "cost", "cheap": "cost"}
"""What documents say in place of the adjective."""
_NO_COMPARATIVE = frozenset({"never", "other", "over", "under", "after", "number", "order", "letter", "paper", "power"})


@dataclass(frozen=True, slots=True)
class Sides:
    """Two or more things to compare."""

    names: tuple[str, ...]
    aspect: str = ""
    """In what they are compared, where the question says it."""
    adjective: str = ""
    """Likewise, where it asks which of them is, say, heavier: "heavy"."""

    def question(self, name: str) -> str:
        """What to ask of one side."""
        be = "are" if _is_plural(name) else "is"
        if self.adjective in _VERBS:
            return f"How much do{'' if be == 'are' else 'es'} {name} {_VERBS[self.adjective]}?"
        if self.adjective:
            return f"How {self.adjective} {be} {name}?"
        if self.aspect:
            return f"What is the {self.aspect} of {name}?"
        return f"What {be} {name}?"


def sides_of(question: str) -> Sides | None:
    """What the question compares; None where it compares nothing, or asks for something else, too."""
    text = " ".join(question.split())
    sentences = [text[start:end] for start, end in split_sentences(text)]
    for sentence in sentences:
        if (sides := _compared(sentence.rstrip(" ?.!"))) is not None:
            return None if any(other.endswith("?") for other in sentences if other is not sentence) else sides
    return None


def _compared(text: str) -> Sides | None:
    for pattern in _PATTERNS:
        match = pattern.search(text)
        if match is None or (pattern is _PATTERNS[1] and not _ONLY_IF_DIFFER.search(text)):
            continue
        found = match.groupdict()
        if (found.get("longer") or "").lower() in _NO_COMPARATIVE:
            continue
        if CLAUSE.search(found["rest"]) and not BEGINS.match(found["first"]):
            continue  # "... and the pump, and how much do they weigh"
        sides = _sides(found["first"], found["rest"], (found.get("aspect") or "").strip(), _adjective(found))
        if sides is not None:
            return sides
    return None


def _sides(first: str, rest: str, aspect: str, adjective: str) -> Sides | None:
    if match := _ASPECT.search(rest):
        rest, aspect = rest[: match.start()], aspect or match["aspect"]
    names = [name.strip(" ,;:") for part in (first, rest) for name in _LIST.split(part)]
    lead = _OF.match(names[0])
    if lead is not None and not aspect and not any(_OF.match(name) for name in names[1:]):
        # "the prices of the funnel and the cups": the prices are those of both.
        aspect, names[0] = lead["aspect"], lead["name"]
    distinct = {name.casefold(): name for name in names if name}
    if len(distinct) < 2 or any(len(name.split()) > _LONGEST for name in names):
        return None
    return Sides(tuple(distinct.values()), _singular(aspect), adjective)


def _adjective(found: dict[str, str | None]) -> str:
    word = (found.get("more") or found.get("longer") or found.get("odd") or "").lower()
    if found.get("more") or not word:
        return word
    base = _LONG_FORMS.get(word, word.removesuffix("er"))
    return base[:-1] + "y" if base.endswith("i") else base


def _singular(noun: str) -> str:
    keeps = noun.endswith(("ss", "us", "is", "shes", "ches", "xes"))
    return noun.removesuffix("s") if not keeps else noun


def _is_plural(name: str) -> bool:
    last = name.split()[-1].lower()
    return last.endswith("s") and not last.endswith(("ss", "us", "is")) and not name.lower().startswith(("a ", "an "))
