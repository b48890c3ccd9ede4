"""A proxy that makes faults, in front of any HTTP server, S3 too, on a free port of loopback.

    with FaultProxy(port_of_the_server) as proxy:
        proxy.add(Reset(after=1000), method="GET", path="/data/packs/", times=2)
        proxy.add(busy(503, retry_after=1), path="manifest", skip=3)
        proxy.fail_some(5, seed=1)
        ...the client talks to proxy.url...
        assert proxy.count("GET", "/packs/") == 7

A rule is for requests whose method is this and whose target (path and query) matches a pattern; it
passes over the first `skip` of them and then holds for `times` (None: for good). The first rule
that holds is taken, one a request. Without a fault all passes through as it is: bodies are
streamed, with a length or in chunks, connections stay open, `Expect: 100-continue` is answered.
"""

from __future__ import annotations

import random
import re
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

PIECE = 256 << 10
MAX_LINE = 64 << 10

# Faults


@dataclass(frozen=True)
class Reset:
    """The connection is reset after so many bytes of the body; what came before arrives."""

    after: int = 0


@dataclass(frozen=True)
class Cut:
    """The head promises all of it, and the connection is closed after so many bytes."""

    after: int = 0


@dataclass(frozen=True)
class Flip:
    """One byte of the body is another one."""

    at: int = 0


@dataclass(frozen=True)
class Stall:
    """Nothing comes any more, after so many bytes of the body (None: not even a head), until
    `proxy.release()`; then it goes on."""

    after: int | None = None


@dataclass(frozen=True)
class Trickle:
    """After so many bytes the body comes in pieces of this size, with a pause before each."""

    after: int = 0
    piece: int = 1
    seconds: float = 0.01


@dataclass(frozen=True)
class LoseRequest:
    """The server never hears of it; the connection is closed."""


@dataclass(frozen=True)
class LoseAnswer:
    """The server does it; its answer does not arrive."""


@dataclass(frozen=True)
class Answer:
    """This is answered; the server never hears of it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def busy(status: int = 503, retry_after: int | None = None) -> Answer:
    """A server that has too much to do, as S3 says it."""
    headers = (("Retry-After", str(retry_after)),) if retry_after is not None else ()
    code = "SlowDown" if status == 503 else "TooManyRequests"
    return _xml(status, code, "Please reduce your request rate.", headers)


def broken(status: int = 500) -> Answer:
    return _xml(status, "InternalError", "We encountered an internal error. Please try again.")


def expired() -> Answer:
    """Credentials that were good until a moment ago, as S3 says it."""
    return _xml(403, "ExpiredToken", "The provided token has expired.")


def unauthorized(realm: str = "store") -> Answer:
    """As a web server says it."""
    return Answer(401, (("WWW-Authenticate", f'Basic realm="{realm}"'),), b"who are you?\n")


def redirect(location: str, status: int = 302) -> Answer:
    return Answer(status, (("Location", location),))


def _xml(status: int, code: str, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    body = f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>{text}</Message></Error>'
    return Answer(status, (("Content-Type", "application/xml"), *headers), body.encode())


Fault = Reset | Cut | Flip | Stall | Trickle | LoseRequest | LoseAnswer | Answer
SOME: tuple[Fault, ...] = (Reset(1000), Cut(1000), LoseRequest(), LoseAnswer(), busy(), broken())


# The proxy


class Seen(NamedTuple):
    """A request, and what became of it."""

    method: str
    target: str
    fault: Fault | None


@dataclass
class _Rule:
    fault: Fault
    method: str | None
    path: re.Pattern[str]
    skip: int
    times: int | None

    def holds(self, method: str, target: str) -> bool:
        if self.method not in (None, method) or not self.path.search(target) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass
class _Some:
    """So many of a hundred requests, by a seed and the request's number alone."""

    percent: float
    seed: int
    faults: Sequence[Fault]

    def choose(self, number: int) -> Fault | None:
        chance = random.Random(f"{self.seed} {number}")
        return chance.choice(self.faults) if chance.random() * 100 < self.percent else None


