"""Chats as tokens: the model's own template around contents that can't become part of it.

The template is rendered with random placeholders instead of the contents. Control tokens are then looked for in the
template's own text only, and the contents are put in as plain text. A content that spells a control token is that:
a spelling.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from docindex.protocols import Message

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""For models that bring no template, or one that can't be used."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A token that stands for more than its text."""

    token: int
    text: str
    control: bool = True
    """False for tokens that are also found in plain text."""
    eats_before: bool = False
    """Space in front of it is not tokenised."""
    eats_after: bool = False


class Vocabulary(Protocol):
    """What is needed of a model."""

    @property
    def chat_template(self) -> str | None:
        """The Jinja template that came with the model."""
        ...

    @property
    def begin_token(self) -> int | None:
        """The token that a prompt begins with, where the model wants one."""
        ...

    def special_text(self, kind: Literal["bos", "eos"]) -> str:
        """The text of the token that begins or ends a text; empty where there is none."""
        ...

    def markers(self) -> tuple[Marker, ...]:
        """Every token that stands for more than its text."""
        ...

    def tokenize(self, text: str) -> list[int]:
        """The tokens of plain text: nothing in it is read as a control token, nothing is put before or after it."""
        ...


class TemplateError(Exception):
    """The template does not take these messages."""


class PromptEncoder:
    """Renders chats and tokenises them, exactly as the model will see them."""

    def __init__(self, vocabulary: Vocabulary, *, thinking: bool = False) -> None:
        """With `thinking`, templates that have a switch for it ask the model to think; else they ask it not to."""
        self._thinking = thinking
        markers = {marker.text: marker for marker in vocabulary.markers()}
        self._vocabulary = vocabulary
        self._markers = markers
        self._marker_pattern = _any_of(list(markers))
        self._begin = vocabulary.begin_token
        self._bos_text = vocabulary.special_text("bos")
        self._eos_text = vocabulary.special_text("eos")
        environment = _environment()
        self._fallback = environment.from_string(CHATML)
        try:
            self._template = environment.from_string(vocabulary.chat_template or CHATML)
        except jinja2.TemplateError:
            self._template = self._fallback
        source = vocabulary.chat_template or ""
        plain = [text for text, marker in markers.items() if not marker.control and text in source]
        self._forbidden = _any_of(plain)
        """Markers that llama.cpp finds in plain text too, and that the template gives a meaning."""
        self.stop: tuple[str, ...] = () if "<|im_end|>" in markers or vocabulary.chat_template else ("<|im_end|>",)
        """Texts that end an answer, beside the model's own end tokens."""

    @property
    def turn(self) -> str:
        """What the template has the assistant's turn begin with."""
        return self._render([Message("user", "?")])[-1][1]

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The prompt's tokens, up to where the assistant begins to speak."""
        tokens: list[int] = []
        run = ""
        for piece in (*self._pieces(messages), None):
            if isinstance(piece, str):
                run += piece
                continue
            if run:
                tokens += self._vocabulary.tokenize(run)
                run = ""
            if piece is not None:
                tokens.append(piece.token)
        if self._begin is not None and tokens[:1] != [self._begin]:
            tokens.insert(0, self._begin)
        return tokens

    def _pieces(self, messages: Sequence[Message]) -> Iterator[str | Marker | None]:
        """Text, control tokens, and None where text is cut without one."""
        for is_content, text in self._render(messages):
            if is_content:
                yield from self._content(text)
            else:
                yield from self._skeleton(text)

    def _skeleton(self, text: str) -> Iterator[str | Marker]:
        """The template's own text, cut at its markers."""
        at = 0
        eaten = False
        for match in self._marker_pattern.finditer(text) if self._marker_pattern else ():
            marker = self._markers[match.group()]
            before = text[at : match.start()]
            before = before.lstrip() if eaten else before
            yield before.rstrip() if marker.eats_before else before
            yield marker
            at, eaten = match.end(), marker.eats_after
        yield text[at:].lstrip() if eaten else text[at:]

    def _content(self, text: str) -> Iterator[str | None]:
        """A message's text; a marker that plain text could still form is cut in two."""
        at = 0
        for match in self._forbidden.finditer(text) if self._forbidden else ():
            yield text[at : match.start() + 1]
            yield None
            at = match.start() + 1
        yield text[at:]

    def _render(self, messages: Sequence[Message]) -> list[tuple[bool, str]]:
        """Alternating template text and contents."""
        attempts = ((self._template, messages), (self._template, _without_system(messages)), (self._fallback, messages))
        for template, turns in attempts:
            try:
                return self._filled(template, turns)
            except TemplateError:
                continue
        raise AssertionError("ChatML takes any message")

    def _filled(self, template: jinja2.Template, messages: Sequence[Message]) -> list[tuple[bool, str]]:
        contents: dict[str, str] = {}
        turns = []
        for message in messages:
            placeholder = f"p{secrets.token_hex(16)}p"
            contents[placeholder] = message.content
            turns.append({"role": message.role, "content": placeholder})
        try:
            rendered = template.render(
                messages=turns,
                add_generation_prompt=True,
                enable_thinking=self._thinking,
                tools=None,
                documents=None,
                bos_token=self._bos_text,
                eos_token=self._eos_text,
            )
        except (jinja2.TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            raise TemplateError from error
        if any(placeholder not in rendered for placeholder in contents):
            raise TemplateError
        if not contents:
            return [(False, rendered)]
        parts = re.split("(" + "|".join(contents) + ")", rendered)
        return [(part in contents, contents.get(part, part)) for part in parts]


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """For templates that know no system role: what it says opens the first user turn."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    if not system or not rest:
        return list(messages)
    return [Message(rest[0].role, f"{system}\n\n{rest[0].content}"), *rest[1:]]


def _any_of(texts: Sequence[str]) -> re.Pattern[str] | None:
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if texts else None


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _raise
    environment.globals["strftime_now"] = _now
    return environment


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)
