"""What only S3 has; that it is a store is in test_contract.py.

Against SeaweedFS where the server matters, else against a small server of our own that sees what
is sent and answers what it is told to.
"""

import os
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from git_data.errors import Conflict, Damaged, Denied, NotFound, StoreError, Unreachable, UsageError
from git_data.stores import open_store
from git_data.stores.access import HOW_TO_TRUST, Access
from git_data.stores.base import READ_BYTES, Busy, Interrupted
from git_data.stores.probe import probe
from git_data.stores.s3 import MAX_PAGES, open_s3
from git_data.stores.s3address import is_aws, parse
from git_data.stores.s3body import JOIN_BYTES, PIECE_BYTES, Body, to_send
from git_data.stores.s3client import ANSWER_BYTES

from ..helpers import servers
from ..helpers.engine import Clone, arrives, content, mixed_files, send
from ..helpers.faults import FaultProxy
from ..helpers.recording import Answer, Recorder, forward
from ..helpers.world import PROJECT, random_bytes

GOOD = Access(trusted=True, profile=servers.PROFILE)
NAME = "data/packs/ab/abcdef"


def address(recorder, path="bucket/prefix"):
    return f"s3://{path}?endpoint={recorder.url}"


@pytest.fixture
def place(seaweed):
    """A prefix that no other test has, and a recorder in front of the server."""
    with Recorder(forward(seaweed.url)) as recorder:
        yield recorder, f"{seaweed.bucket}/{uuid.uuid4().hex}"


def refusing(status, code="", **headers):
    body = f"<Error><Code>{code}</Code><Message>words</Message></Error>".encode() if code else b""
    return lambda request: Answer(status, body, headers)


def error_of(answer, ask, access=GOOD):
    """What a verb makes of an answer, and that it asked once."""
    with Recorder(answer) as recorder:
        with pytest.raises(Exception) as caught:
            ask(open_s3(address(recorder), access))
        assert len(recorder.requests) == 1
    assert servers.SECRET not in str(caught.value) and "words" not in str(caught.value)
    return caught.value


# Addresses


