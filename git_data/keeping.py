"""One repository of somebody else, kept bare in the user's cache folder: what was fetched of it.

How to think about it. It is a partial clone that fetches only when it is told to: Git hears that
the remote promises what is missing while it fetches, and never while it reads, so no read waits
for a network. Of each revision that was asked for only that commit is here, with its trees and
small files, pointers among them; larger files come when somebody needs them (`bring_blobs`).

    config              the address, as any remote's; written last
    refs/sources/<id>   what a branch, a tag or HEAD was when it was last asked for
    refs/commits/<oid>  every commit that is here whole: asking for one of them asks nobody
    <folder>.lock       held while something is fetched

Nothing in it is executed or trusted: no hooks, no templates, no work tree. It may be deleted at any
time while nobody uses it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from .asking import REMOTE, Hidden, Missing, NoParts, OtherFormat, ask
from .errors import GitError, NotFound, UsageError
from .files import failure
from .git import Git, is_full_id
from .locks import Lock
from .oid import hash_bytes
from .origin import Origin

POINTERS = "blob:limit=1k"  # with a commit come its trees and the files up to this size
HISTORY = "blob:none"
_COMMITS = "refs/commits/"
_EVERYTHING = ("+refs/heads/*:refs/all/heads/*", "+refs/tags/*:refs/all/tags/*")
_LOCK_SECONDS = 3600.0  # as long as somebody else's fetch may take
_MANY_PACKS = 40
_URL, _WHOLE = f"remote.{REMOTE}.url", f"remote.{REMOTE}.whole"
_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "fetch.writeCommitGraph": "false",
}
# What git check-ref-format forbids, and what would be an expression.
_NO_NAME = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/+]|[/.]$|\.lock(?:/|$)|^@$")


def check_revision(revision: str) -> str:
    """A branch, a tag, a ref or a commit by its id; UsageError for an expression and the like."""
    if not revision or len(revision) > 1024 or _NO_NAME.search(revision):
        raise UsageError(
            f"no revision of another repository: {revision[:80]!r}",
            "name a branch, a tag, or a commit by its id",
        )
    return revision


class Kept:
    """A repository in `folder`, made when it is first fetched into. `filter` says what comes with
    a commit; with `past`, its whole history comes too."""

    def __init__(
        self, git: Git, folder: str, origin: Origin, filter: str = POINTERS, past: bool = False
    ) -> None:
        self.folder = folder
        self.origin = origin
        self.git = _git_in(git, folder)
        self._filter = f"--filter={filter}"
        self._past = past

    # Asking what is here

    def has(self, commit: str) -> bool:
        """True when this commit was fetched, whole, at some time."""
        return self._exists() and self._resolve([_COMMITS + commit]) != [None]

    def last_seen(self, revision: str) -> str | None:
        """The commit that a name stood for when it was last fetched."""
        return self._resolve([_ref(revision)])[0] if self._exists() else None

    @property
    def history(self) -> Kept:
        """The same repository with all its commits and no files: for questions about its past."""
        if self._exists() and self._is_whole():
            return self
        return Kept(self.git, self.folder + "-history", self.origin, HISTORY, past=True)

    def _exists(self) -> bool:
        return os.path.isfile(os.path.join(self.folder, "config"))

    def _is_whole(self) -> bool:
        """True when it is no partial clone: the other side only gives all."""
        return self._config(_WHOLE) == "true" or (self._config(_URL) or "").startswith("data::")

    def _config(self, name: str) -> str | None:
        return self.git.line("config", "--local", "--get", name)

    def _resolve(self, refs: Sequence[str]) -> list[str | None]:
        """The commits of some refs, in their order."""
        names = "".join(f"{ref}^{{commit}}\n" for ref in refs).encode()
        lines = self.git.run("cat-file", "--batch-check", input=names).decode().splitlines()
        return [words[0] if words[1:2] == ["commit"] else None for words in map(str.split, lines)]

    # Fetching

    def fetch(self, revisions: Sequence[str]) -> list[str]:
        """Ask for some names and ids at once; the commit of each. Missing names one that is not
        there, and then none was taken."""
        refs = [_ref(name) for name in revisions]
        with self._locked():
            try:
                self._fetch([f"+{n}:{ref}" for n, ref in zip(revisions, refs, strict=True)])
            except Hidden:  # ids that this server gives only with the branches they are on
                self._fetch(_EVERYTHING, everything=True)
                names = [name for name in revisions if not is_full_id(name)]
                if names:
                    self._fetch([f"+{name}:{_ref(name)}" for name in names])
                refs = [n if is_full_id(n) else _ref(n) for n in revisions]
            return self._settle(revisions, refs)

    def full_id(self, short: str) -> str | None:
        """The one commit whose id begins so, of all branches and tags."""
        with self._locked():
            self._fetch(_EVERYTHING, everything=True)
            found = self.git.run("rev-parse", f"--disambiguate={short}").decode().split()
            commits = {commit for commit in self._resolve(found) if commit in found}
        return commits.pop() if len(commits) == 1 else None

    def bring_blobs(self, oids: Iterable[str]) -> None:
        """Fetch what is promised and not here, in one go. Blobs that are here cost nothing."""
        if missing := self._missing(oids):
            with self._locked():
                if missing := self._missing(missing):
                    text = "".join(f"{oid}\n" for oid in missing).encode()
                    quick = ("-c", "fetch.negotiationAlgorithm=noop")
                    parts = ("--filter=blob:none", "--stdin")
                    ask(self.git, self.origin, parts, (), settings=quick, input=text)

    def _missing(self, oids: Iterable[str]) -> list[str]:
        names = [*dict.fromkeys(oids)]
        text = "".join(f"{oid}\n" for oid in names).encode()
        lines = self.git.run("cat-file", "--buffer", "--batch-check=", input=text).splitlines()
        return [oid for oid, line in zip(names, lines, strict=True) if line.endswith(b" missing")]

    def _settle(self, revisions: Sequence[str], refs: Sequence[str]) -> list[str]:
        """Note that these commits are here whole."""
        commits = []
        for revision, commit in zip(revisions, self._resolve(refs), strict=True):
            if commit is None:
                raise Missing.of(self.origin, revision)
            commits.append(commit)
        updates = "".join(f"update {_COMMITS}{commit} {commit}\n" for commit in set(commits))
        self.git.run("update-ref", "--stdin", input=updates.encode())
        return commits

    def _fetch(self, refspecs: Sequence[str], everything: bool = False) -> None:
        """In the way that this repository allows, which is found out once."""
        self._prepare("sha1")
        while True:
            try:
                ask(self.git, self.origin, self._parts(everything), refspecs)
                return
            except OtherFormat:
                shutil.rmtree(self.folder)
                self._prepare("sha256")
            except NoParts:
                self.git.run("config", "--local", _WHOLE, "true")
            except Missing:
                raise
            except (NotFound, GitError):
                if not self._try_helper():
                    raise

    def _parts(self, everything: bool) -> Sequence[str]:
        if self._is_whole():
            return ()
        if everything:  # branches that are gone may be in the way of new ones
            return (self._filter, "--prune")
        return (self._filter,) if self._past else (self._filter, "--depth=1")

    def _try_helper(self) -> bool:
        """No ordinary repository at a `data::` address: ask through its helper from now on."""
        if self._config(_URL) == self.origin.url or not self.origin.has_helper:
            return False
        self.git.run("config", "--local", _URL, self.origin.url)
        return True

    # The folder

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            os.makedirs(os.path.dirname(self.folder), mode=0o700, exist_ok=True)
            with Lock(self.folder + ".lock", _LOCK_SECONDS):
                yield
                self._tidy()
        except OSError as error:
            raise failure(error, "keep a repository in", self.folder) from error

    def _prepare(self, object_format: str) -> None:
        """Make the repository, unless it is there. The address comes last: with it, it is made."""
        if self._config(_URL) is not None:
            return
        made = ("--bare", "--template=", f"--object-format={object_format}")
        outside = {name: value for name, value in self.git.environ.items() if name != "GIT_DIR"}
        above = Git(os.path.dirname(self.folder), outside)
        above.run("init", "--quiet", *made, self.folder)
        for name, value in {**_CONFIG, _URL: self.origin.first_url}.items():
            self.git.run("config", "--local", name, value)

    def _tidy(self) -> None:
        """Each fetch leaves a pack; many of them become one."""
        try:
            names = os.listdir(os.path.join(self.folder, "objects", "pack"))
        except FileNotFoundError:
            return
        if sum(name.endswith(".pack") for name in names) > _MANY_PACKS:
            promised = ("-c", f"remote.{REMOTE}.promisor=true")
            self.git.attempt(*promised, "repack", "-a", "-d", "-q")


def _ref(revision: str) -> str:
    if is_full_id(revision):
        return _COMMITS + revision
    return f"refs/sources/{hash_bytes(revision.encode(errors='surrogateescape')).hex()[:32]}"


def _git_in(git: Git, folder: str) -> Git:
    """The user's own Git settings, those of his command line too, and nothing of where he is."""
    given = {name: value for name, value in git.environ.items() if name.startswith("GIT_CONFIG")}
    given.pop("GIT_CONFIG", None)
    fixed = {"GIT_DIR": folder, "GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"}
    made = git.elsewhere(os.path.dirname(folder), **given, **fixed)
    made.environ.pop("LANGUAGE", None)
    return made
