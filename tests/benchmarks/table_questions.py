"""Counting, adding up, filtering and joining: questions over spreadsheets, with answers that plain Python gives.

    python tests/benchmarks/table_questions.py [--no-model] [--set main|held-out|blind|refuse|all] [--show]

Twenty workbooks are written by a script with a seed and ingested into an index; the questions were written before the
planner was tried on them. What `--help` says holds; the work is done in `table_questions/`.
"""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_suffix("")), run_name="__main__")
