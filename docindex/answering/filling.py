"""A language model fills in a form, and is told what is wrong with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from docindex.answering.fields import FieldCheck, Kept, Nothing
from docindex.answering.packing import fits
from docindex.answering.prompting import fenced
from docindex.answering.usage import Clock, Usage
from docindex.llm.reading import reading
from docindex.llm.schema_check import problems
from docindex.prompts.files import Prompts
from docindex.protocols import LLM, Message
from docindex.schema import JsonValue

T = TypeVar("T")

_TRIES = 3
_MOST_FAULTS = 5
_DEEPEST = 64


class RefusedFormError(Exception):
    """A form that can't be used, with what is wrong with it: paths and reasons."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(faults)
        self.faults = tuple(faults)


class FormFiller:
    """Asks the model for a form until it can be used, three times at most."""

    def __init__(
        self,
        llm: LLM,
        form: Mapping[str, Any],
        grammar: str,
        check: FieldCheck,
        prompts: Prompts,
        *,
        max_tokens: int,
    ) -> None:
        self._llm = llm
        self._form = form
        self._grammar = grammar
        self._check = check
        self._prompts = prompts
        self._max_tokens = max_tokens

    def fill(
        self,
        messages: Sequence[Message],
        validated: Callable[[JsonValue], T],
        usage: Usage,
        clock: Clock,
        cancel: threading.Event | None,
    ) -> tuple[Kept, T | None]:
        """The first form that can be used, and what is made of it; else what the last one lacks.

        What no source bears out is not asked for again: a model that is told so makes up something else.
        """
        kept, asked = Kept(Nothing.NOTHING), list(messages)
        for _ in range(_TRIES):
            if not fits(self._llm, asked, self._max_tokens):
                break
            tokens = self._llm.complete(asked, max_tokens=self._max_tokens, grammar=self._grammar, cancel=cancel)
            with reading(tokens):
                text = "".join(token.text for token in usage.counted(tokens, clock))
            try:
                kept = self._check.kept(self._read(text))
                return kept, None if isinstance(kept.value, Nothing) else validated(kept.value)
            except RefusedFormError as refused:
                missing = dict.fromkeys(path for path, _ in refused.faults if path)
                kept = Kept(Nothing.NOTHING, missing=tuple(missing))
                asked = [*messages, Message("assistant", text), self._told(refused.faults)]
        return kept, None

    def _read(self, text: str) -> JsonValue:
        """The first JSON in a text: models that are held to no grammar put words and fences around it."""
        begins = [at for at in (text.find("{"), text.find("[")) if at >= 0]
        text = text[min(begins, default=0) :]
        for attempt in (text, _ended(text)):
            try:
                value: JsonValue = json.JSONDecoder(strict=False).raw_decode(attempt)[0]
            except (ValueError, RecursionError):
                continue
            break
        else:
            raise RefusedFormError([("", "it is no JSON")])
        if _is_deep(value):
            raise RefusedFormError([("", f"its parts are nested more than {_DEEPEST} deep")])
        if faults := list(problems(value, self._form, self._form)):
            raise RefusedFormError(faults)
        return value

    def _told(self, faults: Sequence[tuple[str, str]]) -> Message:
        lines = [f"{path}: {why}" if path else why for path, why in faults[:_MOST_FAULTS]]
        shown = [fenced(" ".join(line.split())) for line in lines]
        return Message("user", self._prompts.render("form_again", {"faults": shown}))


def _is_deep(value: JsonValue) -> bool:
    """Whether there is more in one another than can be checked."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            part
            for each in level
            for part in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
        ]
    return bool(level)


def _ended(text: str) -> str:
    """JSON that was cut off, ended after its last whole field or item."""
    open_ones: list[str] = []
    end = ""
    quoted = escaped = False
    for at, character in enumerate(text):
        if quoted:
            quoted, escaped = escaped or character != '"', character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "{[":
            open_ones.append("}" if character == "{" else "]")
        elif character in "}]" and open_ones:
            open_ones.pop()
            end = text[: at + 1] + "".join(reversed(open_ones))
        elif character == ",":
            end = text[:at] + "".join(reversed(open_ones))
    return end
