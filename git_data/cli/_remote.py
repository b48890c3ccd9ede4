"""The remote helper at work: which is which, then the conversation."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from .. import addresses
from ..addresses import Kind, Place
from ..anchor import anchor, is_configured
from ..carrying import Carrier
from ..config import Settings, environment, rewritten, settings, trace_target
from ..errors import DataError, GitError
from ..git import Git, Location
from ..history import ASKING
from ..passing import Near
from ..progress import Progress
from ..registryservice import Here, RegistryService, Work
from ..remote import Conversation, Options
from ..tracing import Trace, Traced, redact
from ..which import Opened, open_registry, remember_git
from .terminal import Screen

if TYPE_CHECKING:
    from ..datafirst import DataFirst
    from ..upload import Upload


def serve(name: str, address: str, screen: Screen) -> int:
    """The exit status, for Git."""
    addresses.check(address)
    git = Git(".", environment())
    if ASKING in git.environ:
        raise GitError("nothing is fetched for a question")
    trace = _trace(trace_target(git.environ))
    trace(f"git-remote-data {name} {address}")
    here = _here(git, name, address)
    if here.remote and here.location:
        address = anchor(git, here.location, name, address)
        _adopt(here, trace)
    place = addresses.place_of(_plain(here.settings, address), git.folder)
    opened = open_registry(place, git, here.settings, here.remote)
    trace(f"{place.kind.value}: {place.url}{', a registry' if opened else ''}")
    helper = Helper(here, place, screen, trace)
    if opened is None:
        return helper.carry(name)
    if trace is not _nowhere:
        opened = opened._replace(store=Traced(opened.store, trace))
    return helper.converse(opened)


def _here(git: Git, name: str, address: str) -> Here:
    chosen = settings(git)
    try:
        location: Location | None = git.locate()
    except GitError:
        location = None
    configured = location is not None and is_configured(chosen.values, name, address)
    return Here(git, location, chosen, name if configured else None)


def _adopt(here: Here, trace: Trace) -> None:
    """Set this repository up for git-data, unless it is."""
    if "filter.data.process" in here.settings.values:
        return
    from ..adoption import adopt  # only for a new clone: it takes much to load

    adopt(here.git)
    trace("this repository has a filter and a hook now")


def _plain(chosen: Settings, address: str) -> str:
    """The address after insteadOf, which Git applies to the whole of `data::ADDRESS` only."""
    found = rewritten(chosen.values, address)
    return address if addresses.inner(found) is not None else addresses.check(found)


class Helper:
    def __init__(self, here: Here, place: Place, screen: Screen, trace: Trace) -> None:
        self.here = here
        self.place = place
        self.screen = screen
        self.trace = trace
        self.opened: Opened | None = None

    def converse(self, opened: Opened) -> int:
        """With a registry in a store."""
        self.opened = opened
        work = Work(self._send, self._prove, self._progress)
        service = RegistryService(opened, self.here, self.place.url, work)
        sink = os.fdopen(os.dup(1), "wb")
        Conversation(sys.stdin.buffer, sink, service, self.trace).serve()
        return 0

    def carry(self, name: str) -> int:
        """With a repository of Git's own."""
        here, place = self.here, self.place
        remote = name if here.remote else place.url
        carrier = Carrier(place, here.git, here.settings.values, remote, self.trace)
        status = carrier.carry(Near(0, 1), here.location, self._send_telling)
        if status == 0 and place.kind is Kind.WEB and here.remote:
            remember_git(here.git, here.remote)
        return status

    def _progress(self, options: Options) -> Progress:
        self.screen.quiet = options.verbosity < 1
        return Screen("1" if options.has("progress") else "0", quiet=options.verbosity < 1)

    def _send_telling(self, oids: Sequence[str]) -> None:
        try:
            self._send(oids)
        except DataError as error:
            self.screen.note(f"git-data: {error.of_push()}")
            raise

    def _send(self, oids: Sequence[str]) -> None:
        self._data_first().send(oids, self.screen, self._tell)

    def _tell(self, sent: Upload) -> None:
        from .hook import tell

        if not self.screen.quiet:
            tell(sent, self.screen)

    def _prove(self) -> tuple[str, ...]:
        return self._data_first().prove()

    def _data_first(self) -> DataFirst:
        from ..datafirst import DataFirst  # only for a push: it takes much to load

        return DataFirst(self.here.git, self.place, self.opened, self.here.remote)


def _nowhere(text: str) -> None:
    pass


def _trace(target: str) -> Trace:
    """A function that writes a line of the trace; `_nowhere` if nobody wants one."""
    if not target:
        return _nowhere
    began = time.monotonic()

    def write(text: str) -> None:
        line = f"git-data {time.monotonic() - began:7.3f} {redact(text)}\n".encode(errors="replace")
        with suppress(OSError):
            if target == "2":
                os.write(2, line)
                return
            fd = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
            os.write(fd, line)
            os.close(fd)

    return write
