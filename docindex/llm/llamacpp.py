"""The local model: llama.cpp in this process, requests in turn, what was read kept between them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import llama_cpp
import numpy as np

from docindex.config import LLMConfig
from docindex.errors import ModelError, RequestCancelledError
from docindex.llm import device
from docindex.llm.ahead import EitherSet, read_ahead
from docindex.llm.device import DeviceReport
from docindex.llm.experts import kept_in_memory
from docindex.llm.opening import open_model, open_states
from docindex.llm.parallel import ParallelRun, Request
from docindex.llm.reply import Reply
from docindex.llm.sampling import Sampler
from docindex.llm.sequence import LiveSequence
from docindex.llm.speculation import GuessingSequence, PromptLookup
from docindex.llm.template import PromptEncoder
from docindex.llm.thoughts import Opening, opening_of
from docindex.llm.waiting import WaitingLine
from docindex.protocols import Completion, Message, Token


class LlamaCppLLM:
    """A GGUF model that answers chats.

    Several threads may share it: their requests wait in line. An answer is begun when its first token is asked for, and
    then written whether it is read or not, so that who reads slowly holds up nobody.
    """

    def __init__(self, path: Path, config: LLMConfig, *, name: str, states: Path | None = None) -> None:
        """Loads the model, with all layers that the build and the device can take on the GPU.

        Args:
            path: The GGUF file.
            config: How it runs.
            name: What it is called in errors and answers.
            states: The folder for what the model has read, where `state_disk_bytes` allows any; None keeps it in
                memory only.

        Raises:
            ModelError: The file is missing or damaged, generates no text, or needs more memory than there is; or a GPU
                is required and no layer runs on one.
        """
        self.name = name
        self._model, self._context = open_model(path, config, name)
        try:
            self._encoder = PromptEncoder(self._model, thinking=config.thinking == "yes")
            self._live = LiveSequence(self._context, open_states(self._context, self._model, config, states))
        except BaseException:
            self._free()
            raise
        self.context_tokens = self._context.context_tokens
        self._seconds = config.answer_seconds
        self._speculates = config.speculation == "prompt-lookup" and self._context.forgets_in_part
        self._line = WaitingLine()
        self.device = DeviceReport(
            gpu_build=bool(llama_cpp.llama_supports_gpu_offload()),
            devices=device.devices(self._model.log),
            layers_offloaded=device.offloaded_layers(self._model.log),
            layers_total=self._model.layers,
            experts_in_memory=kept_in_memory(self._model.log),
            flash_attention=device.flash_attention(self._context.log),
            threads=self._context.threads,
            context_tokens=self._context.context_tokens,
            batch_tokens=self._context.batch_tokens,
            weights_bytes=self._model.weights_bytes,
            cache_type=self._context.cache_type,
            cache_bytes=device.cache_bytes(self._context.log),
            description=self._model.description,
            system=llama_cpp.llama_print_system_info().decode("utf-8", "replace").strip(),
        )
        """What really happened, read back from llama.cpp."""

    @property
    def opening(self) -> Opening | None:
        """Who opens the model's thoughts; None where it has none."""
        return opening_of(self._model.chat_template, self._encoder.turn)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """The length of the rendered prompt in tokens: what `complete` will decode for these messages."""
        return len(self._encoded(messages))

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
        """The answer, one `Token` for each token that is sampled; the text of some is empty.

        At temperature 0 the same messages give the same answer.

        Args:
            messages: The chat up to here.
            max_tokens: The longest answer.
            grammar: GBNF with a rule `root` that the answer must follow.
            temperature: 0 takes the likeliest token each time.
            stop: The answer ends before the first of these.
            cancel: Set it from another thread to give up.

        Raises:
            ModelError: The prompt and `max_tokens` do not fit the context, at once and before any work; from the
                iterator, when too many requests wait already, or the answer takes longer than `answer_seconds`.
            QueryError: The grammar can't be read.
            RequestCancelledError: `cancel` was set; from the iterator, between two batches or tokens.
        """
        prompt = self._prompt(messages, max_tokens)
        reply = self._reply(Sampler(self._model, temperature=temperature, grammar=grammar), max_tokens, stop)
        given_up = threading.Event()
        written = self._written(prompt, reply, EitherSet(cancel, given_up))
        return read_ahead(written, given_up, self._checker(cancel, None))

    def complete_many(
        self,
        chats: Sequence[Sequence[Message]],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> list[Completion]:
        """The answer to each chat at temperature 0, in their order; several are written at once.

        What the chats begin with is read once. They have one turn in line together, and so share its `answer_seconds`.

        Raises:
            ModelError: A prompt and `max_tokens` do not fit the context; at once, before any work. Or too many requests
                wait already, or the answers take longer than `answer_seconds`.
            QueryError: The grammar can't be read.
            RequestCancelledError: `cancel` was set; none of the answers is given.
        """
        prompts = [self._prompt(messages, max_tokens) for messages in chats]
        if self._context.sequences == 1:
            return [self._completed(prompt, max_tokens, grammar, stop, cancel) for prompt in prompts]
        with ExitStack() as stack:
            samplers = [stack.enter_context(Sampler(self._model, grammar=grammar)) for _ in prompts]
            requests = [
                Request(prompt, self._reply(sampler, max_tokens, stop))
                for prompt, sampler in zip(prompts, samplers, strict=True)
            ]
            with self._turn(cancel) as check:
                return ParallelRun(self._live, requests, check).run()

    def choose(
        self, messages: Sequence[Message], choices: Sequence[str], *, cancel: threading.Event | None = None
    ) -> list[float]:
        """The probability of the first token of each choice, in upper or lower case, with or without a space before.

        Costs the reading of the prompt, of which what is cached is not read again.

        Raises:
            ModelError: The prompt does not fit the context.
            RequestCancelledError: `cancel` was set.
        """
        prompt = self._encoded(messages)
        if len(prompt) + 1 > self.context_tokens:
            raise ModelError(f"A prompt of {len(prompt)} tokens does not fit the context of {self.name}: shorten it.")
        with self._turn(cancel) as check:
            self._live.fill(prompt, check)
            logits = self._context.logits()
            weights = np.exp(logits - logits.max())
        likely = weights / weights.sum()
        spellings = (
            {f"{space}{word}" for space in ("", " ") for word in (choice, choice.lower(), choice.capitalize())}
            for choice in choices
        )
        first = ({self._model.tokenize(text)[0] for text in texts if text} for texts in spellings)
        return [float(sum(likely[token] for token in tokens)) for tokens in first]

    def _encoded(self, messages: Sequence[Message]) -> list[int]:
        if self._line.closed:
            raise ModelError(f"{self.name} is closed: open the index again to ask more.")
        return self._encoder.encode(messages)

    def _prompt(self, messages: Sequence[Message], max_tokens: int) -> list[int]:
        prompt = self._encoded(messages)
        if len(prompt) + max_tokens > self.context_tokens:
            raise ModelError(
                f"A prompt of {len(prompt)} tokens and an answer of up to {max_tokens} do not fit the "
                f"{self.context_tokens} tokens of {self.name}: shorten the prompt, or raise `context_tokens`."
            )
        return prompt

    def _reply(self, sampler: Sampler, max_tokens: int, stop: Sequence[str]) -> Reply:
        return Reply(self._model, sampler, max_tokens=max_tokens, stop=(*stop, *self._encoder.stop))

    def _checker(self, cancel: threading.Event | None, seconds: float | None) -> Callable[[], None]:
        """What raises when a request is to end. Its time runs from now."""
        ends = None if seconds is None else time.monotonic() + seconds

        def check() -> None:
            if cancel is not None and cancel.is_set():
                raise RequestCancelledError("The request was cancelled.")
            if self._line.closed:
                raise ModelError(f"{self.name} was closed during an answer: open the index again and ask once more.")
            if ends is not None and time.monotonic() > ends:
                raise ModelError(
                    f"{self.name} took longer than {seconds:g} seconds: ask for a shorter answer, give it a "
                    "shorter prompt, or raise `answer_seconds`."
                )

        return check

    def _written(
        self, prompt: Sequence[int], reply: Reply, cancel: threading.Event | None
    ) -> Generator[Token, None, None]:
        with reply.sampler, self._turn(cancel) as check:
            cached = self._live.fill(prompt, check)
            lookup = PromptLookup(prompt) if self._speculates and reply.sampler.greedy else None
            with closing(GuessingSequence(self._live, lookup)) as sequence:
                while not reply.done:
                    token = reply.sampler.choose(sequence.logits)
                    shown = reply.add(token)
                    if shown or not reply.ended:
                        yield Token(shown, len(prompt), cached)
                    if not reply.done:
                        check()
                        sequence.append(token, most=reply.max_tokens - reply.tokens - 1)

    def _completed(
        self,
        prompt: Sequence[int],
        max_tokens: int,
        grammar: str | None,
        stop: Sequence[str],
        cancel: threading.Event | None,
    ) -> Completion:
        reply = self._reply(Sampler(self._model, grammar=grammar), max_tokens, stop)
        tokens = list(self._written(prompt, reply, cancel))
        cached = tokens[0].cached_tokens if tokens else 0
        return Completion("".join(token.text for token in tokens), len(prompt), cached, reply.tokens)

    @contextmanager
    def _turn(self, cancel: threading.Event | None) -> Iterator[Callable[[], None]]:
        """The model for one request, with what checks it. However it ends, what was read is saved."""
        ticket = self._line.enter(cancel)
        try:
            yield self._checker(cancel, self._seconds)
        finally:
            try:
                if not self._line.closed:
                    self._live.save()
            finally:
                self._line.leave(ticket)

    def close(self) -> None:
        """Frees the model: at once, or when the answer that is being read ends; it ends soon."""
        self._line.close(self._free)

    def _free(self) -> None:
        self._context.close()
        self._model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
