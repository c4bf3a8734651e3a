"""Local and remote language models."""

import os

# OpenMP reads these when llama.cpp is loaded. By default its threads spin for milliseconds while they wait for each
# other: on a machine that does other work too, that makes answers several times slower. Threads that never spin have
# to be woken some hundred times a token, which does the same on a machine that is idle. A thousand turns, some
# microseconds, cost neither. Other OpenMPs than GCC's do not know the second variable, and never spin.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