class FaultProxy:
    """Listens until it is closed; a context manager. `seen` has every request."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.seen: list[Seen] = []
        self.most_at_once = 0
        self.latency = 0.0  # seconds before each answer: a far away server
        self.is_down = False  # every connection is reset
        self._server = (host, port)
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._some: _Some | None = None
        self._at_once = 0
        self._clients: set[socket.socket] = set()
        self._released = threading.Event()
        self._closed = threading.Event()
        self._stalled = threading.Semaphore(0)
        self.bodies_hit = 0  # a fault in a body that is shorter hits nothing
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed.set()
        self._released.set()
        # A thread that waits in accept() is woken by this, and not by closing it.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    # What shall happen

    def add(
        self,
        fault: Fault,
        method: str | None = None,
        path: str = "",
        *,
        skip: int = 0,
        times: int | None = 1,
    ) -> None:
        with self._lock:
            self._rules.append(_Rule(fault, method, re.compile(path), skip, times))

    def fail_some(self, percent: float, seed: int = 0, faults: Sequence[Fault] = SOME) -> None:
        """Where no rule holds, so many of all requests fail, in the same way for the same seed."""
        with self._lock:
            self._some = _Some(percent, seed, faults)

    def heal(self) -> None:
        """No more faults; what is stalled goes on."""
        with self._lock:
            self._rules, self._some, self.is_down = [], None, False
        self.release()

    def release(self) -> None:
        """All that is stalled now goes on."""
        self._released.set()
        self._released = threading.Event()

    # What has happened

    def count(self, method: str | None = None, path: str = "") -> int:
        with self._lock:
            return sum(
                method in (None, one.method) and re.search(path, one.target) is not None
                for one in self.seen
            )

    def forget(self) -> None:
        with self._lock:
            self.seen.clear()
            self.most_at_once = self._at_once

    def wait_for_stall(self, seconds: float = 60.0) -> None:
        """Until a request is held; once for each."""
        assert self._stalled.acquire(timeout=seconds), "nothing was asked that stalls"

    # Connections

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._clients.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client.makefile("rb") as source:
                while not self._closed.is_set() and self._exchange(client, source):
                    pass
        except _ResetConnectionError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (OSError, ValueError, EOFError):
            pass
        finally:
            with self._lock:
                self._clients.discard(client)
            client.close()

    def _exchange(self, client: socket.socket, source: BinaryIO) -> bool:
        """One request and its answer; False when the connection is at its end."""
        request = _read_head(source)
        if self.is_down:
            raise _ResetConnectionError
        if request is None:
            return False
        method, target = request.first.split(" ")[:2]
        fault = self._note(method, target)
        try:
            return self._answer(client, source, request, fault)
        finally:
            with self._lock:
                self._at_once -= 1

    def _note(self, method: str, target: str) -> Fault | None:
        with self._lock:
            fault = next((r.fault for r in self._rules if r.holds(method, target)), None)
            if fault is None and self._some:
                fault = self._some.choose(len(self.seen))
            self.seen.append(Seen(method, target, fault))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        return fault

    def _answer(
        self, client: socket.socket, source: BinaryIO, request: _Head, fault: Fault | None
    ) -> bool:
        if request.get("expect").lower() == "100-continue":
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = _body(source, request, is_request=True)
        if self.latency:
            self._closed.wait(self.latency)
        if isinstance(fault, (LoseRequest, Answer)):
            for _ in body:  # or the client would see a reset before it has sent it all
                pass
            if isinstance(fault, LoseRequest):
                return False
            client.sendall(_encode(fault, request.first.startswith("HEAD ")))
        elif not self._pass_on(client, request, body, fault):
            return False
        return request.get("connection").lower() != "close"

    def _pass_on(
        self, client: socket.socket, request: _Head, body: Iterator[bytes], fault: Fault | None
    ) -> bool:
        with socket.create_connection(self._server) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.sendall(request.without("expect").encode())
            _send(server, body, request.is_chunked)
            with server.makefile("rb") as source:
                answer = _read_head(source)
                while answer is not None and answer.first.split(" ")[1].startswith("1"):
                    answer = _read_head(source)
                if answer is None:
                    raise _ResetConnectionError
                asked = request.first.split(" ")[0]
                pieces = _body(source, answer, is_request=False, asked=asked)
                if isinstance(fault, LoseAnswer):
                    for _ in pieces:
                        pass
                    return False
                if fault == Stall(None):
                    self._hold()
                client.sendall(answer.encode())
                _send(client, self._damaged(pieces, fault, client), answer.is_chunked)
        return answer.has_length or answer.is_chunked or not answer.may_have_body(asked)

    def _damaged(
        self, pieces: Iterator[bytes], fault: Fault | None, client: socket.socket
    ) -> Iterator[bytes]:
        """The body, until its fault."""
        if fault is None or fault == Stall(None):
            yield from pieces
            return
        at = fault.at if isinstance(fault, Flip) else getattr(fault, "after", 0)
        position = 0
        for piece in pieces:
            if position + len(piece) <= at or position > at:
                yield from self._slowly(piece, fault) if position > at else [piece]
            else:
                yield piece[: at - position]
                yield from self._at_the_fault(piece[at - position :], fault)
            position += len(piece)

    def _at_the_fault(self, piece: bytes, fault: Fault) -> Iterator[bytes]:
        with self._lock:
            self.bodies_hit += 1
        if isinstance(fault, Reset):
            raise _ResetConnectionError
        if isinstance(fault, Cut):
            raise EOFError
        if isinstance(fault, Stall):
            self._hold()
        if isinstance(fault, Flip):
            piece = bytes([piece[0] ^ 0x40]) + piece[1:]
        yield from self._slowly(piece, fault)

    def _slowly(self, piece: bytes, fault: Fault) -> Iterator[bytes]:
        if not isinstance(fault, Trickle):
            yield piece
            return
        for start in range(0, len(piece), fault.piece):
            if self._closed.wait(fault.seconds):
                raise EOFError
            yield piece[start : start + fault.piece]

    def _hold(self) -> None:
        released = self._released
        self._stalled.release()
        released.wait()
        if self._closed.is_set():
            raise EOFError


class _ResetConnectionError(Exception):
    """Let the other side see a reset."""


# HTTP


@dataclass
class _Head:
    """A first line, and headers as they came."""

    first: str
    headers: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def without(self, name: str) -> _Head:
        return _Head(self.first, [pair for pair in self.headers if pair[0].lower() != name])

    def encode(self) -> bytes:
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    @property
    def is_chunked(self) -> bool:
        return self.get("transfer-encoding").lower() == "chunked"

    @property
    def has_length(self) -> bool:
        return self.get("content-length") != ""

    def may_have_body(self, method: str) -> bool:
        return method != "HEAD" and self.first.split(" ")[1] not in ("204", "304")


def _read_head(source: BinaryIO) -> _Head | None:
    """None when the other side has closed between two heads."""
    first = source.readline(MAX_LINE)
    if not first:
        return None
    head = _Head(first.decode("latin-1").rstrip("\r\n"))
    while line := source.readline(MAX_LINE).decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        head.headers.append((name, value.strip()))
    return head


def _body(source: BinaryIO, head: _Head, *, is_request: bool, asked: str = "") -> Iterator[bytes]:
    if not is_request and not head.may_have_body(asked):
        return
    if head.is_chunked:
        while size := int(source.readline(MAX_LINE).split(b";")[0], 16):
            yield from _exactly(source, size)
            source.readline(MAX_LINE)
        while source.readline(MAX_LINE).strip():
            pass  # trailers
    elif head.has_length:
        yield from _exactly(source, int(head.get("content-length")))
    elif not is_request:
        while piece := source.read1(PIECE):  # type: ignore[attr-defined]
            yield piece


def _exactly(source: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = source.read1(min(size, PIECE))  # type: ignore[attr-defined]
        if not piece:
            raise EOFError
        size -= len(piece)
        yield piece


def _send(to: socket.socket, pieces: Iterator[bytes], is_chunked: bool) -> None:
    for piece in pieces:
        if piece:
            to.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
    if is_chunked:
        to.sendall(b"0\r\n\r\n")


def _encode(answer: Answer, head_only: bool) -> bytes:
    headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
    head = _Head(f"HTTP/1.1 {answer.status} Fault", headers).encode()
    return head if head_only else head + answer.body
