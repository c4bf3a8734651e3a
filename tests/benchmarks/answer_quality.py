"""Answer quality: what the engines and synthesis modes say, cite and refuse, on questions with known answers.

    python tests/benchmarks/answer_quality.py [--modes all] [--engines all] [--limit N] [--debian DIR...] [--out FILE]

What `--help` says holds; the work is done in `answer_quality/`.
"""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_suffix("")), run_name="__main__")
