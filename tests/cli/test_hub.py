"""A contender pushed to a hub that answers on this machine."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from huggingface_hub import HfApi, ModelCard
from tests.proofs import proven_here

from tunewise.cli import hub
from tunewise.cli.export import As, command
from tunewise.core.errors import InputError

TOKEN = "hf_averysecrettoken"
NAME = "ann/reviews"


@dataclass
class Hub:
    """What the server was asked, and how it answers."""

    address: str = ""
    private: bool = True
    refuses: int | None = None
    created: list[Any] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        if self.refuses is not None:
            return self.refuses, {"error": f"the token {TOKEN} may not do that"}
        if path.startswith("/api/repos/create"):
            self.created.append(json.loads(body))
            return 200, {"url": f"{self.address}/{NAME}", "name": NAME}
        if "/preupload/" in path:
            asked = json.loads(body)["files"]
            return 200, {
                "files": [one | {"uploadMode": "regular", "shouldIgnore": False} for one in asked]
            }
        if "/commit/" in path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    value = line["value"]
                    self.files[value["path"]] = base64.b64decode(value["content"])
            return 200, {"commitUrl": f"{self.address}/{NAME}/commit/1", "commitOid": "1"}
        if path.startswith(f"/api/models/{NAME}"):
            return 200, {"id": NAME, "private": self.private, "sha": "1", "siblings": []}
        return 200, {"errors": [], "warnings": []}  # of the card's header


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    asked = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.tokens.add(self.headers.get("Authorization", ""))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, content = asked.answer(self.path, body)
            written = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    asked.address = f"http://127.0.0.1:{running.server_port}"
    monkeypatch.setattr(hub, "HfApi", partial(HfApi, endpoint=asked.address, token=TOKEN))
    yield asked
    running.shutdown()
    running.server_close()


def push(finished: Path, contender: str = "head", **more: Any) -> None:
    with proven_here():
        command(finished, contender=contender, hub_name=NAME, **more)


def test_the_folder_its_card_and_the_results_are_pushed_privately(
    finished: Path, server: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    push(finished, yes=True)
    assert {"README.md", "model.safetensors", "evaluation_results.json"} <= server.files.keys()
    assert [one["visibility"] for one in server.created] == ["private"] or [
        one["private"] for one in server.created
    ] == [True]
    card = ModelCard(server.files["README.md"].decode())
    assert card.data.to_dict()["library_name"] == "transformers"
    assert json.loads(server.files["evaluation_results.json"])["schema"] == 1
    said = capsys.readouterr()
    assert said.out.strip() == f"{server.address}/{NAME}"
    assert server.tokens == {f"Bearer {TOKEN}"}
    machine = str(finished.parent).encode()
    for content in (said.out.encode(), said.err.encode(), *server.files.values()):
        assert TOKEN.encode() not in content and machine not in content


def test_nothing_is_asked_of_the_hub_without_the_users_word(finished: Path, server: Hub) -> None:
    with pytest.raises(InputError, match="say so with --yes"):
        push(finished)
    assert server.tokens == set()


def test_a_repository_that_everybody_reads_is_not_written_by_accident(
    finished: Path, server: Hub
) -> None:
    server.private = False
    with pytest.raises(InputError, match="is a public repository"):
        push(finished, yes=True)
    assert server.files == {}


@pytest.mark.parametrize(
    ("status", "said"), [(401, "log in first"), (403, "may not write there"), (500, "answers 500")]
)
def test_what_the_hub_refuses_is_said_without_the_token(
    finished: Path, server: Hub, status: int, said: str, tmp_path: Path
) -> None:
    server.refuses = status
    described = {"settings": {"model": None}}
    (tmp_path / "tunewise.json").write_text(json.dumps(described))
    (tmp_path / "proof.json").write_text("{}")
    from tunewise.results import StudyResults

    with pytest.raises(InputError, match=said) as caught:
        hub.push(StudyResults(finished), tmp_path, "head", NAME, public=False, yes=True)
    assert TOKEN not in str(caught.value) and caught.value.__cause__ is None


def test_an_adapter_on_a_model_that_nobody_else_has_is_not_pushed(
    finished: Path, server: Hub
) -> None:
    with pytest.raises(InputError, match="export it whole with --merge"):
        push(finished, "lora", yes=True)
    assert server.tokens == set()


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"to": Path("x"), "measured": Path("y")},
        {"hub_name": NAME, "form": As.onnx, "yes": True},
    ],
)
def test_one_wish_at_a_time(finished: Path, wishes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"one of them|is a folder"):
        command(finished, **wishes)


def test_an_unproven_folder_is_not_pushed(
    finished: Path, server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunewise.cli import export

    def failed(*given: Any, **more: Any) -> Any:
        return "head", "it answers otherwise"

    monkeypatch.setattr(export, "_export", failed)
    with pytest.raises(typer.Exit):
        push(finished, yes=True)
    assert server.tokens == set()
