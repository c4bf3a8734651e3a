"""How the local model runs, as `--llm`, `--llm-set` and their like say it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated

import typer

from docindex.cli.session import Session
from docindex.cli.settings import settings_of
from docindex.config import LLMConfig

_ELSEWHERE = ("model", "max_tokens", "require_gpu", "http")
"""What has an option of its own, or can't be said in one value."""
_KINDS = {field.name: str(field.type) for field in dataclasses.fields(LLMConfig) if field.name not in _ELSEWHERE}

LlmSetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--llm-set",
        metavar="NAME=VALUE",
        help=f"How the local model runs, such as threads=4 or state_disk_bytes=2GiB: {', '.join(_KINDS)}. Can be given "
        "more than once.",
        show_default=False,
    ),
]


def llm_config(
    session: Session,
    model: str | None,
    *,
    max_tokens: int | None = None,
    require_gpu: bool = False,
    settings: Sequence[str] | None = None,
) -> LLMConfig:
    """The model that the options and the environment ask for.

    Raises:
        ConfigError: A setting is unknown, or has no such value.
    """
    given = settings_of("--llm-set", settings or (), _KINDS)
    if max_tokens is not None:
        given["max_tokens"] = max_tokens
    config = LLMConfig(model=model or session.environment.llm, require_gpu=require_gpu)
    return dataclasses.replace(config, **given)  # type: ignore[arg-type]
