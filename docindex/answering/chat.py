"""A conversation about the documents: follow-ups become questions that stand alone, and are then asked as any other."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from docindex.answering.leaning import leans
from docindex.answering.memory import Memory, RecentTurns, Turn
from docindex.answering.packing import fits
from docindex.answering.prompting import PromptTurn, rewrite_prompt
from docindex.answering.questions import analyse_question
from docindex.answering.streams import asked
from docindex.answering.terms import analyse
from docindex.answering.topics import asks_of_a_thing, topic
from docindex.answering.usage import Clock, Usage
from docindex.errors import RequestCancelledError
from docindex.llm.reading import reading
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, AnswerStream, StreamingEngine, Token
from docindex.schema import Response

_WORD = re.compile(r"\w[\w\-.'’]*\w|\w")
_LONGEST_REWRITE = 64
_FROM_THE_START = ("first_token", "total")
"""Times that begin when the question was asked."""


class Chat:
    """Asks an engine one question after another and remembers what was said.

    Example:
        >>> chat = index.chat()
        >>> first = chat.ask("How long is the warranty?")
        >>> second = chat.ask("What does it not cover?")
        >>> len(chat.turns)
        2
    """

    def __init__(
        self,
        engine: StreamingEngine,
        llm: LLM | None = None,
        *,
        memory: Memory | None = None,
        turns: Sequence[Turn] = (),
        keep: Callable[[Turn], None] | None = None,
        prompts: Prompts = SHIPPED,
    ) -> None:
        """Starts a conversation, or goes on with one.

        Args:
            engine: Answers questions that stand alone.
            llm: Rewrites follow-ups. Without one, and where its rewriting can't be trusted, the words of the question
                before are added to them.
            memory: What follow-ups may lean on; the last three turns unless given.
            turns: What was said before.
            keep: Is given each turn once it is whole.
            prompts: What the model is asked with for the rewriting.
        """
        self._engine = engine
        self._llm = llm
        self._memory = memory or RecentTurns()
        self._turns = tuple(turns)
        self._keep = keep
        self._prompts = prompts

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said, oldest first."""
        return self._turns

    def ask(self, text: str, *, cancel: threading.Event | None = None) -> Response:
        """The whole response to the next question.

        Raises:
            QueryError: The question is empty.
            RequestCancelledError: `cancel` was set; the conversation is as it was before.
        """
        return self.stream(text, cancel=cancel).response

    def stream(self, text: str, *, cancel: threading.Event | None = None) -> AnswerStream:
        """The answer to the next question as it grows; it is remembered once it is whole.

        Raises:
            QueryError: The question is empty.
        """
        return asked(text, self._answer(text, cancel))

    def standalone(self, text: str, *, cancel: threading.Event | None = None) -> str:
        """The question as it is looked up: with what it refers to, if it leans on the one before."""
        return self._standing_alone(text, Usage(), Clock(), cancel) or text

    def forget(self) -> None:
        """Begins anew."""
        self._turns = ()

    def _answer(self, text: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        usage, clock = Usage(), Clock()
        completed = self._standing_alone(text, usage, clock, cancel)
        if cancel is not None and cancel.is_set():
            raise RequestCancelledError("The request was cancelled.")
        spent = clock.timings()["total"]
        answer = self._engine.stream(completed or text, cancel=cancel)
        yield from answer
        response = replace(answer.response, question=text)
        if completed is not None:
            times = {name: value + spent for name, value in response.timings_ms.items() if name in _FROM_THE_START}
            times = {**response.timings_ms, "rewrite": spent, **times}
            response = replace(response, tokens=response.tokens + usage.tokens, timings_ms=times)
        turn = Turn(text, completed or text, response)
        self._turns = (*self._turns, turn)
        if self._keep is not None:
            self._keep(turn)
        return response

    def _standing_alone(self, text: str, usage: Usage, clock: Clock, cancel: threading.Event | None) -> str | None:
        """The question with what it refers to; None where it stands alone."""
        if not self._turns or not leans(text, self._turns[-1].standalone):
            return None
        known = self._memory.recall(text, self._turns)
        rewritten = None
        if self._llm is not None:
            rewritten = self._rewritten(self._llm, text, known.turns, usage, clock, cancel)
        return rewritten or _extended(text, known.before)

    def _rewritten(
        self,
        llm: LLM,
        text: str,
        turns: Sequence[PromptTurn],
        usage: Usage,
        clock: Clock,
        cancel: threading.Event | None,
    ) -> str | None:
        """The model's wording, unless it says less than the question or more than the conversation did."""
        messages = rewrite_prompt(text, turns, self._prompts)
        if not fits(llm, messages, _LONGEST_REWRITE):
            return None
        tokens: Iterator[Token] = llm.complete(messages, max_tokens=_LONGEST_REWRITE, stop=["\n"], cancel=cancel)
        with reading(tokens):
            rewritten = "".join(token.text for token in usage.counted(tokens, clock)).strip().strip('"')
        said = analyse("\n".join([text, *(f"{turn.question}\n{turn.answer}" for turn in turns)]))
        asked, now = analyse(text), analyse(rewritten)
        keeps = asked.words <= now.words and asked.quantities <= now.quantities
        invents = not now.words <= said.words or not now.quantities <= said.quantities
        return rewritten if rewritten.endswith("?") and keeps and not invents and not leans(rewritten) else None


def _extended(text: str, before: str) -> str:
    """The follow-up with the words of the question before that it lacks, in their order and spelling.

    Where it asks something else of the same thing, what was asked before would only lead astray.
    """
    about = topic(before) if asks_of_a_thing(text) else before
    known, wanted = analyse(text).words, analyse_question(about)
    missing = [word for word in _WORD.findall(about) if analyse(word).words & wanted.words - known]
    return f"{text.strip()} ({' '.join(dict.fromkeys(missing))})" if missing else text
