"""The proxy that makes faults, itself (helpers/faults.py): between a real client and a server."""

import http.client
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .helpers.faults import (
    Answer,
    Cut,
    FaultProxy,
    Flip,
    LoseAnswer,
    LoseRequest,
    Reset,
    Stall,
    Trickle,
    broken,
    busy,
    expired,
    redirect,
    unauthorized,
)
from .helpers.webfolder import WebFolder

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def server(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "file").write_bytes(CONTENT)
    with WebFolder(tmp_path / "root") as made:
        yield made


@pytest.fixture
def proxy(server):
    with FaultProxy(server.port) as made:
        yield made


@pytest.fixture
def client(proxy):
    made = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    yield made
    made.close()


def get(client, path="/file", method="GET", **headers):
    client.request(method, path, headers=headers)
    answer = client.getresponse()
    return answer.status, answer.read()


def put(client, path, data, **headers):
    client.request("PUT", path, data, headers)
    answer = client.getresponse()
    return answer.status, answer.read()


def came(client, path="/file"):
    """The head, and what of the body came before the end, and how that was."""
    client.request("GET", path)
    answer = client.getresponse()
    length, data = int(answer.headers["Content-Length"]), b""
    try:
        while piece := answer.read1(1 << 20):
            data += piece
    except OSError as error:
        return length, data, type(error)
    return length, data, None


# Without faults


def test_all_passes_through_over_one_connection(client, proxy, server):
    assert get(client) == (200, CONTENT)
    assert get(client, Range="bytes=10-19") == (206, CONTENT[10:20])
    assert get(client, method="HEAD") == (200, b"")
    assert get(client, "/none")[0] == 404
    assert put(client, "/new", b"new")[0] == 201
    assert put(client, "/empty", b"")[0] == 201
    assert get(client, "/new") == (200, b"new")
    assert get(client, "/new", method="DELETE") == (204, b"")
    assert get(client) == (200, CONTENT)
    assert len(proxy._clients) == 1
    assert [(one.method, one.target) for one in proxy.seen[:3]] == [
        ("GET", "/file"),
        ("GET", "/file"),
        ("HEAD", "/file"),
    ]
    assert (proxy.count(), proxy.count("GET"), proxy.count("GET", "new")) == (9, 5, 1)
    proxy.forget()
    assert proxy.count() == 0


def test_large_bodies_are_streamed_both_ways(client, server):
    data = os.urandom(64 << 20)
    assert put(client, "/large", data)[0] == 201
    assert (server.root / "large").read_bytes() == data
    assert get(client, "/large")[1] == data


