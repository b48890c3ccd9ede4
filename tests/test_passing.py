"""Handing a conversation on: bytes in, bytes out; the far side is a record."""

import os
import threading

import pytest

from git_data import pktline
from git_data.errors import FormatError, NotFound
from git_data.passing import NOT_STORED, Near, read_commands, receive, web

OLD, NEW, MORE, ZERO = ("1" * 40, "2" * 40, "3" * 40, "0" * 40)
ABILITIES = b"\0 report-status side-band-64k object-format=sha1 agent=git/2"


class Far:
    """What was written to it; it ends when its input is closed."""

    def __init__(self, status=0):
        self.ended, self._alive = os.pipe()
        self.data = b""
        self.status = status
        self.closed = False

    def write(self, data):
        self.data += data

    def close(self):
        self.closed = True

    def die(self):
        os.close(self._alive)

    def wait(self):
        return self.status


class Git:
    """Git's side: what it says, and what it hears."""

    def __init__(self, said, ends=True):
        self._source, self.write_end = os.pipe()
        self.read_end, self._sink = os.pipe()
        self.near = Near(self._source, self._sink)
        self._thread = threading.Thread(target=self._say, args=(said, ends))
        self._thread.start()

    def _say(self, said, ends):
        try:
            while said:
                said = said[os.write(self.write_end, said[:50_000]) :]
        finally:
            if ends:
                os.close(self.write_end)

    def heard(self):
        self._thread.join()
        os.close(self._sink)
        with open(self.read_end, "rb") as file:
            return file.read()


def command(old, new, ref, rest=b""):
    return pktline.encode(f"{old} {new} {ref}".encode() + rest)


PUSH = (
    command(OLD, NEW, "refs/heads/a", ABILITIES)
    + command(ZERO, MORE, "refs/heads/größe")
    + command(OLD, ZERO, "refs/heads/gone")
    + pktline.FLUSH
)


def test_commands_are_understood_and_kept():
    found = read_commands(Git(b"0035shallow " + b"4" * 40 + b"\n" + PUSH + b"PACK").near)
    assert found.raw == b"0035shallow " + b"4" * 40 + b"\n" + PUSH
    assert found.new == (NEW, MORE)
    assert found.refs == (b"refs/heads/a", "refs/heads/größe".encode(), b"refs/heads/gone")
    assert b"report-status" in found.abilities


def test_commands_of_a_signed_push():
    lines = [b"push-cert\0 report-status", b"certificate version 0.1\n", b"\n"]
    lines += [f"{OLD} {NEW} refs/heads/a\n".encode(), b"-----BEGIN PGP SIGNATURE-----\n"]
    lines += [b"push-cert-end\n"]
    found = read_commands(Git(b"".join(map(pktline.encode, lines)) + pktline.FLUSH).near)
    assert found.new == (NEW,)


def test_sha256_commands():
    new = "5" * 64
    found = read_commands(Git(command("0" * 64, new, "refs/heads/a") + pktline.FLUSH).near)
    assert found.new == (new,)


def test_data_first_then_everything_as_it_came():
    sent, far = [], Far(status=3)
    git = Git(PUSH + b"PACK" + b"x" * 1_000_000)

    def send(oids):
        assert far.data == b""
        sent.extend(oids)

    assert receive(git.near, far, send) == 3
    assert sent == [NEW, MORE]
    assert far.data == PUSH + b"PACK" + b"x" * 1_000_000
    assert far.closed and git.heard() == b""


@pytest.mark.parametrize("text", [pktline.FLUSH, command(OLD, ZERO, "refs/x") + pktline.FLUSH])
def test_nothing_new_sends_nothing(text):
    far, git = Far(), Git(text)
    assert receive(git.near, far, lambda oids: pytest.fail("no data is needed")) == 0
    assert far.data == text


def no_data(oids):
    raise NotFound("it is nowhere")


