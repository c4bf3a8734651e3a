"""The models: one that makes vectors, and one that writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:  # numpy takes a third of the time in which `import docindex` has to be done
    import numpy as np
    from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"
"""(n, dim), rows of unit norm."""


class Embedder(Protocol):
    """Turns texts into vectors."""

    dim: int
    max_tokens: int
    """The longest text, in its own tokens, special tokens included. Longer ones are cut."""
    fingerprint: str
    """Changes with anything that changes the vectors: weights, tokenizer, pooling, prefixes, dimension."""

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> Vectors:
        """One unit vector a text, float32, shape (n, dim), in the order of the texts."""
        ...

    def token_offsets(self, text: str) -> NDArray[np.int32]:
        """(n, 2) start and end of each token in code points, special tokens left out, never truncated."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat. The content is plain text: a control token in it is text, not control."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a completion."""

    text: str
    prompt_tokens: int = 0
    """Of the whole request; the same in each of its tokens."""
    cached_tokens: int = 0
    """Of the prompt: reused from the KV cache."""


class LLM(Protocol):
    """A chat model."""

    name: str
    context_tokens: int

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """The length of the rendered prompt, template and control tokens included: exact, not an estimate."""
        ...

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Token]:
        """The answer, piece by piece.

        Requests from several threads are served in the order in which they came. Closing the iterator or setting
        `cancel` frees the model for the next one.

        Raises:
            ModelError: The prompt and `max_tokens` do not fit the context.
            RequestCancelledError: `cancel` was set.
        """
        ...


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole completion."""

    text: str
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt: reused from the KV cache, or shared with other requests of the batch."""
    completion_tokens: int = 0


@runtime_checkable
class BatchingLLM(LLM, Protocol):
    """A chat model that answers several chats at once, in less time than one after another."""

    def complete_many(
        self,
        chats: Sequence[Sequence[Message]],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> list[Completion]:
        """The answer to each chat, in their order: what `complete` gives for it at temperature 0.

        Raises:
            ModelError: A prompt and `max_tokens` do not fit the context.
            RequestCancelledError: `cancel` was set.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeptCompletion:
    """What is kept of a completion."""

    pieces: tuple[str, ...]
    """The text of each token."""
    whole: bool
    """False where nobody read on: it is the completion's beginning."""


class CompletionStore(Protocol):
    """Keeps completions."""

    def get(self, key: str) -> KeptCompletion | None:
        """What is kept of a completion, if anything."""
        ...

    def add(self, key: str, kept: KeptCompletion, version: int) -> None:
        """Keeps a completion for a version of the index. What can't be kept is not: that is no error."""
        ...


class ChoosingLLM(LLM, Protocol):
    """A chat model that can say how likely its answer begins in one way or another."""

    def choose(
        self, messages: Sequence[Message], choices: Sequence[str], *, cancel: threading.Event | None = None
    ) -> list[float]:
        """The probability of the first token of each choice, in upper or lower case, with or without a space before."""
        ...
