"""Measures search at 100,000 or a million nodes, beside libraries that search in memory; the work is done in `scale/`.

    python tests/benchmarks/scale.py [--nodes 100000] [--peers hnswlib,faiss,usearch,llamaindex]

`--help` says what is measured, and how.
"""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_suffix("")), run_name="__main__")
