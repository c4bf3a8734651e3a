"""What a sentence says, taken apart for comparison: words, numbers with units, names, negation.

English suffixes, units and small words are known. Other languages are compared by their words as they are spelt, and
scripts without spaces by pairs of characters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SHORT_SCALES = {"k": "thousand", "mn": "million", "m": "million", "bn": "billion", "b": "billion", "tn": "trillion"}
_MINUS = r"(?<![\w.)\]%°€£¥/\-])[-−–]"
"""In front of digits, where it is no dash or hyphen between two words or numbers."""
_TOKEN = re.compile(
    r"(?P<half>(?:(?<=\d)|(?<=\d\s))[AaPp][Mm]\b|[AaPp]\.[Mm]\b)"
    r"|(?P<code>[^\W\d_]+-?\d[\w-]*)"
    rf"|(?P<number>(?P<minus>{_MINUS}|(?<!\w)(?ai:minus)\s+|(?<={_MINUS}[$€£¥]))?(?P<money>(?<=[$€£¥]))?"
    r"(?P<digits>\d+(?:[.,:/\-]\d+)*)"
    rf"(?P<scale>(?:(?:\s*|-)(?ai:{'|'.join(_SCALES)})s?\b)+|(?:k|mn|bn|tn)\b|(?(money)[KkMmBb]\b|(?!))"
    r"|[eE][-+]?\d{1,2}\b)?)"
    r"|(?P<sign>[%°$€£¥])"
    r"|(?P<dense>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]+)"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)?)"
)
_SCALE = re.compile(r"[eE][-+]?\d+|[a-z]+", re.IGNORECASE)
_OPENING = re.compile(r"[.!?:;\n]")
_PARTING = re.compile(r"[,;:()\[\]|–—]|\s-\s|[.!?]\s")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
_RANGE = re.compile(r"(\d+(?:[.,]\d+)?)-(\d+(?:[.,]\d+)?)$")
_PLAIN = re.compile(r"\d+(?:[.,]\d+)?$")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOPWORDS = _set(
    "a an the this that these those there here it its he she they them his her their we our us you your i me my and or "
    "but if then than so as at by for from in into of on onto to with about between through during per via is are was "
    "were be been being am do does did doing done has have had having can could may might must shall should will would "
    "what which who whom whose when where why how also just very too such any some each every all both other another "
    "own same only again once more most much many few less least let yes no not nor never none neither without cannot "
    "answer question source sources document documents text according states stated mention mentioned mentions given "
    "says said please tell know up out off over under above below before after until while because one s t "
    "within along among around get gets got since"
)
_GLUE = _set("use used need needs first next also however therefore thus able follow follows following")
"""What a writer puts between facts: an answer may have these where its source has not."""
_NEGATORS = _set("not no never none neither nor without cannot")
_QUALIFIERS = _set("before after least most more less fewer above below over under minimum maximum only until except")
"""Small words that turn a statement about: what an answer says with one, its source must say with it too."""

_TEENS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
SMALL_NUMBERS = {name: value for value, name in enumerate(_TEENS.split())} | {
    name: 10 * value for value, name in enumerate(_TENS.split(), 2)
}
"""Below a hundred, by their names: each in one word."""
IRREGULAR = {
    form: forms.split()[0]
    for forms in (
        "hold held", "keep kept", "lose lost", "build built", "send sent", "take took taken", "make made", "give given",
        "write wrote written", "find found", "sell sold", "buy bought", "pay paid", "wear worn", "break broke broken",
        "begin began begun", "choose chose chosen", "know knew known", "leave left", "mean meant", "run ran",
        "see seen", "show shown", "speak spoke spoken", "stand stood", "tell told", "win won", "grow grew grown",
        "feed fed", "lead led", "spend spent", "bring brought", "fall fell fallen",
        "drive drove driven", "lay laid",
    )
    for form in forms.split()[1:]
}  # fmt: skip
"""The stem of irregular forms of verbs, by the form."""

_UNITS = {
    spelling: names.split()[0]
    for names in (
        "second seconds sec secs",
        "minute minutes min mins",
        "hour hours hr hrs",
        "day days",
        "night nights",
        "week weeks",
        "month months",
        "year years yr yrs",
        "millimetre millimetres millimeter millimeters mm",
        "centimetre centimetres centimeter centimeters cm",
        "metre metres meter meters",
        "kilometre kilometres kilometer kilometers km",
        "inch inches",
        "foot feet ft",
        "mile miles",
        "milligram milligrams mg",
        "gram grams gramme grammes",
        "kilogram kilograms kg kilo kilos",
        "tonne tonnes ton tons",
        "pound pounds lb lbs £ gbp",
        "millilitre millilitres milliliter milliliters ml",
        "litre litres liter liters",
        "volt volts",
        "ampere amperes amp amps",
        "watt watts",
        "hertz hz",
        "kilobyte kilobytes kb",
        "megabyte megabytes mb",
        "gigabyte gigabytes gb",
        "terabyte terabytes tb",
        "euro euros € eur",
        "dollar dollars $ usd",
        "yen ¥ jpy",
        "percent % per-cent",
        "degree degrees °",
    )
    for spelling in names.split()
}
_LETTER_UNITS = {
    "s": "second",
    "h": "hour",
    "m": "metre",
    "g": "gram",
    "l": "litre",
    "L": "litre",
    "V": "volt",
    "A": "ampere",
    "W": "watt",
} | {form: f"{half}.m." for half in "ap" for short in (f"{half}m", f"{half}.m") for form in (short, short.upper())}
"""Units only right after a number, and only in this case; the halves of the day are told apart as units are."""
_YEAR = re.compile(r"1\d{3}|20\d\d")
_BEFORE_YEARS = _set("in since by from until till before after year of and to between")
_BEFORE_NUMBERS = _set("$ € £ ¥ usd eur gbp jpy")


_APART = 3
"""How many words further away a comma puts what follows."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, and its unit where one stands beside it."""

    value: str
    """In one spelling, with its sign: "ten", "10" and "10.0" are "10", "5 billion" is "5000000000"."""
    unit: str | None


