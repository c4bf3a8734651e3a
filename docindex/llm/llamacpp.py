"""The local model: llama.cpp in this process, one request at a time, the KV cache kept between them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import llama_cpp

from docindex.config import LLMConfig
from docindex.errors import ModelError, RequestCancelledError
from docindex.llm import device
from docindex.llm.context import KVContext, Sampler
from docindex.llm.device import DeviceReport
from docindex.llm.gguf import GgufModel
from docindex.llm.template import PromptEncoder
from docindex.llm.text import TextStream
from docindex.llm.waiting import WaitingLine
from docindex.protocols import Message, Token

_LONGEST_DEFAULT_CONTEXT = 8192
_GPU_BATCH = 512
_CPU_BATCH = 128
"""As fast as larger ones on a CPU, and a request can be cancelled after each."""


class LlamaCppLLM:
    """A GGUF model that answers chats.

    Several threads may share it: their requests wait in line. An iterator holds the model from its first token until
    it is used up or closed, so don't leave one lying about.
    """

    def __init__(self, path: Path, config: LLMConfig, *, name: str) -> None:
        """Loads the model, with all layers that the build and the device can take on the GPU.

        Raises:
            ModelError: The file is missing or damaged, generates no text, or needs more memory than there is; or a GPU
                is required and no layer runs on one.
        """
        _check_gpu_build(config, name)
        self.name = name
        self._model = GgufModel(path, gpu_layers=config.gpu_layers)
        offloaded = device.offloaded_layers(self._model.log)
        try:
            _check_loaded(self._model, config, name, offloaded)
            self._encoder = PromptEncoder(self._model)
            self._context = KVContext(
                self._model,
                context_tokens=config.context_tokens or min(self._model.training_context, _LONGEST_DEFAULT_CONTEXT),
                batch_tokens=_GPU_BATCH if offloaded else _CPU_BATCH,
                threads=config.threads or len(os.sched_getaffinity(0)),
            )
        except BaseException:
            self._model.close()
            raise
        self.context_tokens = self._context.context_tokens
        self._line = WaitingLine()
        self.device = DeviceReport(
            gpu_build=bool(llama_cpp.llama_supports_gpu_offload()),
            devices=device.devices(self._model.log),
            layers_offloaded=offloaded,
            layers_total=self._model.layers,
            flash_attention=device.flash_attention(self._context.log),
            threads=self._context.threads,
            context_tokens=self._context.context_tokens,
            batch_tokens=self._context.batch_tokens,
            weights_bytes=self._model.weights_bytes,
            cache_bytes=device.cache_bytes(self._context.log),
            description=self._model.description,
            system=llama_cpp.llama_print_system_info().decode("utf-8", "replace").strip(),
        )
        """What really happened, read back from llama.cpp."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """The length of the rendered prompt in tokens: what `complete` will decode for these messages."""
        return len(self._encoder.encode(messages))

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
            ModelError: The prompt and `max_tokens` do not fit the context; at once, before any work.
            QueryError: The grammar can't be read.
            RequestCancelledError: `cancel` was set; from the iterator, between two batches or tokens.
        """
        prompt = self._encoder.encode(messages)
        if len(prompt) + max_tokens > self.context_tokens:
            raise ModelError(
                f"A prompt of {len(prompt)} tokens and an answer of up to {max_tokens} do not fit the "
                f"{self.context_tokens} tokens of {self.name}: shorten the prompt, or raise `context_tokens`."
            )
        sampler = Sampler(self._model, temperature=temperature, grammar=grammar)
        return self._generate(prompt, sampler, max_tokens, (*stop, *self._encoder.stop), cancel)

    def choose(
        self, messages: Sequence[Message], choices: Sequence[str], *, cancel: threading.Event | None = None
    ) -> list[float]:
        """The probability of the first token of each choice, in upper or lower case, with or without a space before.

        Costs the reading of the prompt, of which what is cached is not read again.

        Raises:
            ModelError: The prompt does not fit the context.
            RequestCancelledError: `cancel` was set.
        """
        prompt = self._encoder.encode(messages)
        if len(prompt) + 1 > self.context_tokens:
            raise ModelError(f"A prompt of {len(prompt)} tokens does not fit the context of {self.name}: shorten it.")
        ticket = self._line.enter(cancel)
        try:
            self._context.fill(prompt, self._checker(cancel))
            likely = self._context.probabilities()
        finally:
            self._line.leave(ticket)
        spellings = (
            {f"{space}{word}" for space in ("", " ") for word in (choice, choice.lower(), choice.capitalize())}
            for choice in choices
        )
        first = ({self._model.tokenize(text)[0] for text in texts if text} for texts in spellings)
        return [float(sum(likely[token] for token in tokens)) for tokens in first]

    def _checker(self, cancel: threading.Event | None) -> Callable[[], None]:
        """What raises when a request is to end."""

        def check() -> None:
            if cancel is not None and cancel.is_set():
                raise RequestCancelledError("The request was cancelled.")
            if self._line.closed:
                raise ModelError(f"{self.name} was closed during an answer: open the index again and ask once more.")

        return check

    def _generate(
        self,
        prompt: Sequence[int],
        sampler: Sampler,
        max_tokens: int,
        stop: Sequence[str],
        cancel: threading.Event | None,
    ) -> Generator[Token, None, None]:
        check = self._checker(cancel)
        ticket = self._line.enter(cancel)
        try:
            cached = self._context.fill(prompt, check)
            text = TextStream(stop)
            for count in range(1, max_tokens + 1):
                token = self._context.sample(sampler)
                if self._model.ends(token):
                    break
                shown = text.push(self._model.piece(token))
                if count == max_tokens:
                    shown += text.flush()
                yield Token(shown, len(prompt), cached)
                if text.stopped:
                    return
                check()
                if count < max_tokens:
                    self._context.append([token])
            if rest := text.flush():
                yield Token(rest, len(prompt), cached)
        finally:
            self._line.leave(ticket)
            sampler.close()

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


def _check_gpu_build(config: LLMConfig, name: str) -> None:
    if config.require_gpu and not llama_cpp.llama_supports_gpu_offload():
        raise ModelError(
            f"{name} can't run on a GPU, because this llama-cpp-python is built without GPU support or sees no "
            'device: allow the CPU, or reinstall it with CMAKE_ARGS="-DGGML_CUDA=on".'
        )


def _check_loaded(model: GgufModel, config: LLMConfig, name: str, offloaded: int) -> None:
    if config.require_gpu and not offloaded:
        raise ModelError(f"No layer of {name} went to a GPU: allow the CPU, or free the device and raise `gpu_layers`.")
    if not model.generates_text:
        raise ModelError(f"{model.path} makes embeddings, not text: choose a chat model as the LLM.")
