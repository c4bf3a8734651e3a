"""A table of retrieval methods on a collection in BEIR's layout; the work is done in `retrieval_table/`.

    python tests/benchmarks/retrieval_table.py --data DATA --index INDEX [--build] [--methods LIST] [--queries N]

`--help` says what is measured, and how.
"""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_suffix("")), run_name="__main__")
