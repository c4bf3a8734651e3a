"""Whether a local model thinks is read off its template; tiny models with made-up templates show it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import gguf
import pytest

from docindex.config import Environment, LLMConfig
from docindex.llm.gguf import GgufModel
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.llm.thinking import ThinkingLLM
from docindex.llm.thoughts import Opening
from docindex.protocols import Message
from docindex.wiring import open_llm

TURNS = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
SWITCHED = TURNS + "{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"


@pytest.fixture
def model(families: ModuleType, llm_path: Path, tmp_path: Path):
    def make(template: str) -> str:
        known = families.first_words(llm_path).keys
        tokens, types = list(known["tokenizer.ggml.tokens"]), list(known["tokenizer.ggml.token_type"])
        for at, text in ((-1, "[THINK]"), (-2, "[/THINK]")):
            tokens[at], types[at] = text, int(gguf.TokenType.CONTROL)
        keys = {
            **known,
            "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.token_type": types,
            families.CHAT_TEMPLATE: template,
        }
        return str(
            families.write_family(tmp_path / "model.gguf", families.FAMILIES["llama"], families.Vocabulary(keys))
        )

    return make


@pytest.mark.parametrize(
    ("template", "thinking", "opening", "room"),
    [
        (TURNS, "auto", None, 512),
        (TURNS, "yes", None, 512),
        (f"{TURNS}<think>\n", "auto", Opening.PROMPT, 480),
        (f"{TURNS}<think>\n", "no", None, 512),
        (SWITCHED, "auto", Opening.MODEL, 512),
        (SWITCHED, "yes", Opening.UNSURE, 480),
        (TURNS + "{# [THINK] #}", "auto", Opening.UNSURE, 480),
    ],
)
def test_a_template_tells_whether_and_how_a_model_thinks(
    model, template: str, thinking: str, opening: Opening | None, room: int
):
    config = LLMConfig(model=model(template), context_tokens=512, thinking=thinking, thinking_tokens=32)
    llm = open_llm(config, Environment.read())
    try:
        assert getattr(llm, "_opening", None) is opening
        assert isinstance(llm, LlamaCppLLM if opening is None else ThinkingLLM)
        assert llm.context_tokens == room
        assert list(llm.complete([Message("user", "Hi")], max_tokens=4))
    finally:
        llm.close()


def test_control_tokens_that_mark_thoughts_are_seen(model):
    with GgufModel(Path(model(TURNS + "{# [THINK] #}")), vocabulary_only=True) as thinking:
        last = thinking.vocabulary_size - 1
        assert (thinking.piece(last - 1), thinking.piece(last)) == (b"[/THINK]", b"[THINK]")
    with GgufModel(Path(model(TURNS)), vocabulary_only=True) as plain:
        assert plain.piece(last) == b""
