"""Records from rows of the registry, however they were read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from docindex.protocols import SourceRecord
from docindex.schema import Problem
from docindex.stores.encoding import from_micros


def source_record(row: Mapping[str, Any]) -> SourceRecord:
    """A row of the sources table, typed."""
    details = json.loads(row["details"])
    micros = row["modified_at"]
    return SourceRecord(
        location=row["location"],
        name=row["name"],
        root=row["root"],
        content_hash=row["content_hash"],
        bytes=row["bytes"],
        modified_at=None if micros is None else from_micros(micros),
        documents=row["documents"],
        same_as=row["same_as"],
        failure=details.get("failure"),
        problems=tuple(Problem(*problem) for problem in details.get("problems", ())),
        validator=details.get("validator"),
        limits=details.get("limits"),
    )
