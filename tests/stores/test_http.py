"""Stores on web servers: nginx, Apache, and one of our own that answers as no good one would."""

import os
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone

import pytest
import requests

from git_data.errors import Conflict, Damaged, Denied, NotFound, StoreError, Unreachable, UsageError
from git_data.oid import hash_bytes
from git_data.stores import open_store
from git_data.stores.access import Access
from git_data.stores.base import READ_BYTES, Busy, Interrupted
from git_data.stores.http import open_http
from git_data.stores.local import LocalStore
from git_data.stores.probe import probe
from git_data.stores.web.answers import retry_after
from git_data.stores.web.wire import Timeouts

from ..helpers.scripted import Reply, Scripted, of_range
from ..helpers.servers import free_port

NAME = "data/packs/ab/abcdef"
CONTENT = os.urandom(100_000)
PATIENT = Timeouts(connect=30, stall=30, turn=0.3)
HASTY = Timeouts(connect=30, stall=2)  # where nothing comes; a busy machine has to be quicker


def store_at(url, timeouts=None, **access):
    return open_http(url, Access(**access), timeouts)


@pytest.fixture
def scripted():
    """Start a server that answers so; gives it, and the store there."""
    started = []

    def start(answer, path="/store", timeouts=PATIENT, **more):
        if isinstance(answer, Reply):
            reply = answer
            answer = lambda asked: reply  # noqa: E731
        server = Scripted(answer)
        started.append(server)
        return server, store_at(server.url + path, timeouts, **more)

    yield start
    for server in started:
        server.__exit__()


# Addresses


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://Example.org", "http://example.org"),
        ("https://example.org:443/a//b/", "https://example.org/a//b/"),
        ("https://example.org:8443/a%20b", "https://example.org:8443/a%20b"),
        ("https://example.org/a b ü", "https://example.org/a%20b%20%C3%BC"),
        ("https://bob@example.org/r", "https://example.org/r"),
        ("https://bob:secret@example.org/r", "https://example.org/r"),
        ("https://example.org/r?sig=secret", "https://example.org/r?…"),
        ("http://[::1]:8080/r", "http://[::1]:8080/r"),
        ("webdavs://example.org/r", "https://example.org/r"),
        ("webdav://example.org/r", "http://example.org/r"),
    ],
)
def test_what_is_shown_of_an_address(url, shown):
    assert open_http(url, Access()).url == shown


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https:///folder",
        "https://bob:secret@/folder",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://exa mple.org/",
        "https://[::1/",
        "https://user:secret@exa%00mple.org/",
    ],
)
def test_addresses_that_are_none(url):
    with pytest.raises(UsageError, match="no address on the web") as caught:
        open_http(url, Access())
    assert "secret" not in str(caught.value)


