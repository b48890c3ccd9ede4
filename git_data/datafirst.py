"""Before anything of a push is acknowledged: what its commits need is in its store.

Apart from the rest of the remote helper, which Git starts for each fetch too: only a push takes all
that this takes to load.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import proving
from .addresses import PREFIX, Place
from .git import Git
from .progress import Progress
from .repo import Address, Repo
from .stores import is_network
from .upload import Target, Upload, upload
from .which import Opened


class DataFirst:
    """For one address. `opened`: its registry, if it is one; `remote`: its name, if it has one."""

    def __init__(self, git: Git, place: Place, opened: Opened | None, remote: str | None) -> None:
        self._git = git
        self._place = place
        self._opened = opened
        self._remote = remote

    def send(
        self, oids: Sequence[str], progress: Progress, tell: Callable[[Upload], object]
    ) -> None:
        """Raises DataError: then no ref may move."""
        url = self._place.url if self._opened is None else PREFIX + self._place.url
        sent = upload(self._repo(), [*oids], Target(self._remote or "", url), progress)
        progress.finish()
        for part in sent:
            tell(part)

    def prove(self) -> tuple[str, ...]:
        """Before a registry is made: a store that only seems to compare and swap would lose
        somebody's push. What those who write to it must know."""
        if not is_network(self._place.url):
            return ()
        named_by = f"remote {self._remote}" if self._remote else self._place.url
        address = Address(self._place.url, named_by, create=True)
        return proving.required_features(self._repo(), address)

    def _repo(self) -> Repo:
        repo = Repo.open(".", self._git.environ)
        if self._opened is not None:
            repo.know(self._place.url, *self._opened)
        return repo
