"""Reads safetensors files: a JSON header that says where each array lies in the rest of the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docindex.errors import ModelError

_NUMPY_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}


def read_safetensors(path: Path) -> Mapping[str, NDArray[np.float32]]:
    """The file's weights by name as float32, in the shapes that they were saved in. Integer arrays are left out.

    Raises:
        ModelError: The file is damaged, or holds a type other than float64, float32, float16 and bfloat16.
    """
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
        length = int(data[:8].view("<u8")[0])
        header = json.loads(bytes(data[8 : 8 + length]))
        body = data[8 + length :]
        return {
            name: _weights(body[slice(*entry["data_offsets"])], entry["dtype"], entry["shape"])
            for name, entry in header.items()
            if name != "__metadata__" and not entry["dtype"].startswith(("I", "U", "BOOL"))
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ModelError(f"{path} is not a sound safetensors file ({error}): get it again.") from error


def _weights(data: NDArray[np.uint8], dtype: str, shape: list[int]) -> NDArray[np.float32]:
    if dtype == "BF16":  # the upper half of a float32
        return (data.view("<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return data.view(_NUMPY_TYPES[dtype]).reshape(shape).astype(np.float32, copy=False)
