"""The sampler against llama.cpp's own, which asks the grammar about the whole vocabulary."""

from __future__ import annotations

import ctypes

import llama_cpp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docindex.errors import QueryError
from docindex.llm.gguf import GgufModel
from docindex.llm.sampling import Sampler

GRAMMARS = {
    "words": 'root ::= [a-z ]+ "."',
    "choice": 'root ::= "yes" | "no" | "perhaps"',
    "object": 'root ::= "{\\"answer\\": \\"" [^"\\\\\\n]* "\\", \\"pages\\": [" [0-9]+ ("," [0-9]+)* "]}"',
}


def plain_choice(rules: object, logits: np.ndarray) -> int:
    """The likeliest token of those that the grammar allows, all of them asked about."""
    candidates = (llama_cpp.llama_token_data * len(logits))()
    for token, logit in enumerate(logits):
        candidates[token].id = token
        candidates[token].logit = logit
    array = llama_cpp.llama_token_data_array(candidates, len(logits), -1, False)
    llama_cpp.llama_sampler_apply(rules, ctypes.byref(array))
    judged = np.array([candidates[token].logit for token in range(len(logits))], np.float32)
    return int(judged.argmax())


@pytest.mark.parametrize("name", GRAMMARS)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([0, 3]))
def test_the_token_is_the_one_that_asking_about_all_would_give(
    vocabulary: GgufModel, name: str, seed: int, levels: int
):
    random = np.random.default_rng(seed)
    rules = llama_cpp.llama_sampler_init_grammar(vocabulary.vocabulary, GRAMMARS[name].encode(), b"root")
    try:
        with Sampler(vocabulary, grammar=GRAMMARS[name]) as sampler:
            for _ in range(4):
                logits = random.normal(size=vocabulary.vocabulary_size).astype(np.float32)
                if levels:  # many equally likely ones
                    logits = np.round(logits * levels) / np.float32(levels)
                expected = plain_choice(rules, logits)
                assert sampler.choose(logits) == expected
                if vocabulary.ends(expected):
                    break
                llama_cpp.llama_sampler_accept(rules, expected)
    finally:
        llama_cpp.llama_sampler_free(rules)


def test_without_a_grammar_the_likeliest_is_taken_and_of_equals_the_first(vocabulary: GgufModel):
    logits = np.zeros(vocabulary.vocabulary_size, np.float32)
    with Sampler(vocabulary) as sampler:
        assert sampler.choose(logits) == 0
        logits[[700, 900]] = 3.5
        assert sampler.choose(logits) == 700


def test_a_temperature_chooses_among_the_likely_ones_that_the_grammar_allows(vocabulary: GgufModel):
    logits = np.random.default_rng(3).normal(size=vocabulary.vocabulary_size).astype(np.float32)
    with Sampler(vocabulary, temperature=1.0, grammar=GRAMMARS["choice"]) as sampler:
        text = vocabulary.piece(sampler.choose(logits)).decode()
    assert any(word.startswith(text) for word in ("yes", "no", "perhaps"))
    with Sampler(vocabulary, temperature=1.0) as sampler:
        likely = set(np.argsort(logits)[-40:].tolist())
        assert {sampler.choose(logits) for _ in range(20)} <= likely


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_grammar_that_leaves_no_token_is_an_error(vocabulary: GgufModel, temperature: float):
    logits = np.full(vocabulary.vocabulary_size, -np.inf, np.float32)
    with (
        Sampler(vocabulary, temperature=temperature, grammar=GRAMMARS["words"]) as sampler,
        pytest.raises(QueryError, match="no next token"),
    ):
        sampler.choose(logits)


def test_a_closed_sampler_can_be_closed_again(vocabulary: GgufModel):
    sampler = Sampler(vocabulary, grammar=GRAMMARS["words"], temperature=0.5)
    sampler.close()
    sampler.close()
