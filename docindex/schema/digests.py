"""The digests by which texts and files are known again."""

from __future__ import annotations

import hashlib


def digest(*parts: str | bytes) -> str:
    """A 32-character hexadecimal BLAKE2b digest; the parts can't run into each other."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()