@pytest.mark.parametrize(
    ("url", "prefix", "rest"),
    [
        ("s3://bucket", "", (None, None, None)),
        ("s3://bucket/", "", (None, None, None)),
        ("S3://bucket/a/b/", "a/b/", (None, None, None)),
        ("s3://bucket/a b/größe", "a b/größe/", (None, None, None)),
        ("s3://bucket/a%20b/gr%C3%B6%C3%9Fe", "a b/größe/", (None, None, None)),
        ("s3://bucket/100%25?region=eu-west-1", "100%/", (None, "eu-west-1", None)),
        ("s3://bucket?endpoint=https://h:9000/", "", ("https://h:9000", None, None)),
        ("s3://bucket?endpoint=https%3A%2F%2Fh%3A9000", "", ("https://h:9000", None, None)),
        ("s3://bucket?endpoint=HTTP://H.Corp/s3/v1", "", ("http://h.corp/s3/v1", None, None)),
        ("s3://bucket?endpoint=https://[::1]:9000", "", ("https://[::1]:9000", None, None)),
        ("s3://bucket?region=auto&addressing=virtual", "", (None, "auto", "virtual")),
    ],
)
def test_addresses(url, prefix, rest):
    found = parse(url)
    assert (found.bucket, found.prefix) == ("bucket", prefix)
    assert (found.endpoint, found.region, found.addressing) == rest
    assert found.key("data/manifest") == f"{prefix}data/manifest"


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("s3://", "bucket"),
        ("s3:///a", "bucket"),
        ("s3://b/a", "bucket"),
        ("s3://a..b/a", "bucket"),
        ("s3://bucket:9000/a", "bucket"),
        ("s3://bucket/a//b", "//"),
        ("s3://bucket//a", "//"),
        ("s3://bucket/a//", "//"),
        ("s3://bucket/a%2F%2Fb", "//"),
        ("s3://bucket/../other", ".."),
        ("s3://bucket/a/%2e%2e/b", ".."),
        ("s3://bucket/a/./b", "."),
        ("s3://bucket/a%0Ab", "shown"),
        ("s3://bucket/a\udcff", "shown"),
        ("s3://bucket/%FF", "UTF-8"),
        ("s3://bucket/" + "a" * 701, "longer"),
        ("s3://bucket/a#b", "%23"),
        ("s3://bucket/a?profile=x", "'profile'"),
        ("s3://bucket/a?Endpoint=https://h", "'Endpoint'"),
        ("s3://bucket/a?" + "region=a&" * 9, "too much"),
        ("s3://bucket/a?region=a&region=b", "region is given twice"),
        ("s3://bucket/a?region=evil.example/", "region"),
        ("s3://bucket/a?addressing=other", "addressing"),
        ("s3://bucket/a?endpoint=", "endpoint"),
        ("s3://bucket/a?endpoint=ftp://h", "endpoint"),
        ("s3://bucket/a?endpoint=h:9000", "endpoint"),
        ("s3://bucket/a?endpoint=https://h:99999", "endpoint"),
        ("s3://bucket/a?endpoint=https://evil.example\\@good.example", "endpoint"),
        ("s3://bucket/a?endpoint=https://h/a/../b", "endpoint"),
        ("s3://bucket/a?endpoint=https://h/a?x=y", "endpoint"),
        ("s3://bucket/a?endpoint=https://h%0d%0aX: y", "endpoint"),
        ("s3://bucket/a?endpoint=https://good.example#@evil.example", "%23"),
        ("s3://bucket/a?endpoint=https://a&endpoint=https://b", "twice"),
    ],
)
def test_what_is_no_address(url, named):
    with pytest.raises(UsageError) as caught:
        parse(url)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:secretword@bucket/a",
        "s3://secretword@bucket/a",
        "s3://key:secretword/a",
        "s3://bucket/a?endpoint=https://user:secretword@host",
        "s3://bucket/a?secret=secretword",
        "s3://bucket/a?region=secretword!",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(url):
    with pytest.raises(UsageError) as caught:
        open_store(url, base="/")
    assert "secretword" not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://s3.amazonaws.com",
        "https://s3.eu-west-1.amazonaws.com",
        "https://s3.dualstack.us-gov-west-1.amazonaws.com",
        "https://s3-fips.us-east-2.amazonaws.com",
        "https://s3.cn-north-1.amazonaws.com.cn",
    ],
)
def test_what_is_aws_itself(endpoint):
    assert is_aws(endpoint)
    assert is_aws(parse(f"s3://bucket?endpoint={endpoint}").endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://s3.amazonaws.com",
        "https://ec2-1-2-3-4.compute-1.amazonaws.com",
        "https://s3.eu-west-1.amazonaws.com.evil.example",
        "https://evils3.amazonaws.com",
        "https://bucket.s3.amazonaws.com",
        "https://x.execute-api.us-east-1.amazonaws.com",
        "https://amazonaws.com",
    ],
)
def test_what_is_not_aws_itself(endpoint):
    assert not is_aws(endpoint)


def test_nothing_is_imported_or_asked_before_the_first_request():
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from git_data.stores import open_store\n"
        "store = open_store('s3://bucket/a', base='/'); print(store.url, 'botocore' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", script, PROJECT], capture_output=True, text=True, check=True
    ).stdout
    assert out == "s3://bucket/a False\n"


# What is sent


def test_keys_are_the_prefix_one_slash_and_the_name(place):
    recorder, where = place
    stores = [
        open_s3(address(recorder, f"{where}/{prefix}"), GOOD)
        for prefix in ("a b/größe", "a%20b/gr%C3%B6%C3%9Fe/")
    ]
    stores[0].write(NAME, [b"abc"])
    stores[1].replace_if("data/manifest", b"{}", None)
    for store in stores:
        assert store.read(NAME) == b"abc"
        assert store.size(NAME) == 3
        assert sorted(store.list("")) == [("data/manifest", 2), (NAME, 3)]
        assert list(store.list("data/packs")) == [(NAME, 3)]
    paths = {one.path.partition("?")[0] for one in recorder.requests}
    assert f"/{where}/a%20b/gr%C3%B6%C3%9Fe/{NAME}" in paths
    assert not [path for path in paths if "//" in path]
    whole = open_s3(address(recorder, where), GOOD)
    assert list(whole.list("")) == []  # those are no names of ours


