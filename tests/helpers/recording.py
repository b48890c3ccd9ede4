"""A small HTTP server of our own that sees every request: it answers by itself, or hands them on to
another server, so that a test can say what a thing costs and what was sent with it.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit


class Request(NamedTuple):
    method: str
    path: str  # with the query
    headers: Mapping[str, str]
    body: bytes


class Certificate(NamedTuple):
    """Of 127.0.0.1, signed by itself."""

    path: Path
    key: Path


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None  # so many bytes of the body are sent, then the line is cut


class Recorder:
    """Works as a context manager. `url` is its address, `requests` what came so far."""

    def __init__(
        self, answer: Callable[[Request], Answer], certificate: Certificate | None = None
    ) -> None:
        self.requests: list[Request] = []
        recorder = self

        class Handler(_Handler):
            def respond(self, request: Request) -> Answer:
                recorder.requests.append(request)
                return answer(request)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a client that hangs up is a test's wish
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.path, certificate.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.url = self.url.replace("http:", "https:")

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def seen(self) -> list[str]:
        """Method and path of every request, without its query."""
        return [f"{one.method} {one.path.partition('?')[0]}" for one in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def respond(self, request: Request) -> Answer:
        raise NotImplementedError

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.respond(Request(self.command, self.path, self.headers, body))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not {"content-length", "transfer-encoding"} & {n.lower() for n in answer.headers}:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: answer.cut])
        if answer.cut is not None:
            self.close_connection = True

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _do

    def log_message(self, format: str, *words: object) -> None:
        pass


def forward(target: str) -> Callable[[Request], Answer]:
    """Answers as `target` does, a URL of a host and a port. The Host header stays: it is signed."""
    host = urlsplit(target).netloc

    def ask(request: Request) -> Answer:
        line = http.client.HTTPConnection(host, timeout=60)
        try:
            headers = {n: v for n, v in request.headers.items() if n.lower() != "expect"}
            line.request(request.method, request.path, request.body, headers)
            found = line.getresponse()
            kept = {
                n: v
                for n, v in found.getheaders()
                if n.lower() not in ("connection", "transfer-encoding", "date", "server")
            }
            return Answer(found.status, found.read(), kept)
        finally:
            line.close()

    return ask
