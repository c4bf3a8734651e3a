"""Formulas of office files (OMML) on a line, so that nothing of them melts: `10^6`, `1/2`, `√(x+1)`."""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

FORMULA = "{http://schemas.openxmlformats.org/officeDocument/2006/math}oMath"

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_VAL = f"{_M}val"
_ONE_TOKEN = re.compile(r"[-\u2212+]?\d+(?:[.,]\d+)*|[^\W\d_]+|.|\([^()]*\)|", re.DOTALL)
_PRIMES = frozenset("'\u2032\u2033\u2034°\u2218")
"""What is raised, and no exponent."""


def formula_text(element: etree._Element) -> str:
    """The text of a formula, or of a part of one."""
    name = etree.QName(element).localname
    if name == "t":
        return element.text or ""
    layout = _LAYOUTS.get(name) if element.tag.startswith(_M) else None
    return layout(element) if layout else "".join(map(formula_text, element.iterchildren(etree.Element)))


def _part(element: etree._Element, name: str) -> str:
    part = element.find(f"{_M}{name}")
    return formula_text(part).strip() if part is not None else ""


def _whole(text: str) -> str:
    """The text in parentheses, unless it is one number, word or sign."""
    return text if _ONE_TOKEN.fullmatch(text) else f"({text})"


def _said(element: etree._Element, name: str, default: str) -> str:
    """What the properties of the element say."""
    said = element.find(f"{element.tag}Pr/{_M}{name}")
    return said.get(_VAL, "") if said is not None else default


def _fraction(element: etree._Element) -> str:
    bar = "\u00a6" if _said(element, "type", "bar") == "noBar" else "/"
    return f"{_whole(_part(element, 'num'))}{bar}{_whole(_part(element, 'den'))}"


def _scripts(element: etree._Element) -> str:
    base, below, above = _whole(_part(element, "e")), _part(element, "sub"), _part(element, "sup")
    raised = above if above and set(above) <= _PRIMES else f"^{_whole(above)}" if above else ""
    return f"{base}{f'_{_whole(below)}' if below else ''}{raised}"


def _root(element: etree._Element) -> str:
    degree, inner = _part(element, "deg"), _part(element, "e")
    return f"{_whole(inner)}^(1/{_whole(degree)})" if degree else f"\u221a({inner})"


def _delimited(element: etree._Element) -> str:
    inner = _said(element, "sepChr", "|").join(formula_text(part) for part in element.iterchildren(f"{_M}e"))
    return f"{_said(element, 'begChr', '(')}{inner}{_said(element, 'endChr', ')')}"


def _operator(element: etree._Element) -> str:
    below, above = _part(element, "sub"), _part(element, "sup")
    limits = f"{f'_{_whole(below)}' if below else ''}{f'^{_whole(above)}' if above else ''}"
    sign = _said(element, "chr", "\u222b")
    return f"{sign}{limits} {_part(element, 'e')}" if limits else f"{sign}{_part(element, 'e')}"


def _limit(element: etree._Element) -> str:
    mark = "_" if etree.QName(element).localname == "limLow" else "^"
    return f"{_part(element, 'e')}{mark}{_whole(_part(element, 'lim'))}"


def _function(element: etree._Element) -> str:
    argument = _part(element, "e")
    return f"{_part(element, 'fName')}{'' if argument.startswith('(') else ' '}{argument}"


def _matrix(element: etree._Element) -> str:
    rows = (", ".join(map(formula_text, row.iterchildren(f"{_M}e"))) for row in element.iterchildren(f"{_M}mr"))
    return "; ".join(rows)


def _lines(element: etree._Element) -> str:
    return "; ".join(map(formula_text, element.iterchildren(f"{_M}e")))


_LAYOUTS: dict[str, Callable[[etree._Element], str]] = {
    "f": _fraction,
    "sSup": _scripts,
    "sSub": _scripts,
    "sSubSup": _scripts,
    "rad": _root,
    "d": _delimited,
    "nary": _operator,
    "limLow": _limit,
    "limUpp": _limit,
    "func": _function,
    "m": _matrix,
    "eqArr": _lines,
}
