"""The machine of a measurement, in words."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from pathlib import Path


def describe(script: str) -> dict[str, str]:
    """What figures depend on, and the command that makes them again."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    cpu = next((fact.split(":", 1)[1].strip() for fact in facts if fact.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "processor": f"{cpu}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "command": shlex.join(["python", f"tests/benchmarks/{script}", *sys.argv[1:]]),
    }
