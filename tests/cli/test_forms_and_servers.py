"""`query --schema`, and models that are addresses: a server in this process stands for them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

QUESTION = "When does the ferry to Arran leave Ardrossan?"
SCHEMA = {
    "type": "object",
    "properties": {"harbour": {"type": "string"}, "island": {"type": "string"}, "price": {"type": "number"}},
    "required": ["harbour"],
}
FORM = {"harbour": "Ardrossan", "island": "Arran", "price": 12.5}
SENTENCE = "The ferry to Arran leaves Ardrossan at 7:05 in the morning."


class Chatting:
    """A server of one model that always says the same, and keeps the keys that it was shown."""

    def __init__(self) -> None:
        self.text = ""
        self.model = "small"
        self.chats = 0
        self.keys: list[str | None] = []
        self.longest: list[int] = []
        chatting = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply({"data": [{"id": chatting.model}]} if self.path == "/v1/models" else None)

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                chatting.keys.append(self.headers["Authorization"])
                chatting.longest.append(asked.get("max_tokens", 0))
                chatting.chats += self.path == "/v1/chat/completions"
                said = {"choices": [{"message": {"content": chatting.text}, "finish_reason": "stop"}]}
                self.reply(said if self.path == "/v1/chat/completions" else None)

            def reply(self, told: object) -> None:
                data = json.dumps(told).encode()
                self.send_response(200 if told else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def chatting() -> Iterator[Chatting]:
    server = Chatting()
    yield server
    server.close()


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "ferry.json"
    path.write_text(json.dumps(SCHEMA))
    return path


def test_a_question_is_answered_by_a_model_behind_a_server(run_with, built: Path, chatting: Chatting):
    chatting.text = "<think>Hm.</think>\n" + SENTENCE
    variables = {"DOCINDEX_LLM_KEY": "sk-very-secret"}
    ran = run_with(
        *("query", QUESTION, "--index", built, "--llm", chatting.address, "--no-cache", "--json"), variables=variables
    )
    assert ran.code == 0, ran.err
    assert ran.json["model"] == f"{chatting.address}#small"
    assert SENTENCE in ran.json["answer"]
    assert ran.json["citations"][0]["verified"]
    assert "Bearer sk-very-secret" in chatting.keys
    assert "very-secret" not in ran.out + ran.err


def test_another_model_at_the_same_address_is_asked_anew(run_with, built: Path, chatting: Chatting):
    chatting.text = SENTENCE
    asked = ("query", QUESTION, "--index", built, "--llm", chatting.address, "--json")
    assert run_with(*asked).json["model"].endswith("#small")
    chats = chatting.chats
    assert SENTENCE in run_with(*asked).json["answer"]
    assert chatting.chats == chats > 0
    chatting.model = "large"
    ran = run_with(*asked)
    assert ran.json["model"].endswith("#large")
    assert chatting.chats > chats


def test_offline_only_servers_on_this_machine_are_asked(run_with, built: Path, chatting: Chatting):
    chatting.text = SENTENCE
    asked = ("query", QUESTION, "--index", built, "--no-cache", "--json")
    offline = {"DOCINDEX_OFFLINE": "1"}
    assert run_with(*asked, "--llm", chatting.address, variables=offline).code == 0
    ran = run_with(*asked, "--llm", "https://llm.example/v1#big", variables=offline)
    assert ran.code == 1
    assert "offline" in ran.err


def test_a_form_is_filled_in(run_with, built: Path, chatting: Chatting, schema: Path):
    chatting.text = json.dumps(FORM)
    asked = ("query", QUESTION, "--index", built, "--llm", chatting.address, "--schema", schema)
    ran = run_with(*asked)
    assert ran.code == 0, ran.err
    assert ran.json["value"] == {"harbour": "Ardrossan", "island": "Arran"}
    assert ran.json["left_out"] == ["price"]
    assert ran.json["citations"]["harbour"]["quote"] == SENTENCE
    chatting.text = json.dumps(FORM | {"harbour": "Troon"})
    ran = run_with(*asked)
    assert (ran.code, ran.json["value"], ran.json["missing"]) == (4, None, ["harbour"])


def test_the_local_model_fills_in_a_form(on, schema: Path):
    ran = on("query", QUESTION, "-k", "1", "--schema", schema)
    assert ran.code in (0, 4), ran.err
    assert set(ran.json) >= {"value", "missing", "citations", "no_answer"}


@pytest.mark.parametrize("text", ["{", "[]", None])
def test_a_schema_that_is_none_is_an_error(on, schema: Path, text: str | None):
    if text is None:
        schema.unlink()
    else:
        schema.write_text(text)
    ran = on("query", QUESTION, "--schema", schema)
    assert ran.code == 2
    assert "JSON" in ran.err


def test_a_schema_goes_without_other_engines(on, schema: Path):
    ran = on("query", QUESTION, "--schema", schema, "--engine", "tables")
    assert ran.code == 2
    assert "--schema" in ran.err


@pytest.mark.parametrize(
    "option", [("--synthesis", "compact"), ("--steps", "4"), ("--least-entailment", "0"), ("--document", "ferry.md")]
)
def test_a_schema_goes_without_what_makes_answers_in_words(on, schema: Path, option: tuple[str, str]):
    ran = on("query", QUESTION, "--schema", schema, *option)
    assert ran.code == 2
    assert f"{option[0]} goes without --schema" in ran.err


def test_a_form_is_searched_for_as_the_options_say(on, run_with, built: Path, chatting: Chatting, schema: Path):
    chatting.text = json.dumps(FORM)
    asked = ("query", QUESTION, "--index", built, "--llm", chatting.address, "--schema", schema)
    assert run_with(*asked, "--max-tokens", "700", "--strict", "--window", "1").code == 0
    assert chatting.longest[-1] == 700
    assert run_with(*asked).code == 0
    assert chatting.longest[-1] == 512
    assert "graph" in run_with(*asked, "--via", "graph").err
    assert "0 and 1" in run_with(*asked, "--false-refusals", "2").err


def test_the_doctor_asks_the_server(run_with, built: Path, chatting: Chatting):
    ran = run_with("doctor", "--load", "--llm", chatting.address, "--json")
    assert ran.json["llm"] == {"model": f"{chatting.address}#small", "context_tokens": 4096}
