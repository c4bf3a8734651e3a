"""Local and remote language models."""

import os

# OpenMP reads this when llama.cpp is loaded. Its threads otherwise spin while they wait for each other: on a machine
# that does other work too, that made answers four times slower and took four times the processor time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
