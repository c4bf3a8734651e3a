from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import llama_cpp
import pytest

from docindex.config import LLMConfig
from docindex.errors import ModelError
from docindex.llm import logs, opening, planning
from docindex.llm.build import gpus
from docindex.llm.context import KVContext
from docindex.llm.device import Device
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.llm.planning import MemoryPlan, plan_memory


def test_the_plan_is_what_loading_then_takes(llm_path: Path, local_llm: LlamaCppLLM):
    plan = plan_memory(llm_path, context_tokens=1024, embedder_bytes=1000)
    assert plan.mixed_cache_bytes == pytest.approx(local_llm.device.cache_bytes, rel=0.001)
    assert plan.cache_bytes == 1024 * 30 * 2 * 192 * 2
    assert plan.weights_bytes == pytest.approx(local_llm.device.weights_bytes, rel=0.05)
    assert plan.layers == local_llm.device.layers_total
    assert plan.small_cache_bytes == 1024 * 30 * 2 * 192 * 34 // 32
    assert plan.mixed_cache_bytes == (plan.cache_bytes + plan.small_cache_bytes) // 2
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


class SmallGpu:
    """Stands for llama.cpp's loading on a GPU with room for some layers: more fail as they do there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, room: int, planned: int) -> None:
        self.asked: list[int] = []
        self._room = room
        self._load = llama_cpp.llama_model_load_from_file
        monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: True)
        self._planned = planned
        monkeypatch.setattr(opening, "plan_memory", self.plan)
        monkeypatch.setattr(llama_cpp, "llama_model_load_from_file", self.load)

    def plan(self, path: Path, *, context_tokens: int | None, embedder_bytes: int) -> MemoryPlan:
        plan = plan_memory(path, context_tokens=context_tokens, embedder_bytes=embedder_bytes)
        return replace(plan, gpu_layers=self._planned)

    def load(self, path: bytes, params: llama_cpp.llama_model_params) -> object:
        if params.vocab_only:
            return self._load(path, params)
        layers = min(params.n_gpu_layers, 31)
        self.asked.append(layers)
        if layers > self._room:
            self._log("llama_model_load: error loading model: unable to allocate CUDA0 buffer\n")
            return None
        self._log(f"load_tensors: offloaded {layers}/31 layers to GPU\n")
        params.n_gpu_layers = 0
        return self._load(path, params)

    @staticmethod
    def _log(line: str) -> None:
        logs._to_logging(4, line.encode(), None)


@pytest.mark.parametrize(
    ("room", "asked"), [(31, [31]), (16, [31, 16]), (7, [31, 16, 8, 4]), (0, [31, 16, 8, 4, 2, 1, 0])]
)
def test_a_model_that_a_gpu_has_no_room_for_is_there_with_fewer_layers(
    llm_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, room: int, asked: list[int]
):
    gpu = SmallGpu(monkeypatch, room=room, planned=16)
    with LlamaCppLLM(llm_path, LLMConfig(context_tokens=256), name="big") as llm:
        assert llm.device.layers_offloaded == asked[-1]
    assert gpu.asked == asked
    warned = f"big does not fit on the GPU: {asked[-1]} of its layers are there."
    assert [line for line in caplog.messages if "fit" in line] == ([warned] if room < 31 else [])


@pytest.mark.parametrize("config", [LLMConfig(require_gpu=True), LLMConfig(gpu_layers=20)])
def test_what_was_asked_of_a_gpu_is_not_given_up(llm_path: Path, monkeypatch: pytest.MonkeyPatch, config: LLMConfig):
    gpu = SmallGpu(monkeypatch, room=0, planned=2)
    with pytest.raises(ModelError, match=r"unable to allocate CUDA0 buffer.*free some memory"):
        LlamaCppLLM(llm_path, config, name="big")
    assert gpu.asked == ([31, 2, 1] if config.require_gpu else [20])


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
    assert asked == [8192, 8192, 4096, 4096, 2048]  # with keys in q8_0, then in f16
    with pytest.raises(ModelError, match="no room"):
        LlamaCppLLM(llm_path, LLMConfig(context_tokens=4096), name="small")
