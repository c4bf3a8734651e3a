"""The words of an index: what a search by words can find."""

from __future__ import annotations

import re
from collections import Counter

from docindex.indices.handfuls import handfuls
from docindex.protocols import Snapshot

_WORD = re.compile(r"\w+")


def terms(snapshot: Snapshot, like: str = "", limit: int = 50) -> list[tuple[str, int]]:
    """Words that hold some text, in small letters, and in how many passages each is; the most frequent first.

    Reads all passages. The full-text index folds inflected forms of a word into one, and passes over the commonest.
    """
    wanted = like.casefold()
    counts: Counter[str] = Counter()
    for handful in handfuls(snapshot.documents()):
        for nodes in snapshot.nodes_of_all([record.doc_id for record in handful]).values():
            for node in nodes:
                if node.level == 0:
                    counts.update({word for word in _WORD.findall(node.full_text.casefold()) if wanted in word})
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