def test_a_store_may_be_a_whole_bucket(seaweed):
    store = open_s3(f"s3://{seaweed.bucket}?endpoint={seaweed.url}", GOOD)
    name = f"data/{uuid.uuid4().hex}"
    store.write(name, [b"abc"])
    assert store.read(name) == b"abc"
    assert (name, 3) in list(store.list("data"))
    store.delete(name)
    assert (name, 3) not in list(store.list(""))


def test_each_verb_is_one_request(place):
    recorder, where = place
    store = open_s3(address(recorder, where), GOOD)
    long = random_bytes(3 << 20)
    version = store.replace_if("data/manifest", b"one", None)
    for ask in (
        lambda: store.write(NAME, [long[: 1 << 20], memoryview(long)[1 << 20 :]]),
        lambda: store.write(NAME, [b"short"]),
        lambda: store.read(NAME),
        lambda: store.read(NAME, 1, 2),
        lambda: store.size(NAME),
        lambda: store.read_small("data/manifest", 10),
        lambda: store.read_small("data/other", 10),
        lambda: store.size("data/other"),
        lambda: list(store.list("")),
        lambda: store.replace_if("data/manifest", b"two", version),
        lambda: store.delete(NAME),
    ):
        recorder.requests.clear()
        ask()
        assert len(recorder.requests) == 1


def test_a_long_body_is_sent_in_parts_and_arrives(place):
    recorder, where = place
    store = open_s3(address(recorder, where), GOOD)
    content = random_bytes(5 << 20)
    parts = [content[at : at + 70_001] for at in range(0, len(content), 70_001)]
    store.write(NAME, [b"", *parts, bytearray(), memoryview(b"")])
    assert recorder.requests[0].body == content
    assert store.read(NAME) == content


def test_a_body_is_a_file_over_its_parts():
    content = random_bytes(JOIN_BYTES + 100)
    body = to_send([content[:7], b"", memoryview(content)[7:1000], bytearray(content[1000:])])
    assert isinstance(body, Body)
    assert body.read() == content and body.read() == b"" and body.read(5) == b""
    assert body.seek(0) == 0
    pieces = [body.read(999)]
    while pieces[-1]:
        pieces.append(body.read(999))
    assert b"".join(pieces) == content and max(map(len, pieces)) == 999
    assert len(pieces[0]) == 7 and pieces[1].obj is content  # what one part has, not copied
    assert pieces[-1] == b"" == body.read(999)  # as botocore looks for the end
    assert body.seek(0, os.SEEK_END) == body.tell() == len(content)
    assert body.seek(-3, os.SEEK_CUR) == len(content) - 3 and body.read() == content[-3:]
    assert body.seek(5) == 5 and body.read(4) == content[5:7] and body.read(2) == content[7:9]
    with pytest.raises(OSError):
        body.seek(-1)
    assert to_send([b"ab", memoryview(b"xcx")[1:2]]) == b"abc"


def test_a_body_goes_in_pieces_that_are_not_copied():
    content = random_bytes(JOIN_BYTES + 100)
    body = to_send([content[:7], b"", memoryview(content)[7:]])
    assert isinstance(body, Body)
    body.seek(5)  # as who hashed it may leave it
    pieces = [*body.pieces()]
    assert b"".join(pieces) == content == b"".join(body.pieces())
    assert max(piece.nbytes for piece in pieces) == PIECE_BYTES
    assert all(piece.obj is content for piece in pieces[1:])


def test_a_body_that_hardly_moves_is_given_up(monkeypatch):
    monkeypatch.setattr("git_data.stores.body.Watch.is_stalled", lambda self, moved: True)
    body = to_send([bytes(JOIN_BYTES + 1)])
    assert isinstance(body, Body)
    with pytest.raises(TimeoutError, match="too slow"):
        b"".join(body.pieces())


# To whom credentials go


def test_an_endpoint_that_nobody_trusts_gets_no_credentials():
    with Recorder(refusing(403, "AccessDenied")) as recorder:
        for access in (Access(), Access(profile=servers.PROFILE)):
            with pytest.raises(Denied) as caught:
                open_s3(address(recorder), access).read_small("data/manifest", 10)
            assert HOW_TO_TRUST.format(recorder.url) in str(caught.value)
        for request in recorder.requests:
            sent = "".join(f"{name}: {value}\n" for name, value in request.headers.items())
            assert "authorization" not in sent.lower() and "token" not in sent.lower()
            assert "ambient" not in sent and servers.KEY not in sent


