"""Keeps markup from being nested so deeply that parsing it takes time with the square of the depth."""

from __future__ import annotations

import re
from collections import Counter

DEEPEST = 1000
"""Open elements; what browsers show is nested a few hundred levels deep at most."""

_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(script|style|textarea|title|xmp)\b.*?(?:</\1\s*>|\Z)"
    r"|<(/?)([a-z][^\s/>]*)[^>]*+(?:>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_NOT_NESTED = frozenset(
    (
        *(
            "area",
            "base",
            "br",
            "col",
            "embed",
            "hr",
            "img",
            "input",
            "link",
            "meta",
            "param",
            "source",
            "track",
            "wbr",
        ),
        *("a", "body", "button", "colgroup", "dd", "dt", "head", "html", "li", "nobr", "optgroup", "option", "p"),
        *("rb", "rp", "rt", "tbody", "td", "tfoot", "th", "thead", "tr"),
    )
)
"""Elements without content, and those that end where the next one begins."""


def shallow(markup: str) -> str:
    """The markup without the tags of elements that are nested too deeply; their content stays."""
    if markup.count("<") <= DEEPEST:
        return markup
    open_tags: list[str] = []
    counts: Counter[str] = Counter()
    dropped: list[tuple[int, int]] = []
    for tag in _TAG.finditer(markup):
        name = (tag[3] or "").lower()
        if not name or name in _NOT_NESTED:
            continue
        if not tag[2]:
            open_tags.append(name)
            counts[name] += 1
        elif not counts[name]:
            continue
        else:
            while (ended := open_tags.pop()) != name:
                counts[ended] -= 1
            counts[name] -= 1
        if len(open_tags) + (1 if tag[2] else 0) > DEEPEST:
            dropped.append(tag.span())
    if not dropped:
        return markup
    starts = [0, *(end for _, end in dropped)]
    ends = [*(start for start, _ in dropped), len(markup)]
    return " ".join(markup[start:end] for start, end in zip(starts, ends, strict=True))
