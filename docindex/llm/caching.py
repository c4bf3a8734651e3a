"""A model that remembers what it wrote: the same prompt is answered again without being read."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Iterator, Sequence

from docindex.llm.batches import complete_many
from docindex.llm.reading import reading
from docindex.protocols import LLM, Completion, CompletionStore, KeptCompletion, Message, Token
from docindex.schema import digest


class CachingLLM:
    """Asks another model what was not asked before. Only completions at temperature 0 are kept."""

    def __init__(
        self,
        llm: LLM,
        store: CompletionStore,
        model: str,
        version: Callable[[], int],
        *,
        beginnings: bool = True,
        any_version: bool = False,
    ) -> None:
        """Puts the two together.

        Args:
            llm: The model.
            store: Keeps what it wrote.
            model: Changes with what would change the completions: the model's file, its settings.
            version: Of the index, asked for at each request: what was written for another one is not known, unless
                `any_version` is set.
            beginnings: What was read of a completion that nobody read to its end is kept, too, and gone on with. That
                takes a model that writes the same again, in the same pieces; servers need not.
            any_version: What was written for another version is known, too.
        """
        self.name = llm.name
        self.context_tokens = llm.context_tokens
        self._llm = llm
        self._store = store
        self._model = model
        self._version = version
        self._beginnings = beginnings
        self._any_version = any_version

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
    ) -> Iterator[Token]:
        """The answer as the model gives it; all of the prompt counts as cached where it is not asked.

        Raises:
            ModelError: The prompt and `max_tokens` do not fit the context.
            RequestCancelledError: `cancel` was set.
        """
        if temperature > 0:
            return self._llm.complete(
                messages, max_tokens=max_tokens, grammar=grammar, temperature=temperature, stop=stop, cancel=cancel
            )
        version = self._version()
        key = self._key(messages, max_tokens, grammar, stop, version)
        known = self._store.get(key)
        if known is None or not (known.whole or self._beginnings):
            known = KeptCompletion((), whole=False)
        prompt = self._llm.count_tokens(messages) if known.pieces else 0
        again = (Token(piece, prompt, prompt) for piece in known.pieces)
        if known.whole:
            return again
        tokens = self._llm.complete(messages, max_tokens=max_tokens, grammar=grammar, stop=stop, cancel=cancel)
        return self._kept(key, version, tokens, list(again))

    def _kept(
        self, key: str, version: int, tokens: Iterator[Token], known: Sequence[Token]
    ) -> Generator[Token, None, None]:
        """The tokens that are known, then those of the model after them; what was read of these is kept."""
        yield from known
        pieces: list[str] = []
        with reading(tokens):
            try:
                for token in tokens:
                    pieces.append(token.text)
                    if len(pieces) > len(known):
                        yield token
            except GeneratorExit:
                if self._beginnings:
                    self._store.add(key, KeptCompletion(tuple(pieces), whole=False), version)
                raise
        self._store.add(key, KeptCompletion(tuple(pieces), whole=True), version)

    def complete_many(
        self,
        chats: Sequence[Sequence[Message]],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> list[Completion]:
        """The answer to each chat: those that are not known at once, where the model can."""
        version = self._version()
        keys = [self._key(chat, max_tokens, grammar, stop, version) for chat in chats]
        found: dict[int, Completion] = {}
        for at, (key, chat) in enumerate(zip(keys, chats, strict=True)):
            known = self._store.get(key)
            if known is not None and known.whole:
                prompt = self._llm.count_tokens(chat)
                found[at] = Completion("".join(known.pieces), prompt, prompt, len(known.pieces))
        new = [at for at in range(len(chats)) if at not in found]
        asked = [chats[at] for at in new]
        made = complete_many(self._llm, asked, max_tokens=max_tokens, grammar=grammar, stop=stop, cancel=cancel)
        for at, completion in zip(new, made, strict=True):
            unseen = max(0, completion.completion_tokens - 1)  # how the text falls into tokens is not known
            self._store.add(keys[at], KeptCompletion((completion.text, *[""] * unseen), whole=True), version)
            found[at] = completion
        return [found[at] for at in range(len(chats))]

    def _key(
        self, messages: Sequence[Message], max_tokens: int, grammar: str | None, stop: Sequence[str], version: int
    ) -> str:
        said = [(message.role, message.content) for message in messages]
        of = None if self._any_version else version
        return digest(json.dumps([self._model, of, said, max_tokens, grammar, list(stop)]))
