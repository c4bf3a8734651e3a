"""Opens and runs graphs with ONNX Runtime, all in the same way."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from docindex.errors import ModelError

_WEIGHTS_BESIDE = "session.model_external_initializers_file_folder_path"


def open_session(path: Path, threads: int | None, *, graph: bytes | None = None) -> onnxruntime.InferenceSession:
    """A graph, ready to run on the CPU.

    Args:
        path: The file that it is in.
        threads: None is one a core that this process may use.
        graph: What to run in its place, with the weights that lie beside it.

    Raises:
        ModelError: ONNX Runtime can't load it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin between operators gain nothing here, and take the cores from what runs beside, such as the LLM.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if graph is not None:
        options.add_session_config_entry(_WEIGHTS_BESIDE, str(path.parent))
    try:
        return onnxruntime.InferenceSession(
            path if graph is None else graph, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's errors have no narrower root
        derived = path.parent.name.startswith("graph-")  # written by us, and so written again once it is gone
        cure = "delete that folder, and try again" if derived else "get the model again"
        what = path.parent if derived else path
        raise ModelError(f"ONNX Runtime can't load {what} ({error}): {cure}.") from error


def run_padded(session: onnxruntime.InferenceSession, tokens: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
    """What a graph of `ids` and `mask` gives in one pass over texts that are already tokens, padded to the longest."""
    ids = np.zeros((len(tokens), max(map(len, tokens))), dtype=np.int32)
    mask = np.zeros_like(ids)
    for row, text in enumerate(tokens):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return np.asarray(session.run(None, {"ids": ids, "mask": mask})[0], dtype=np.float32)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))
