"""How llama.cpp's threads wait for each other, which decides how fast a token is computed.

They meet some hundred times a token. By default, OpenMP has those that wait spin for milliseconds: on a machine that
does other work too, that makes answers several times slower. If they never spin, they sleep and are woken each time,
which does the same on an idle machine. A thousand turns, some microseconds, cost neither: on two cores, a token took
8 ms after them, 28 ms without any; beside one other busy program, 32 and 18 ms, and 161 ms after 50,000.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

TURNS = 1_000


def set_how_threads_wait() -> None:
    """Sets the variables that OpenMP reads when it is loaded, unless the user has set them.

    GCC's OpenMP can be told a number of turns. It takes that for a process with more threads than cores, too, only
    where the policy is "active". That policy would have the OpenMP of LLVM spin for ever: it is told never to.
    """
    bounded = _made_with_gcc()
    os.environ.setdefault("OMP_WAIT_POLICY", "active" if bounded else "passive")
    if bounded:
        os.environ.setdefault("GOMP_SPINCOUNT", str(TURNS))


def _made_with_gcc() -> bool:
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        return False
    libraries = list((Path(spec.origin).parent / "lib").glob("*ggml-cpu*"))
    return bool(libraries) and all(b"libgomp" in library.read_bytes() for library in libraries)