def test_nothing_is_asked_and_nothing_slow_loaded_before_the_first_request():
    code = (
        "import sys; from git_data.stores import open_store;"
        "store = open_store('http://127.0.0.1:9/x', base='', create=True); store.url;"
        "print([m for m in ('requests', 'urllib3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_a_query_goes_along_and_is_not_shown(scripted):
    """An address may be signed (`?sig=…`)."""
    server, _ = scripted(Reply(500))
    store = store_at(f"{server.url}/store?sig=secret&x=1")
    with pytest.raises(Unreachable) as caught:
        store.read(NAME, 0, 1)
    assert server.seen[0].path == f"/store/{NAME}?sig=secret&x=1"
    assert "secret" not in str(caught.value) and NAME in str(caught.value)


# A folder that nginx serves


@pytest.fixture
def served(nginx):
    """A store in a folder, as its writer has it and as nginx serves it."""
    folder, url = nginx.fresh()
    return LocalStore(folder, create=True), store_at(url)


def test_a_served_folder_is_a_store_to_read(served):
    written, store = served
    written.write(NAME, [CONTENT])
    written.write("data/index/00", [b""])
    written.replace_if("data/manifest", b"{}", None)
    assert store.read(NAME) == CONTENT
    assert store.read(NAME, 5, 1000) == CONTENT[5:1005]
    assert store.read(NAME, len(CONTENT)) == b""
    assert store.read("data/index/00") == b""
    assert store.size(NAME) == len(CONTENT)
    assert store.size("data/packs") is None
    assert store.read_small("data/manifest", 10).data == b"{}"
    assert store.read_small("data/gone", 10) is None
    with pytest.raises(NotFound, match="data/gone"):
        store.read("data/gone", 0, 1)
    with pytest.raises(NotFound, match="data/gone"):
        store.read("data/gone", 0, 0)
    with pytest.raises(Damaged, match=NAME):
        store.read(NAME, len(CONTENT) - 1, 2)
    with pytest.raises(StoreError, match="is a folder"):
        store.read("data/packs", 0, 1)
    with pytest.raises(Damaged, match="more than 1 bytes"):
        store.read_small("data/manifest", 1)


def test_a_served_folder_cannot_be_written(served):
    written, store = served
    written.replace_if("data/manifest", b"{}", None)
    for ask in (
        lambda: store.write(NAME, [CONTENT]),
        lambda: store.write(NAME, [bytes(2 << 20)]),
        lambda: store.replace_if("data/manifest", b"new", None),
        lambda: store.delete("data/manifest"),
    ):
        with pytest.raises(Denied, match=r"is read-only.*405"):
            ask()
    with pytest.raises(Denied, match="offers no WebDAV"):
        list(store.list("data"))
    found = probe(store)
    assert (found.can_write, found.can_compare_and_swap) == (False, False)
    assert "is read-only" in found.reason
    assert written.read("data/manifest") == b"{}"


def test_the_version_of_a_file_is_the_same_however_it_is_reached(served):
    written, store = served
    version = written.replace_if("data/manifest", b"{}", None)
    assert store.read_small("data/manifest", 10) == (b"{}", version)


def test_connections_are_kept(scripted):
    server, store = scripted(of_range(CONTENT))
    for start in range(20):
        assert store.read(NAME, start, 5) == CONTENT[start : start + 5]
        assert store.size(NAME) == len(CONTENT)
        with pytest.raises(Damaged):
            store.read(NAME, len(CONTENT), 1)
        store.read_small(NAME, len(CONTENT))
    assert server.connections == 1


# Ranges, from servers that do as they like


def part(start, end, total, data=None):
    data = CONTENT[start:end] if data is None else data
    return Reply(206, {"Content-Range": f"bytes {start}-{end - 1}/{total}", "ETag": '"v"'}, data)


@pytest.mark.parametrize(
    "reply",
    [
        part(0, 10, 100),
        part(5, 16, 100),
        part(6, 16, 100),
        Reply(206, {}, CONTENT[5:15]),
        Reply(206, {"Content-Range": "bytes 5-14"}, CONTENT[5:15]),
        Reply(206, {"Content-Range": "bytes 14-5/100"}, CONTENT[5:15]),
        Reply(206, {"Content-Range": "bytes 5-14/10"}, CONTENT[5:15]),
        Reply(206, {"Content-Type": "multipart/byteranges; boundary=x"}, b"--x"),
    ],
)
def test_another_range_than_was_asked_for(scripted, reply):
    _, store = scripted(reply)
    with pytest.raises(StoreError, match="another range"):
        store.read(NAME, 5, 10)


def test_a_shorter_range_is_taken_and_the_rest_asked_for(scripted):
    _, store = scripted(part(5, 10, 100))
    with pytest.raises(Interrupted, match=NAME) as caught:
        store.read(NAME, 5, 10)
    assert (caught.value.data, caught.value.version) == (CONTENT[5:10], '"v"')


def test_a_file_that_ends_early_is_damaged(scripted):
    _, store = scripted(part(5, 10, 10))
    with pytest.raises(Damaged, match=NAME):
        store.read(NAME, 5, 10)


def test_the_rest_of_a_file_of_unknown_length(scripted):
    _, store = scripted(Reply(206, {"Content-Range": "bytes 5-14/*"}, CONTENT[5:15]))
    with pytest.raises(StoreError, match="does not say how long"):
        store.read(NAME, 5)
    assert store.read(NAME, 5, 10) == CONTENT[5:15]


def test_the_rest_of_a_file_that_is_too_long_for_one_read(scripted):
    _, store = scripted(part(0, READ_BYTES, READ_BYTES + 1, b"x"))
    with pytest.raises(StoreError, match="no range for one read"):
        store.read(NAME)


def test_a_server_that_ignores_ranges(scripted):
    _, store = scripted(Reply(200, {"ETag": 'W/"weak"'}, CONTENT))
    assert store.read(NAME, 5, 10) == CONTENT[5:15]
    assert store.read(NAME, 5) == CONTENT[5:]
    assert store.read(NAME) == CONTENT
    assert store.read(NAME, len(CONTENT)) == b""
    for start, length in ((5, len(CONTENT)), (len(CONTENT) + 1, None)):
        with pytest.raises(Damaged, match=NAME):
            store.read(NAME, start, length)


def test_a_server_that_ignores_ranges_and_has_a_huge_file(scripted):
    """What lies far behind in it is not worth all that lies before it."""
    sent = []

    def pieces():
        for _ in range(1 << 10):
            sent.append(1)
            yield bytes(1 << 20)

    huge = {"Content-Length": str(1 << 30)}
    _, store = scripted(lambda asked: Reply(200, huge, pieces()))
    assert store.read(NAME, 1000, 10) == bytes(10)
    with pytest.raises(StoreError, match="it ignores Range"):
        store.read(NAME, 100 << 20, 10)
    with pytest.raises(StoreError, match="no range for one read"):
        store.read(NAME)
    assert len(sent) < 100  # buffers of the system; never all of it


def test_a_body_without_a_length_that_ends_early(scripted):
    reply = Reply(200, {"Connection": "close"}, CONTENT[:50], close=True)
    _, store = scripted(reply)
    with pytest.raises(Interrupted) as caught:
        store.read(NAME, 10, 100)
    assert caught.value.data == CONTENT[10:50]


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize(("etag", "version"), [('"v"', '"v"'), ('W/"v"', None), ("v", None)])
def test_a_body_that_breaks_off(scripted, reset, etag, version):
    headers = {"Content-Range": "bytes 0-99/100", "Content-Length": "100", "ETag": etag}
    _, store = scripted(Reply(206, headers, CONTENT[:40], close=True, reset=reset))
    with pytest.raises(Interrupted, match="broke off after 40 bytes") as caught:
        store.read(NAME, 0, 100)
    assert (caught.value.data, caught.value.version) == (CONTENT[:40], version)


def test_a_body_that_stalls(scripted):
    release = threading.Event()

    def pieces():
        yield CONTENT[:40]
        release.wait(30)

    headers = {"Content-Range": "bytes 0-99/100", "Content-Length": "100"}
    answer = Reply(206, headers, pieces(), close=True)
    _, store = scripted(lambda asked: answer, timeouts=HASTY)
    with pytest.raises(Interrupted, match="no answer in time") as caught:
        store.read(NAME, 0, 100)
    assert caught.value.data == CONTENT[:40]
    release.set()


def test_a_body_that_trickles(scripted):
    """Each byte comes in time, and all of them never would."""
    stop = threading.Event()

    def pieces():
        for byte in CONTENT:
            if stop.wait(0.01):
                return
            yield bytes([byte])

    headers = {"Content-Range": f"bytes 0-{READ_BYTES - 1}/*", "Content-Length": str(READ_BYTES)}
    answer = Reply(206, headers, pieces(), close=True)
    _, store = scripted(lambda asked: answer, timeouts=HASTY)
    started = time.monotonic()
    with pytest.raises(Interrupted) as caught:
        store.read(NAME, 0, READ_BYTES)
    stop.set()
    assert time.monotonic() - started < 60  # sending all of it would take days
    assert caught.value.data and CONTENT.startswith(caught.value.data)


def test_going_on_in_the_middle(scripted):
    server, store = scripted(of_range(CONTENT))
    assert store.resume(NAME, 40, 60, '"one"') == CONTENT[40:100]
    assert server.seen[0].headers["If-Match"] == '"one"'
    with pytest.raises(Damaged, match="was changed"):
        store.resume(NAME, 40, 60, '"two"')


@pytest.mark.parametrize("etag", ['"two"', 'W/"one"', ""])
def test_going_on_where_the_condition_is_ignored(scripted, etag):
    reply = part(40, 100, 100_000)
    reply.headers = {**reply.headers, "ETag": etag}
    _, store = scripted(reply)
    with pytest.raises(Damaged, match="was changed"):
        store.resume(NAME, 40, 60, '"one"')


def test_going_on_with_nginx(served):
    written, store = served
    written.write(NAME, [CONTENT])
    etag = requests.head(f"{store.url}/{NAME}").headers["ETag"]
    assert store.resume(NAME, 40, 60, etag) == CONTENT[40:100]
    with pytest.raises(Damaged, match="was changed"):
        store.resume(NAME, 40, 60, '"another"')


def test_what_comes_compressed_is_refused(scripted):
    """A range of compressed bytes is another range."""
    headers = {"Content-Encoding": "gzip", "Content-Range": "bytes 0-9/10"}
    server, store = scripted(Reply(206, headers, CONTENT[:10]))
    with pytest.raises(StoreError, match=r"another form.*gzip"):
        store.read(NAME, 0, 10)
    assert server.seen[0].headers["Accept-Encoding"] == "identity"
    _, store = scripted(Reply(200, headers, CONTENT[:10]))
    with pytest.raises(StoreError, match=r"another form.*gzip"):
        store.read_small(NAME, 100)


# Sizes, from servers that do as they like


@pytest.mark.parametrize(
    ("head", "get", "size"),
    [
        (Reply(405), part(0, 1, 77), 77),
        (Reply(501), Reply(200, {"Content-Length": "77"}, b"x" * 77), 77),
        (Reply(200, {"Content-Length": "x"}), Reply(416), 0),
        (Reply(405), Reply(404), None),
        (Reply(404), Reply(500), None),
        (Reply(410), Reply(500), None),
    ],
)
def test_sizes(scripted, head, get, size):
    _, store = scripted(lambda asked: head if asked.verb == "HEAD" else get)
    assert store.size(NAME) == size


# What answers mean


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, NotFound),
        (410, NotFound),
        (416, Damaged),
        (403, Denied),
        (407, Denied),
        (451, Denied),
        (400, StoreError),
        (418, StoreError),
        (304, StoreError),
        (204, StoreError),
        (299, StoreError),
        (505, StoreError),
        (507, StoreError),
        (408, Unreachable),
        (500, Unreachable),
        (502, Unreachable),
        (504, Unreachable),
        (520, Unreachable),
        (429, Busy),
        (503, Busy),
    ],
)
def test_what_a_status_means(scripted, status, kind):
    _, store = scripted(Reply(status))
    with pytest.raises(kind, match=NAME) as caught:
        store.read(NAME, 0, 1)
    assert type(caught.value) is kind
    assert str(status) in str(caught.value) or kind in (NotFound, Damaged)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("7", 7),
        ("99999999999", 86400),
        ("Fri, 31 Dec 2999 23:59:59 GMT", 86400),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 0),
    ],
)
def test_how_long_a_busy_server_asks_us_to_wait(scripted, text, after):
    _, store = scripted(Reply(503, {"Retry-After": text}))
    with pytest.raises(Busy) as caught:
        store.size(NAME)
    assert caught.value.after == after


