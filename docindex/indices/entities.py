"""Entities and relations by rules: names, and phrases that a document comes back to. Needs no model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from docindex.chunking.sentences import split_sentences

_WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?|\d[\w.-]*\w")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SMALL = _set(
    "a an the this that these those there here it its he she they his her their we our us you your i my me and or but "
    "if then than so as at by for from in into of on onto to with about between through during per via is are was were "
    "be been being am do does did has have had can could may might must shall should will would what which who whom "
    "when where why how also just very too such any some each every all both other another own same only again once "
    "more most much many few less least let not no nor never none without out off over under above below before after "
    "until while because up down one two three yes however therefore thus dear yours hello please e.g i.e etc"
)
_OPENERS = _set("a an the this that these those each every its their his her our your any some no of")
"""What stands before a noun phrase."""
_LONGEST = 3
"""Words of a phrase that is no name."""
_REPEATED = 2
_MOST_ENTITIES, _MOST_RELATIONS = 16, 16
_LONGEST_PREDICATE = 4


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a passage speaks of."""

    entities: dict[str, str]
    """Labels by key: a key is the same however the entity is capitalised or inflected."""
    relations: tuple[tuple[str, str, str], ...]
    """Key, what stands between (or is empty), key."""


class Extractor(Protocol):
    """Finds entities and relations."""

    name: str
    """Changes with what would change the graph."""

    def extract(self, passages: Sequence[str]) -> list[Extraction]:
        """What each passage of one document speaks of."""
        ...


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int
    opens: bool
    """It begins a sentence."""


class RuleExtractor:
    """Takes for entities what is capitalised like a name, and noun phrases that the document repeats.

    Two that stand side by side in a sentence are related, by the few words between them if there are few.
    """

    name = "rules"

    def extract(self, passages: Sequence[str]) -> list[Extraction]:
        """What each passage of one document speaks of."""
        tokens = [_tokens(text) for text in passages]
        names = _names(tokens)
        phrases = _phrases(tokens)
        return [_extraction(text, found, names, phrases) for text, found in zip(passages, tokens, strict=True)]


def key_of(label: str) -> str:
    """The key of an entity: its words in small letters, the last one without the s of the plural."""
    words = [word.casefold().removesuffix("'s").removesuffix("’s") for word in label.split()]
    if words and len(words[-1]) > 3 and words[-1].endswith("s") and not words[-1].endswith(("ss", "us", "is")):
        words[-1] = words[-1][:-1]
    return " ".join(words)


def candidate_keys(text: str) -> set[str]:
    """The keys of every run of up to four words: those of entities that a question may name."""
    words = [match.group() for match in _WORD.finditer(text)]
    runs = (words[start : start + size] for size in range(1, 5) for start in range(len(words) - size + 1))
    return {
        key_of(" ".join(run)) for run in runs if run[0].casefold() not in _SMALL and run[-1].casefold() not in _SMALL
    }


def _tokens(text: str) -> list[_Token]:
    starts = {text[start:].find(text[start:].lstrip()[:1]) + start for start, _ in split_sentences(text)}
    return [
        _Token(match.group(), match.start(), match.end(), match.start() in starts) for match in _WORD.finditer(text)
    ]


def _names(passages: Sequence[Sequence[_Token]]) -> set[str]:
    """Single words that are written as names where no sentence begins."""
    inside = Counter(token.text for tokens in passages for token in tokens if _is_name(token) and not token.opens)
    small = Counter(token.text for tokens in passages for token in tokens if token.text.islower())
    return {word for word, count in inside.items() if count > small[word.lower()]}


def _is_name(token: _Token) -> bool:
    text = token.text
    return len(text) > 1 and text.casefold() not in _SMALL and (text[0].isupper() or _is_code(text))


def _is_code(text: str) -> bool:
    """Such as X200, libFoo or IPv6."""
    return any(character.isupper() for character in text[1:]) or (
        any(character.isdigit() for character in text) and any(character.isalpha() for character in text)
    )


def _phrases(passages: Sequence[Sequence[_Token]]) -> set[str]:
    """The keys of noun phrases that occur again and again: the longest ones that do."""
    counts: Counter[str] = Counter()
    for tokens in passages:
        for before, run in _opened(tokens):
            if before in _OPENERS:
                counts.update({key_of(" ".join(run[:size])) for size in range(1, len(run) + 1)})
    return {key for key, count in counts.items() if count >= _REPEATED and len(key) > 2}


def _opened(tokens: Sequence[_Token]) -> Iterator[tuple[str, list[str]]]:
    """Each word with up to three content words that follow it."""
    for index, token in enumerate(tokens):
        run: list[str] = []
        for following in tokens[index + 1 : index + 1 + _LONGEST]:
            if following.text.casefold() in _SMALL or following.opens or following.text[0].isdigit():
                break
            run.append(following.text)
        if run:
            yield token.text.casefold(), run


def _extraction(text: str, tokens: Sequence[_Token], names: set[str], phrases: set[str]) -> Extraction:
    mentions = list(_mentions(text, tokens, names, phrases))
    counts = Counter(key for key, _, _, _ in mentions)
    chosen = {key for key, _ in counts.most_common(_MOST_ENTITIES)}
    labels: dict[str, str] = {}
    for key, label, _, _ in mentions:
        if key in chosen:
            labels.setdefault(key, label)
    relations: dict[tuple[str, str, str], None] = {}
    kept = [mention for mention in mentions if mention[0] in chosen]
    ends = [end for _, end in split_sentences(text)]
    for (left, _, _, left_end), (right, _, right_start, _) in pairwise(kept):
        same_sentence = not any(left_end <= end <= right_start for end in ends)
        if same_sentence and left != right and len(relations) < _MOST_RELATIONS:
            between = " ".join(text[left_end:right_start].split())
            words = between.split()
            predicate = between if 0 < len(words) <= _LONGEST_PREDICATE and between[0].isalpha() else ""
            relations[left, predicate, right] = None
    return Extraction(labels, tuple(relations))


def _mentions(
    text: str, tokens: Sequence[_Token], names: set[str], phrases: set[str]
) -> Iterator[tuple[str, str, int, int]]:
    """Key, label, start and end of what is named, from left to right and as long as it goes."""
    index = 0
    while index < len(tokens):
        size = _name_length(text, tokens, index, names) or _phrase_length(text, tokens, index, phrases)
        if size:
            start, end = tokens[index].start, tokens[index + size - 1].end
            label = " ".join(token.text for token in tokens[index : index + size])
            yield key_of(label), label, start, end
        index += size or 1


def _name_length(text: str, tokens: Sequence[_Token], index: int, names: set[str]) -> int:
    """How many words from here on are one name."""
    size = 0
    while index + size < len(tokens) and size < 5 and _is_name(tokens[index + size]):
        if size and not _adjoin(text, tokens[index + size - 1], tokens[index + size]):
            break
        size += 1
    first = tokens[index]
    if size == 1 and first.opens and first.text not in names and not _is_code(first.text):
        return 0  # any word is capitalised there
    return size


def _phrase_length(text: str, tokens: Sequence[_Token], index: int, phrases: set[str]) -> int:
    for size in range(_LONGEST, 0, -1):
        run = tokens[index : index + size]
        together = len(run) == size and all(_adjoin(text, *pair) for pair in pairwise(run))
        if together and key_of(" ".join(token.text for token in run)) in phrases:
            return size
    return 0


def _adjoin(text: str, left: _Token, right: _Token) -> bool:
    return text[left.end : right.start].strip(" \n\t") == "" and not right.opens
