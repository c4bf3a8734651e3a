"""Text of documents in prompts and answers: data, whatever it says.

A source stands between fences that carry a tag. The tag comes from the digest of the text and is drawn anew until the
text does not hold it: nothing in a text can close its own fence, not even where its writer knows this code, since other
words have another tag. A function of the text alone, it is the same in every process: answers can be repeated, and
prompts that begin with the same sources share what the model has computed for them.

What looks like a fence is altered all the same, and so are the control tokens of chat templates. (These would reach the
model as text anyway: see `docindex.llm.template`.)
"""

from __future__ import annotations

import re

from docindex.schema import digest

_LETTERS = "bcdfghjkmnpqrstvwxz"
_TAG_LENGTH = 4
_PATIENCE = 8
"""After so many tags that the text holds they grow by a letter: no text holds all of them."""

_OPEN, _CLOSE = "‹", "›"
"""They look like the brackets that they replace, and are other tokens."""
_FENCE = re.compile(r"[<＜﹤](?=\s*/?\s*source\b)", re.IGNORECASE)
_CONTROL = re.compile(
    r"<\|[^|<>\n]{1,40}\|>|<｜[^｜<>\n]{1,40}｜>|<</?SYS>>|</?s>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|<(?:start|end)_of_turn>"
    r"|</?(?:bos|eos|pad|unk|think|tools?|tool_call|tool_response|function_call|system|assistant|user)>",
    re.IGNORECASE,
)
SHAPELESS = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
"""Characters that a reader does not see. Joiners are left: scripts and emoji need them."""
_LOADING = re.compile(
    r"!(?=\[)|<(?=\s*/?\s*(?:img|iframe|script|object|embed|svg|link|style|video|audio|form)\b"
    r"|/?[a-z](?![^<>=\"']*>))",
    re.IGNORECASE,
)
"""Images of Markdown, tags that load or run something, and all tags with values for their attributes or without an end:
any tag may have a style or a handler, and the next sentence of an answer may go on with it."""
_NUMBERED = re.compile(r"\[(\s*\d+(?:\s*[,;–-]\s*\d+)*\s*)\]")


def tag(text: str) -> str:
    """A few letters that the text does not hold; the same for the same text."""
    lower = text.lower()
    attempt = 0
    while (letters := _letters(digest(str(attempt), text), _TAG_LENGTH + attempt // _PATIENCE)) in lower:
        attempt += 1
    return letters


def fenced(text: str) -> str:
    """Text of a document or a user in which nothing opens or closes a source, or a turn of the chat."""
    text = SHAPELESS.sub("", text)
    text = _CONTROL.sub(lambda match: f"{_OPEN}{match.group().strip('<>[]')}{_CLOSE}", text)
    return _FENCE.sub(_OPEN, text)


def inert(text: str) -> str:
    """Text of an answer in which nothing is loaded by the page or window that shows it."""
    return _LOADING.sub(lambda match: "" if match.group() == "!" else _OPEN, text)


def as_shown(text: str) -> str:
    """Text of a document as an answer shows it: inert, and no [1] in it looks like a marker of the answer."""
    return _NUMBERED.sub(rf"{_OPEN}\1{_CLOSE}", inert(text))


def _letters(hexadecimal: str, length: int) -> str:
    number = int(hexadecimal, 16)
    letters = ""
    for _ in range(length):
        number, at = divmod(number, len(_LETTERS))
        letters += _LETTERS[at]
    return letters
