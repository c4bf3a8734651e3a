"""`--llm-set` of `docindex query` and `chat`."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docindex.cli.llm_settings import llm_config
from docindex.cli.session import Session
from docindex.config import DEFAULT_LLM, Environment, LLMConfig
from docindex.errors import ConfigError
from docindex.wiring import model_store

SESSION = Session(Environment())


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ("threads=3", "threads", 3),
        ("context-tokens=2048", "context_tokens", 2048),
        ("gpu_layers=0", "gpu_layers", 0),
        ("experts_on_cpu=true", "experts_on_cpu", True),
        ("cache_type=f16", "cache_type", "f16"),
        ("flash_attention=false", "flash_attention", False),
        ("speculation=prompt-lookup", "speculation", "prompt-lookup"),
        ("state_cache_bytes=0", "state_cache_bytes", 0),
        ("state_disk_bytes=2GiB", "state_disk_bytes", 2 << 30),
        ("answer_seconds=1.5", "answer_seconds", 1.5),
        (" thinking = no ", "thinking", "no"),
        ("thinking_tokens=64", "thinking_tokens", 64),
    ],
)
def test_a_setting_is_set_and_the_others_stay(given: str, name: str, value: object):
    assert llm_config(SESSION, None, settings=[given]) == dataclasses.replace(LLMConfig(), **{name: value})


def test_several_are_taken_together_with_the_options_of_their_own():
    config = llm_config(SESSION, "m.gguf", max_tokens=9, require_gpu=True, settings=["threads=1", "threads=2"])
    assert config == LLMConfig(model="m.gguf", max_tokens=9, require_gpu=True, threads=2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("threats=1", "write NAME=VALUE with one of context_tokens, gpu_layers"),
        ("threads", "write NAME=VALUE"),
        ("model=other", "write NAME=VALUE"),
        ("http=none", "write NAME=VALUE"),
        ("threads=0", "from 1 to 1024"),
        ("threads=two", "whole number"),
        ("gpu_layers=-2", "from -1 to"),
        ("state_disk_bytes=much", "500MB or 4GiB"),
        ("answer_seconds=0", "above 0"),
        ("cache_type=q4_0", "f16, q8_0"),
        ("thinking=perhaps", "auto, yes or no"),
        ("experts_on_cpu=1", "true or false"),
    ],
)
def test_mistakes_say_what_to_give(given: str, said: str):
    with pytest.raises(ConfigError, match=said):
        llm_config(SESSION, None, settings=[given])


@pytest.mark.parametrize("command", [("query", "Why?"), ("chat",)])
def test_a_mistake_is_one_line_and_code_2(on, command: tuple[str, ...]):
    ran = on(*command, "--llm-set", "threats=1")
    assert ran.code == 2
    assert ran.err.startswith("Error: --llm-set threats=1 is no setting:")


def test_a_second_process_reads_a_context_from_disk(built: Path, tmp_path: Path):
    """Another question about the same passage: the second process has its keys and values from the first."""

    def tokens_of(question: str) -> dict[str, Any]:
        command = ["query", question, "--index", built, "--llm", model, "--json", "--llm-set", "state_disk_bytes=1GiB"]
        narrowed = ["--mode", "lexical", "--filter", "source = 'bees.txt'", "-k", "1", "--max-tokens", "2"]
        ran = subprocess.run(
            [sys.executable, "-m", "docindex.cli", *command, *narrowed],
            env=os.environ | {"DOCINDEX_MODELS": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        return dict(json.loads(ran.stdout)["tokens"])

    model = model_store(Environment.read()).path(DEFAULT_LLM)
    assert tokens_of("How do bees tell each other where flowers are?")["prompt_cached"] == 0
    assert len(list((tmp_path / "states").glob("*.state"))) == 1
    assert tokens_of("What do bees do to tell where flowers are?")["prompt_cached"] > 50
