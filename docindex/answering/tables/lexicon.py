"""English words of operations, comparisons, units and quantities: what they mean in any table."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from docindex.answering.terms import STOPWORDS, stem


def line(text: str) -> frozenset[str]:
    """Words that are parted by spaces."""
    return frozenset(text.split())


def stems(text: str) -> frozenset[str]:
    """The stems of such words."""
    return frozenset(map(stem, text.split()))


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit, and how many of the quantity's first one it is; None where units can't be turned into each other."""

    name: str
    quantity: str
    factor: Decimal | None


def _units() -> dict[str, Unit]:
    found = {}
    for quantity, spelt in (
        ("money", "EUR - € eur euro euros"),
        ("money", "USD - $ usd dollar dollars"),
        ("money", "GBP - £ gbp pound pounds"),
        ("money", "CHF - chf franc francs"),
        ("money", "JPY - ¥ jpy yen"),
        ("temperature", "°C - °c celsius centigrade degree degrees °"),
        ("temperature", "°F - °f fahrenheit"),
        ("length", "mm 0.001 mm millimetre millimetres millimeter millimeters"),
        ("length", "cm 0.01 cm centimetre centimetres centimeter centimeters"),
        ("length", "m 1 m metre metres meter meters"),
        ("length", "km 1000 km kilometre kilometres kilometer kilometers"),
        ("length", "mile 1609.344 mile miles mi"),
        ("area", "m² 1 m² m2 sqm"),
        ("area", "ha 10000 ha hectare hectares"),
        ("area", "km² 1000000 km² km2"),
        ("weight", "mg 0.001 mg milligram milligrams"),
        ("weight", "g 1 g gram grams gramme grammes"),
        ("weight", "kg 1000 kg kilogram kilograms kilo kilos"),
        ("weight", "t 1000000 t tonne tonnes ton tons"),
        ("volume", "ml 0.001 ml millilitre millilitres milliliter milliliters"),
        ("volume", "l 1 l litre litres liter liters"),
        ("speed", "m/s - m/s"),
        ("speed", "km/h - km/h kmh kph"),
        ("speed", "mph - mph"),
        ("time", "s 1 s sec secs second seconds"),
        ("time", "min 60 min mins minute minutes"),
        ("time", "h 3600 h hr hrs hour hours"),
        ("time", "day 86400 day days"),
        ("time", "week 604800 week weeks"),
        ("time", "month - month months"),
        ("time", "year - year years yr yrs"),
        ("share", "% - % percent"),
        ("energy", "kWh - kwh"),
        ("power", "W - w watt watts"),
        ("power", "kW - kw kilowatt kilowatts"),
        ("voltage", "V - v volt volts"),
        ("data", "MB - mb megabyte megabytes"),
        ("data", "GB - gb gigabyte gigabytes"),
    ):
        name, factor, *spellings = spelt.split()
        unit = Unit(name, quantity, None if factor == "-" else Decimal(factor))
        found.update(dict.fromkeys(spellings, unit))
    return found


UNITS = _units()
"""By spelling, in small letters."""
SHORT_UNITS = line("m s h g l t v w min mi c f")
"""Too short to be taken for a unit unless they stand in brackets or right after a number."""

QUANTITIES = {
    word: quantity
    for quantity, words in {
        "money": "price cost amount fee fare rent expense spending payment",
        "income": "salary wage income",
        "budget": "budget",
        "revenue": "revenue turnover",
        "temperature": "temperature temp",
        "length": "length height width depth distance mileage",
        "weight": "weight mass",
        "time": "duration delay",
        "speed": "speed velocity",
        "area": "area surface",
        "people": "population inhabitant",
    }.items()
    for word in stems(words)
}
"""What a word in the name of a column says of its values."""
MONEY = frozenset(("money", "income", "budget", "revenue"))
"""Quantities in money that are not each other."""
ASKED_QUANTITIES = {
    word: quantity
    for quantity, words in {
        "money": "price cost amount value expense spend spent pay paid worth money expensive cheap",
        "income": "earn",
        "temperature": "temperature temp",
        "weight": "weight weigh mass heavy",
        "time": "duration long last",
        "speed": "speed velocity",
        "area": "area surface",
        "people": "people population inhabitants residents",
    }.items()
    for word in stems(words)
}
"""What a word of a question asks for, whatever the column is called."""
RATES = stems("price rate rating score grade age temperature speed percentage average level rank position year share")
"""Of these, a total says nothing."""

Direction = Literal["max", "min"]


