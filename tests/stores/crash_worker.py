"""Dies on request: forks a writer for each line of standard input, which kills itself when it reaches a step.

A line is JSON: the index, the operation, and the step. The answer is the signal that ended the child, or minus its exit
code. Forking from a process that has imported everything and opened nothing saves a second of imports a kill.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path

from docindex.protocols import ChangeSet
from docindex.schema import Progress
from docindex.stores.commit import open_stores
from docindex.testing.store_contract import source_of, text_change


def change(operation: str) -> ChangeSet:
    """What the writer commits."""
    match operation:
        case "add":
            new = [text_change(f"new{i}", f"New text {i}.", metadata={"added": i}) for i in range(3)]
        case "update":
            new = [text_change("a", "Changed text.", "And more.")]
        case _:
            return ChangeSet(delete_documents=["a", "b"], delete_sources=["/docs/a", "/docs/b"])
    return ChangeSet(documents=new, sources=[source_of(one) for one in new])


def write(path: Path, operation: str, step: str) -> None:
    def die(progress: Progress) -> None:
        if progress.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    stores = open_stores(path, keep_seconds=0.0)
    with stores.writer(on_progress=die) as writer:
        if operation == "maintain":
            writer.maintain(die, force=True)
        else:
            writer.commit(change(operation), die)
    stores.close()


def main() -> None:
    warnings.simplefilter("ignore", RuntimeWarning)  # lancedb says that forking is experimental
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                write(Path(order["path"]), order["operation"], order["step"])
                code = 0
            finally:
                if code:
                    traceback.print_exc()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status), flush=True)


if __name__ == "__main__":
    main()
