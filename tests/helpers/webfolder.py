"""A folder as a store on a small web server of our own: ranges, strong ETags, conditional PUT."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from blake3 import blake3

PIECE = 1 << 20


class WebFolder(ThreadingHTTPServer):
    """Serves `root` until it is closed; a context manager."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.lock = threading.Lock()
        self.etags: dict[tuple[str, int, int, int], str] = {}
        self.port: int = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def etag(self, path: Path) -> str | None:
        try:
            found = path.stat()
        except OSError:
            return None
        key = (str(path), found.st_ino, found.st_mtime_ns, found.st_size)
        if key not in self.etags:
            self.etags[key] = f'"{blake3(path.read_bytes()).hexdigest()}"'
        return self.etags[key]

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients come and go in these tests


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WebFolder
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def file(self) -> Path:
        return self.server.root / unquote(urlsplit(self.path).path).lstrip("/")

    def do_GET(self) -> None:
        if urlsplit(self.path).query == "list":
            self._list()
            return
        path = self.file
        etag = self.server.etag(path) if path.is_file() else None
        if etag is None:
            self._end(404)
            return
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start, end, status = self._range(size, etag)
            if status == 416 or status == 412:
                self._end(status)
                return
            self.send_response(status)
            self.send_header("ETag", etag)
            self.send_header("Content-Length", str(end - start))
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            self.end_headers()
            if self.command == "GET":
                file.seek(start)
                while start < end and (piece := file.read(min(PIECE, end - start))):
                    self.wfile.write(piece)
                    start += len(piece)

    do_HEAD = do_GET

    def _range(self, size: int, etag: str) -> tuple[int, int, int]:
        """Start, end, status."""
        if self.headers.get("If-Match", etag) != etag:
            return 0, 0, 412
        asked = self.headers.get("Range", "").removeprefix("bytes=")
        if not asked:
            return 0, size, 200
        first, _, last = asked.partition("-")
        start, end = int(first), min(int(last) + 1 if last else size, size)
        return (start, end, 206) if start < size else (0, 0, 416)

    def _list(self) -> None:
        root = self.server.root
        files = [path for path in self.file.rglob("*") if path.is_file()]
        found = [(str(path.relative_to(root)), path.stat().st_size) for path in files]
        self._end(200, json.dumps(found).encode())

    def do_PUT(self) -> None:
        left, path = int(self.headers["Content-Length"]), self.file
        temporary = self.server.root / f".put-{threading.get_ident()}"
        temporary.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            while left:
                piece = self.rfile.read(min(PIECE, left))
                if not piece:
                    temporary.unlink()
                    return
                file.write(piece)
                left -= len(piece)
        with self.server.lock:
            etag = self.server.etag(path) if path.is_file() else None
            wrong = "If-Match" in self.headers and self.headers["If-Match"] != etag
            if wrong or ("If-None-Match" in self.headers and etag):
                temporary.unlink()
                self._end(412)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(path)
            etag = self.server.etag(path)
        self._end(201, etag=etag)

    def do_DELETE(self) -> None:
        existed = self.file.is_file()
        self.file.unlink(missing_ok=True)
        self._end(204 if existed else 404)

    def _end(self, status: int, body: bytes = b"", etag: str | None = None) -> None:
        self.send_response(status)
        if etag:
            self.send_header("ETag", etag)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
