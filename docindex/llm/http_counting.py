"""How many tokens a chat has for a model behind a server."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from docindex.llm.http_address import ServerAddress
from docindex.llm.http_contents import estimated_tokens, sent
from docindex.llm.http_requests import NoSuchPathError, ServerRequests
from docindex.llm.http_server import ServedModel
from docindex.protocols import Message

_REMEMBERED = 64


class TokenCounter:
    """Asks the server where it tells, and estimates where it does not; the last counts are remembered."""

    def __init__(self, requests: ServerRequests, address: ServerAddress, served: ServedModel) -> None:
        self._requests = requests
        self._address = address
        self._served = served
        self._counts: OrderedDict[tuple[Message, ...], int] = OrderedDict()
        self._changing = threading.Lock()

    def count(self, messages: Sequence[Message]) -> int:
        """The length of the rendered prompt.

        Raises:
            ModelError: The server can't be asked.
        """
        chat = tuple(messages)
        with self._changing:
            if chat in self._counts:
                self._counts.move_to_end(chat)
                return self._counts[chat]
        count = self._asked(chat) if self._served.counts else None
        count = estimated_tokens(chat) if count is None else count
        with self._changing:
            self._counts[chat] = count
            while len(self._counts) > _REMEMBERED:
                self._counts.popitem(last=False)
        return count

    def _asked(self, messages: Sequence[Message]) -> int | None:
        """What the server's tokenizer counts; None where it is an older one, or was started without one to ask."""
        ask, tokenizer = self._requests.json, self._address.beside("/tokenize")
        try:
            if self._served.kind == "vllm":
                return int(ask(tokenizer, {"model": self._served.name, "messages": sent(messages)})["count"])
            rendered = ask(self._address.beside("/apply-template"), {"messages": sent(messages)})["prompt"]
            return len(ask(tokenizer, {"content": rendered, "add_special": True, "parse_special": True})["tokens"])
        except (NoSuchPathError, KeyError, TypeError, ValueError):
            return None
