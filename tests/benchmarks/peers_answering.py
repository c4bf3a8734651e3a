"""Measures how soon docindex answers beside LlamaIndex, LangChain and Haystack; the work is done in `peers_answering/`.

    python tests/benchmarks/peers_answering.py [--questions 5] [--rounds 3] [--systems docindex,llamaindex]

`--help` says what is measured, and how.
"""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_suffix("")), run_name="__main__")
