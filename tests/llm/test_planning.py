from __future__ import annotations

from pathlib import Path

import llama_cpp
import pytest

from docindex.config import LLMConfig
from docindex.errors import ModelError
from docindex.llm import opening, planning
from docindex.llm.build import gpus
from docindex.llm.context import KVContext
from docindex.llm.device import Device
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.llm.planning import plan_memory


def test_the_plan_is_what_loading_then_takes(llm_path: Path, local_llm: LlamaCppLLM):
    plan = plan_memory(llm_path, context_tokens=1024, embedder_bytes=1000)
    assert plan.small_cache_bytes == pytest.approx(local_llm.device.cache_bytes, rel=0.001)
    assert plan.cache_bytes == 1024 * 30 * 2 * 192 * 2
    assert plan.weights_bytes == pytest.approx(local_llm.device.weights_bytes, rel=0.05)
    assert plan.layers == local_llm.device.layers_total
    assert plan.small_cache_bytes == 1024 * 30 * 2 * 192 * 34 // 32
    assert plan.total_bytes == plan.weights_bytes + plan.cache_bytes + plan.work_bytes + 1000
    assert plan.free_bytes > 0
    rows = local_llm.device.batch_tokens
    assert plan.work_bytes == rows * 4 * (49_152 + 8 * 576)


def test_without_a_length_the_models_own_is_planned_for(llm_path: Path):
    assert plan_memory(llm_path, context_tokens=None, embedder_bytes=0).context_tokens == 8192


@pytest.mark.parametrize(("free", "layers"), [(1 << 40, 31), (0, 0), (170 << 20, 17)])
def test_layers_go_to_a_gpu_as_far_as_its_memory_goes(
    llm_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, layers: int
):
    monkeypatch.setattr(planning, "gpus", lambda: (Device("CUDA0", "a GPU", free),))
    plan = plan_memory(llm_path, context_tokens=1024, embedder_bytes=0)
    assert abs(plan.gpu_layers - layers) <= 2
    assert 0 <= plan.gpu_layers <= plan.layers


@pytest.mark.skipif(llama_cpp.llama_supports_gpu_offload(), reason="this build has a GPU")
def test_a_build_without_a_gpu_has_no_devices():
    assert gpus() == ()


def test_a_context_that_memory_has_no_room_for_is_halved_unless_it_was_asked_for(
    llm_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[int] = []

    def small_memory(model, *, context_tokens: int, **settings) -> KVContext:
        asked.append(context_tokens)
        if context_tokens > 2048:
            raise ModelError("no room")
        return KVContext(model, context_tokens=context_tokens, **settings)

    monkeypatch.setattr(opening, "KVContext", small_memory)
    with LlamaCppLLM(llm_path, LLMConfig(), name="small") as llm:
        assert llm.context_tokens == 2048
    assert asked == [8192, 8192, 4096, 4096, 2048]  # in q8_0, then in f16
    with pytest.raises(ModelError, match="no room"):
        LlamaCppLLM(llm_path, LLMConfig(context_tokens=4096), name="small")