@pytest.mark.parametrize(
    ("profile", "key"),
    [(None, "ambient"), (servers.PROFILE, servers.KEY), ("unknown-key", "nobody")],
)
def test_a_trusted_endpoint_gets_those_of_the_profile(profile, key):
    with Recorder(refusing(403, "AccessDenied")) as recorder:
        with pytest.raises(Denied) as caught:
            access = Access(trusted=True, profile=profile)
            open_s3(address(recorder), access).read_small("data/manifest", 10)
        [request] = recorder.requests
        assert f"Credential={key}/" in request.headers["Authorization"]
        assert servers.SECRET not in str(request.headers)
        assert "trust" not in str(caught.value)


def test_a_profile_that_is_not_there_is_named():
    with Recorder(refusing(500)) as recorder:
        with pytest.raises(Denied, match="'absent'"):
            access = Access(trusted=True, profile="absent")
            open_s3(address(recorder), access).size(NAME)
        assert recorder.requests == []


def test_anybody_reads_a_public_bucket_and_no_other(seaweed):
    prefix = uuid.uuid4().hex
    public = seaweed.address(prefix, seaweed.public)
    open_s3(public, GOOD).write(NAME, [b"abc"])
    anybody = open_s3(public, Access())
    assert anybody.read(NAME, 1, 2) == b"bc"
    assert anybody.size(NAME) == 3
    assert anybody.read_small("data/manifest", 10) is None
    assert list(anybody.list("")) == [(NAME, 3)]
    with pytest.raises(Denied, match=r"data\.http://127.*\.trust true"):
        anybody.write(NAME, [b"xyz"])
    with pytest.raises(Denied, match="trust true"):
        anybody.replace_if("data/manifest", b"x", None)
    private = seaweed.address(prefix)
    open_s3(private, GOOD).write(NAME, [b"abc"])
    for ask in (lambda s: s.read(NAME), lambda s: s.size(NAME), lambda s: list(s.list(""))):
        with pytest.raises(Denied, match="no credentials were sent"):
            ask(open_s3(private, Access()))
    result = probe(anybody)
    assert not result.can_write and "trust true" in result.reason


@pytest.mark.parametrize(
    ("profile", "told"),
    [(servers.WRONG_SECRET, "secret key is wrong"), (servers.UNKNOWN_KEY, "not known there")],
)
def test_wrong_credentials(seaweed, profile, told):
    store = open_s3(seaweed.address("a"), Access(trusted=True, profile=profile))
    with pytest.raises(Denied) as caught:
        store.read_small("data/manifest", 10)
    assert told in str(caught.value)
    assert servers.SECRET not in str(caught.value)
    with pytest.raises(Denied):
        store.write(NAME, [b"abc"])


def test_a_bucket_that_is_not_there(seaweed):
    store = open_s3(seaweed.address("a", "absent-bucket"), GOOD)
    for ask in (
        lambda: store.read_small("data/manifest", 10),
        lambda: store.read(NAME),
        lambda: store.write(NAME, [b"abc"]),
        lambda: store.replace_if("data/manifest", b"x", None),
        lambda: list(store.list("")),
    ):
        with pytest.raises(StoreError, match="no bucket absent-bucket"):
            ask()


# Servers that differ


@pytest.mark.parametrize(
    "elsewhere",
    [
        Answer(301, b"", {"x-amz-bucket-region": "eu-west-1"}),
        Answer(
            400,
            b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>",
        ),
    ],
)
def test_another_region_is_found_and_signed_for(elsewhere):
    def answer(request):
        is_right = "/eu-west-1/s3/" in request.headers["Authorization"]
        content = b"" if request.method == "PUT" else b"abc"
        return Answer(200, content, {"ETag": '"1"'}) if is_right else elsewhere

    with Recorder(answer) as recorder:
        store = open_s3(address(recorder), GOOD)
        assert store.read_small("data/manifest", 10) == (b"abc", '"1"')
        assert store.read_small("data/manifest", 10) == (b"abc", '"1"')
        assert len(recorder.requests) == 3  # it is remembered
        content = random_bytes(2 * JOIN_BYTES)
        open_s3(address(recorder), GOOD).write(NAME, [content])
        assert recorder.requests[-1].body == content
        del recorder.requests[3:]
        given = open_s3(address(recorder) + "&region=eu-west-1", GOOD)
        assert given.read_small("data/manifest", 10) == (b"abc", '"1"')
        assert len(recorder.requests) == 4


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nothing_is_sent_to_where_a_server_points(status):
    with Recorder(refusing(200)) as other:
        answer = refusing(status, "TemporaryRedirect", Location=f"{other.url}/bucket/prefix")
        with Recorder(answer) as recorder, pytest.raises(StoreError, match="region"):
            open_s3(address(recorder), GOOD).read_small("data/manifest", 10)
        assert other.requests == []


