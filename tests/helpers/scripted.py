"""A web server that answers as a test says, on a free port of loopback.

    with Scripted(lambda asked: Reply(206, {"Content-Range": "bytes 0-1/9"}, b"ab")) as server:
        ...ask server.url...
        assert [one.verb for one in server.seen] == ["GET"]

With `certificate` it speaks TLS.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

from git_data.oid import hash_bytes

from .servers import program


@dataclass
class Asked:
    verb: str
    path: str  # with the query
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Reply:
    """`body` may be pieces, which may wait. Without a Content-Length one is made for bytes; with
    `reset` the connection is cut off in the end, with `close` closed."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""
    close: bool = False
    reset: bool = False


class Scripted(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        answer: Callable[[Asked], Reply | None],
        certificate: Path | None = None,
        client_ca: Path | None = None,
        early: Callable[[Asked], Reply | None] = lambda asked: None,
    ) -> None:
        """`answer` gives None to close the connection without a word. `early` is asked before the
        body is read. `client_ca`: who has no certificate of it is refused."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.early = early
        self.seen: list[Asked] = []
        self.connections = 0
        self.scheme = "http"
        self.port: int = self.server_address[1]
        if certificate:
            self.scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            if client_ca:
                context.load_verify_locations(client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
            self.socket = context.wrap_socket(self.socket, server_side=True)
        Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def verbs(self) -> list[str]:
        return [one.verb for one in self.seen]

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients go away in these tests


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Scripted

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def _any(self) -> None:
        asked = Asked(self.command, self.path, self.headers, b"")
        reply = self.server.early(asked)
        asked.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(asked)
        if reply is None:
            reply = self.server.answer(asked)
        if reply is None:
            self.close_connection = True
            return
        with suppress(OSError):
            self._reply(reply)
        if reply.close or reply.reset:
            self.close_connection = True
        if reply.reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        body = reply.body
        if isinstance(body, bytes):
            if "Content-Length" not in reply.headers and not reply.close:
                self.send_header("Content-Length", str(len(body)))
            body = [body]
        self.end_headers()
        if self.command != "HEAD":
            for piece in body:
                self.wfile.write(piece)
                self.wfile.flush()

    do_GET = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = _any
    do_PROPFIND = do_MKCOL = _any

    def log_message(self, *_: object) -> None:
        pass


class Tunnel(ThreadingHTTPServer):
    """A proxy for TLS: CONNECT, to wherever one likes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connecting)
        self.asked: list[str] = []
        self.port: int = self.server_address[1]
        Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Connecting(BaseHTTPRequestHandler):
    server: Tunnel

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)
        port = int(self.path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as there:
            self.send_response(200)
            self.end_headers()
            back = Thread(target=_pass_on, args=(there, self.connection), daemon=True)
            back.start()
            _pass_on(self.connection, there)
            back.join()

    def log_message(self, *_: object) -> None:
        pass


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class Keeper:
    """Files in memory, with conditions: `Scripted(keeper.answer, early=keeper.early)`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.lock = Lock()

    def etag(self, content: bytes) -> str:
        return f'"{hash_bytes(content).hex()}"'

    def refuses(self, asked: Asked) -> bool:
        """True when a condition does not hold."""
        found = self.files.get(asked.path)
        wanted, unwanted = (asked.headers.get(name) for name in ("If-Match", "If-None-Match"))
        return (unwanted == "*" and found is not None) or (
            wanted is not None and (found is None or wanted != self.etag(found))
        )

    def early(self, asked: Asked) -> Reply | None:
        return None

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            return getattr(self, asked.verb)(asked)

    def OPTIONS(self, asked: Asked) -> Reply:
        return Reply()

    def MKCOL(self, asked: Asked) -> Reply:
        return Reply(405)

    def PUT(self, asked: Asked) -> Reply:
        if self.refuses(asked):
            return Reply(412)
        self.files[asked.path] = asked.body
        return Reply(201, {"ETag": self.etag(asked.body)})

    def DELETE(self, asked: Asked) -> Reply:
        return Reply(404 if self.files.pop(asked.path, None) is None else 204)

    def GET(self, asked: Asked) -> Reply:
        found = self.files.get(asked.path)
        return Reply(404) if found is None else of_range(found, self.etag(found))(asked)

    HEAD = GET


def make_certificate(folder: Path, name: str = "127.0.0.1", password: str = "") -> Path:
    """A key and a certificate that it signed itself, in one file."""
    words = [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    words += ["ec_paramgen_curve:P-256", "-days", "2", "-subj", f"/CN={name}"]
    kind = "IP" if name[0].isdigit() else "DNS"
    words += ["-addext", f"subjectAltName={kind}:{name}", "-keyout", "key.pem", "-out", "cert.pem"]
    words += ["-passout", f"pass:{password}"] if password else ["-nodes"]
    folder.mkdir(exist_ok=True)
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    with open(both, "wb") as file:
        for part in ("key.pem", "cert.pem"):
            with open(folder / part, "rb") as source:
                shutil.copyfileobj(source, file)
    return both


def of_range(content: bytes, etag: str = '"one"') -> Callable[[Asked], Reply]:
    """What a good server gives of a file."""

    def answer(asked: Asked) -> Reply:
        headers = {"ETag": etag, "Accept-Ranges": "bytes"}
        if asked.headers.get("If-Match", etag) != etag:
            return Reply(412)
        if asked.verb == "HEAD":
            return Reply(200, {**headers, "Content-Length": str(len(content))})
        if "Range" not in asked.headers:
            return Reply(200, headers, content)
        first, _, last = asked.headers["Range"].removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last) + 1, len(content))
        if start >= len(content):
            return Reply(416, {"Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        return Reply(206, headers, content[start:end])

    return answer