def test_a_date_is_as_far_away_as_it_is():
    now = datetime(2024, 1, 2, 3, 4, 0, tzinfo=timezone.utc)
    assert retry_after({"Retry-After": "Tue, 02 Jan 2024 03:04:30 GMT"}, now) == 30
    assert retry_after({"Retry-After": "Tue, 02 Jan 2024 03:04:30 -0000"}, now) == 30


@pytest.mark.parametrize("text", ["", "soon", "-7", "Mon, 99 Foo 2024", "9" * 400])
def test_a_busy_server_that_does_not_say(scripted, text):
    _, store = scripted(Reply(429, {"Retry-After": text}))
    with pytest.raises(Busy) as caught:
        store.size(NAME)
    assert caught.value.after is None


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (None, "closed without an answer"),
        (Reply(200, {f"X-{n}": "y" for n in range(200)}), "no HTTP"),
        (Reply(200, {"X": "y" * 100_000}), "no HTTP"),
        (Reply(99999), "no HTTP"),
    ],
)
def test_no_answer(scripted, reply, why):
    _, store = scripted(lambda asked: reply)
    with pytest.raises(Unreachable, match=f"{NAME} does not answer: .*{why}"):
        store.read(NAME, 0, 1)


def test_a_server_that_says_nothing(scripted):
    release = threading.Event()
    _, store = scripted(lambda asked: release.wait(30) and None, timeouts=HASTY)
    with pytest.raises(Unreachable, match=f"{NAME} does not answer: no answer in time"):
        store.size(NAME)
    release.set()


