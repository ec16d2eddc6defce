"""A board over HTTP on this machine alone: it reads, and answers nothing but GET.

Other pages in the same browser can reach a port of this machine, also under a name of their own
that points here; so a request must name this very address as its host. What lies in a report
folder may come from anyone: it is sent with a policy under which it runs apart from the board and
fetches nothing.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tunewise.reports.outputs.dashboard import Board

ADDRESS = "127.0.0.1"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".tex": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".pdf": "application/pdf",
}
OURS = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
THEIRS = (  # a report's own page says by hash which of its scripts run
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; sandbox allow-scripts"
)
FILES = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class BoardServer(ThreadingHTTPServer):
    """Listens on the loopback address; port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 256  # of clients that come at once; the usual 5 turns the others away

    def __init__(self, board: Board, port: int = 0) -> None:
        super().__init__((ADDRESS, port), _Handler)
        self.board = board
        self.hosts = {f"{name}:{self.server_port}" for name in (ADDRESS, "localhost")}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing where a client went away; anything else that is wrong is reported."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: BoardServer
    server_version, sys_version = "Tunewise", ""
    timeout = 30  # seconds for a slow or silent client

    def do_GET(self) -> None:
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
            return
        try:
            path = unquote(urlsplit(self.path).path)
        except ValueError:  # a host in brackets that is none
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        if path == "/":
            page = self.server.board.page()
            self._send(page.encode(errors="replace"), TYPES[".html"], OURS)
            return
        try:
            file = report_file(self.server.board, path)
            content = None if file is None else file.read_bytes()
        except OSError:  # a name longer than any file's, or a file that has just gone
            file = content = None
        if file is None or content is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        policy = THEIRS if file.suffix == ".html" else FILES
        self._send(content, TYPES[file.suffix], policy if file.suffix != ".pdf" else None)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a request's text could steer the terminal."""

    def _send(self, content: bytes, kind: str, policy: str | None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if policy:  # a browser's own PDF viewer does not run in a sandbox
            self.send_header("Content-Security-Policy", policy)
        for name, value in (
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: HTTPStatus) -> None:
        content = f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def report_file(board: Board, path: str) -> Path | None:
    """The file behind ``/study/<number>/<name>``; None for whatever may not be read.

    Only files with a known ending, whose real place lies in the report folder of a study.
    """
    parts = path.split("/")
    if len(parts) < 4 or parts[:2] != ["", "study"]:
        return None
    numbered = parts[2].isascii() and parts[2].isdigit() and len(parts[2]) < 6
    folder = board.report_folder(int(parts[2])) if numbered else None
    names = parts[3:]
    if folder is None or any(name in {"", ".", ".."} or "\0" in name for name in names):
        return None
    real = folder.joinpath(*names).resolve()
    # Not the folder's own real place: a link in place of it would open another.
    inside = real.is_relative_to(folder.parent.resolve() / folder.name) and real.is_file()
    return real if inside and real.suffix in TYPES else None
