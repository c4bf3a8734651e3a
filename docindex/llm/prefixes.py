"""Token sequences that begin alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def name_of(tokens: NDArray[np.int32]) -> str:
    """The digest of a token sequence."""
    return hashlib.blake2b(tokens.tobytes(), digest_size=16).hexdigest()


def shared_length(one: NDArray[np.int32], other: NDArray[np.int32]) -> int:
    """How many first tokens are the same."""
    count = min(len(one), len(other))
    differs = one[:count] != other[:count]
    return int(differs.argmax()) if differs.any() else count


def is_beginning(one: NDArray[np.int32], other: NDArray[np.int32]) -> bool:
    """Whether the other sequence begins with all of the one."""
    return len(one) <= len(other) and bool(np.array_equal(one, other[: len(one)]))


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """How many first tokens are the same."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