def test_nobody_listens():
    store = store_at(f"http://user:secret@127.0.0.1:{free_port()}/r?sig=secret")
    with pytest.raises(Unreachable, match="Connection refused") as caught:
        store.read_small("data/manifest", 10)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None  # whose text has the whole address


def test_a_name_that_nobody_has():
    store = store_at("http://git-data.invalid/r")
    with pytest.raises(Unreachable, match=r"git-data\.invalid.*its name cannot be looked up"):
        store.size(NAME)


# Redirects


def test_redirects_are_followed(scripted):
    target, _ = scripted(of_range(CONTENT))

    def answer(asked):
        hop = asked.path.rpartition("hop")[2]
        if not hop.isdigit():
            return Reply(302, {"Location": "/hop1"})
        if int(hop) < 3:
            return Reply(307, {"Location": f"hop{int(hop) + 1}"})
        return Reply(301, {"Location": f"{target.url}/x?sig=secret"})

    server, store = scripted(answer)
    assert store.read(NAME, 5, 10) == CONTENT[5:15]
    assert [one.path for one in server.seen] == [f"/store/{NAME}", "/hop1", "/hop2", "/hop3"]
    assert target.seen[0].path == "/x?sig=secret"
    assert target.seen[0].headers["Range"] == "bytes=5-14"
    with pytest.raises(Damaged) as caught:
        store.read(NAME, len(CONTENT), 1)
    assert "secret" not in str(caught.value)
    assert NAME in str(caught.value) and target.url in str(caught.value)


