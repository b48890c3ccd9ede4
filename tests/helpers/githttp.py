"""A Git server over HTTP on loopback: `git http-backend`, or plain files; with a login or none."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .world import World


class _Handler(SimpleHTTPRequestHandler):
    """`login` is "user:password"; `backend` is the environment of git http-backend, None: files."""

    def __init__(self, *given, login: str, backend: dict[str, str] | None, **named) -> None:
        self.login, self.backend = login, backend
        super().__init__(*given, **named)

    def do_GET(self) -> None:
        if self._is_allowed():
            self._serve() if self.backend else super().do_GET()

    def do_POST(self) -> None:
        if self._is_allowed():
            self._serve()

    def _is_allowed(self) -> bool:
        wanted = "Basic " + base64.b64encode(self.login.encode()).decode()
        if not self.login or self.headers.get("Authorization") == wanted:
            return True
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length)) if length else self._chunked()
        env = {
            **(self.backend or {}),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], env=env, input=body, stdout=subprocess.PIPE, check=False
        )
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n") if line]
        status = next((v for name, v in lines if name == "Status"), "200")
        self.send_response(int(status.split()[0]))
        for name, value in lines:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _chunked(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        return body

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def git_server(world: World, root: Path, login: str = "", smart: bool = True) -> Iterator[str]:
    """The URL of the folder `root`, served while in context."""
    backend = {**world.env, "GIT_PROJECT_ROOT": os.fspath(root)} if smart else None
    handler = partial(_Handler, login=login, backend=backend, directory=os.fspath(root))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
