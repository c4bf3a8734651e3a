"""The local model, for real. Generations are short: the suite runs on two busy cores."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import llama_cpp
import pytest

from docindex.config import LLMConfig
from docindex.errors import ModelError, QueryError, RequestCancelledError
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.protocols import Message

SYSTEM = Message("system", "You are brief. " * 12)


def ask(text: str) -> list[Message]:
    return [SYSTEM, Message("user", text)]


def answer(llm: LlamaCppLLM, messages: list[Message], max_tokens: int = 6) -> str:
    return "".join(token.text for token in llm.complete(messages, max_tokens=max_tokens))


def test_what_the_prompts_share_is_taken_from_the_cache_and_counted_exactly(local_llm: LlamaCppLLM):
    sea, tide = ask("What is the sea? Say it."), ask("What is the tide? Say it.")
    list(local_llm.complete(sea, max_tokens=4))
    one, other = local_llm._encoder.encode(sea), local_llm._encoder.encode(tide)
    shared = next(at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    token = next(local_llm.complete(tide, max_tokens=1))
    assert token.prompt_tokens == len(other)
    assert token.cached_tokens == shared > len(one) // 2


def test_a_repeated_prompt_is_reused_but_for_its_last_token_and_gives_the_same_answer(local_llm: LlamaCppLLM):
    messages = ask("Name a fruit.")
    answer(local_llm, [Message("user", "Something else.")], max_tokens=1)
    cold = list(local_llm.complete(messages, max_tokens=8))
    warm = list(local_llm.complete(messages, max_tokens=8))
    assert warm[0].cached_tokens == warm[0].prompt_tokens - 1 > cold[0].cached_tokens
    assert [token.text for token in warm] == [token.text for token in cold]


def test_greedy_answers_are_those_of_plain_greedy_decoding(local_llm: LlamaCppLLM, llm_path: Path):
    messages = ask("Name a fruit.")
    kinds = {"type_k": llama_cpp.GGML_TYPE_Q8_0, "type_v": llama_cpp.GGML_TYPE_Q8_0}
    plain = llama_cpp.Llama(str(llm_path), n_ctx=512, n_batch=128, flash_attn=True, **kinds, verbose=False)
    expected: list[int] = []
    try:
        for token in plain.generate(local_llm._encoder.encode(messages), temp=0.0):
            if len(expected) == 8 or local_llm._model.ends(token):
                break
            expected.append(token)
    finally:
        plain.close()
    text = b"".join(local_llm._model.piece(token) for token in expected).decode("utf-8", "ignore")
    assert answer(local_llm, messages, max_tokens=8) == text


def test_a_long_conversation_goes_on_from_the_cache(local_llm: LlamaCppLLM):
    first = ask("Name a fruit.")
    said = answer(local_llm, first, max_tokens=4)
    second = [*first, Message("assistant", said), Message("user", "And another?")]
    token = next(local_llm.complete(second, max_tokens=1))
    assert token.cached_tokens >= local_llm.count_tokens(first) - 1


@pytest.mark.parametrize("grammar", ['root ::= "yes" | "no"', 'root ::= "{\\"n\\":" [0-9] "}"'])
def test_an_answer_follows_its_grammar(local_llm: LlamaCppLLM, grammar: str):
    text = "".join(token.text for token in local_llm.complete(ask("Is it?"), max_tokens=8, grammar=grammar))
    assert text in ("yes", "no") or 0 <= json.loads(text)["n"] <= 9


@pytest.mark.parametrize("grammar", ["root ::= (", "answer ::= [a-z]+", ""])
def test_a_grammar_that_cant_be_read_is_an_error_and_does_no_harm(local_llm: LlamaCppLLM, grammar: str):
    with pytest.raises(QueryError, match="grammar"):
        local_llm.complete(ask("Is it?"), max_tokens=8, grammar=grammar)
    assert answer(local_llm, ask("Is it?"), max_tokens=1)


def test_a_temperature_samples(local_llm: LlamaCppLLM):
    tokens = list(local_llm.complete(ask("Tell me anything."), max_tokens=4, temperature=1.5))
    assert 1 <= len(tokens) <= 4


def test_the_error_about_a_prompt_that_is_too_long_tells_both_lengths(local_llm: LlamaCppLLM):
    messages = ask("word " * 900)
    with pytest.raises(ModelError) as caught:
        local_llm.complete(messages, max_tokens=200)
    assert str(local_llm.count_tokens(messages)) in str(caught.value)
    assert "200" in str(caught.value)


def test_a_prompt_and_answer_that_just_fit_run(local_llm: LlamaCppLLM):
    room = local_llm.context_tokens - local_llm.count_tokens(ask("Hi"))
    assert next(local_llm.complete(ask("Hi"), max_tokens=room)).prompt_tokens
    with pytest.raises(ModelError):
        local_llm.complete(ask("Hi"), max_tokens=room + 1)


def test_an_iterator_that_is_dropped_frees_the_model(local_llm: LlamaCppLLM):
    tokens = local_llm.complete(ask("Count to ten."), max_tokens=20)
    next(tokens)
    del tokens
    gc.collect()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(answer, local_llm, ask("Hi"), 1).result(60) is not None


def test_a_request_in_line_can_be_cancelled_while_another_runs(local_llm: LlamaCppLLM):
    running = local_llm.complete(ask("Count to ten."), max_tokens=20)
    next(running)
    cancel = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: list(local_llm.complete(ask("Hi"), max_tokens=4, cancel=cancel)))
        cancel.set()
        with pytest.raises(RequestCancelledError):
            waiting.result(60)
    assert next(running)
    running.close()


def test_a_cancelled_prefill_leaves_a_sound_cache(local_llm: LlamaCppLLM):
    messages = ask("The sea is salt, and the tide comes twice a day. " * 24)
    expected = answer(local_llm, messages, 4)
    answer(local_llm, [Message("user", "Something else.")], 1)

    class AfterTwoChecks(threading.Event):
        checks = 0

        def is_set(self) -> bool:
            self.checks += 1
            return self.checks > 3

    with pytest.raises(RequestCancelledError):
        list(local_llm.complete(messages, max_tokens=4, cancel=AfterTwoChecks()))
    after = list(local_llm.complete(messages, max_tokens=4))
    assert 0 < after[0].cached_tokens < after[0].prompt_tokens
    assert "".join(token.text for token in after) == expected


def test_the_report_says_what_really_happened(local_llm: LlamaCppLLM):
    report = local_llm.device
    assert report.layers_total == 31
    assert report.flash_attention
    assert report.on_gpu == (report.layers_offloaded > 0)
    assert report.context_tokens == local_llm.context_tokens == 1024
    assert report.cache_type == "q8_0/f16"
    assert report.cache_bytes == pytest.approx(1024 * 30 * 192 * (34 / 32 + 2), rel=0.001)
    assert 90e6 < report.weights_bytes < 100e6
    assert "Q4_1" in report.description
    assert json.dumps(report.as_dict())


@pytest.mark.skipif(llama_cpp.llama_supports_gpu_offload(), reason="this build has a GPU")
def test_a_required_gpu_that_is_not_there_is_an_error(llm_path: Path):
    with pytest.raises(ModelError, match="can't run on a GPU"):
        LlamaCppLLM(llm_path, LLMConfig(require_gpu=True), name="smol")


def test_a_closed_model_says_so_and_an_answer_in_progress_ends(llm_path: Path):
    llm = LlamaCppLLM(llm_path, LLMConfig(context_tokens=256, threads=1), name="smol")
    tokens = llm.complete([Message("user", "Count.")], max_tokens=20)
    next(tokens)
    llm.close()
    with pytest.raises(ModelError, match="closed"):
        list(tokens)
    with pytest.raises(ModelError, match="closed"):
        llm.count_tokens([Message("user", "Hi")])
    llm.close()


@pytest.mark.parametrize("kind", ["missing", "text", "magic", "cut", "folder"])
def test_a_file_that_is_no_model_is_an_error_with_a_cure(kind: str, tmp_path: Path, llm_path: Path):
    path = tmp_path / "model.gguf"
    if kind == "text":
        path.write_text("This is not a model.")
    elif kind == "magic":
        path.write_bytes(b"GGUF" + b"\x03\0\0\0" + b"\xff" * 64)
    elif kind == "cut":
        with llm_path.open("rb") as file:
            path.write_bytes(file.read(3_000_000))
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(ModelError, match=r"model\.gguf") as caught:
        LlamaCppLLM(path, LLMConfig(), name="broken")
    assert ": " in str(caught.value)


def test_llama_cpp_prints_nothing_and_logs_to_the_library(llm_path: Path, tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from docindex.config import LLMConfig\n"
        "from docindex.llm.llamacpp import LlamaCppLLM; from docindex.protocols import Message\n"
        "from docindex.errors import ModelError\n"
        "llm = LlamaCppLLM(Path(sys.argv[1]), LLMConfig(context_tokens=256), name='smol')\n"
        "list(llm.complete([Message('user', 'Hi')], max_tokens=1, grammar='root ::= [a-z]'))\n"
        "try:\n    LlamaCppLLM(Path(sys.argv[2]), LLMConfig(), name='broken')\n"
        "except ModelError: pass\n"
    )
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\xff" * 100)
    done = subprocess.run(
        [sys.executable, "-c", code, str(llm_path), str(broken)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_loading_is_told_in_the_log(llm_path: Path, caplog: pytest.LogCaptureFixture):
    with (
        caplog.at_level(logging.DEBUG, logger="docindex.llm"),
        LlamaCppLLM(llm_path, LLMConfig(context_tokens=256), name="smol"),
    ):
        pass
    assert any("flash_attn" in record.message for record in caplog.records)
    assert all(record.levelno == logging.DEBUG for record in caplog.records if record.name == "docindex.llm")