def test_virtual_hosts_where_the_address_says_so():
    with Recorder(refusing(404, "NoSuchKey")) as recorder:
        where = address(recorder).replace("127.0.0.1", "localhost") + "&addressing=virtual"
        store = open_s3(where, GOOD)
        try:
            assert store.size(NAME) is None
        except Unreachable as error:  # few machines know names below localhost
            assert "localhost" in str(error)
        else:
            assert recorder.requests[0].headers["Host"].startswith("bucket.localhost:")
            assert recorder.requests[0].path == f"/prefix/{NAME}"


def test_a_server_that_gives_the_whole_file_for_a_part():
    with Recorder(lambda request: Answer(200, b"0123456789")) as recorder:
        store = open_s3(address(recorder), GOOD)
        assert store.read(NAME, 0, 4) == b"0123"
        with pytest.raises(StoreError, match="another part"):
            store.read(NAME, 1, 4)


def test_a_server_that_gives_another_part():
    answer = Answer(206, b"0123", {"Content-Range": "bytes 0-3/10"})
    with Recorder(lambda request: answer) as recorder:
        store = open_s3(address(recorder), GOOD)
        assert store.read(NAME, 0, 4) == b"0123"
        with pytest.raises(StoreError, match="another part"):
            store.read(NAME, 1, 4)


# Bodies that break off, and answers without end


def part(request, content, **more):
    start, _, last = request.headers["Range"].removeprefix("bytes=").partition("-")
    end = int(last) + 1
    headers = {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}", "ETag": '"v1"'}
    return Answer(206, content[int(start) : end], headers, **more)


def test_a_body_that_breaks_off_gives_what_came_and_the_rest_can_be_asked_for():
    content = random_bytes(1 << 20)

    def answer(request):
        is_first = "If-Match" not in request.headers
        return part(request, content, cut=700_000 if is_first else None)

    with Recorder(answer) as recorder:
        store = open_s3(address(recorder), GOOD)
        with pytest.raises(Interrupted) as caught:
            store.read(NAME, 100, 900_000)
        got = caught.value
        assert got.version == '"v1"' and NAME in got.message
        assert 500_000 < len(got.data) <= 700_000 and content[100:].startswith(got.data)
        rest = store.resume(NAME, 100 + len(got.data), 900_000 - len(got.data), got.version)
        assert got.data + rest == content[100:900_100]
        assert recorder.requests[1].headers["If-Match"] == '"v1"'
        with pytest.raises(Interrupted):
            open_s3(address(recorder), GOOD).read(NAME, 0, 900_000)


def test_a_manifest_that_breaks_off_is_none():
    answer = Answer(200, b"x" * 1000, {"ETag": '"v1"'}, cut=10)
    with Recorder(lambda request: answer) as recorder:
        with pytest.raises(Interrupted) as caught:
            open_s3(address(recorder), GOOD).read_small("data/manifest", 5000)
        assert caught.value.data == b"x" * 10


def test_a_file_that_changed_in_between_is_not_resumed():
    with pytest.raises(Damaged, match=NAME):
        raise error_of(refusing(412, "PreconditionFailed"), lambda s: s.resume(NAME, 1, 5, '"v1"'))


def test_a_file_that_is_too_long_is_not_read():
    """Its first byte comes, the rest never does: who waited for it would wait for ever."""
    headers = {"Content-Length": str(READ_BYTES + 1)}
    with Recorder(lambda request: Answer(200, b"x", headers)) as recorder:
        store = open_s3(address(recorder), GOOD)
        with pytest.raises(Damaged, match="more than 10 bytes"):
            store.read_small(NAME, 10)
        with pytest.raises(StoreError, match="no range for one read"):
            store.read(NAME)


