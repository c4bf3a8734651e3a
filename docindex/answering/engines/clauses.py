"""Where a sentence goes on from one question to the next."""

from __future__ import annotations

import re

from docindex.answering.terms import any_of
from docindex.chunking.sentences import split_sentences

_ASKING = "who whom whose what when where which why how"
_AUXILIARY = "is are was were do does did can could will would shall should must may has have had"


_BEFORE_ASKING = "(?:(?:by|for|from|in|of|on|to|with|under|at) )?"
_WHOLE = re.compile(r"[^?？]*[?？]+")
CLAUSE = re.compile(
    rf",? (?:and|or|but)(?: also| then)? (?={_BEFORE_ASKING}{any_of(_ASKING)} |{any_of(_AUXILIARY)} )",
    re.IGNORECASE,
)
"""What stands between two questions of a sentence."""
BARE = re.compile(rf"^{any_of(_ASKING)}(?: (?:often|long|much|many|far))?$", re.IGNORECASE)
"""A question of which only the asking word is there: "when" in "when and how is it done"."""
HEAD = re.compile(rf"^{any_of(_ASKING)}(?: (?:often|long|much|many|far))? ", re.IGNORECASE)
BEGINS = re.compile(
    rf"^{_BEFORE_ASKING}(?:{any_of(_ASKING)}|{any_of(_AUXILIARY)}|tell me|explain|list|compare|contrast)\b",
    re.IGNORECASE,
)


def whole_questions(text: str) -> list[str]:
    """Each stretch that ends with a question mark, without the statements in front of it."""
    return [part[split_sentences(part)[-1][0] :].strip() for part in _WHOLE.findall(text)]
