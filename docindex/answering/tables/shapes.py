"""From a question whose conditions are known to a plan: what is asked of the rows."""

from __future__ import annotations

from docindex.answering.tables.amounts import Amounts
from docindex.answering.tables.asking import Asking
from docindex.answering.tables.extremes import Extremes
from docindex.answering.tables.lexicon import line
from docindex.answering.tables.listing import Listing
from docindex.answering.tables.plan import QueryPlan
from docindex.answering.tables.reading import Reading

_YES_NO = line("is are was were do does did can could may must should will would has have had am why")


def shaped(reading: Reading) -> QueryPlan | None:
    """The plan, if the question asks for something that tables can answer."""
    if reading.failed or not reading.items or reading.items[0].lower in _YES_NO:
        return None
    asking = Asking(reading)
    amounts, listing = Amounts(asking), Listing(asking)
    shapes = (
        amounts.share,
        amounts.difference,
        Extremes(asking).plan,
        amounts.aggregate,
        amounts.count,
        amounts.how_much,
        listing.ordered,
        listing.grouped,
        listing.rows,
    )
    for shape in shapes:
        plan = shape()
        if plan is not None or asking.ended:
            return None if asking.failed else plan
    return None