def test_no_cookie_is_kept(scripted):
    server, store = scripted(Reply(200, {"Set-Cookie": "a=b"}, b"x"))
    store.read(NAME)
    store.read(NAME)
    assert not any("Cookie" in one.headers for one in server.seen)


def test_too_many_redirects(scripted):
    server, store = scripted(Reply(302, {"Location": "/round"}))
    with pytest.raises(StoreError, match="more than 5 times"):
        store.read(NAME, 0, 1)
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    "location", ["ftp://example.org/x", "file:///etc/passwd", "http://[::1", "//\\x"]
)
def test_redirects_to_what_is_no_address(scripted, location):
    _, store = scripted(Reply(302, {"Location": location}))
    with pytest.raises(StoreError, match="redirects to what is no address"):
        store.read(NAME, 0, 1)


def test_a_redirect_with_an_endless_body(scripted):
    def endless():
        while True:
            yield bytes(1 << 20)

    reply = Reply(302, {"Location": "/there"}, b"")

    def answer(asked):
        if asked.path == "/there":
            return of_range(CONTENT)(asked)
        return Reply(302, {"Location": "/there", "Connection": "close"}, endless(), close=True)

    _, store = scripted(answer)
    assert store.read(NAME, 5, 10) == CONTENT[5:15]
    assert reply


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
@pytest.mark.parametrize(("status", "elsewhere"), [(301, False), (302, False), (307, True)])
def test_writing_is_not_redirected_elsewhere(scripted, verb, status, elsewhere):
    other, _ = scripted(Reply(201))

    def answer(asked):
        if asked.verb == "HEAD":
            return Reply(404 if verb == "PUT" else 200)
        if asked.path == "/moved":
            return Reply(201)
        return Reply(status, {"Location": f"{other.url}/x" if elsewhere else "/moved"})

    server, store = scripted(answer)
    with pytest.raises(StoreError, match=f"redirects {verb} to .*not followed"):
        if verb == "PUT":
            store.write(NAME, [b"abc"])
        else:
            store.delete(NAME)
    assert other.seen == []
    assert server.verbs() == ["HEAD", verb]


