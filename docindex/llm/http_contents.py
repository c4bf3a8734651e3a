"""What is put into a chat that a server renders: no control tokens, and a count of tokens where the server has none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docindex.protocols import Message

_CONTROL = re.compile(
    r"[<\[](?="
    r"\|[^<>|\s]{1,48}\|?>"  # <|im_start|>, <|channel>
    r"|[^<>|\s]{1,48}\|>"  # <channel|>
    r"|｜[^<>\s]{1,64}｜>"  # <｜User｜>
    r"|/?(?:s|bos|eos|pad|unk|mask)>"
    r"|/?(?:start|end)_of_(?:turn|image|text)>"
    r"|/?[a-z]{1,12}:(?:bos|eos|think|tool_call)>"
    r"|/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|THINK|CONTROL_\d+)\]"
    r"|<SYS>>|</SYS>>"
    r")"
)
"""How the control tokens of public models are spelt."""
_LOOKALIKES = {"<": "‹", "[": "［"}

_WORDS = re.compile(r"[A-Z]?[a-z]+")
_RARE = re.compile(r"[jqxz]")
_OF_A_MESSAGE, _OF_A_CHAT = 8, 48
"""What templates put around a message, and before the first one: a date, a system prompt of their own."""


def defused(text: str) -> str:
    """The text in which no control token is spelt: a bracket of each is replaced by one that looks alike.

    A server reads the chat as one text after it has put in the contents, so it can't tell a token from its spelling.
    """
    return _CONTROL.sub(lambda match: _LOOKALIKES[match.group()], text)


def estimated_tokens(messages: Sequence[Message]) -> int:
    """How many tokens a chat has at most, for a model whose tokenizer nobody can ask.

    A token for each byte of UTF-8, but half of one for letters in words of the alphabet from a to z, and none for a
    space before such a word. Byte-level vocabularies need no more for any script, for digits, code or base64. For
    English it is about twice what they really need. Only letters that form no words can be more.
    """
    return _OF_A_CHAT + sum(_OF_A_MESSAGE + _tokens_at_most(message.content) for message in messages)


def _tokens_at_most(text: str) -> int:
    size = len(text.encode("utf-8", "replace"))
    spared = 0
    for match in _WORDS.finditer(text):
        word = match.group()
        first, last = match.span()
        alone = (first == 0 or not text[first - 1].isalnum()) and (last == len(text) or not text[last].isalnum())
        if alone and len(word) > 1:
            spared += (len(word) - len(_RARE.findall(word.lower()))) // 2
            spared += first > 0 and text[first - 1] == " "
    return size - spared


def sent(messages: Sequence[Message]) -> list[dict[str, str]]:
    """The chat as a server takes it."""
    return [{"role": message.role, "content": defused(message.content)} for message in messages]
