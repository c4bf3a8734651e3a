"""All conditions in a question: which rows it is about."""

from __future__ import annotations

from docindex.answering.tables.comparisons import Comparisons
from docindex.answering.tables.dated import Dates
from docindex.answering.tables.reading import Reading
from docindex.answering.tables.valued import Values


def read_conditions(reading: Reading) -> None:
    """Finds them, the most telling first: what one reader takes, the next one leaves alone."""
    values = Values(reading)
    for read in (values.read_texts, Comparisons(reading).read, Dates(reading).read, values.read):
        read()
    reading.conditions.sort(key=lambda one: one.start)
