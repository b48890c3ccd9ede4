"""The smallest store over HTTP there can be, for tests of what is built around stores.

It talks to a WebFolder, often through a FaultProxy. `open_http` is what `git_data.stores` looks
for, so that a launcher can put this in the place of stores/http.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from typing import NamedTuple
from urllib.parse import urlsplit

from git_data.errors import Conflict, Damaged, Denied, NotFound, StoreError, Unreachable
from git_data.stores.base import (
    Busy,
    Part,
    Versioned,
    check_name,
    check_prefix,
    check_range,
)
from git_data.stores.body import read_body

BROKEN = (OSError, http.client.HTTPException)
GIVEN_UP = (500, 502, 504)


class _Got(NamedTuple):
    status: int
    headers: Message
    data: bytes


class WebStore:
    def __init__(self, url: str, timeout: float = 30.0) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        self._server, self._path = parts.netloc, parts.path
        self._timeout = timeout
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def _connection(self) -> http.client.HTTPConnection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return http.client.HTTPConnection(self._server, timeout=self._timeout)

    def _ask(
        self,
        method: str,
        name: str,
        headers: Mapping[str, str] = {},
        body: Sequence[Part] | None = None,
        length: int | None = None,
    ) -> _Got:
        """The answer; of a file's content exactly `length` bytes."""
        what = f"{self.url}/{name}"
        connection = self._connection()
        try:
            sent = dict(headers)
            if body is not None:
                sent["Content-Length"] = str(sum(memoryview(part).nbytes for part in body))
            connection.request(method, f"{self._path}/{name}", body, sent)
            answer = connection.getresponse()
            data = b""
            if answer.status in (200, 206) and method == "GET":
                size = int(answer.headers["Content-Length"])
                if length is not None and size != length:
                    raise Damaged(f"{what} is damaged: it ends before {length} bytes")
                data = read_body(answer.read1, size, what, answer.headers["ETag"], BROKEN)
            answer.read()
        except BROKEN as error:
            connection.close()
            raise Unreachable(f"{what}: {type(error).__name__}") from error
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)
        self._check(answer.status, what, answer.headers["Retry-After"])
        return _Got(answer.status, answer.headers, data)

    def _check(self, status: int, what: str, after: str | None) -> None:
        if status in (429, 503):
            raise Busy(f"{what}: busy ({status})", after=float(after) if after else None)
        if status in GIVEN_UP:
            raise Unreachable(f"{what}: status {status}")
        if status in (401, 403):
            raise Denied(f"{what}: status {status}")
        if status not in (200, 201, 204, 206, 404, 412, 416):
            raise StoreError(f"{what}: status {status}")

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        return self._read(name, start, length, {})

    def resume(self, name: str, start: int, length: int, version: str) -> bytes:
        return self._read(name, start, length, {"If-Match": version})

    def _read(self, name: str, start: int, length: int | None, headers: dict[str, str]) -> bytes:
        check_range(check_name(name), start, length)
        what = f"{self.url}/{name}"
        if length == 0 or length is None:  # no range of HTTP says so
            size = self.size(name)
            if size is None:
                raise NotFound(f"{what} is not there")
            if start > size:
                raise Damaged(f"{what} is damaged: it ends before {start} bytes")
            length = size - start if length is None else 0
            check_range(name, start, length)
            if length == 0:
                return b""
        asked = {"Range": f"bytes={start}-{start + length - 1}", **headers}
        got = self._ask("GET", name, asked, length=length)
        if got.status == 404:
            raise NotFound(f"{what} is not there")
        if got.status in (412, 416):
            raise Damaged(f"{what} is damaged: status {got.status}")
        return got.data

    def read_small(self, name: str, limit: int) -> Versioned | None:
        got = self._ask("GET", check_name(name))
        if got.status == 404:
            return None
        if len(got.data) > limit:
            raise Damaged(f"{self.url}/{name} is damaged: it has more than {limit} bytes")
        return Versioned(got.data, got.headers["ETag"])

    def write(self, name: str, parts: Sequence[Part]) -> None:
        self._ask("PUT", check_name(name), body=parts)

    def size(self, name: str) -> int | None:
        got = self._ask("HEAD", check_name(name))
        return int(got.headers["Content-Length"]) if got.status == 200 else None

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        folder = check_prefix(prefix)
        yield from map(tuple, json.loads(self._ask("GET", f"{folder}?list").data))

    def delete(self, name: str) -> None:
        self._ask("DELETE", check_name(name))

    def replace_if(self, name: str, data: Part, version: str | None) -> str:
        condition = {"If-None-Match": "*"} if version is None else {"If-Match": version}
        got = self._ask("PUT", check_name(name), condition, [data])
        if got.status == 412:
            raise Conflict(f"{self.url}/{name} was changed by somebody else")
        return got.headers["ETag"]


def open_http(url: str, access: object) -> WebStore:
    return WebStore(url)
