import pytest

from git_data.config import trace_target
from git_data.errors import NotFound
from git_data.stores.local import LocalStore
from git_data.tracing import Traced, redact


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://user:pass@host/x", "https://…@host/x"),
        ("https://token@host/x?a=b", "https://…@host/x?a=b"),
        (
            "s3://b/x?endpoint=http://h&X-Amz-Signature=abc123",
            "s3://b/x?endpoint=http://h&X-Amz-Signature=…",
        ),
        ("GET /x?access_token=abc&b=c", "GET /x?access_token=…&b=c"),
        ("x?sv=1&sig=a%2Fb&se=2", "x?sv=1&sig=…&se=2"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
        ("authorization: Basic abc=", "authorization: Basic …"),
        ("AWS_SECRET_ACCESS_KEY=abc", "AWS_SECRET_ACCESS_KEY=…"),
        ("password=hunter2 user=x", "password=… user=x"),
        ("git> option push-option token=abc", "git> option push-option token=…"),
        ("git> option object-format true", "git> option object-format true"),
        ("store: read git/manifest: 5 ms, 17 bytes", "store: read git/manifest: 5 ms, 17 bytes"),
        ("git> push refs/heads/key:refs/heads/key", "git> push refs/heads/key:refs/heads/key"),
    ],
)
def test_secrets_are_taken_out(text, told):
    assert redact(text) == told


def test_requests_are_told(tmp_path):
    lines = []
    store = Traced(LocalStore(tmp_path, create=True), lines.append)
    version = store.replace_if("git/manifest", b"12345", None)
    assert store.read_small("git/manifest", 10).version == version
    store.write("git/bundles/x", [b"abc", b"d"])
    assert store.size("git/bundles/x") == 4
    assert store.read("git/bundles/x", 1, 2) == b"bc"
    with pytest.raises(NotFound):
        store.read("git/bundles/y", 0, 2)
    store.delete("git/bundles/x")
    heads = [line.split(": ")[1] for line in lines]
    assert heads == [
        "replace git/manifest",
        "read git/manifest",
        "write git/bundles/x",
        "size of git/bundles/x",
        "read git/bundles/x at 1",
        "read git/bundles/y at 0",
        "delete git/bundles/x",
    ]
    assert lines[2].endswith(" ms, 4 bytes") and "NotFound" in lines[5]


@pytest.mark.parametrize(
    ("value", "target"),
    [
        (None, ""),
        ("", ""),
        ("0", ""),
        ("false", ""),
        ("1", "2"),
        ("2", "2"),
        ("true", "2"),
        ("/x", "/x"),
    ],
)
def test_where_a_trace_goes(value, target):
    environ = {} if value is None else {"GIT_DATA_TRACE": value}
    assert trace_target(environ) == target
