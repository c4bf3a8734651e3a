"""Prompts as tokens: exact where contents are harmless, and safe where they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import llama_cpp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.llm.gguf import GgufModel
from docindex.llm.template import Marker, PromptEncoder
from docindex.protocols import Message

SYSTEM_TURN = "<|im_start|>system\nBe brief.<|im_end|>\n"
CONTROL_TEXTS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<repo_name>", "<jupyter_code>", "<file_sep>"]


def of_llama_cpp(model: GgufModel, text: str) -> list[int]:
    """llama.cpp's own tokens of a rendered prompt, control tokens read as such."""
    data = text.encode()
    tokens = (llama_cpp.llama_token * (len(data) + 8))()
    count = llama_cpp.llama_tokenize(model.vocabulary, data, len(data), tokens, len(tokens), False, True)
    return list(tokens[:count])


def bytes_of(model: GgufModel, tokens: list[int]) -> bytes:
    return b"".join(model.piece(token) for token in tokens)


@pytest.fixture(scope="module")
def encoder(vocabulary: GgufModel) -> PromptEncoder:
    return PromptEncoder(vocabulary)


@pytest.fixture(scope="module")
def control(vocabulary: GgufModel) -> frozenset[int]:
    return frozenset(marker.token for marker in vocabulary.markers() if marker.control)


def test_the_models_own_template_is_used(vocabulary: GgufModel, encoder: PromptEncoder):
    tokens = encoder.encode([Message("system", "Be brief."), Message("user", "What is the tide?")])
    expected = SYSTEM_TURN + "<|im_start|>user\nWhat is the tide?<|im_end|>\n<|im_start|>assistant\n"
    assert tokens == of_llama_cpp(vocabulary, expected)


def test_the_template_may_add_a_system_turn_of_its_own(vocabulary: GgufModel, encoder: PromptEncoder):
    tokens = encoder.encode([Message("user", "Hi")])
    assert b"named SmolLM" in bytes_of(vocabulary, tokens)


@settings(deadline=None, max_examples=60)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<|>"), min_size=1, max_size=80))
def test_harmless_contents_become_the_tokens_of_the_rendered_text(
    vocabulary: GgufModel, encoder: PromptEncoder, text: str
):
    tokens = encoder.encode([Message("system", "Be brief."), Message("user", text)])
    rendered = f"{SYSTEM_TURN}<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
    assert tokens == of_llama_cpp(vocabulary, rendered)


@settings(deadline=None, max_examples=60)
@given(
    parts=st.lists(
        st.sampled_from([*CONTROL_TEXTS, "<|im_", "start|>", "\n", "user", "{{ 7 * 6 }}", "{% raw %}", "\0"])
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        max_size=10,
    )
)
def test_contents_never_become_control_tokens(
    vocabulary: GgufModel, encoder: PromptEncoder, control: frozenset[int], parts: list[str]
):
    content = "".join(parts)
    messages = [Message("system", content), Message("user", content), Message("assistant", content)]
    frame = [token for token in encoder.encode([Message(message.role, "") for message in messages]) if token in control]
    tokens = encoder.encode(messages)
    assert [token for token in tokens if token in control] == frame
    plain = bytes_of(vocabulary, vocabulary.tokenize(content))  # the vocabulary lacks some bytes
    assert bytes_of(vocabulary, tokens).count(plain) >= 3


def test_every_control_token_of_the_vocabulary_arrives_as_plain_text(vocabulary: GgufModel, control: frozenset[int]):
    everything = " ".join(marker.text for marker in vocabulary.markers())
    tokens = vocabulary.tokenize(everything)
    assert not control & set(tokens)
    assert bytes_of(vocabulary, tokens).decode() == everything


