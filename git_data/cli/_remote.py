"""The remote helper at work: which is which, then the conversation."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from .. import addresses, adoption
from ..addresses import Kind, Place
from ..carrying import Carrier
from ..config import Settings, environment, rewritten, settings, trace_target
from ..errors import DataError, GitError
from ..git import Git, Location
from ..history import ASKING
from ..passing import Near
from ..progress import Progress
from ..registryservice import Here, RegistryService
from ..remote import Conversation, Options
from ..stores.base import Store
from ..tracing import Trace, Traced, redact
from ..which import open_registry, remember_git
from .terminal import Screen


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
        address = adoption.anchor(git, here.location, name, address)
        if adoption.adopt(git, here.settings.values):
            trace("this repository has a filter and a hook now")
    place = addresses.place_of(_plain(here.settings, address), git.folder)
    store = open_registry(place, git, here.settings, here.remote)
    trace(f"{place.kind.value}: {place.url}{', a registry' if store else ''}")
    helper = Helper(here, address, place, screen, trace)
    if store is None:
        return helper.carry(name)
    return helper.converse(Traced(store, trace) if trace is not _nowhere else store)


def _here(git: Git, name: str, address: str) -> Here:
    chosen = settings(git)
    try:
        location: Location | None = git.locate()
    except GitError:
        location = None
    configured = location is not None and adoption.is_configured(chosen.values, name, address)
    return Here(git, location, chosen, name if configured else None)


def _plain(chosen: Settings, address: str) -> str:
    """The address after insteadOf, which Git applies to the whole of `data::ADDRESS` only."""
    found = rewritten(chosen.values, address)
    return address if addresses.inner(found) is not None else addresses.check(found)


class Helper:
    def __init__(
        self, here: Here, address: str, place: Place, screen: Screen, trace: Trace
    ) -> None:
        self.here = here
        self.address = address
        self.place = place
        self.screen = screen
        self.trace = trace
        self.store: Store | None = None

    def converse(self, store: Store) -> int:
        """With a registry in a store."""
        self.store = store
        service = RegistryService(store, self.here, self.place.url, self._send, self._progress)
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
            self.screen.note(f"git-data: {error}; nothing was pushed, your commits are safe here")
            raise

    def _send(self, oids: Sequence[str]) -> None:
        """What these commits need goes to its store."""
        from ..repo import Repo
        from ..upload import Target, upload
        from .hook import tell

        repo = Repo.open(".", self.here.git.environ)
        url = self.place.url
        if self.store is not None:
            repo.opened[url] = self.store
            url = addresses.PREFIX + self.address
        sent = upload(repo, [*oids], Target(self.here.remote or "", url), self.screen)
        self.screen.finish()
        for part in sent:
            if not self.screen.quiet:
                tell(part, self.screen)


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
