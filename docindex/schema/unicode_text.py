"""What texts must be to be written anywhere."""

from __future__ import annotations

import re

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def encodable(text: str) -> str:
    """The text with lone surrogates, which UTF-8 can't hold, replaced one for one."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
