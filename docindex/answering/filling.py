"""A language model fills in a form, and is told what is wrong with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

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


@dataclass(frozen=True, slots=True)
class FilledForm(Generic[T]):
    """What came of asking for a form."""

    kept: Kept
    """What of it the sources bear out; what it had no room for is among what is left out."""
    value: T | None
    """What is made of that."""
    cut: bool
    """It was longer than the model could write."""


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
    ) -> FilledForm[T]:
        """The first form that can be used, and what is made of it; else what the last one lacks.

        What no source bears out is not asked for again: a model that is told so makes up something else.
        """
        kept, asked, cut = Kept(Nothing.NOTHING), list(messages), False
        for _ in range(_TRIES):
            if not fits(self._llm, asked, self._max_tokens):
                break
            tokens = self._llm.complete(asked, max_tokens=self._max_tokens, grammar=self._grammar, cancel=cancel)
            with reading(tokens):
                text = "".join(token.text for token in usage.counted(tokens, clock))
            ended = _ended(text)
            cut = ended.cut
            try:
                form = self._read(text, ended)
                kept = self._check.kept(form)
                if cut:
                    lacks = (path for path in self._check.unwritten(form, ended.depth) if path not in kept.missing)
                    kept = replace(kept, left_out=(*kept.left_out, *lacks))
                return FilledForm(kept, None if isinstance(kept.value, Nothing) else validated(kept.value), cut)
            except RefusedFormError as refused:
                missing = dict.fromkeys(path for path, _ in refused.faults if path)
                kept = Kept(Nothing.NOTHING, missing=tuple(missing))
                asked = [*messages, Message("assistant", text), self._told(refused.faults)]
        return FilledForm(kept, None, cut)

    def _read(self, text: str, ended: _Ended) -> JsonValue:
        """The first JSON in a text, or that of which it is the beginning."""
        for attempt in (text[_beginning(text) :], ended.text):
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


@dataclass(frozen=True, slots=True)
class _Ended:
    """JSON that has an end."""

    text: str
    depth: int
    """How many of its lists and objects were still open where it ended, one in another."""
    cut: bool


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


def _beginning(text: str) -> int:
    """Where its JSON begins: models that are held to no grammar put words and fences around it."""
    return min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=0)


def _ended(text: str) -> _Ended:
    """JSON that was cut off, ended after its last whole field or item; words before and after it are none of it."""
    text = text[_beginning(text) :]
    open_ones: list[str] = []
    end, depth = "", 0
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
            end, depth = text[: at + 1] + "".join(reversed(open_ones)), len(open_ones)
            if not open_ones:
                return _Ended(end, 0, cut=False)
        elif character == ",":
            end, depth = text[:at] + "".join(reversed(open_ones)), len(open_ones)
    return _Ended(end, depth, cut=bool(open_ones))
