"""`python -m docindex`, where the `docindex` command is not on the path."""

from __future__ import annotations

from docindex.cli import main

if __name__ == "__main__":
    main()