@pytest.mark.parametrize("status", [200, 403])
def test_an_answer_that_is_too_long_is_not_kept(status):
    long = Answer(status, b"<a>" * (ANSWER_BYTES // 3 + 1))
    assert "more than" in str(error_of(lambda request: long, lambda s: list(s.list(""))))


def listing(*items, token=None):
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
    more = more if token else "<IsTruncated>false</IsTruncated>"
    contents = "".join(
        f"<Contents><Key>{key}</Key><Size>{size}</Size></Contents>" for key, size in items
    )
    body = f"<ListBucketResult>{contents}{more}</ListBucketResult>"
    return Answer(200, body.encode())


def test_a_list_is_read_by_pages_and_foreign_keys_are_left_out():
    strange = ["../up", "Data", "a//b", "a b", "", "x" * 300]
    pages = [
        listing(*((f"prefix/{name}", 1) for name in strange), token="t1"),
        listing(("prefix/data/a", 5), ("elsewhere/data/b", 5), ("prefix/data/c", -5), token="t2"),
        listing(("prefix/data/d", 7)),
    ]
    with Recorder(lambda request: pages.pop(0)) as recorder:
        assert list(open_s3(address(recorder), GOOD).list("")) == [("data/a", 5), ("data/d", 7)]
        assert ["continuation-token=t2" in one.path for one in recorder.requests][1:] == [
            False,
            True,
        ]


@pytest.mark.parametrize("token", ["", "same", "x" * 20_000])
def test_a_list_without_end_is_given_up(token):
    assert MAX_PAGES < 1 << 20
    page = (
        listing(("prefix/a", 1), token=token)
        if token
        else Answer(200, b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")
    )
    with Recorder(lambda request: page) as recorder:
        with pytest.raises(StoreError, match="end of its list"):
            list(open_s3(address(recorder), GOOD).list(""))
        assert len(recorder.requests) <= 2


# Conditions


def test_a_version_is_the_etag(place):
    recorder, where = place
    store = open_s3(address(recorder, where), GOOD)
    first = store.replace_if("data/manifest", b"one", None)
    assert first == store.read_small("data/manifest", 10).version
    assert first.startswith('"')
    assert recorder.requests[0].headers["If-None-Match"] == "*"
    store.replace_if("data/manifest", b"two", first)
    assert recorder.requests[2].headers["If-Match"] == first


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (412, "PreconditionFailed", Conflict),
        (409, "ConditionalRequestConflict", Conflict),
        (409, "OperationAborted", Conflict),
        (409, "ExistingObjectIsDirectory", StoreError),
        (404, "NoSuchKey", Conflict),
        (404, "NoSuchBucket", StoreError),
        (501, "NotImplemented", StoreError),
        (503, "SlowDown", Busy),
        (500, "InternalError", Unreachable),
    ],
)
def test_what_a_swap_may_end_in(status, code, kind):
    error = error_of(refusing(status, code), lambda s: s.replace_if(NAME, b"x", '"v"'))
    assert type(error) is kind
    assert NAME in str(error)


@pytest.mark.parametrize("etag", [None, "", "ä"])
def test_without_an_etag_nothing_is_swapped(etag):
    headers = {} if etag is None else {"ETag": etag}
    with Recorder(lambda request: Answer(200, b"{}", headers)) as recorder:
        store = open_s3(address(recorder), GOOD)
        found = store.read_small("data/manifest", 10)
        assert found == (b"{}", "")
        with pytest.raises(StoreError, match="ETag"):
            store.replace_if("data/manifest", b"x", found.version)
        assert len(recorder.requests) == 1


def without_conditions():
    """A server that knows none, and says so."""
    kept = {}

    def answer(request):
        if {"If-Match", "If-None-Match"} & {*request.headers}:
            return refusing(501, "NotImplemented")(request)
        if request.method == "PUT":
            kept[request.path] = request.body
            return Answer(200, b"", {"ETag": f'"{len(request.body)}"'})
        if request.path not in kept:
            return refusing(404, "NoSuchKey")(request)
        if request.method == "DELETE":
            return Answer(204, kept.pop(request.path)[:0])
        content = kept[request.path]
        if "Range" in request.headers:
            return part(request, content)
        return Answer(200, content, {"ETag": f'"{len(content)}"'})

    return answer


def test_a_single_writer_compares_by_himself_where_the_server_knows_no_conditions():
    with Recorder(without_conditions()) as recorder:
        alone = open_s3(address(recorder), GOOD._replace(single_writer=True))
        version = alone.replace_if("data/manifest", b"1", None)
        assert alone.read_small("data/manifest", 10) == (b"1", version)
        with pytest.raises(Conflict):
            alone.replace_if("data/manifest", b"22", None)
        new = alone.replace_if("data/manifest", b"333", version)
        with pytest.raises(Conflict):
            alone.replace_if("data/manifest", b"4444", version)
        assert alone.read_small("data/manifest", 10) == (b"333", new)
        result = probe(open_s3(address(recorder), GOOD))
    assert (result.can_write, result.can_compare_and_swap) == (True, False)
    assert "does not know this kind of request" in result.reason


# Errors


@pytest.mark.parametrize(
    ("status", "code", "kind", "told"),
    [
        (403, "AccessDenied", Denied, "right to list"),
        (403, "", Denied, "403"),
        (401, "Unauthorized", Denied, "denied"),
        (403, "InvalidAccessKeyId", Denied, "not known there"),
        (403, "SignatureDoesNotMatch", Denied, "secret key is wrong"),
        (400, "ExpiredToken", Denied, "expired"),
        (403, "RequestTimeTooSkewed", Denied, "clock"),
        (404, "NoSuchKey", NotFound, "not in the store"),
        (404, "NoSuchBucket", StoreError, "no bucket bucket"),
        (400, "RequestTimeout", Unreachable, "RequestTimeout"),
        (400, "BadDigest", Unreachable, "BadDigest"),
        (500, "InternalError", Unreachable, "InternalError"),
        (502, "", Unreachable, "502"),
        (504, "", Unreachable, "504"),
        (520, "", Unreachable, "520"),
        (503, "SlowDown", Busy, "fewer requests"),
        (503, "", Busy, "fewer requests"),
        (429, "", Busy, "fewer requests"),
        (400, "RequestLimitExceeded", Busy, "fewer requests"),
        (507, "XMinioStorageFull", StoreError, "full"),
        (403, "QuotaExceeded", StoreError, "full"),
        (501, "NotImplemented", StoreError, "does not know"),
        (405, "MethodNotAllowed", StoreError, "MethodNotAllowed"),
        (418, "\x1b[2Jevil words", StoreError, "418"),
    ],
)
def test_what_a_server_says_is_one_of_our_errors(status, code, kind, told):
    for ask in (lambda s: s.read(NAME, 0, 5), lambda s: s.write(NAME, [b"abc"])):
        error = error_of(refusing(status, code), ask)
        assert type(error) is kind
        assert told in str(error) and "evil" not in str(error)
        assert "s3://bucket/prefix/" + NAME in str(error)


@pytest.mark.parametrize(
    ("header", "after"), [("7", 7.0), ("x", None), ("-1", None), ("9" * 30, None), (None, None)]
)
def test_a_busy_server_may_say_how_long(header, after):
    headers = {"Retry-After": header} if header else {}
    error = error_of(refusing(503, "SlowDown", **headers), lambda s: s.size(NAME))
    assert isinstance(error, Busy) and error.after == after


@pytest.mark.parametrize("body", [b"<html>log in here</html>", b"<", b"\xff\x00", b""])
def test_what_is_no_s3_server(body):
    ask = lambda s: list(s.list(""))  # noqa: E731
    for status in (200, 500):
        error = error_of(lambda request, status=status: Answer(status, body), ask) if body else None
        assert error is None or isinstance(error, Unreachable)
    assert isinstance(error_of(lambda request: Answer(403, body), ask), Denied)


@pytest.mark.parametrize("endpoint", ["http://nowhere.invalid:9000", "http://127.0.0.1:1"])
def test_a_server_that_does_not_answer_is_named(endpoint):
    store = open_s3(f"s3://bucket/a?endpoint={endpoint}", GOOD)
    for ask in (
        lambda: store.read(NAME),
        lambda: store.write(NAME, [b"x" * (JOIN_BYTES + 1)]),
        lambda: store.replace_if(NAME, b"x", None),
        lambda: list(store.list("")),
    ):
        with pytest.raises(Unreachable, match=endpoint) as caught:
            ask()
        assert servers.SECRET not in str(caught.value)


def test_a_server_that_hangs_up():
    answer = Answer(200, b"", {"Content-Length": "100"}, cut=0)
    with Recorder(lambda request: answer) as recorder:
        store = open_s3(address(recorder), GOOD)
        for ask in (lambda: list(store.list("")), lambda: store.write(NAME, [b"abc"])):
            with pytest.raises(Unreachable):
                ask()


# Proxies and certificates


def test_a_proxy_of_gits_settings_is_used():
    with Recorder(lambda request: Answer(200, b"abc")) as proxy:
        store = open_s3(
            "s3://bucket/a?endpoint=http://nowhere.invalid", GOOD._replace(proxy=proxy.url)
        )
        assert store.read(NAME) == b"abc"
        assert proxy.requests[0].path == f"http://nowhere.invalid/bucket/a/{NAME}"
        direct = open_s3("s3://bucket/a?endpoint=http://nowhere.invalid", GOOD._replace(proxy=""))
        with pytest.raises(Unreachable):
            direct.read(NAME)


def test_certificates_are_checked_as_gits_settings_say(tmp_path, recwarn):
    certificate = servers.certificate(tmp_path)
    with Recorder(lambda request: Answer(200, b"abc"), certificate) as recorder:
        with pytest.raises(StoreError, match="certificate") as caught:
            open_s3(address(recorder), GOOD).read(NAME)
        assert "http.sslCAInfo" in caught.value.hint
        known = GOOD._replace(ca_file=str(certificate.path))
        assert open_s3(address(recorder), known).read(NAME) == b"abc"
        assert open_s3(address(recorder), GOOD._replace(verify=False)).read(NAME) == b"abc"
        assert len(recorder.requests) == 2
    with pytest.raises(StoreError, match="absent"):
        open_s3(address(recorder), GOOD._replace(ca_file="/absent")).read(NAME)
    assert not recwarn.list


# A server that ignores conditions


def test_rclone_fails_the_probe_and_serves_a_single_writer(rclone):
    where = rclone.address(f"a b/{uuid.uuid4().hex}")
    result = probe(open_s3(where, GOOD))
    assert (result.can_write, result.can_compare_and_swap) == (True, False)
    assert "two who push at once would lose data" in result.reason
    store = open_s3(where, GOOD._replace(single_writer=True))
    content = random_bytes(2 << 20)
    store.write(NAME, [content])
    assert store.read(NAME, 1000, 5000) == content[1000:6000]
    version = store.replace_if("data/manifest", b"one", None)
    with pytest.raises(Conflict):
        store.replace_if("data/manifest", b"two", None)
    new = store.replace_if("data/manifest", b"two", version)
    assert store.read_small("data/manifest", 10) == (b"two", new)
    assert sorted(store.list("")) == [("data/manifest", 3), (NAME, len(content))]


# The engine over it


def test_who_push_at_the_same_time_lose_nothing(seaweed, tmp_path):
    """Three, two pushes each; more would only wait longer for SeaweedFS."""
    where = seaweed.address(uuid.uuid4().hex)

    def clone(name):
        return Clone(tmp_path / name, open_store(where, base="", create=True, access=GOOD))

    def push(number):
        at = clone(f"pusher {number}")
        files = [(f"{number} {n}", content(f"{number} {n}", 100_000)) for n in range(2)]
        return [wanted for name, data in files for wanted in send(at, {name: data})]

    with ThreadPoolExecutor(3) as pool:
        wanted = [one for pushed in pool.map(push, range(3)) for one in pushed]
    assert len(wanted) == 6
    arrives(clone("reader"), wanted, {one.path: content(one.path, 100_000) for one in wanted})


def test_a_bad_network_costs_time_and_no_data(seaweed, tmp_path):
    files = mixed_files()
    with FaultProxy(int(seaweed.url.rpartition(":")[2])) as proxy:
        where = f"s3://{seaweed.bucket}/{uuid.uuid4().hex}?endpoint={proxy.url}"

        def clone(name):
            store = open_store(where, base="", create=True, access=GOOD)
            return Clone(tmp_path / name, store)

        proxy.fail_some(33, seed=3)
        wanted = send(clone("here"), files)
        arrives(clone("there"), wanted, files)
        assert sum(bool(one.fault) for one in proxy.seen) > 3
