"""A model that thinks before it answers, as one that only answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from docindex.errors import ModelError
from docindex.llm.batches import complete_many
from docindex.llm.reading import reading
from docindex.llm.text import TextStream
from docindex.llm.thoughts import AnswerFilter, Opening
from docindex.protocols import ChoosingLLM, Completion, Message, Token

logger = logging.getLogger("docindex")


class OpenModel(ChoosingLLM, Protocol):
    """A model that was opened and can be closed."""

    def close(self) -> None:
        """Frees it."""
        ...


class ThinkingLLM:
    """Asks another model, gives it room to think, and leaves its thoughts out.

    Each token of a thought is given out without text, so that it counts. With a grammar the model answers at once: a
    grammar has no room for thoughts.
    """

    def __init__(self, llm: OpenModel, opening: Opening, *, budget: int = 1024) -> None:
        """Puts a filter behind the model.

        Args:
            llm: The model that thinks.
            opening: Who opens its thoughts: `docindex.llm.thoughts.opening_of` tells by the template.
            budget: Tokens for a thought, on top of those for the answer: kept free in the context window, of which it
                takes at most a half.
        """
        self._llm = llm
        self._opening = opening
        self._budget = min(budget, llm.context_tokens // 2)
        self.name = llm.name
        self.context_tokens = llm.context_tokens - self._budget
        """What is left of it for prompts and answers."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """As the model counts."""
        return self._llm.count_tokens(messages)

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
        """The answer: at most `max_tokens` that have text, and before them one without text for each of the thought.

        A thought is not ended by `stop`. One that is longer than the budget takes of the answer's tokens; where it
        takes them all there is no answer, and the log says so.

        Raises:
            ModelError: The prompt and `max_tokens` do not fit beside the budget; at once.
            QueryError: The grammar can't be read.
            RequestCancelledError: `cancel` was set.
        """
        prompt = self.count_tokens(messages)
        if prompt + max_tokens > self.context_tokens:
            raise ModelError(
                f"A prompt of {prompt} tokens and an answer of up to {max_tokens} do not fit the {self.context_tokens} "
                f"tokens that {self.name} has beside {self._budget} to think: shorten the prompt, or lower those."
            )
        return self._answer(messages, max_tokens, grammar, temperature, stop, cancel)

    def complete_many(
        self,
        chats: Sequence[Sequence[Message]],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> list[Completion]:
        """The answer to each chat. An answer may be longer by what the thought leaves of its budget.

        Raises:
            ModelError: A prompt, `max_tokens` and the budget do not fit the context.
            RequestCancelledError: `cancel` was set.
        """
        if grammar is not None:
            return complete_many(self._llm, chats, max_tokens=max_tokens, grammar=grammar, stop=stop, cancel=cancel)
        most = max_tokens + self._budget
        done = complete_many(self._llm, chats, max_tokens=most, cancel=cancel)
        return [replace(each, text=self._answer_in(each, most, stop)) for each in done]

    def choose(
        self, messages: Sequence[Message], choices: Sequence[str], *, cancel: threading.Event | None = None
    ) -> list[float]:
        """As the model chooses, without a thought.

        Raises:
            ModelError: The prompt does not fit the context.
            RequestCancelledError: `cancel` was set.
        """
        return self._llm.choose(messages, choices, cancel=cancel)

    def close(self) -> None:
        """Frees the model."""
        self._llm.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        grammar: str | None,
        temperature: float,
        stop: Sequence[str],
        cancel: threading.Event | None,
    ) -> Generator[Token, None, None]:
        most = max_tokens if grammar is not None else max_tokens + self._budget
        tokens = self._llm.complete(
            messages,
            max_tokens=most,
            grammar=grammar,
            temperature=temperature,
            stop=() if grammar is None else stop,
            cancel=cancel,
        )
        with reading(tokens):
            if grammar is None:
                yield from self._filtered(tokens, max_tokens, most, stop)
            else:
                yield from tokens

    def _filtered(
        self, tokens: Iterator[Token], max_tokens: int, most: int, stop: Sequence[str]
    ) -> Generator[Token, None, None]:
        answer, text = AnswerFilter(self._opening), TextStream(stop)
        last, count, said, limit = Token(""), 0, 0, 0
        for last in tokens:
            count += 1
            answered = answer.answers
            shown = text.push(answer.push(last.text).encode())
            said += answered and answer.answers
            if answer.unsure and count <= max_tokens:
                limit = len(answer.held)
            if said == max_tokens:
                shown += text.push(answer.flush().encode()) + ("" if text.stopped else text.flush())
            yield replace(last, text=shown)
            if text.stopped or said == max_tokens:
                return
        rest = "" if answer.unsure and count >= most else answer.flush()[: limit if answer.unsure else None]
        rest = text.push(rest.encode()) + ("" if text.stopped else text.flush())
        if rest:
            yield replace(last, text=rest)
        elif not answer.answers:
            self._tell(count)

    def _answer_in(self, completion: Completion, most: int, stop: Sequence[str]) -> str:
        answer, text = AnswerFilter(self._opening), TextStream(stop)
        shown = answer.push(completion.text)
        if not (answer.unsure and completion.completion_tokens >= most):
            shown += answer.flush()
        if not answer.answers and not shown:
            self._tell(completion.completion_tokens)
        shown = text.push(shown.encode())
        return shown if text.stopped else shown + text.flush()

    def _tell(self, count: int) -> None:
        logger.warning(
            "%s was not done with thinking after %d tokens and gave no answer: give it more to think.", self.name, count
        )
