"""Stores over SFTP, with a real sshd."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from git_data.errors import Damaged, Denied, NotFound, StoreError, Unreachable, UsageError
from git_data.stores import open_store
from git_data.stores.access import Access
from git_data.stores.base import READ_BYTES
from git_data.stores.local import LocalStore
from git_data.stores.probe import probe
from git_data.stores.retry import Retrying
from git_data.stores.sftp import open_sftp
from git_data.stores.ssh import parse

from ..helpers.servers import free_port
from ..helpers.sshd import Limited, make_key

NAME = "data/packs/ab/abcdef"
CONTENT = os.urandom(200_000)


@pytest.fixture
def ssh(sshd, tmp_path):
    """A copy of the user's ~/.ssh, to be changed."""
    return Path(shutil.copytree(sshd.ssh_folder, tmp_path / "dot-ssh"))


@pytest.fixture
def place(sshd):
    return sshd.fresh()


def store_at(url, ssh_folder, trusted=True, **access):
    return open_sftp(url, Access(trusted=trusted, **access), str(ssh_folder))


# Addresses


@pytest.mark.parametrize(
    ("url", "folder", "shown"),
    [
        ("sftp://host", "/", "sftp://host"),
        ("sftp://host/a//b/../c/", "/a/c", "sftp://host/a/c"),
        ("sftp://bob@host:22/a%20b", "/a b", "sftp://bob@host:22/a b"),
        ("sftp://bob:secret@host/a", "/a", "sftp://bob@host/a"),
        ("sftp://host/~/a/b", "a/b", "sftp://host/~/a/b"),
        ("sftp://host/~/", ".", "sftp://host/~/."),
        ("sftp://[::1]:2222/a", "/a", "sftp://[::1]:2222/a"),
    ],
)
def test_addresses(url, folder, shown):
    found = parse(url)
    assert (found.folder, found.url) == (folder, shown)


@pytest.mark.parametrize(
    "url",
    ["sftp://", "sftp:///a", "sftp://b:secret@/a", "sftp://h:x/", "sftp://h/?a", "sftp://h/%00"],
)
def test_addresses_that_are_none(url):
    with pytest.raises(UsageError, match="no address for SFTP") as caught:
        open_sftp(url, Access())
    assert "secret" not in str(caught.value)


def test_nothing_slow_is_loaded_before_the_first_request():
    code = (
        "import sys; from git_data.stores import open_store;"
        "open_store('sftp://h/x', base='', create=True).url;"
        "open_store('gs://bucket/x', base='', create=True).url;"
        "print([m for m in ('paramiko', 'fsspec', 'cryptography') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


# Reading and writing


def test_a_folder_on_another_machine_is_a_store_to_read(place, ssh):
    folder, url = place
    written = LocalStore(folder, create=True)
    content = os.urandom(READ_BYTES + 5)
    written.write(NAME, [content])
    version = written.replace_if("data/manifest", b"{}", None)
    store = store_at(url, ssh)
    assert store.read(NAME, 0, READ_BYTES) == content[:READ_BYTES]
    assert store.read(NAME, READ_BYTES) == content[READ_BYTES:]
    assert store.read_small("data/manifest", 10) == (b"{}", version)
    assert dict(store.list("")) == {NAME: len(content), "data/manifest": 2}
    with pytest.raises(Damaged, match=NAME):
        store.read(NAME, READ_BYTES, 6)
    with pytest.raises(NotFound, match="data/gone"):
        store.read("data/gone", 0, 1)


def test_without_the_users_word_nothing_is_replaced(place, ssh):
    folder, url = place
    store = store_at(url, ssh)
    with pytest.raises(Denied, match="cannot be compared and swapped"):
        store.replace_if("data/manifest", b"{}", None)
    found = probe(store)
    assert (found.can_write, found.can_compare_and_swap) == (True, False)
    assert not (folder / "data").exists()


def test_what_is_written_is_whole_and_leaves_nothing_else(place, ssh):
    folder, url = place
    store = store_at(url, ssh, single_writer=True)
    store.write(NAME, [CONTENT[:70_000], memoryview(CONTENT)[70_000:]])
    version = store.replace_if("data/manifest", b"one", None)
    store.replace_if("data/manifest", b"two", version)
    assert (folder / NAME).read_bytes() == CONTENT
    assert (folder / "data/manifest").read_bytes() == b"two"
    assert os.listdir(folder / "tmp") == []


def test_links_are_not_listed(place, ssh, tmp_path):
    folder, url = place
    LocalStore(folder, create=True).write("data/a", [b"abc"])
    (folder / "data/link").symlink_to(tmp_path)
    (folder / "data/file").symlink_to("/etc/passwd")
    assert dict(store_at(url, ssh).list("")) == {"data/a": 3}


def test_a_folder_that_may_not_be_entered(place, ssh):
    if os.geteuid() == 0:
        pytest.skip("root may enter every folder")
    folder, url = place
    LocalStore(folder, create=True).write("data/a", [b"abc"])
    (folder / "data").chmod(0)
    with pytest.raises(Denied, match="you may not"):
        store_at(url, ssh).read("data/a", 0, 1)
    (folder / "data").chmod(0o755)


def test_where_a_file_is_no_folder_is_made(place, ssh):
    folder, url = place
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(b"a file")
    with pytest.raises(StoreError):
        store_at(url, ssh).write(NAME, [b"abc"])
    assert os.listdir(folder / "tmp") == []


@pytest.mark.parametrize("size", [3 << 20, (2 << 20) + 1])
def test_a_server_that_is_full(sshd, tmp_path, size):
    """What it says of one of many requests on their way is not overheard."""
    full = Limited(tmp_path / "full")
    try:
        folder, url = full.fresh()
        store = store_at(url, full.ssh_folder)
        store.write(NAME, [CONTENT])
        with pytest.raises(StoreError, match="failed"):
            store.write("data/packs/cd/cdef", [bytes(size)])
        assert store.size("data/packs/cd/cdef") is None
        assert os.listdir(folder / "tmp") == []
        assert store.read(NAME) == CONTENT
    finally:
        full.stop()


# Trust


def test_keys_are_not_used_for_an_address_that_only_a_repository_names(place, ssh):
    _, url = place
    with pytest.raises(Denied, match="your SSH keys are not used") as caught:
        store_at(url, ssh, trusted=False).read(NAME, 0, 1)
    assert f"git config --global data.{url}.trust true" in caught.value.hint


@pytest.mark.parametrize("known", [None, "", "[127.0.0.2]:22 ssh-ed25519 AAAA\n"])
def test_a_server_that_is_not_known(sshd, place, ssh, known):
    _, url = place
    (ssh / "known_hosts").unlink()
    if known is not None:
        (ssh / "known_hosts").write_text(known)
    with pytest.raises(Denied, match=r"known_hosts does not know: its key is .* SHA256:") as caught:
        store_at(url, ssh).read(NAME, 0, 1)
    words = ["ssh-keygen", "-lf", str(sshd.folder / "host.pub")]
    fingerprint = subprocess.run(words, capture_output=True, text=True).stdout.split()[1]
    assert fingerprint in caught.value.message
    assert f"ssh -p {sshd.port} 127.0.0.1" in caught.value.hint
    assert known is None or (ssh / "known_hosts").read_text() == known  # nothing is added


def test_a_server_that_is_another(sshd, place, ssh, tmp_path):
    _, url = place
    make_key(tmp_path / "other")
    (ssh / "known_hosts").write_text(sshd.known(tmp_path / "other"))
    with pytest.raises(Denied, match=r"another host key.*in between"):
        store_at(url, ssh).read(NAME, 0, 1)


def test_a_server_whose_name_is_hashed_in_known_hosts(place, ssh):
    _, url = place
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(ssh / "known_hosts")], capture_output=True)
    assert "127.0.0.1" not in (ssh / "known_hosts").read_text()
    assert store_at(url, ssh).size(NAME) is None


