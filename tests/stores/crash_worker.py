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

import numpy as np

from docindex.protocols import ChangeSet, NodeVectors, OnProgress, Snapshot, Writer
from docindex.schema import Progress
from docindex.stores.commit import open_stores
from docindex.testing.stored_texts import DIM, source_of, text_change, text_vector


def change(operation: str, snapshot: Snapshot) -> ChangeSet:
    """What the writer commits."""
    match operation:
        case "embed":
            nodes = snapshot.unembedded(99)
            vectors = [text_vector(node.full_text) for node in nodes]
            return ChangeSet(vectors=NodeVectors([node.node_id for node in nodes], np.array(vectors).reshape(-1, DIM)))
        case "add":
            new = [text_change(f"new{i}", f"New text {i}.", metadata={"added": i}) for i in range(3)]
        case "update":
            new = [text_change("a", "Changed text.", "And more.")]
        case _:
            return ChangeSet(delete_documents=["a", "b"], delete_sources=["/docs/a", "/docs/b"])
    return ChangeSet(documents=new, sources=[source_of(one) for one in new])


def work(writer: Writer, operation: str, on_progress: OnProgress) -> None:
    """Does what the operation says."""
    match operation:
        case "maintain":
            writer.maintain(on_progress, force=True)
        case "rollback":
            writer.rollback("start", on_progress)
        case "purge":
            writer.purge(on_progress)
        case "repair":
            writer.repair(on_progress)
        case _:
            writer.commit(change(operation, writer.snapshot), on_progress)


def write(path: Path, operation: str, step: str) -> None:
    def die(progress: Progress) -> None:
        if progress.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    stores = open_stores(path, keep_seconds=0.0)
    with stores.writer(on_progress=die) as writer:
        work(writer, operation, die)
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