def test_a_client_that_waits_for_100_continue(proxy, server):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as raw:
        raw.sendall(b"PUT /it HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        with raw.makefile("rb") as source:
            assert source.readline() == b"HTTP/1.1 100 Continue\r\n"
            assert source.readline() == b"\r\n"
            raw.sendall(b"abc")
            assert source.readline().startswith(b"HTTP/1.1 201 ")
    assert (server.root / "it").read_bytes() == b"abc"


class _Odd(BaseHTTPRequestHandler):
    """Chunks both ways; without a length at all; a 100 that nobody asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/endless":
            self.protocol_version = "HTTP/1.0"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"up to the end")
            self.close_connection = True
            return
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._chunks([b"one ", b"two"])

    def do_PUT(self):
        assert self.headers["Transfer-Encoding"] == "chunked"
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        self._chunks(pieces)

    def _chunks(self, pieces):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\nTrailer: x\r\n\r\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def odd():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Odd) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with FaultProxy(server.server_address[1]) as made:
            yield made
        server.shutdown()


def test_chunks_and_bodies_without_a_length(odd):
    client = http.client.HTTPConnection("127.0.0.1", odd.port, timeout=30)
    assert get(client) == (200, b"one two")
    client.request("PUT", "/x", iter([b"abc", b"defg"]), encode_chunked=True)
    answer = client.getresponse()
    assert answer.read() == b"abcdefg"
    assert get(client, "/endless") == (200, b"up to the end")
    assert get(client) == (200, b"one two")
    client.close()


def test_faults_in_chunks(odd):
    odd.add(Flip(5))
    odd.add(Cut(4))
    client = http.client.HTTPConnection("127.0.0.1", odd.port, timeout=30)
    assert get(client) == (200, b"one t7o")
    with pytest.raises(http.client.IncompleteRead):
        get(client)
    client.close()


# Faults


@pytest.mark.parametrize("at", [0, 1000, 700_000])
def test_a_reset_in_the_middle(client, proxy, at):
    proxy.add(Reset(at))
    length, data, how = came(client)
    assert length == len(CONTENT)
    assert data == CONTENT[: len(data)]
    assert len(data) <= at
    assert how is ConnectionResetError


@pytest.mark.parametrize("at", [0, 1000, 700_000])
def test_a_body_that_is_cut_off(client, proxy, at):
    proxy.add(Cut(at))
    assert came(client) == (len(CONTENT), CONTENT[:at], None)


@pytest.mark.parametrize("at", [0, 1000, len(CONTENT) - 1])
def test_a_wrong_byte(client, proxy, at):
    proxy.add(Flip(at))
    _, data = get(client)
    assert [n for n, (a, b) in enumerate(zip(data, CONTENT, strict=True)) if a != b] == [at]


@pytest.mark.parametrize(
    ("fault", "status", "header", "text"),
    [
        (busy(), 503, None, b"SlowDown"),
        (busy(503, 7), 503, ("Retry-After", "7"), b"SlowDown"),
        (busy(429, 2), 429, ("Retry-After", "2"), b"TooManyRequests"),
        (broken(), 500, None, b"InternalError"),
        (expired(), 403, ("Content-Type", "application/xml"), b"<Code>ExpiredToken</Code>"),
        (unauthorized("x"), 401, ("WWW-Authenticate", 'Basic realm="x"'), b"who"),
        (redirect("http://127.0.0.1:9/x"), 302, ("Location", "http://127.0.0.1:9/x"), b""),
        (redirect("/other", 307), 307, ("Location", "/other"), b""),
    ],
)
def test_answers_that_the_server_never_gave(client, proxy, server, fault, status, header, text):
    proxy.add(fault, times=3)
    client.request("GET", "/file")
    answer = client.getresponse()
    assert answer.status == status
    assert text in answer.read()
    if header:
        assert answer.headers[header[0]] == header[1]
    assert get(client, method="HEAD") == (status, b"")
    assert put(client, "/new", b"x" * (1 << 20))[0] == status
    assert not (server.root / "new").exists()
    assert get(client) == (200, CONTENT)


def test_a_lost_request_has_no_effect_and_a_lost_answer_has(client, proxy, server):
    for fault, exists in ((LoseRequest(), False), (LoseAnswer(), True)):
        proxy.add(fault, "PUT")
        with pytest.raises(http.client.RemoteDisconnected):
            put(client, "/new", b"new")
        client.close()
        assert (server.root / "new").exists() == exists


@pytest.mark.parametrize("after", [None, 0, 1000])
def test_a_stall_lasts_until_it_is_released(client, proxy, after):
    proxy.add(Stall(after))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(get, client)
        proxy.wait_for_stall()
        assert not asked.done()
        proxy.release()
        assert asked.result(30) == (200, CONTENT)


def test_a_stalled_client_is_let_go_at_the_end(client, proxy):
    proxy.add(Stall(), times=None)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(get, client)
        proxy.wait_for_stall()
        proxy.close()
        with pytest.raises((OSError, http.client.HTTPException)):
            asked.result(30)


def test_a_trickle_arrives_in_the_end(client, proxy):
    proxy.add(Trickle(after=len(CONTENT) - 20, piece=2, seconds=0.001))
    assert get(client) == (200, CONTENT)


def test_a_server_that_is_down(client, proxy):
    assert get(client)[0] == 200
    proxy.is_down = True
    with pytest.raises(OSError):
        get(client)
    client.close()
    with pytest.raises(OSError):
        get(client)
    client.close()
    proxy.heal()
    assert get(client)[0] == 200


# Rules


def test_a_rule_is_for_some_requests_only(client, proxy):
    proxy.add(busy(), "GET", r"/fil", skip=2, times=2)
    assert put(client, "/file2", b"x")[0] == 201
    assert [get(client)[0] for _ in range(6)] == [200, 200, 503, 503, 200, 200]
    assert [one.fault for one in proxy.seen[1:]] == [None, None, busy(), busy(), None, None]


def test_rules_are_taken_one_a_request_and_in_their_order(client, proxy):
    proxy.add(busy(503), path="file")
    proxy.add(busy(429), times=None)
    assert [get(client)[0] for _ in range(3)] == [503, 429, 429]
    proxy.heal()
    assert get(client)[0] == 200


def test_some_of_all_requests_fail_the_same_ones_for_a_seed(server):
    def failures(seed):
        with FaultProxy(server.port) as proxy:
            proxy.fail_some(20, seed, [Answer(599)])
            client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
            statuses = [get(client, "/file", Range="bytes=0-9")[0] for _ in range(100)]
            client.close()
        return [number for number, status in enumerate(statuses) if status == 599]

    first = failures(1)
    assert 10 <= len(first) <= 30
    assert failures(1) == first != failures(2)


def test_requests_at_once_are_counted(proxy):
    proxy.add(Stall(), times=3)
    clients = [http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(get, one) for one in clients]
        for _ in range(3):
            proxy.wait_for_stall()
        proxy.release()
        assert [one.result(30)[0] for one in asked] == [200] * 3
    assert proxy.most_at_once == 3
    for one in clients:
        one.close()