@pytest.mark.parametrize("passphrase", ["", "geheim", None])
def test_a_key_that_is_not_let_in(place, ssh, passphrase):
    _, url = place
    for path in ssh.glob("id_*"):
        path.unlink()
    if passphrase is not None:
        make_key(ssh / "id_ed25519", passphrase)
    with pytest.raises(Denied, match="does not accept your SSH keys"):
        store_at(url, ssh).read(NAME, 0, 1)


def test_the_users_ssh_configuration(sshd, place, ssh):
    folder, _ = place
    (ssh / "id_ed25519").rename(ssh / "special")
    (ssh / "config").write_text(
        f"Host store\n  HostName 127.0.0.1\n  Port {sshd.port}\n  IdentityFile {ssh}/special\n"
    )
    store = store_at(f"sftp://store{folder}", ssh)
    store.write(NAME, [CONTENT])
    assert (folder / NAME).read_bytes() == CONTENT
    assert str(sshd.port) not in store.url


def test_what_of_it_is_not_supported_is_said(ssh):
    (ssh / "config").write_text("Host store\n  ProxyCommand nc %h %p\n")
    with pytest.raises(StoreError, match=r"proxycommand .* is not supported"):
        store_at("sftp://store/x", ssh).size(NAME)


# Networks


def test_nobody_listens(ssh):
    with pytest.raises(Unreachable, match=f"{NAME} does not answer"):
        store_at(f"sftp://127.0.0.1:{free_port()}/x", ssh).size(NAME)


def test_a_name_that_nobody_has(ssh):
    with pytest.raises(Unreachable, match="cannot be looked up"):
        store_at("sftp://git-data.invalid/x", ssh).size(NAME)


def test_a_server_that_speaks_something_else(ssh, nginx):
    with pytest.raises(Unreachable, match="does not answer"):
        store_at(f"sftp://127.0.0.1:{nginx.port}/x", ssh).size(NAME)


def test_a_connection_that_broke_is_made_again(place, ssh):
    store = store_at(place[1], ssh)
    store.write(NAME, [CONTENT])
    first = store._files._connection._client
    first.get_transport().sock.close()
    assert Retrying(store).read(NAME) == CONTENT
    assert store._files._connection._client is not first


def test_an_address_opens_a_store(place, ssh):
    store = open_store(place[1], base="", create=True, access=Access(trusted=True))
    assert store.url.startswith("sftp://")