@dataclass(frozen=True, slots=True)
class Terms:
    """A text taken apart."""

    words: frozenset[str]
    """Stems of the words that carry meaning."""
    facts: frozenset[str]
    """The stems among them that the source of a claim must have, too."""
    names: frozenset[str]
    """The stems among them that are written as names: with a capital inside a sentence, or with digits."""
    quantities: frozenset[Quantity]
    years: frozenset[str]
    """The numbers among them that name a year."""
    units: frozenset[str]
    qualifiers: frozenset[str]
    negated: frozenset[str]
    """The stems right after a negation."""
    negates: bool
    places: Mapping[str, tuple[int, ...]]
    """Where each word and number stands; a comma or the like moves what follows further away."""
    order: tuple[str, ...]
    """Words and numbers as they follow each other."""

    @property
    def size(self) -> int:
        """How many things it says."""
        return len(self.words) + len(self.quantities)


@dataclass(frozen=True, slots=True)
class _Item:
    """A token: a number, or a word with its spelling."""

    text: str
    lower: str
    number: str | None
    opens: bool
    """The first word of the text, or of a sentence in it."""
    apart: bool = False
    """After a comma, colon, semicolon, dash or bracket."""


def any_of(words: str) -> str:
    """A regular expression for one of the words."""
    return "(?:" + "|".join(words.split()) + ")"


def analyse(text: str) -> Terms:
    """What the text says."""
    items = list(_items(text))
    words: set[str] = set()
    facts: set[str] = set()
    names: set[str] = set()
    quantities: set[Quantity] = set()
    years: set[str] = set()
    units: set[str] = set()
    negated: set[str] = set()
    negates = False
    reach = 0
    places: dict[str, tuple[int, ...]] = {}
    order: list[str] = []
    place = 0

    def put(term: str) -> None:
        places[term] = (*places.get(term, ()), place)
        order.append(term)

    for at, item in enumerate(items):
        place += _APART if item.apart else 0
        if item.number is not None:
            place += 1
            put(item.number)
            unit = _unit_beside(items, at)
            quantities.add(Quantity(item.number, unit))
            if unit is None and _YEAR.fullmatch(item.number) and at and items[at - 1].lower in _BEFORE_YEARS:
                years.add(item.number)
            continue
        if item.lower in _UNITS:
            units.add(_UNITS[item.lower])
        if item.lower in _NEGATORS or item.lower.endswith(("n't", "n’t")):
            if not (at + 1 < len(items) and items[at + 1].lower == "only"):
                negates, reach = True, 2
            continue
        if item.lower in STOPWORDS or item.lower in _BEFORE_NUMBERS or _is_beside(items, at):
            continue
        word = stem(item.lower)
        words.add(word)
        if item.lower not in _GLUE:
            facts.add(word)
        place += 1
        put(word)
        if any(character.isdigit() for character in item.text) or (item.text[:1].isupper() and not item.opens):
            names.add(word)
        if reach:
            negated.add(word)
            reach -= 1
    return Terms(
        frozenset(words),
        frozenset(facts),
        frozenset(names),
        frozenset(quantities),
        frozenset(years),
        frozenset(units),
        frozenset(item.lower for item in items if item.lower in _QUALIFIERS),
        frozenset(negated),
        negates,
        places,
        tuple(order),
    )


