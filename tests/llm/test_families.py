"""Each family of models loads, counts, answers and can be held to a grammar, also when what it says means nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import gguf
import numpy as np
import pytest

from docindex.answering.compact import CompactSynthesizer
from docindex.answering.engine import RetrieverQueryEngine
from docindex.config import LLMConfig
from docindex.errors import ModelError
from docindex.llm.context import KVContext
from docindex.llm.experts import kept_in_memory
from docindex.llm.gguf import GgufModel
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.protocols import LLM, Message
from docindex.schema import Document, Hit, Node, Query, Scores
from docindex.testing.llm_contract import MAX_TOKENS, OTHER, QUESTION, LLMContract

ARCHITECTURES = {
    "llama": "llama",
    "gptneox": "gptneox",
    "bitnet-tq1": "bitnet",
    "llama-tq2": "llama",
    "mixtral": "llama",
    "olmoe": "olmoe",
    "qwen2moe": "qwen2moe",
    "qwen3moe": "qwen3moe",
}
TERNARY = {"bitnet-tq1": gguf.GGMLQuantizationType.TQ1_0, "llama-tq2": gguf.GGMLQuantizationType.TQ2_0}
MIXTURES = ("mixtral", "olmoe", "qwen2moe", "qwen3moe")
MANUAL = Document(
    "manual",
    "manual.txt",
    "The Nimbus R7 is covered by a warranty of three years from the day of purchase. "
    "The warranty does not cover damage by water. The router weighs 420 grams.",
)

FamilyFile = Callable[[str], Path]


@pytest.fixture(scope="module")
def family_file(families: ModuleType, family_words, tmp_path_factory: pytest.TempPathFactory) -> FamilyFile:
    """The file of a family, written when it is first asked for."""
    folder = tmp_path_factory.mktemp("families")

    def file(name: str) -> Path:
        path = folder / f"{name}.gguf"
        return path if path.exists() else families.write_family(path, families.FAMILIES[name], family_words)

    return file


@pytest.fixture(scope="module", params=ARCHITECTURES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def family_llm(name: str, family_file: FamilyFile) -> Iterator[LlamaCppLLM]:
    with LlamaCppLLM(family_file(name), LLMConfig(), name=name) as llm:
        yield llm


class TestFamilies(LLMContract):
    @pytest.fixture
    def llm(self, family_llm: LlamaCppLLM) -> LLM:
        return family_llm


def answer(llm: LlamaCppLLM, messages: tuple[Message, ...], grammar: str | None = None) -> str:
    return "".join(token.text for token in llm.complete(messages, max_tokens=MAX_TOKENS, grammar=grammar))


def test_the_file_is_of_the_family(family_llm: LlamaCppLLM, name: str) -> None:
    assert family_llm.device.description.startswith(ARCHITECTURES[name])


def test_the_list_above_is_whole(families: ModuleType) -> None:
    assert {name: family.architecture for name, family in families.FAMILIES.items()} == ARCHITECTURES


def test_prompts_are_counted_as_llama_cpp_counts_them(family_llm: LlamaCppLLM, name: str, family_file) -> None:
    import llama_cpp  # after docindex.llm, which says how its threads wait

    rendered = "".join(f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n" for message in QUESTION)
    data = f"{rendered}<|im_start|>assistant\n".encode()
    tokens = (llama_cpp.llama_token * 1000)()
    with GgufModel(family_file(name), vocabulary_only=True) as model:
        count = llama_cpp.llama_tokenize(model.vocabulary, data, len(data), tokens, len(tokens), False, True)
    assert family_llm.count_tokens(QUESTION) == count


def test_a_grammar_is_followed(family_llm: LlamaCppLLM) -> None:
    assert answer(family_llm, QUESTION, 'root ::= "yes" | "no"') in ("yes", "no")
    number = answer(family_llm, OTHER, 'root ::= [0-9] [0-9] "."')
    assert re.fullmatch(r"\d\d\.", number)


def test_several_at_once_are_answered_as_one_after_another(family_llm: LlamaCppLLM) -> None:
    alone = [answer(family_llm, chat) for chat in (QUESTION, OTHER, QUESTION)]
    together = family_llm.complete_many([QUESTION, OTHER, QUESTION], max_tokens=MAX_TOKENS)
    assert [completion.text for completion in together] == alone


class FixedRetriever:
    def retrieve(self, query: Query) -> list[Hit]:
        node = Node("n1", MANUAL.doc_id, 1, 0, len(MANUAL.text), MANUAL.text)
        return [Hit(1, 1.0, Scores(0.6, 1.0), node, MANUAL.source, "Nimbus R7")]


@pytest.mark.parametrize("question", ["How long is the warranty of the Nimbus R7?", "Who won the marathon in Osaka?"])
def test_an_engine_says_nothing_that_no_source_says(family_llm: LlamaCppLLM, question: str) -> None:
    engine = RetrieverQueryEngine(FixedRetriever(), CompactSynthesizer(family_llm, {"manual": MANUAL}.get))
    response = engine.query(question)
    assert response.model == family_llm.name
    assert all(citation.verified for citation in response.citations)
    if not response.no_answer:
        said = re.sub(r"\s*\[\d+\]", "", response.answer).strip("“”")
        assert said in MANUAL.text
        assert response.citations
    assert response.no_answer == ("Osaka" in question)
    assert engine.query(question).answer == response.answer


@pytest.mark.parametrize("name", TERNARY, scope="module")
def test_ternary_weights_are_what_they_are_called_and_small(name: str, family_file: FamilyFile) -> None:
    tensors = gguf.GGUFReader(family_file(name)).tensors
    layers = [tensor for tensor in tensors if tensor.name.startswith("blk.") and len(tensor.shape) > 1]
    assert {tensor.tensor_type for tensor in layers} == {TERNARY[name]}
    bits = 8 * sum(int(tensor.n_bytes) for tensor in layers) / sum(int(tensor.n_elements) for tensor in layers)
    assert bits == pytest.approx({"bitnet-tq1": 1.6875, "llama-tq2": 2.0625}[name])


def test_ternary_weights_in_another_form_say_the_same(families: ModuleType, family_words, tmp_path: Path) -> None:
    """TQ1_0, TQ2_0 and F16 hold the same ternary numbers, so they differ by rounding alone."""
    found = {}
    ternary = gguf.GGMLQuantizationType.TQ2_0
    for kind in ("TQ1_0", "TQ2_0", "F16"):
        family = replace(families.FAMILIES["bitnet-tq1"], weights=gguf.GGMLQuantizationType[kind])
        path = families.write_family(tmp_path / f"{kind}.gguf", family, family_words, rounded_to=ternary)
        found[kind] = logits(path)
    for kind in ("TQ1_0", "F16"):
        assert cosine(found[kind], found["TQ2_0"]) > 0.99
    unrounded = families.write_family(tmp_path / "none.gguf", replace(family, weights=family.weights), family_words)
    assert cosine(logits(unrounded), found["TQ2_0"]) < 0.9


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def logits(path: Path, *, experts_on_cpu: bool = False) -> np.ndarray:
    """What a model expects after a text."""
    with GgufModel(path, experts_on_cpu=experts_on_cpu) as model:
        context = KVContext(model, context_tokens=256, batch_tokens=128, threads=1)
        context.append(model.tokenize("The light turns green when the battery is full."))
        found = np.array(context.logits())
        context.close()
    return found


@pytest.mark.parametrize("name", MIXTURES, scope="module")
def test_experts_that_stay_in_memory_say_the_same(name: str, family_file: FamilyFile, families: ModuleType) -> None:
    path = family_file(name)
    with GgufModel(path, experts_on_cpu=True) as kept, GgufModel(path) as plain:
        assert kept_in_memory(kept.log) == 3 * families.LAYERS  # gate, up and down
        assert kept_in_memory(plain.log) == 0
    assert np.array_equal(logits(path, experts_on_cpu=True), logits(path))


def test_a_model_without_experts_keeps_nothing_back(family_file: FamilyFile) -> None:
    with GgufModel(family_file("llama"), experts_on_cpu=True) as model:
        assert kept_in_memory(model.log) == 0


def test_experts_matter(family_file: FamilyFile, families: ModuleType, family_words, tmp_path: Path) -> None:
    """Asking all experts gives other logits than asking two: so the layout was understood."""
    family = families.FAMILIES["olmoe"]
    settings = {**family.settings, "expert_used_count": families.EXPERTS}
    all_asked = replace(family, settings=settings)
    path = families.write_family(tmp_path / "all.gguf", all_asked, family_words)
    assert not np.allclose(logits(path), logits(family_file("olmoe")), atol=1e-3)


@pytest.mark.parametrize("name", MIXTURES, scope="module")
def test_the_option_reaches_the_model(name: str, family_file: FamilyFile, family_llm: LlamaCppLLM) -> None:
    with LlamaCppLLM(family_file(name), LLMConfig(experts_on_cpu=True), name=name) as kept:
        assert kept.device.experts_in_memory > 0
        assert answer(kept, QUESTION) == answer(family_llm, QUESTION)


def test_too_narrow_heads_have_the_larger_cache(families: ModuleType, family_words, tmp_path: Path) -> None:
    narrow = {"attention.head_count": 16, "attention.head_count_kv": 8, "rope.dimension_count": 16}
    family = replace(families.FAMILIES["llama"], settings=families.RMS | narrow)
    path = families.write_family(tmp_path / "narrow.gguf", family, family_words)
    with LlamaCppLLM(path, LLMConfig(context_tokens=256), name="narrow") as llm:
        assert llm.device.cache_type == "f16"
        assert list(llm.complete([Message("user", "red")], max_tokens=2))
    with pytest.raises(ModelError, match='"f16"'):
        LlamaCppLLM(path, LLMConfig(context_tokens=256, cache_type="q8_0"), name="narrow")
