"""How long an ingest is likely to take, from a sample of what it would read."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from docindex.indices.passages import PassageIndex
from docindex.ingest.plan import PlannedFile
from docindex.protocols import Loaded
from docindex.schema import Document, Estimate, Node

SAMPLE_SECONDS = 3.0
"""How long reading the sample may take; the file that is being read then is read to its end."""
FILES_A_TYPE = 3
"""Of each media type, files of middling size are read: a small PDF says nothing about the prose beside it."""
LARGEST_SAMPLED = 4 << 20
EMBEDDED_NODES = 64

LoadFiles = Callable[[Sequence[PlannedFile]], Iterable[tuple[PlannedFile, Iterable[Loaded]]]]


def estimate(files: Sequence[PlannedFile], load: LoadFiles, index: PassageIndex) -> Estimate | None:
    """The passages and seconds that the files are likely to take; None where nothing of them could be sampled."""
    by_type: dict[str, list[PlannedFile]] = defaultdict(list)
    for file in files:
        by_type[file.source.media_type].append(file)
    sample = [file for alike in by_type.values() for file in _middling(alike)]
    started = time.perf_counter()
    sampled: dict[str, int] = defaultdict(int)
    cut: dict[str, list[Node]] = defaultdict(list)
    for file, items in load(sample):
        for item in items:
            if isinstance(item, Document):
                cut[file.source.media_type] += index.nodes(item)
        sampled[file.source.media_type] += file.record.bytes
        if time.perf_counter() - started > SAMPLE_SECONDS:
            break
    read_seconds, sampled_bytes = time.perf_counter() - started, sum(sampled.values())
    if not sampled_bytes:
        return None
    total = sum(file.record.bytes for file in files)
    everywhere = sum(map(len, cut.values())) / sampled_bytes
    nodes = 0.0
    for media_type, alike in by_type.items():
        here = len(cut[media_type]) / sampled[media_type] if sampled[media_type] else everywhere
        nodes += here * sum(file.record.bytes for file in alike)
    seconds = read_seconds / sampled_bytes * total + _seconds_a_node(cut, index) * nodes
    return Estimate(round(nodes), round(seconds, 1), sampled_bytes)


def _middling(files: Sequence[PlannedFile]) -> list[PlannedFile]:
    order = sorted(files, key=lambda file: file.record.bytes)
    small = [file for file in order if file.record.bytes <= LARGEST_SAMPLED] or order[:1]
    start = max(0, (len(small) - FILES_A_TYPE) // 2)
    return small[start : start + FILES_A_TYPE]


def _seconds_a_node(cut: dict[str, list[Node]], index: PassageIndex) -> float:
    nodes = [node for alike in cut.values() for node in alike]
    chosen = nodes[:: max(1, len(nodes) // EMBEDDED_NODES)][:EMBEDDED_NODES]
    if not chosen:
        return 0.0
    started = time.perf_counter()
    for _ in index.embed(chosen):
        pass
    return (time.perf_counter() - started) / len(chosen)