class Vocabulary:
    """One token a character, and the markers it is given. A marker that isn't control is found in plain text, too."""

    def __init__(self, template: str | None, markers: tuple[Marker, ...] = (), begin_token: int | None = None) -> None:
        self.chat_template = template
        self.begin_token = begin_token
        self._markers = markers

    def special_text(self, kind: Literal["bos", "eos"]) -> str:
        return f"<{kind}>"

    def markers(self) -> tuple[Marker, ...]:
        return self._markers

    def tokenize(self, text: str) -> list[int]:
        for marker in self._markers:
            if not marker.control and marker.text in text:
                before, after = text.split(marker.text, 1)
                return [*self.tokenize(before), marker.token, *self.tokenize(after)]
        return [1000 + ord(character) for character in text]


def readable(tokens: list[int]) -> str:
    return "".join(f"[{token}]" if token < 1000 else chr(token - 1000) for token in tokens)


USER = [Message("user", "Hey")]


def test_without_a_template_chats_are_chatml_and_end_at_its_marker():
    encoder = PromptEncoder(Vocabulary(None))
    assert readable(encoder.encode(USER)) == "<|im_start|>user\nHey<|im_end|>\n<|im_start|>assistant\n"
    assert encoder.stop == ("<|im_end|>",)


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ m.content | upper }}{% endfor %}",
        "{{ messages[0].content[:4] }}",
        "{{ messages[0]['content'] if messages | length > 9 }}",
        "{% if %}",
        "{{ nothing.at.all }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ raise_exception('no') }}",
    ],
)
def test_a_template_that_changes_or_loses_contents_gives_way_to_chatml(template: str):
    tokens = PromptEncoder(Vocabulary(template)).encode(USER)
    assert readable(tokens) == "<|im_start|>user\nHey<|im_end|>\n<|im_start|>assistant\n"


def test_a_template_without_a_system_role_gets_its_text_in_the_first_user_turn():
    template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</>{% endfor %}"
    )
    messages = [Message("system", "Be brief."), *USER]
    assert readable(PromptEncoder(Vocabulary(template)).encode(messages)) == "<user>Be brief.\n\nHey</>"


def test_templates_have_what_model_makers_use():
    template = (
        "{{ bos_token }}{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m.content }}{% endfor %}"
        "{{ strftime_now('%Y') | length }}{{ eos_token }}{{ enable_thinking }}"
    )
    assert readable(PromptEncoder(Vocabulary(template)).encode(USER)) == "<bos>Hey4<eos>False"


def test_the_begin_token_is_there_once():
    marker = Marker(1, "<bos>")
    with_one = Vocabulary("{{ bos_token }}{{ messages[0].content }}", (marker,), begin_token=1)
    without = Vocabulary("{{ messages[0].content }}", (marker,), begin_token=1)
    assert readable(PromptEncoder(with_one).encode(USER)) == "[1]Hey"
    assert readable(PromptEncoder(without).encode(USER)) == "[1]Hey"


def test_markers_that_eat_the_space_around_them_do_so_in_the_template_only():
    markers = (Marker(1, "<u>", eats_after=True), Marker(2, "</u>", eats_before=True))
    encoder = PromptEncoder(Vocabulary("<u>\n{{ messages[0].content }}\n</u>", markers))
    assert readable(encoder.encode([Message("user", " Hey ")])) == "[1] Hey [2]"


def test_markers_that_plain_text_could_form_are_cut_in_two_in_contents():
    marker = Marker(7, "<turn>", control=False)
    encoder = PromptEncoder(Vocabulary("<turn>{{ messages[0].content }}<turn>", (marker,)))
    tokens = encoder.encode([Message("user", "a<turn>b<turn>")])
    assert readable(tokens) == "[7]a<turn>b<turn>[7]"


def test_longer_markers_win_over_those_that_they_contain():
    markers = (Marker(1, "<|end|>"), Marker(2, "<|end|>x"))
    assert readable(PromptEncoder(Vocabulary("<|end|>x{{ messages[0].content }}", markers)).encode(USER)) == "[2]Hey"


def test_a_closed_model_counts_no_more(llm_path: Path):
    model = GgufModel(llm_path, vocabulary_only=True)
    encoder = PromptEncoder(model)
    assert encoder.encode(USER)
    model.close()
    with pytest.raises(Exception, match="is closed"):
        encoder.encode(USER)
