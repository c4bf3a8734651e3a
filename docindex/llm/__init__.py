"""Local and remote language models."""

from docindex.llm.openmp import set_how_threads_wait

set_how_threads_wait()  # before anything loads llama.cpp
