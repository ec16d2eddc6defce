from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.reports.conftest import Seen
from tests.reports.fabricate import CONTENDERS, Plan, fabricate

from tunewise.core.errors import InputError
from tunewise.reports.outputs import serve
from tunewise.reports.outputs.dashboard import Board
from tunewise.reports.outputs.serve import BoardServer, report_file

SMALL = Plan(contenders=CONTENDERS[:3], seeds=(0,), test=60, validation=40, epochs=2)
ENDINGS = ("index.html", "evaluation_results.json", "plots/a.svg", "report.pdf")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, hostile: Seen) -> Path:
    """Three studies: one sound, one hostile, one damaged; and files that are nobody's report."""
    folder = tmp_path_factory.mktemp("runs")
    fabricate(folder / "a", SMALL)
    shutil.copytree(hostile.folder.path, folder / "b")
    (folder / "c").mkdir()
    (folder / "c" / "study.json").write_text('{"name": "<b>')
    (folder / "secret.json").write_text("{}")
    for name in ENDINGS:
        path = folder / "a" / "report" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (folder / "a" / "report" / "notes.txt").write_text("no known ending")
    (folder / "a" / "report" / "link.json").symlink_to(folder / "secret.json")
    (folder / "b" / "report").symlink_to(folder)
    return folder


@pytest.fixture(scope="module")
def server(runs: Path) -> Iterator[BoardServer]:
    with BoardServer(Board([runs])) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: BoardServer, path: str, *, method: str = "GET", host: str | None = None
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    headers = {"Host": host if host is not None else f"127.0.0.1:{server.server_port}"}
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.getheaders()), content


def test_the_page_lists_every_study_and_sets_them_side_by_side(server: BoardServer) -> None:
    status, _, page = ask(server, "/")
    assert status == 200
    for text in ("rooms", "complete", "Side by side", "tfidf", "/study/0/index.html"):
        assert text in page
    assert "damaged" in page  # the third study stands there with its fault


def test_nothing_from_a_study_is_markup(server: BoardServer) -> None:
    _, headers, page = ask(server, "/")
    assert "<script" not in page.lower() and "<b>" not in page and "onerror=window" not in page
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "script-src" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ENDINGS)
def test_files_of_a_report_are_served_without_being_sniffed(server: BoardServer, name: str) -> None:
    status, headers, content = ask(server, f"/study/0/{name}")
    assert (status, content) == (200, name)
    assert headers["X-Content-Type-Options"] == "nosniff"
    if not name.endswith("pdf"):
        assert "sandbox" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/study/0/../study.json",
        "/study/0/%2e%2e/study.json",
        "/study/0/plots/../../study.json",
        "/study/0//etc/passwd",
        "/study/0/link.json",  # a link to a file outside
        "/study/0/notes.txt",
        "/study/0/",
        "/study/1/secret.json",  # the report folder itself is a link
        "/study/7/index.html",
        "/study/-1/index.html",
        "/study/%D9%A1/index.html",  # a digit, but not ours
        "/study/" + "9" * 5000 + "/index.html",
        "/study/0/a%00.json",
        "/study/0/" + "a" * 300 + ".json",  # longer than any file's name
        "/study/0/" + "a/" * 3000 + "b.json",  # longer than any path
        "/study/0/%ff%fe.json",
        "/nothing",
        "//evil",
    ],
)
def test_no_other_file_is_served(server: BoardServer, path: str) -> None:
    assert ask(server, path)[0] == 404


def test_a_hundred_clients_at_once_are_all_answered(
    server: BoardServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """All connect before any of them asks, and some go away without an answer."""
    address = ("127.0.0.1", server.server_port)
    clients = [socket.create_connection(address, timeout=60) for _ in range(100)]
    request = f"GET / HTTP/1.0\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode()
    for client in clients:
        client.sendall(request)
    for client in clients[::10]:
        reset = struct.pack("ii", 1, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        client.close()
    answers = []
    for client in clients:
        if client.fileno() >= 0:
            with client, client.makefile("rb") as file:
                answers.append(file.read())
    assert len(answers) == 90
    assert all(
        answer.startswith(b"HTTP/1.0 200") and b"Side by side" in answer for answer in answers
    )
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /" + "a" * 70_000 + " HTTP/1.1", "414"),
        ("GET http://[/ HTTP/1.1", "400"),
        ("GET /\x1b[31m\xff HTTP/1.1", "404"),
        ("GET", "400"),
    ],
)
def test_a_request_that_is_none_is_refused_in_words(
    server: BoardServer, capfd: pytest.CaptureFixture[str], line: str, status: str
) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=60) as client:
        host = f"Host: 127.0.0.1:{server.server_port}"
        client.sendall(f"{line}\r\n{host}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        with client.makefile("rb") as file:
            answer = file.read().decode("latin-1")
    assert status in answer.splitlines()[0] or f"Error code: {status}" in answer
    assert "Traceback" not in capfd.readouterr().err


def test_a_file_that_goes_while_it_is_asked_for_is_not_found(
    server: BoardServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "report_file", lambda board, path: Path("/nowhere/gone.json"))
    assert ask(server, "/study/0/gone.json")[0] == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "", "127.0.0.1", "localhost:1"]
)
def test_another_host_is_refused(server: BoardServer, host: str) -> None:
    status, _, content = ask(server, "/", host=host)
    assert status == 421 and "rooms" not in content


def test_localhost_is_this_machine_too(server: BoardServer) -> None:
    assert ask(server, "/", host=f"localhost:{server.server_port}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_only_get_is_answered(server: BoardServer, method: str) -> None:
    assert ask(server, "/", method=method)[0] == 501


def test_it_listens_on_this_machine_alone(server: BoardServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_serving_changes_nothing(server: BoardServer, runs: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*")}
    ask(server, "/")
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*")} == before


def test_a_study_is_read_again_once_it_has_changed(tmp_path: Path) -> None:
    board = Board([fabricate(tmp_path / "s", Plan(ran=False))])
    (before,) = board.lines()
    assert before.status == "not complete" and board.lines()[0] is before
    fabricate(tmp_path / "s", SMALL)
    assert board.lines()[0].status == "complete"


def test_wrong_folders_are_named_together(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        Board([runs / "aa", tmp_path, runs / "a"])
    assert len(caught.value.problems) == 2
    assert "no study here" in str(caught.value)


def test_one_study_named_twice_is_one(runs: Path) -> None:
    assert len(Board([runs / "a", runs]).studies) == 3
    assert report_file(Board([runs / "a"]), "/study/0/index.html") is not None


def test_ctrl_c_ends_the_command(runs: Path) -> None:
    command = [sys.executable, "-m", "tunewise", "board", str(runs / "a")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    host = url.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("GET", "/study/0/evaluation_results.json")
    assert connection.getresponse().read().decode() == "evaluation_results.json"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in errors
