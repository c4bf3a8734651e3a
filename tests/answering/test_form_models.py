"""What a form can be made of, and what is said of anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from docindex.answering.structured import StructuredEngine
from docindex.errors import QueryError
from docindex.schema import Hit, Query
from docindex.testing.scripted_llm import ScriptedLLM


class Nothing:
    def retrieve(self, query: Query) -> list[Hit]:
        return []


@dataclass
class NoModel:
    name: str


class Model(BaseModel):
    name: str


ENGINE = StructuredEngine(Nothing(), ScriptedLLM("{}"), {}.get)


@pytest.mark.parametrize("given", [NoModel, NoModel("x"), Model(name="x"), dict, {"name": "text"}, list[str], None])
def test_what_is_no_pydantic_model_is_an_error(given: Any):
    with pytest.raises(QueryError, match="Pydantic model: give"):
        ENGINE.extract("What is its name?", given)
