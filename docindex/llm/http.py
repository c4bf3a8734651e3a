"""A model behind an OpenAI-compatible server: llama-server, vLLM, Ollama and others."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from docindex.config import HttpOptions
from docindex.errors import ModelError
from docindex.llm.ahead import EitherSet
from docindex.llm.http_address import ServerAddress
from docindex.llm.http_connections import never
from docindex.llm.http_contents import sent
from docindex.llm.http_counting import TokenCounter
from docindex.llm.http_replies import Piece, likely_tokens, piece_of
from docindex.llm.http_requests import NoSuchPathError, ServerRequests
from docindex.llm.http_server import served_model
from docindex.llm.text import TextStream
from docindex.protocols import Completion, Message, Token

logger = logging.getLogger("docindex")

_DEFAULT_CONTEXT = 4096
_MOST_STOPS = 4
"""More of them some servers refuse; all are looked for here, too."""
_MOST_LIKELY = 20
"""How many alternatives to a token most servers tell."""


class HttpLLM:
    """Answers chats by asking a server. Several threads may share it; how many are served at once is its matter.

    A request that fails for the moment is made again, until the first token was given out. Closing the iterator or
    setting `cancel` ends the connection, at which servers stop writing.
    """

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        context_tokens: int | None = None,
        options: HttpOptions | None = None,
    ) -> None:
        """Asks the server what it is.

        Args:
            address: Such as `http://localhost:8080/v1#model-name`; a server of one model need not be told its name.
            key: Sent as a bearer token to that server alone, and shown nowhere.
            context_tokens: The context window, where the server does not say or more than is wanted; else 4096.
            options: Time-outs, tries and parallel requests.

        Raises:
            ConfigError: The address can't be read, or names none of several models.
            ModelError: The server can't be reached.
        """
        self._options = options or HttpOptions()
        self._address = ServerAddress.parse(address)
        self.served = served_model(self._address, key, self._options)
        """What the server says of the model."""
        self.name = str(replace(self._address, model=self.served.name))
        known = [tokens for tokens in (context_tokens, self.served.context_tokens) if tokens]
        self.context_tokens = min(known, default=_DEFAULT_CONTEXT)
        self._requests = ServerRequests(self._address, key, self._options)
        self._counter = TokenCounter(self._requests, self._address, self.served)
        self._told = threading.Event()
        """That the server knows no grammars."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """The length of the rendered prompt, as llama-server and vLLM count it.

        Of other servers it is an estimate that is meant to be too high, for English by about twice: a prompt that fits
        by it fits. See `docindex.llm.http_contents.estimated_tokens`.

        Raises:
            ModelError: The server can't be asked.
        """
        return self._counter.count(messages)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Generator[Token, None, None]:
        """The answer, one `Token` for each piece that the server sends, and empty ones for what it counts besides.

        What the server gives as reasoning is left out, and counts. A grammar is passed on to servers that know such;
        of others the answer is as free as without one, and the log says so once.

        Raises:
            ModelError: The prompt and `max_tokens` do not fit the context, at once; or there is no answer, or it breaks
                off, from the iterator.
            QueryError: The server does not take the grammar.
            RequestCancelledError: `cancel` was set.
        """
        prompt = self._fitting(messages, max_tokens)
        body = self._body(messages, max_tokens, temperature) | self._grammar(grammar)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        if stop:
            body["stop"] = list(stop)[:_MOST_STOPS]
        if self.served.kind == "llama-server":
            body["return_progress"] = True  # which tells before the first token how much of the prompt was cached
        return self._tokens(body, prompt, max_tokens, stop, _asker(cancel))

    def complete_many(
        self,
        chats: Sequence[Sequence[Message]],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> list[Completion]:
        """The answer to each chat, asked for at once; the options bound how many.

        Raises:
            ModelError: A prompt and `max_tokens` do not fit the context, or one of the answers can't be had.
            RequestCancelledError: `cancel` was set.
        """
        ended = threading.Event()  # by whatever ended the first of them, which is what the caller is to see
        either = EitherSet(cancel, ended)

        def one(chat: Sequence[Message]) -> Completion:
            return _whole(self.complete(chat, max_tokens=max_tokens, grammar=grammar, stop=stop, cancel=either))

        with ThreadPoolExecutor(min(self._options.parallel, max(1, len(chats)))) as pool:
            asked: list[Future[Completion]] = [pool.submit(one, chat) for chat in chats]
            try:
                done, _ = wait(asked, return_when=FIRST_EXCEPTION)
                # Of several that failed, the one that did first: the others are asked to end after that.
                next((future.result() for future in asked if future in done and future.exception()), None)
                return [future.result() for future in asked]
            except BaseException:
                ended.set()
                pool.shutdown(cancel_futures=True)
                raise

    def choose(
        self, messages: Sequence[Message], choices: Sequence[str], *, cancel: threading.Event | None = None
    ) -> list[float]:
        """The probability that the answer begins with a token that the choice begins with, in any case.

        Only the likeliest tokens are told by servers: a choice that is not among them has 0.

        Raises:
            ModelError: The server tells no probabilities, or the prompt does not fit.
            RequestCancelledError: `cancel` was set.
        """
        self._fitting(messages, 1)
        body = self._body(messages, 1, 0.0) | {"logprobs": True, "top_logprobs": _MOST_LIKELY}
        try:
            told = self._requests.json(self._address.within("/chat/completions"), body, cancelled=_asker(cancel))
        except NoSuchPathError as error:
            raise _not_found(error) from error
        likely = likely_tokens(told)
        if not likely:
            raise ModelError(
                f"{self.name} tells no `logprobs`, by which it is asked for a judgement: ask a server that does."
            )
        starts = [(text.strip().casefold(), math.exp(logprob)) for text, logprob in likely]
        return [
            math.fsum(share for start, share in starts if start and choice.casefold().startswith(start))
            for choice in choices
        ]

    def close(self) -> None:
        """Closes the connections."""
        self._requests.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fitting(self, messages: Sequence[Message], max_tokens: int) -> int:
        """The length of the prompt, if there is room for the answer."""
        prompt = self.count_tokens(messages)
        if prompt + max_tokens > self.context_tokens:
            raise ModelError(
                f"A prompt of {prompt} tokens and an answer of up to {max_tokens} do not fit the "
                f"{self.context_tokens} tokens of {self.name}: shorten the prompt, or give the server a larger context."
            )
        return prompt

    def _body(self, messages: Sequence[Message], max_tokens: int, temperature: float) -> dict[str, Any]:
        return {
            "model": self.served.name,
            "messages": sent(messages),
            "max_tokens": max_tokens,
            "temperature": temperature,
        }

    def _grammar(self, grammar: str | None) -> dict[str, Any]:
        if grammar is None:
            return {}
        fields = self.served.grammar_fields(grammar)
        if fields is None and not self._told.is_set():
            self._told.set()
            logger.warning(
                "%s knows no grammars: what it answers is checked, and may be refused more often.", self.name
            )
        return fields or {}

    def _tokens(
        self, body: dict[str, Any], prompt: int, max_tokens: int, stop: Sequence[str], cancelled: Callable[[], bool]
    ) -> Generator[Token, None, None]:
        text = TextStream(stop)
        given, said, cached, finished = 0, 0, 0, False
        with closing(self._pieces(body, cancelled)) as pieces:
            for piece in pieces:
                finished = finished or piece.finished
                cached, said = piece.cached_tokens or cached, piece.completion_tokens or said
                if piece.text or piece.thought:
                    given += 1
                    yield Token(text.push(piece.text.encode("utf-8", "ignore")), prompt, min(cached, prompt))
                if text.stopped:
                    return
        if not finished:
            raise ModelError(f"The answer of {self.name} ended before it was whole: ask again.")
        rest = text.flush()
        for _ in range(max(min(said, max_tokens) - given, bool(rest))):
            yield Token(rest, prompt, min(cached, prompt))
            rest = ""

    def _pieces(self, body: dict[str, Any], cancelled: Callable[[], bool]) -> Generator[Piece, None, None]:
        try:
            yield from self._requests.stream(self._address.within("/chat/completions"), body, piece_of, cancelled)
        except NoSuchPathError as error:
            raise _not_found(error) from error


def _asker(cancel: threading.Event | None) -> Callable[[], bool]:
    return never if cancel is None else cancel.is_set


def _whole(tokens: Generator[Token, None, None]) -> Completion:
    parts, prompt, cached = [], 0, 0
    with closing(tokens):
        for token in tokens:
            parts.append(token.text)
            prompt, cached = token.prompt_tokens, token.cached_tokens
    return Completion("".join(parts), prompt, cached, len(parts))


def _not_found(error: NoSuchPathError) -> ModelError:
    return ModelError(f"{error}: see whether the address ends as the server wants it, and whether it has the model.")