def stem(word: str) -> str:
    """The word without its English ending; "erase", "erased" and "erasing" come out alike."""
    word = IRREGULAR.get(word, word)
    for ending in ("'s", "’s", "'", "’"):
        word = word.removesuffix(ending)
    if len(word) > 3 and word.isascii():
        if word.endswith("ies") and len(word) > 4:
            word = word[:-3] + "y"
        elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
            word = word[:-2]
        elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
        for ending in ("ing", "ed", "ly"):
            root = word.removesuffix(ending)
            if root != word and len(root) > 2 and any(letter in "aeiouy" for letter in root):
                word = root[:-1] if root[-1] == root[-2] and root[-1] not in "lsz" else root
                break
        word = word.replace("isation", "ization")
        if len(word) > 4:
            word = word.removesuffix("e")
        if word.endswith("our") and len(word) > 4:
            word = word[:-3] + "or"
        if word.endswith("is") and len(word) > 5:
            word = word[:-1] + "z"  # organise, organize
        if word.endswith("y") and len(word) > 3:
            word = word[:-1] + "i"
    return word


def _items(text: str) -> Iterator[_Item]:
    pending: list[_Item] = []  # number words in a row
    opens = True
    end = 0
    for match in _TOKEN.finditer(text):
        between = text[end : match.start()]
        opens = opens or bool(_OPENING.search(between))
        apart = bool(_PARTING.search(between))
        joined = not between and end > 0
        end = match.end()
        token = match.group()
        spelt = token.lower()
        if (
            match.lastgroup == "word"
            and (spelt in SMALL_NUMBERS or spelt in _SCALES or spelt == "minus")
            and not joined
        ):
            if spelt == "minus":
                yield from _spelt_number(pending, spelt)
                pending = []
            pending.append(_Item(token, spelt, None, opens, apart))
            opens = False
            continue
        if spelt == "and" and pending and pending[-1].lower in _SCALES:
            continue
        yield from _spelt_number(pending, spelt)
        pending = []
        if match.lastgroup == "number":
            for value in _numbers(match):
                yield _Item(value, value, value, opens, apart)
        elif match.lastgroup == "dense":
            for at in range(max(1, len(token) - 1)):
                yield _Item(token[at : at + 2], token[at : at + 2], None, opens=True, apart=apart and not at)
        else:
            yield _Item(token, spelt.replace("’", "'"), None, opens, apart)
        opens = False
    yield from _spelt_number(pending, "")


def _spelt_number(words: list[_Item], following: str) -> Iterator[_Item]:
    """The number that words in a row spell. A lone "one" counts only in front of a unit: it is a pronoun otherwise."""
    if not words or ([word.lower for word in words] == ["one"] and following not in _UNITS):
        return
    first = words[0]
    minus = first.lower == "minus"
    if minus and len(words) == 1:
        yield first
        return
    total, part = 0, 0
    for word in words[minus:]:
        if word.lower in SMALL_NUMBERS:
            part += SMALL_NUMBERS[word.lower]
        elif word.lower == "hundred":
            part = max(part, 1) * 100
        else:
            total, part = total + max(part, 1) * _SCALES[word.lower], 0
    value = str(-(total + part) if minus else total + part)
    yield _Item(value, value, value, first.opens, first.apart)


def _numbers(match: re.Match[str]) -> list[str]:
    """The numbers of a token of digits: all are multiplied by what follows them, the first has the sign before them."""
    values = _values(match["digits"])
    if match["scale"]:
        scale = math.prod(map(_scale, _SCALE.findall(match["scale"])))
        values = [_plain(Decimal(value) * scale) if _PLAIN.match(value) else value for value in values]
    if match["minus"] is not None and values[0] != "0":
        values[0] = f"-{values[0]}"
    return values


def _scale(word: str) -> Decimal:
    """What a word, a letter or an exponent multiplies the number before it by."""
    name = word.lower()
    name = _SHORT_SCALES.get(name, name.removesuffix("s"))
    return Decimal(_SCALES[name]) if name in _SCALES else Decimal(f"1{name}")


def _values(token: str) -> list[str]:
    """The numbers that a token of digits stands for, each in one spelling; dates and times stay as they are."""
    if _GROUPED.match(token):
        token = token.replace(",", "")
    elif span := _RANGE.match(token):
        return [value for part in span.groups() for value in _values(part)]
    if _PLAIN.match(token):
        decimal = "." in token or "," in token
        return [_plain(Decimal(token.replace(",", "."))) if decimal else token.lstrip("0") or "0"]
    return [token]


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _unit_beside(items: list[_Item], at: int) -> str | None:
    """The unit of the number at a place."""
    if at and items[at - 1].lower in _BEFORE_NUMBERS:
        return _UNITS[items[at - 1].lower]
    following = items[at + 1] if at + 1 < len(items) else None
    return (_LETTER_UNITS.get(following.text) or _UNITS.get(following.lower)) if following else None


def _is_beside(items: list[_Item], at: int) -> bool:
    """Whether the word is the unit of the number before it."""
    return at > 0 and items[at - 1].number is not None and _unit_beside(items, at - 1) is not None
