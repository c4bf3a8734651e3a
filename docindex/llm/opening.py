"""What a local model is made of, as the configuration wants it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import llama_cpp

from docindex.config import CacheType, LLMConfig
from docindex.errors import ModelError
from docindex.llm import device
from docindex.llm.context import CPU_BATCH, GPU_BATCH, KVContext
from docindex.llm.gguf import GgufModel
from docindex.llm.parallel import SPARE_SEQUENCES
from docindex.llm.planning import plan_memory
from docindex.llm.state_files import StateFiles, state_key
from docindex.llm.states import SavedStates

logger = logging.getLogger("docindex.llm")

_LONGEST_DEFAULT_CONTEXT = 8192
_SHORTEST_DEFAULT_CONTEXT = 1024
_GPU_AT_ONCE = 32
_CPU_AT_ONCE = 8
"""Answers that are written at once; more gain nothing on a CPU."""


def open_model(path: Path, config: LLMConfig, name: str) -> tuple[GgufModel, KVContext]:
    """The model and its KV cache, with all layers that the build and the device can take on the GPU.

    Where the number of layers is not given and the model does not open with all of them there, fewer are tried.

    Raises:
        ModelError: The file is missing or damaged, or generates no text; there is not enough memory; or a GPU is
            required and no layer runs on one.
    """
    if config.require_gpu and not llama_cpp.llama_supports_gpu_offload():
        raise ModelError(
            f"{name} can't run on a GPU, because this llama-cpp-python is built without GPU support or sees no "
            'device: allow the CPU, or reinstall it with CMAKE_ARGS="-DGGML_CUDA=on".'
        )
    try:
        return _opened(path, config, name, config.gpu_layers)
    except ModelError:
        for layers in _fewer_layers(path, config):
            with suppress(ModelError):
                opened = _opened(path, config, name, layers)
                logger.warning("%s does not fit on the GPU: %d of its layers are there.", name, layers)
                return opened
        raise


def _opened(path: Path, config: LLMConfig, name: str, gpu_layers: int) -> tuple[GgufModel, KVContext]:
    model = GgufModel(path, gpu_layers=gpu_layers, experts_on_cpu=config.experts_on_cpu)
    try:
        _check(model, config, name)
        return model, _context(model, config)
    except BaseException:
        model.close()
        raise


def _fewer_layers(path: Path, config: LLMConfig) -> Iterator[int]:
    """How many layers a GPU may have room for, where it has none for all: as planned, then half of them, down to 0."""
    if config.gpu_layers != -1 or not llama_cpp.llama_supports_gpu_offload():
        return
    plan = plan_memory(path, context_tokens=config.context_tokens, embedder_bytes=0)
    layers = min(plan.gpu_layers, plan.layers - 1)
    while layers:
        yield layers
        layers //= 2
    if not config.require_gpu:
        yield 0


def _context(model: GgufModel, config: LLMConfig) -> KVContext:
    """The model's KV cache. Where no length is given and memory is short, it is halved until it fits.

    Where no type is given, a model on the CPU has a cache with its keys in q8_0, unless its heads are too narrow for
    that or flash attention is off. It is off for one that is not quantised, if nothing else is wanted: such a model
    reads 2,000 tokens in 0.8 of the time without, 4,000 in 0.6, and is not exact beside others with it either.

    Raises:
        ModelError: There is not enough memory.
    """
    offloaded = device.offloaded_layers(model.log)
    flash = config.flash_attention
    if flash is None:
        flash = bool(offloaded) or model.quantised or config.cache_type not in ("f16", None)
    tokens = config.context_tokens or min(model.training_context, _LONGEST_DEFAULT_CONTEXT)
    while True:
        for cache_type in _cache_types(config, offloaded, flash=flash):
            try:
                return KVContext(
                    model,
                    context_tokens=tokens,
                    batch_tokens=GPU_BATCH if offloaded else CPU_BATCH,
                    threads=config.threads or len(os.sched_getaffinity(0)),
                    sequences=1 + (_GPU_AT_ONCE if offloaded else _CPU_AT_ONCE) + SPARE_SEQUENCES,
                    cache_type=cache_type,
                    flash_attention=flash,
                )
            except ModelError as error:
                failure = error
        if config.context_tokens is not None or tokens <= _SHORTEST_DEFAULT_CONTEXT:
            raise failure
        tokens = max(tokens // 2, _SHORTEST_DEFAULT_CONTEXT)


def _cache_types(config: LLMConfig, offloaded: int, *, flash: bool) -> tuple[CacheType, ...]:
    """What is tried, in this order."""
    if config.cache_type is not None:
        return (config.cache_type,)
    return ("f16",) if offloaded or not flash else ("q8_0/f16", "f16")


def open_states(context: KVContext, model: GgufModel, config: LLMConfig, folder: Path | None) -> SavedStates:
    """What the model has read before: in memory, and in the folder where there is one and it may be used."""
    files = None
    if folder is not None and config.state_disk_bytes and context.forgets_in_part:
        offloaded = device.offloaded_layers(model.log)
        flash, stretched = device.flash_attention(context.log), model.stretched(context.context_tokens)
        layout = f"{context.cache_type} {flash} {offloaded} {stretched}"  # what keys and values depend on
        with suppress(OSError):  # a model whose file is gone by now
            files = StateFiles(folder, budget_bytes=config.state_disk_bytes, key=state_key(model, layout=layout))
    return SavedStates(memory_bytes=config.state_cache_bytes, most_tokens=context.context_tokens, files=files)


def _check(model: GgufModel, config: LLMConfig, name: str) -> None:
    if config.require_gpu and not device.offloaded_layers(model.log):
        raise ModelError(f"No layer of {name} went to a GPU: allow the CPU, or free the device and raise `gpu_layers`.")
    if not model.generates_text:
        raise ModelError(f"{model.path} makes embeddings, not text: choose a chat model as the LLM.")
