"""Stores in fsspec's file systems: which library, what is wrong, and that of two kinds of errors
the right one is told. The contract is in test_contract.py, with fsspec's own `memory`."""

import errno
import sys

import pytest

from git_data.errors import Damaged, Denied, NotFound, StoreError, Unreachable, UsageError
from git_data.stores import open_store
from git_data.stores.access import Access
from git_data.stores.base import Busy
from git_data.stores.filestore import FileStore
from git_data.stores.filesystems import BACKENDS, SpecFiles, parse
from git_data.stores.probe import probe

NAME = "data/manifest"


@pytest.mark.parametrize(
    ("url", "root", "options"),
    [
        ("gs://bucket", "bucket", {}),
        ("gs://my.bucket-1/a%20b/c/", "my.bucket-1/a b/c", {}),
        ("az://container/a", "container/a", {}),
        (
            "abfs://container@account.dfs.core.windows.net/a",
            "container/a",
            {"account_name": "account"},
        ),
    ],
)
def test_addresses(url, root, options):
    assert parse(url)[1:] == (root, options)


@pytest.mark.parametrize(
    "url",
    [
        "gs://",
        "gs:///a",
        "gs://user:secret@bucket/a",
        "gs://user@bucket/a",
        "gs://bucket:80/a",
        "gs://bucket/a?project=x",
        "gs://bucket/../a",
        "gs://bucket/a//b",
        "gs://[::1/",
        "gs://bucket@account.dfs.core.windows.net/a",
        "az://container@account.dfs.evil.example/a",
        "az://container@account.dfs.core.windows.net.evil.example/a",
        "abfs://evil.example/a::file:///etc",
    ],
)
def test_addresses_that_are_none(url):
    with pytest.raises(UsageError, match="no address of a store") as caught:
        open_store(url, base="")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", BACKENDS)
def test_a_library_that_is_not_installed(scheme):
    package = BACKENDS[scheme].package
    try:
        __import__(package)
    except ImportError:
        pass
    else:
        pytest.skip(f"{package} is installed")
    store = open_store(f"{scheme}://bucket/folder", base="", create=True)
    with pytest.raises(UsageError) as caught:
        store.read(NAME, 0, 1)
    assert caught.value.hint == f"{sys.executable} -m pip install fsspec {package}"


def test_a_scheme_that_nobody_knows_names_those_that_are():
    with pytest.raises(UsageError, match=r"gs://.*sftp://|sftp://.*gs://"):
        open_store("hdfs://host/folder", base="")


class Failing:
    """A file system that raises this, whatever it is asked."""

    def __init__(self, error):
        self.error = error

    def __getattr__(self, name):
        def ask(*arguments, **more):
            raise self.error

        return ask


def failing(error, **access):
    files = SpecFiles(lambda: Failing(error), "bucket", "gs://bucket")
    return FileStore(files, Access(**access).single_writer)


class HttpError(Exception):
    """As that of gcsfs."""

    def __init__(self, code):
        super().__init__("with a secret in it")
        self.code = code


class ClientAuthenticationError(Exception):
    """As that of Azure."""


class ClientError(Exception):
    """As that of aiohttp."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FileNotFoundError(), NotFound),
        (PermissionError(errno.EACCES, "secret"), Denied),
        (IsADirectoryError(), StoreError),
        (OSError(errno.ENOSPC, "secret"), StoreError),
        (OSError("secret"), StoreError),
        (ValueError("secret"), StoreError),
        (HttpError("404"), StoreError),
        (HttpError(404), NotFound),
        (HttpError(403), Denied),
        (HttpError(429), Busy),
        (HttpError(500), Unreachable),
        (ConnectionResetError(), Unreachable),
        (TimeoutError(), Unreachable),
        (OSError(errno.EHOSTUNREACH, "secret"), Unreachable),
        (ClientError("secret"), Unreachable),
        (ClientAuthenticationError("secret"), Denied),
    ],
)
def test_what_libraries_raise(error, kind):
    with pytest.raises(kind) as caught:
        failing(error).read(NAME, 0, 1)
    assert type(caught.value) is kind
    assert f"gs://bucket/{NAME}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_no_error_of_a_library_is_passed_on():
    class Interrupting(Failing):
        pass

    with pytest.raises(KeyboardInterrupt):
        failing(KeyboardInterrupt()).read(NAME, 0, 1)


@pytest.fixture
def memory():
    import fsspec

    return SpecFiles(
        lambda: fsspec.filesystem("memory", skip_instance_cache=True), "/only-read", "gs://bucket"
    )


def test_without_the_users_word_it_is_only_read(memory):
    store = FileStore(memory, single_writer=False)
    with pytest.raises(Denied, match="cannot be compared and swapped"):
        store.replace_if(NAME, b"{}", None)
    found = probe(store)
    assert (found.can_write, found.can_compare_and_swap) == (True, False)
    assert "two who push at once would lose data" in found.reason


def test_a_file_system_that_gives_too_much(memory):
    class Generous:
        def cat_file(self, path, start, end):
            return b"x" * (end - start + 100)

    store = FileStore(SpecFiles(Generous, "b", "gs://b"), single_writer=False)
    assert store.read(NAME, 0, 5) == b"xxxxx"
    with pytest.raises(Damaged, match="more than 3 bytes"):
        store.read_small(NAME, 3)


def test_names_that_a_file_system_makes_up(memory):
    class Odd:
        def invalidate_cache(self):
            pass

        def ls(self, path, detail):
            names = ["", "..", "a b", "Ä", "a\n", "ok"] if path == "b/data" else []
            return [{"name": f"{path}/{name}", "type": "file", "size": 1} for name in names]

    store = FileStore(SpecFiles(Odd, "b", "gs://b"), single_writer=False)
    assert list(store.list("data")) == [("data/ok", 1)]
