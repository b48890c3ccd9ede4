"""The conversation with Git of a remote helper, for an address of Git's own: Git carries it.

    a path, ssh     we offer `connect`; then Git itself talks with git-upload-pack there, which
                    takes our place. To git-receive-pack we hand on what Git sends: first come the
                    commands, `OLD NEW REF`, up to a flush packet (git's gitprotocol-pack)
    http, https     `git remote-https` answers Git; we hand on what Git says, line by line, and hold
                    back `push` lines. After `stateless-connect` all is handed on as it is

So a fetch is as with the plain address, in every way; of a push we see what is pushed before
anything of it leaves. Its data goes first. That is why `--no-verify` cannot skip it.

What the far side says goes to Git directly. That program and we hold the same pipe: as soon as it
has ended we must end too, or Git would wait for ever.
"""

from __future__ import annotations

import os
import re
import select
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from . import pktline
from .errors import DataError, FormatError
from .refnames import decode, encode
from .updates import parse_push

NOT_STORED = "its data could not be stored"
_BLOCK = 1 << 18
_MAX_LINE = 1 << 20
_COMMAND = re.compile(rb"(?:[0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([^\n]+)\n?")

Find = Callable[[Sequence[str]], list[str]]  # the ids of what expressions stand for
SendData = Callable[[Sequence[str]], None]  # for object ids; DataError: it could not be sent


class Far(Protocol):
    """A program that Git will talk with: its input is ours to write, its output is Git's."""

    ended: int  # readable when it has ended

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def wait(self) -> int: ...


class Ended(Exception):
    """The far side has ended: there is nobody to hand anything on to."""


class Near:
    """The pipes from and to Git."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._held = b""
        self.far: Far | None = None

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._sink, data) :]

    def block(self) -> bytes:
        """What Git has said meanwhile; nothing at the end. Raises Ended."""
        if self._held:
            held, self._held = self._held, b""
            return held
        if self.far is not None:
            ready, _, _ = select.select([self._source, self.far.ended], [], [])
            if self._source not in ready:
                raise Ended
        return os.read(self._source, _BLOCK)

    def exactly(self, count: int) -> bytes:
        """EOFError when Git ends before. Raises Ended."""
        while len(self._held) < count:
            self._more()
        data, self._held = self._held[:count], self._held[count:]
        return data

    def line(self) -> str:
        """The next line, without its end. EOFError at the end of it all. Raises Ended."""
        while (at := self._held.find(b"\n")) < 0:
            if len(self._held) > _MAX_LINE:
                raise FormatError("this is for Git to start: a line is too long")
            self._more()
        line, self._held = self._held[:at], self._held[at + 1 :]
        return decode(line)

    def _more(self) -> None:
        held, self._held = self._held, b""
        more = self.block()
        self._held = held + more
        if not more:
            raise EOFError


def _finish(near: Near, far: Far) -> int:
    """Hand on all that is left, as it is; the far side's exit status."""
    while block := near.block():
        far.write(block)
    far.close()
    return far.wait()


# git-receive-pack


class Commands(NamedTuple):
    """What a push asks git-receive-pack for, as it came and as it is understood."""

    raw: bytes
    new: tuple[str, ...]  # ids that refs shall get
    refs: tuple[bytes, ...]
    abilities: bytes  # that Git wants to use


def read_commands(near: Near) -> Commands:
    """Up to the flush packet. Everything else in there (shallow lines, a push certificate) is
    handed on with it."""
    raw, new, refs, abilities = bytearray(), list[str](), list[bytes](), b""
    while True:
        head = near.exactly(4)
        raw += head
        size = pktline.payload_size(head)
        if size is None:
            return Commands(bytes(raw), tuple(dict.fromkeys(new)), tuple(refs), abilities)
        payload = near.exactly(size)
        raw += payload
        text, zero, rest = payload.partition(b"\0")
        abilities = rest if zero else abilities
        if command := _COMMAND.fullmatch(text):
            refs.append(command[2])
            if command[1].strip(b"0"):
                new.append(command[1].decode())


def receive(near: Near, far: Far, send_data: SendData) -> int:
    """A push over a connection to git-receive-pack: data first, then what Git sends."""
    near.far = far
    try:
        commands = read_commands(near)
        try:
            if commands.new:
                send_data(commands.new)
        except DataError:
            return _refuse(near, far, commands)
        far.write(commands.raw)
        return _finish(near, far)
    except EOFError:
        far.close()
        return far.wait()
    except (Ended, BrokenPipeError):
        return far.wait()


def _refuse(near: Near, far: Far, commands: Commands) -> int:
    """Tell the far side that there is nothing to do, and Git why, as git-receive-pack would."""
    far.write(pktline.FLUSH)
    far.close()
    far.wait()
    near.far = None
    reasons = [b"ng " + ref + b" " + NOT_STORED.encode() + b"\n" for ref in commands.refs]
    lines = [b"unpack ok\n", *reasons]
    report = b"".join(map(pktline.encode, lines)) + pktline.FLUSH
    if b"report-status" not in commands.abilities:
        return 1
    if b"side-band-64k" in commands.abilities:
        pieces = range(0, len(report), 60_000)
        report = b"".join(pktline.encode(b"\1" + report[at : at + 60_000]) for at in pieces)
        report += pktline.FLUSH
    near.write(report)
    while near.block():  # the pack, which nobody wants any more: Git must not choke on it
        pass
    return 0


# git remote-https


def web(near: Near, far: Far, find: Find, send_data: SendData) -> int:
    """A conversation with another helper."""
    near.far = far
    dry_run = False
    try:
        while True:
            line = near.line()
            if line.startswith("push "):
                _push(near, far, [line, *_batch(near)], None if dry_run else send_data, find)
                continue
            dry_run = line == "option dry-run true" or (
                dry_run and not line.startswith("option dry-run ")
            )
            far.write(encode(line) + b"\n")
            if line.startswith(("connect ", "stateless-connect ")):
                return _finish(near, far)
    except EOFError:
        far.close()
        return far.wait()
    except (Ended, BrokenPipeError):
        return far.wait()


def _batch(near: Near) -> Iterator[str]:
    """The rest of a batch; it ends with an empty line. EOFError: it was cut off."""
    while line := near.line():
        yield line


def _push(
    near: Near,
    far: Far,
    lines: Sequence[str],
    send_data: SendData | None,
    find: Find,
) -> None:
    requests = [parse_push(line) for line in lines]
    try:
        sources = [request.source for request in requests if request.source]
        if send_data and sources:
            send_data(find(sources))
    except DataError:
        answers = [f"error {request.ref} {NOT_STORED}\n" for request in requests]
        near.write(encode("".join([*answers, "\n"])))
        return
    far.write(encode("".join(f"{line}\n" for line in [*lines, ""])))
