"""What servers send, taken apart: each has its own habits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from docindex.errors import ModelError

_LONGEST_REASON = 300

DONE = "[DONE]"
"""The last event of an answer."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer."""

    text: str = ""
    thought: bool = False
    """It is one of the model's reasoning, which is left out."""
    finished: bool = False
    """The model has ended its answer, or was ended by `max_tokens`."""
    completion_tokens: int = 0
    """Of all of the answer, its reasoning included; 0 while it is not told."""
    cached_tokens: int = 0


def piece_of(told: Any) -> Piece | None:  # noqa: ANN401 - whatever the server sends
    """A piece of an answer, streamed or whole; None where there is nothing of the answer in it.

    Raises:
        ModelError: The server tells of an error.
    """
    if told == DONE:
        return Piece(finished=True)
    if not isinstance(told, dict):
        return None
    if told.get("error"):
        error = told["error"]
        message = error.get("message") if isinstance(error, dict) else None
        raise ModelError(f"The server broke off the answer ({message or error}): ask again.")
    choice = _first(told.get("choices"))
    delta = _mapping(choice.get("delta")) or _mapping(choice.get("message"))
    usage = _mapping(told.get("usage"))
    piece = Piece(
        text=_text(delta.get("content")),
        thought=bool(delta.get("reasoning_content") or delta.get("reasoning")),
        finished=bool(choice.get("finish_reason")),
        completion_tokens=_number(usage.get("completion_tokens")),
        cached_tokens=_number(_mapping(usage.get("prompt_tokens_details")).get("cached_tokens"))
        or _number(_mapping(told.get("prompt_progress")).get("cache")),
    )
    return None if piece == Piece() else piece


def likely_tokens(told: Any) -> list[tuple[str, float]]:  # noqa: ANN401
    """The likeliest first tokens of an answer and the logarithms of their probabilities, where they are told."""
    first = _first(_mapping(_first(_mapping(told).get("choices")).get("logprobs")).get("content"))
    listed = first.get("top_logprobs")
    return [
        (each["token"], float(each["logprob"]))
        for each in (listed if isinstance(listed, Sequence) else ())
        if isinstance(each, dict)
        and isinstance(each.get("token"), str)
        and isinstance(each.get("logprob"), int | float)
    ]


def reason_in(body: bytes) -> str:
    """What a server says of its refusal; its ways to say it are many."""
    text = body.decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except ValueError:
        told = text
    for key in ("error", "message", "detail"):
        if isinstance(told, dict) and told.get(key):
            told = told[key]
    return " ".join(str(told).split())[:_LONGEST_REASON]


def seconds_asked(value: str) -> float | None:
    """Seconds that a Retry-After header asks for: it has a number of them, or a date."""
    value = value.strip()
    if value.replace(".", "", 1).isdecimal() and len(value) < 10:
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _text(content: object) -> str:
    """A content, which may come in parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_text(_mapping(part).get("text")) for part in content)
    return ""


def _first(items: object) -> dict[str, Any]:
    return _mapping(items[0]) if isinstance(items, list) and items else {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
