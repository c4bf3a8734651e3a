"""Measures docindex beside LlamaIndex, LangChain, Haystack and txtai; the work is done by the scripts in `peers/`.

    python tests/benchmarks/peers.py --data SCIFACT --docs FOLDER... [--systems docindex,txtai] [--limit 50]

`--help` says what is measured, and how.
"""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_suffix("")), run_name="__main__")
