"""Known-item search on long manuals: hierarchical retrieval against flat passages; the work is done in `known_items/`.

    apt-get install r-doc-pdf debian-policy
    python tests/benchmarks/known_items.py [--docs FOLDER...] [--questions N] [--out FILE]

`--help` says what is measured, and how.
"""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_suffix("")), run_name="__main__")