def test_writing_is_redirected_on_the_same_server(scripted):
    def answer(asked):
        if asked.verb == "HEAD":
            return Reply(404)
        return Reply(201) if asked.path == "/moved" else Reply(308, {"Location": "/moved"})

    server, store = scripted(answer)
    store.write(NAME, [b"abc", bytes(200_000)])
    assert [one.body for one in server.seen[1:]] == [b"abc" + bytes(200_000)] * 2


# Writing


def test_a_body_is_sent_as_it_is(scripted):
    server, store = scripted(lambda asked: Reply(404 if asked.verb == "HEAD" else 201))
    parts = [b"", b"abc", memoryview(CONTENT)[::1], bytearray(b"x"), b""]
    store.write(NAME, parts)
    store.write(NAME, [])
    assert [one.body for one in server.seen if one.verb == "PUT"] == [b"".join(parts), b""]
    assert "Transfer-Encoding" not in server.seen[1].headers


def test_a_file_that_is_there_is_not_sent_again(apache):
    server_folder, url = apache.fresh()
    store = store_at(url)
    store.write(NAME, [CONTENT])
    before = (server_folder / NAME).stat()
    store.write(NAME, [CONTENT])
    assert (server_folder / NAME).stat().st_ino == before.st_ino


def test_a_large_file_is_not_sent_before_its_folder_is_there(scripted):
    made = set()

    def answer(asked):
        if asked.verb == "HEAD":
            return Reply(404)
        if asked.verb == "OPTIONS":
            return Reply(200, {"DAV": "1,2"})
        above = asked.path.rstrip("/").rpartition("/")[0]
        if above and above not in made:
            return Reply(409)
        if asked.verb == "MKCOL":
            made.add(asked.path.rstrip("/"))
        return Reply(201)

    server, store = scripted(answer)
    store.write(NAME, [bytes(2 << 20)])
    assert server.verbs().count("PUT") == 1
    made.clear()
    store.write("data/packs/ab/small", [b"x"])  # the folder has gone meanwhile
    assert server.verbs().count("PUT") == 3


def test_a_folder_that_cannot_be_made(scripted):
    _, store = scripted(lambda asked: Reply({"HEAD": 404, "OPTIONS": 200}.get(asked.verb, 409)))
    with pytest.raises(StoreError, match="its folder is not there"):
        store.write(NAME, [b"x"])
    with pytest.raises(StoreError, match="its folder is not there"):
        store.replace_if("data/manifest", b"x", None)


@pytest.mark.parametrize("status", [403, 405, 501])
def test_a_server_that_is_only_read(scripted, status):
    _, store = scripted(lambda asked: Reply({"HEAD": 404, "OPTIONS": 200}.get(asked.verb, status)))
    for ask in (
        lambda: store.write(NAME, [b"x"]),
        lambda: store.write(NAME, [bytes(2 << 20)]),
        lambda: store.replace_if("data/manifest", b"x", None),
    ):
        with pytest.raises(Denied, match=f"is read-only.*answered {status}"):
            ask()


def test_a_server_that_is_full(scripted):
    _, store = scripted(lambda asked: Reply(404 if asked.verb == "HEAD" else 507))
    with pytest.raises(StoreError, match=r"507 Insufficient Storage.*nothing was lost"):
        store.write(NAME, [b"x"])


def test_a_folder_is_not_deleted(apache):
    """DELETE of a folder takes all that is in it."""
    store = store_at(apache.fresh()[1])
    store.write(NAME, [CONTENT])
    with pytest.raises(StoreError, match="is a folder"):
        store.delete("data/packs")
    assert store.read(NAME) == CONTENT


# Compare and swap


def swapping(content, etag, put=201, dav=""):
    """A server with one manifest, whose answer to a PUT is this."""

    def answer(asked):
        if asked.verb == "OPTIONS":
            return Reply(200, {"DAV": dav} if dav else {})
        if asked.verb == "PUT":
            return Reply(put)
        return Reply(200, {"ETag": etag} if etag else {}, content)

    return answer


