"""What is read back from llama.cpp's log; the lines are those of its source, with a GPU's filled in."""

from __future__ import annotations

from docindex.llm import device

GPU_LOG = [
    "llama_model_load_from_file_impl: using device CUDA0 (NVIDIA H100 80GB HBM3) (0000:0b:00.0) - 80995 MiB free\n",
    "load_tensors: offloading output layer to GPU\nload_tensors: offloading 29 repeating layers to GPU\n",
    "load_tensors: offloaded 31/31 layers to GPU\n",
    "llama_context: flash_attn            = auto\n",
    "llama_kv_cache:      CUDA0 KV buffer size =   100.00 MiB\n",
    "llama_kv_cache:        CPU KV buffer size =    80.00 MiB\n",
    "llama_context: Flash Attention was auto, set to enabled\n",
]


def test_a_gpus_log_is_read():
    assert device.offloaded_layers(GPU_LOG) == 31
    assert device.devices(GPU_LOG) == (device.Device("CUDA0", "NVIDIA H100 80GB HBM3", 80995 * 2**20),)
    assert device.flash_attention(GPU_LOG)
    assert device.cache_bytes(GPU_LOG) == 180 * 2**20


def test_a_log_without_a_gpu_says_that_nothing_was_offloaded():
    log = ["llama_context: flash_attn            = disabled\n"]
    assert device.offloaded_layers(log) == 0
    assert device.devices(log) == ()
    assert not device.flash_attention(log)