def test_a_failure_is_reported_as_the_far_side_would():
    far, git = Far(), Git(PUSH + b"PACK" + b"x" * 1_000_000)
    assert receive(git.near, far, no_data) == 0
    assert far.data == pktline.FLUSH and far.closed
    outer = [*pktline.packets(git.heard())]
    assert outer[-1] is None
    assert all(packet.startswith(b"\1") for packet in outer[:-1])
    inner = [*pktline.packets(b"".join(packet[1:] for packet in outer[:-1]))]
    assert inner[0] == b"unpack ok\n" and inner[-1] is None
    assert inner[1:-1] == [
        b"ng " + ref + b" " + NOT_STORED.encode() + b"\n"
        for ref in (b"refs/heads/a", "refs/heads/größe".encode(), b"refs/heads/gone")
    ]


def test_a_failure_without_side_bands():
    text = command(OLD, NEW, "refs/heads/a", b"\0report-status") + pktline.FLUSH
    git = Git(text)
    receive(git.near, Far(), no_data)
    assert next(pktline.packets(git.heard())) == b"unpack ok\n"


@pytest.mark.parametrize("length", [0, 3, 4, 50, len(PUSH) - 1])
def test_a_git_that_ends_early_pushes_nothing(length):
    far, git = Far(status=1), Git(PUSH[:length])
    assert receive(git.near, far, lambda oids: pytest.fail("half a push is none")) == 1
    assert far.data == b"" and far.closed


@pytest.mark.parametrize("said", [b"", PUSH[:20], PUSH])
def test_a_far_side_that_ends_is_followed(said):
    """Git waits for it on a pipe that we hold too."""
    far, git = Far(status=9), Git(said, ends=False)
    far.die()
    assert receive(git.near, far, lambda oids: None) == 9
    os.close(git.write_end)


def test_a_far_side_that_reads_no_more():
    class Deaf(Far):
        def write(self, data):
            raise BrokenPipeError

    assert receive(Git(PUSH).near, Deaf(status=2), lambda oids: None) == 2


def test_no_packets():
    with pytest.raises(FormatError):
        receive(Git(b"GET / HTTP/1.1\r\n").near, Far(), no_data)


# Another helper


def find(expressions):
    return {"main": [NEW], "HEAD^{/a: b}": [MORE]}.get(expressions[0], []) + [
        MORE for one in expressions[1:]
    ]


def test_lines_are_handed_on():
    text = b"capabilities\noption verbosity 1\nlist\nfetch 1 refs/heads/a\n\n\n"
    far, git = Far(status=4), Git(text)
    assert web(git.near, far, find, no_data) == 4
    assert far.data == text and far.closed


def test_after_stateless_connect_anything_goes():
    text = b"capabilities\nstateless-connect git-upload-pack\n0011command=fetch\0\npush x:y\n"
    far, git = Far(), Git(text)
    web(git.near, far, find, lambda oids: pytest.fail("that was no push"))
    assert far.data == text


def test_pushes_wait_for_their_data():
    sent, far = [], Far()
    text = b"option atomic true\npush +main:refs/heads/a\npush x:refs/heads/b\npush :refs/c\n\n\n"
    git = Git(text)

    def send(oids):
        assert far.data == b"option atomic true\n"
        sent.extend(oids)

    web(git.near, far, find, send)
    assert sent == [NEW, MORE]
    assert far.data == text


def test_a_dry_run_and_a_deletion_send_nothing():
    for text in (b"option dry-run true\npush main:refs/x\n\n", b"push :refs/x\n\n"):
        far, git = Far(), Git(text)
        web(git.near, far, find, lambda oids: pytest.fail("no data is needed"))
        assert far.data == text


def test_a_failure_is_told_for_each_ref():
    far, git = Far(), Git(b"push main:refs/heads/a\npush :refs/b\n\n\n")
    web(git.near, far, find, no_data)
    assert far.data == b"\n"
    assert git.heard() == (
        f"error refs/heads/a {NOT_STORED}\nerror refs/b {NOT_STORED}\n\n".encode()
    )


@pytest.mark.parametrize("text", [b"push main:refs/x\n", b"push main:refs/x\npush ma"])
def test_half_a_batch_is_none(text):
    far, git = Far(), Git(text)
    web(git.near, far, find, lambda oids: pytest.fail("half a push is none"))
    assert far.data == b""


def test_a_helper_that_ends_is_followed():
    far, git = Far(status=128), Git(b"", ends=False)
    far.die()
    assert web(git.near, far, find, no_data) == 128
    os.close(git.write_end)