def _superlatives() -> dict[str, tuple[Direction, frozenset[str] | None]]:
    found: dict[str, tuple[Direction, frozenset[str] | None]] = {}
    ends: tuple[tuple[Direction, str | None, str], ...] = (
        ("max", None, "highest largest biggest greatest maximum max most top peak strongest best"),
        ("min", None, "lowest smallest least fewest minimum min weakest worst"),
        ("max", "money", "dearest costliest priciest"),
        ("min", "money", "cheapest"),
        ("max", "weight", "heaviest"),
        ("min", "weight", "lightest"),
        ("max", "length time", "longest"),
        ("min", "length time", "shortest"),
        ("max", "length", "tallest farthest furthest widest deepest"),
        ("min", "length", "nearest closest narrowest"),
        ("max", "temperature", "hottest warmest"),
        ("min", "temperature", "coldest coolest"),
        ("max", "speed", "fastest"),
        ("min", "speed", "slowest"),
        ("max", "date", "latest newest youngest last"),
        ("min", "date", "earliest oldest first"),
    )
    for end, quantities, words in ends:
        for word in words.split():
            found[word] = (end, None if quantities is None else frozenset(quantities.split()))
    return found


SUPERLATIVES = _superlatives()
"""The superlative of an adjective: which end it means, and of what; None is of anything."""
COMPARED = {
    "expensive": ("max", "money"),
    "cheap": ("min", "money"),
    "recent": ("max", "date"),
    "heavy": ("max", "weight"),
}
"""Adjectives after "most" and "least"."""
COMPARATIVES = {
    "larger": (">", None), "bigger": (">", None), "higher": (">", None), "greater": (">", None), "more": (">", None),
    "over": (">", None), "above": (">", None), "exceeding": (">", None), "exceed": (">", None), "exceeds": (">", None),
    "exceeded": (">", None),
    "smaller": ("<", None), "lower": ("<", None), "less": ("<", None), "fewer": ("<", None), "under": ("<", None),
    "below": ("<", None),
    "cheaper": ("<", "money"), "dearer": (">", "money"), "heavier": (">", "weight"), "lighter": ("<", "weight"),
    "longer": (">", "length time"), "shorter": ("<", "length time"), "taller": (">", "length"),
    "warmer": (">", "temperature"), "hotter": (">", "temperature"), "colder": ("<", "temperature"),
    "faster": (">", "speed"), "slower": ("<", "speed"),
}  # fmt: skip
"""Words before "than" or a number."""
OPPOSITE = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
            "september sep sept", "october oct", "november nov", "december dec",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
ORDINALS = {word: number for number, word in enumerate(("first", "second", "third", "fourth", "fifth", "sixth"), 1)}
NUMBERS = {
    word: number
    for number, word in enumerate(
        ("zero", "-", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
    if word != "-"
} | {"fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100}
SCALES = {"thousand": 1000, "million": 10**6, "billion": 10**9}

NEGATORS = line("not no without except excluding neither nor never isn't aren't wasn't weren't hasn't haven't")
PERSONS = stems(
    "person people employee staff member customer client student pupil patient player user author guest visitor "
    "worker colleague participant driver manager teacher doctor applicant candidate citizen name contact"
)
"""What names people, as rows or in a column."""
ACTORS = PERSONS | stems(
    "supplier vendor maker company firm team club department school class office branch shop country"
)
"""Those who do things: of them it is asked how many did something, and not how often it was done."""
PLACES = stems("city place location address town venue site station country region warehouse room")
ROW_WORDS = stems("row record entry")
"""What a row of any table may be called."""
IDENTIFIERS = stems("id no nr number code key index sku ref reference")
_MEANING = line(
    "no not nor never none neither without cannot more most much many few less least above below over under before "
    "after until since between per each every only except same other another once again or"
)
FILLERS = (STOPWORDS - _MEANING) | line(
    "please calculate compute determine tell show list give name find display print us see want like need let lets "
    "table sheet spreadsheet workbook file dataset data database overview exist exists our still currently now ones"
)
"""Words that add nothing to what is asked, in their own spelling."""
LIGHT = stems(
    "work live come came go went run ran lie lay lain stand stood sit sat stay belong reside locate base place record "
    "store hold keep contain include list hire kind value have need own serve play"
)
"""Verbs and nouns that say of a thing what its table says anyhow."""
CARRIERS = stems(
    "fly flew carry fall fell draw drew score bring brought earn spend spent pay paid receive collect produce generate "
    "cover travel get make made rain work order use used achieve reach weigh cost last take took flown gain show have "
    "grade result mark figure"
)
"""Verbs that say nothing beside the quantity that they carry."""