def test_the_conditions_that_are_sent(scripted):
    server, store = scripted(swapping(b"old", '"e1"'))
    version = store.read_small("data/manifest", 10).version
    store.replace_if("data/manifest", b"new", version)
    store.replace_if("data/manifest", b"newest", None)
    puts = [one for one in server.seen if one.verb == "PUT"]
    assert [one.headers["If-Match"] for one in puts] == ['"e1"', None]
    assert [one.headers["If-None-Match"] for one in puts] == [None, "*"]
    assert server.verbs() == ["GET", "OPTIONS", "PUT", "PUT"]
    assert server.seen[0].headers["Cache-Control"] == "no-cache"


def test_an_etag_that_is_not_known_is_asked_for(scripted):
    server, store = scripted(swapping(b"old", '"e1"'))
    store.replace_if("data/manifest", b"new", hash_bytes(b"old").hex())
    assert server.seen[-1].headers["If-Match"] == '"e1"'
    with pytest.raises(Conflict):
        store.replace_if("data/manifest", b"new", hash_bytes(b"older").hex())
    assert server.verbs() == ["OPTIONS", "GET", "PUT", "GET"]


@pytest.mark.parametrize("etag", ['W/"e1"', "", "e1"])
def test_without_a_strong_etag_nothing_is_replaced(scripted, etag):
    server, store = scripted(swapping(b"old", etag))
    version = store.read_small("data/manifest", 10).version
    with pytest.raises(StoreError, match="no strong ETag"):
        store.replace_if("data/manifest", b"new", version)
    assert "PUT" not in server.verbs()


@pytest.mark.parametrize("status", [404, 409, 410, 412])
def test_answers_that_mean_that_somebody_was_faster(scripted, status):
    seen = []

    def answer(asked):
        seen.append(asked.verb)
        content = b"old" if "PUT" not in seen else b"another"
        return swapping(content, '"e1"', put=status)(asked)

    _, store = scripted(answer)
    version = store.read_small("data/manifest", 10).version
    with pytest.raises(Conflict, match="data/manifest"):
        store.replace_if("data/manifest", b"new", version)


def test_a_server_that_forgets_its_own_etags(scripted):
    _, store = scripted(swapping(b"old", '"e1"', put=412))
    version = store.read_small("data/manifest", 10).version
    with pytest.raises(StoreError, match="does not know the ETags"):
        store.replace_if("data/manifest", b"new", version)


@pytest.mark.parametrize(("status", "kind"), [(500, Unreachable), (503, Busy), (504, Unreachable)])
def test_a_swap_of_which_nobody_knows_if_it_was_done(scripted, status, kind):
    _, store = scripted(swapping(b"old", '"e1"', put=status))
    version = store.read_small("data/manifest", 10).version
    with pytest.raises(kind):
        store.replace_if("data/manifest", b"new", version)


def test_a_server_that_ignores_conditions_fails_the_probe(nginx):
    """nginx takes PUT and DELETE, and no notice of If-Match."""
    name = nginx.fresh()[1].rpartition("/")[0].rpartition("/")[2]
    store = open_store(f"{nginx.url}/written/{name}", base="", create=True)
    store.write(NAME, [CONTENT])
    assert store.read(NAME) == CONTENT
    found = probe(store)
    assert (found.can_write, found.can_compare_and_swap) == (True, False)
    assert "replaced a file that should not have been there" in found.reason


def test_who_writes_alone_needs_no_conditions(nginx):
    """But what changed since it was read is still not replaced."""
    name = nginx.fresh()[1].rpartition("/")[0].rpartition("/")[2]
    store = store_at(f"{nginx.url}/written/{name}", single_writer=True)
    first = store.replace_if("data/manifest", b"first", None)
    second = store.replace_if("data/manifest", b"second", first)
    for version in (None, first, "another"):
        with pytest.raises(Conflict):
            store.replace_if("data/manifest", b"wrong", version)
    assert store.read_small("data/manifest", 10) == (b"second", second)


@pytest.mark.parametrize("etag", ['W/"e1"', ""])
def test_who_writes_alone_needs_no_etags(scripted, etag):
    server, store = scripted(swapping(b"old", etag), single_writer=True)
    version = store.read_small("data/manifest", 10).version
    store.replace_if("data/manifest", b"new", version)
    assert server.verbs()[-1] == "PUT"
