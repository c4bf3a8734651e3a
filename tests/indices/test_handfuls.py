"""A handful holds as many documents as may be in memory together."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docindex.indices.handfuls import MOST_DOCUMENTS, MOST_NODES, handfuls
from docindex.protocols import DocumentRecord

NOW = datetime(2025, 3, 1, tzinfo=UTC)


def record(number: int, nodes: int) -> DocumentRecord:
    name = f"d{number:05}"
    return DocumentRecord(
        doc_id=name,
        source=name,
        location=f"/{name}",
        media_type="text/plain",
        title="",
        bytes=1,
        pages=0,
        nodes=nodes,
        state="ready",
        content_hash="",
        metadata={},
        modified_at=None,
        added_at=NOW,
        updated_at=NOW,
    )


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.integers(0, 40), st.integers(0, 3 * MOST_NODES)), max_size=40), st.integers(0, 600))
def test_every_record_comes_once_in_its_order_and_no_handful_is_too_large(sizes: list[int], small: int):
    records = [record(number, nodes) for number, nodes in enumerate([*sizes, *[1] * small])]
    found = list(handfuls(records))
    assert [one for handful in found for one in handful] == records
    for handful in found:
        assert 0 < len(handful) <= MOST_DOCUMENTS
        assert len(handful) == 1 or sum(one.nodes for one in handful) <= MOST_NODES
    for handful, after in pairwise(found):
        more = [*handful, after[0]]
        assert len(more) > MOST_DOCUMENTS or sum(one.nodes for one in more) > MOST_NODES
