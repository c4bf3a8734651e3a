"""What the installed ONNX Runtime can run on."""

from __future__ import annotations

from docindex.errors import ModelError


def available_providers() -> list[str]:
    """The execution providers, best first.

    Raises:
        ModelError: ONNX Runtime can't be loaded.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(f"ONNX Runtime can't be loaded ({error}): install it again.") from error
    return list(onnxruntime.get_available_providers())
