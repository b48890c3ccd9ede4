"""Listing a WebDAV server, which may say anything."""

import pytest

from git_data.errors import Denied, StoreError, Unreachable
from git_data.stores.access import Access
from git_data.stores.http import open_http
from git_data.stores.web.dav import Entry, Listing

from ..helpers.scripted import Reply, Scripted


def entry(href, size=None, folder=False, more=""):
    kind = "<D:resourcetype>" + ("<D:collection/>" if folder else "") + "</D:resourcetype>"
    length = "" if size is None else f"<D:getcontentlength>{size}</D:getcontentlength>"
    return (
        f"<D:response><D:href>{href}</D:href><D:propstat><D:prop>{kind}{length}{more}</D:prop>"
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    )


def listing(*entries):
    inner = "".join(entries)
    return f'<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">{inner}</D:multistatus>'.encode()


@pytest.fixture
def serve():
    started = []

    def start(folders, path="/r"):
        def answer(asked):
            if asked.verb == "HEAD":
                return Reply(200, {"Content-Length": "42"})
            found = folders.get(asked.path)
            if found is None:
                return Reply(404)
            return found if isinstance(found, Reply) else Reply(207, {}, found)

        server = Scripted(answer)
        started.append(server)
        return server, open_http(server.url + path, Access())

    yield start
    for server in started:
        server.__exit__()


def test_folders_are_walked(serve):
    server, store = serve(
        {
            "/r/data/": listing(
                entry("/r/data/", folder=True),
                entry("/r/data/packs/", folder=True),
                entry("/r/data/manifest", 7),
                entry("/r/data/manifest.lock", 0),
                entry("/r/data/unknown"),
            ),
            "/r/data/packs/": listing(
                entry("http://elsewhere.example/r/data/packs", folder=True),
                entry("http://elsewhere.example/r/data/packs/ab", 5),
                entry("/r/data/packs/%63d", 6),
            ),
        }
    )
    assert dict(store.list("data")) == {
        "data/manifest": 7,
        "data/unknown": 42,  # asked for, as the list does not tell
        "data/packs/ab": 5,
        "data/packs/cd": 6,
    }
    asked = [one for one in server.seen if one.verb == "PROPFIND"]
    assert all(one.headers["Depth"] == "1" and b"propfind" in one.body for one in asked)


def test_what_is_being_written_is_not_listed(serve):
    _, store = serve(
        {"/r/": listing(entry("/r/", folder=True), entry("/r/tmp/", folder=True), entry("/r/a", 1))}
    )
    assert list(store.list("")) == [("a", 1)]


@pytest.mark.parametrize(
    "href",
    [
        "/r/data/..",
        "/r/data/../../etc",
        "/r/data/%2e%2e",
        "/r/data/a%2Fb",
        "/r/data/a/b",
        "/other/data/x",
        "/r/datax",
        "/r/data/Ä",
        "/r/data/a%0ab",
        "",
        "http://[::1/r/data/x",
    ],
)
@pytest.mark.parametrize("folder", [True, False])
def test_names_that_are_none_of_ours(serve, href, folder):
    _, store = serve({"/r/data/": listing(entry(href, 3, folder), entry("/r/data/good", 1))})
    assert list(store.list("data")) == [("data/good", 1)]


def test_a_folder_that_holds_itself(serve):
    """Nobody walks for ever."""

    class Endless(dict):
        def get(self, path, default=None):
            return listing(entry(f"{path}deeper/", folder=True))

    _, store = serve(Endless())
    with pytest.raises(StoreError, match="too many folders"):
        list(store.list(""))


DOCTYPE = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    b'<D:multistatus xmlns:D="DAV:"><D:response><D:href>/r/data/&b;</D:href></D:response>'
    b"</D:multistatus>"
)
FILE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (DOCTYPE, "document type"),
        (FILE, "document type"),
        (b"", "no XML"),
        (b"<html>", "no XML"),
        (b"<a>\xff</a>", "no XML"),
        (b"<a>&nbsp;</a>", "no XML"),
        (b"<a>" * 200, "too deeply"),
        (listing(entry("/r/data/" + "a" * 9000)), "too long"),
    ],
)
def test_lists_that_are_none(serve, body, why):
    _, store = serve({"/r/data/": body})
    with pytest.raises(StoreError, match=f"/r/data/.*{why}"):
        list(store.list("data"))


def test_a_list_that_never_ends(serve):
    def endless():
        yield listing()[: -len("</D:multistatus>")]
        while True:
            yield b" " * (1 << 20)

    _, store = serve({"/r/data/": Reply(207, {"Connection": "close"}, endless(), close=True)})
    with pytest.raises(StoreError, match="is longer than"):
        list(store.list("data"))


@pytest.mark.parametrize("status", [200, 400, 403, 405, 501])
def test_a_server_that_cannot_be_listed(serve, status):
    _, store = serve({"/r/data/": Reply(status)})
    with pytest.raises(Denied, match="cannot be listed: the server offers no WebDAV"):
        list(store.list("data"))


def test_a_server_that_is_in_trouble(serve):
    _, store = serve({"/r/data/": Reply(500)})
    with pytest.raises(Unreachable, match="cannot list"):
        list(store.list("data"))


def test_a_list_in_pieces():
    """However it comes: a byte at a time is the same as all at once."""
    text = listing(
        entry("/a%20b", 5, more="<D:x><D:href>/not/this</D:href></D:x>"),
        entry("/c", folder=True),
        entry("/d", "not a number"),
        entry("/e", "٣"),
    )
    parser = Listing("it")
    found = [one for at in range(len(text)) for one in parser.feed(text[at : at + 1])]
    assert found == Listing("it").feed(text, last=True)
    assert found == [
        Entry("/a%20b", False, 5),
        Entry("/c", True, None),
        Entry("/d", False, None),
        Entry("/e", False, None),
    ]
