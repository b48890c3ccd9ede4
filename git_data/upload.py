"""Before a ref moves: every object that the pushed commits need is confirmed in their store."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from . import pointer, project, proving, scan
from .bringing import bring
from .confirmed import Confirmed, State
from .errors import DataError, NotFound
from .oid import ObjectId
from .pointer import Pointer
from .progress import SILENT, Progress
from .repo import Address, Repo
from .stores import is_network
from .stores.wrap import no_store
from .transfer import Failure, ObjectStore, Wanted
from .transplant import Elsewhere

_LARGE_BYTES = 1 << 20  # smaller objects are not looked for in their older versions
_VERSIONS = 4
_NO_STORE = ""  # what is remembered under this id are commits that need no object at all


class Upload(NamedTuple):
    """What was sent to one store, or would be."""

    store: str
    objects: int
    size: int  # bytes of these objects
    sent_bytes: int  # bytes written to the store for them


class Target(NamedTuple):
    """Where a push goes, as Git names it."""

    remote: str
    url: str


def upload(
    repo: Repo,
    tips: Iterable[str],
    target: Target,
    progress: Progress = SILENT,
    dry_run: bool = False,
) -> list[Upload]:
    """Send what the stores of these commits lack; returns when the stores hold it all.

    Raises StoreError when no store is named or it fails, NotFound for an object that is nowhere:
    then no ref may move.
    """
    done = []
    for group in _by_project(repo, [*tips]):
        uploader = Uploader(repo, group, target, progress)
        if (sent := uploader.run(dry_run)) is not None:
            done.append(sent)
    return done


def _by_project(repo: Repo, tips: list[str]) -> list[list[str]]:
    """The tips, grouped by the `.gitdata` they carry: it says where their data goes."""
    if not tips:
        return []
    names = "".join(f"{tip}:{project.NAME}\n" for tip in tips).encode()
    answers = repo.git.run("cat-file", "--batch-check", input=names).splitlines()
    groups: dict[bytes, list[str]] = {}
    for tip, answer in zip(tips, answers, strict=True):
        blob = answer.split()[0] if answer.endswith(b"missing") is False else b""
        groups.setdefault(blob, []).append(tip)
    return [*groups.values()]


def pending(
    repo: Repo, tips: Iterable[str], target: Target, staged: Iterable[Wanted] = ()
) -> tuple[Address, list[Wanted]]:
    """What the store of these commits does not hold yet, of their objects and the staged ones.

    Asks, and changes nothing. Raises as `upload` does.
    """
    known = [*tips]
    address = repo.writing_address(known[0] if known else "HEAD", target.remote, target.url)
    uploader = Uploader(repo, known, target, SILENT)
    items = uploader.lacking(address, staged)[1]
    return address, uploader.not_in_imports(items) if known else items


class Uploader:
    """One group of commits on its way to one store."""

    def __init__(self, repo: Repo, tips: list[str], target: Target, progress: Progress) -> None:
        self.repo = repo
        self.tips = tips
        self.target = target
        self.progress = progress
        self._large: set[str] = set()  # paths of objects worth a look at their older versions

    def run(self, dry_run: bool) -> Upload | None:
        address, refusal = self._address()
        if address is None:
            self._need_nothing(refusal)
            return None
        store, lacking = self.lacking(address)
        items = self.not_in_imports(lacking)
        if dry_run:
            items = self._data_only(items)
            return Upload(address.url, len(items), sum(w.size for w in items), 0)
        absent = [w for w in items if not self.repo.cache.has(w.oid, w.size)]
        elsewhere = self._elsewhere(absent)
        if left := [w for w in absent if w.oid not in elsewhere]:
            items = self._fetched(items, left)
        sent_bytes = 0
        if items:
            store = self._writable(address)
            self._large = {w.path for w in items if w.size >= _LARGE_BYTES}
            cache, older = self.repo.cache, self._older
            sent_bytes = store.send(items, cache, self.progress, older, elsewhere).sent_bytes
        if store and store.id:
            self._remember(self._memory(store))
        elif not lacking:
            self._remember(self._memory_of_no_store())
        return Upload(address.url, len(items), sum(w.size for w in items), sent_bytes)

    def _writable(self, address: Address) -> ObjectStore:
        """The store, once it was seen to do what a push relies on, and is one or may become one."""
        store = self.repo.store(address)
        if is_network(address.url):
            if not store.id and not address.create:
                raise no_store(address.url)
            if features := proving.required_features(self.repo, address):
                store.create(features)
        return store

    def lacking(
        self, address: Address, also: Iterable[Wanted] = ()
    ) -> tuple[ObjectStore | None, list[Wanted]]:
        """The store, if it is one already, and what it does not hold of these commits' objects."""
        store = self._existing(address)
        known = [*self._memory(store).commits(), *self._memory_of_no_store().commits()]
        needed = self._needed(known) if self.tips else {}
        for w in also:
            needed.setdefault(Pointer(w.oid, w.size), w)
        oids = {w.oid for w in needed.values()}
        missing = store.missing(oids) if store and store.id else oids
        return store, [w for w in needed.values() if w.oid in missing]

    def _data_only(self, items: list[Wanted]) -> list[Wanted]:
        """Without pointers that are an example in a text; fetches nothing."""
        absent = [w.path for w in items if not self.repo.cache.has(w.oid, w.size)]
        trees = scan.trees_here(self.repo.git, self.tips[:1])
        tracked = self.repo.tracked_paths(absent, trees[0]) if absent and trees else set()
        return [w for w in items if w.path in tracked or w.path not in absent]

    def _address(self) -> tuple[Address | None, DataError | None]:
        try:
            found = self.repo.writing_address(self.tips[0], self.target.remote, self.target.url)
            return found, None
        except DataError as error:
            return None, error

    def _need_nothing(self, refusal: DataError | None) -> None:
        """Without a store only commits that need none may pass."""
        memory = self._memory_of_no_store()
        needed = self._needed(memory.commits())
        if self.not_in_imports([*needed.values()]) and refusal:
            raise refusal
        self._remember(memory)

    def _existing(self, address: Address) -> ObjectStore | None:
        """The store, if it is one already."""
        try:
            return self.repo.store(address._replace(create=False))
        except NotFound:
            if not address.create:
                raise
            return None

    def _memory(self, store: ObjectStore | None) -> Confirmed:
        if store is None or not store.id:
            return Confirmed(self.repo.folder, ["none yet"], State())
        identity = [store.id, store.url, *self._import_stores()]
        state = State(store.deletions, store.generation, store.transactions)
        return Confirmed(self.repo.folder, identity, state)

    def _memory_of_no_store(self) -> Confirmed:
        """Of commits that need nothing of any store, but for what imports' stores hold."""
        return Confirmed(self.repo.folder, [_NO_STORE, *self._import_stores()], State())

    def _import_stores(self) -> list[str]:
        """The stores that may hold a part of what these commits need, so that ours need not."""
        entries = self.repo.project_at(self.tips[0]).imports if self.tips else ()
        return sorted({store for e in entries if not e.copy for store in e.stores})

    def _needed(self, known: Sequence[str]) -> dict[Pointer, Wanted]:
        """The objects of the pointers in these commits, once each, under one of their paths. A
        pointer with a wrong size is none of the others."""
        needed: dict[Pointer, Wanted] = {}
        new = set(self.tips).difference(known)
        for found in scan.pointers_in_history(self.repo.git, new, known) if new else ():
            path = found.path.decode(errors="surrogateescape")
            needed.setdefault(found.pointer, Wanted(*found.pointer, path))
        return needed

    def not_in_imports(self, items: list[Wanted]) -> list[Wanted]:
        """Without those that an import's recorded store holds: every reader looks there too."""
        for url in self._import_stores() if items else ():
            try:
                store = self.repo.store(Address(url, f"an import in {project.NAME}"))
                lacking = store.missing([w.oid for w in items])
            except DataError:
                continue  # it cannot be asked, so its word does not count
            items = [w for w in items if w.oid in lacking]
        return items

    def _elsewhere(self, left: list[Wanted]) -> dict[bytes, Elsewhere]:
        """Where other stores have what the cache lacks: it goes from store to store, and not over
        the disk here."""
        found: dict[bytes, Elsewhere] = {}
        for address in self._others() if left else ():
            try:
                found |= self.repo.store(address._replace(create=False)).locate(left)
            except DataError:
                continue  # whoever needs it will say so
            left = [w for w in left if w.oid not in found]
            if not left:
                break
        return found

    def _others(self) -> Iterator[Address]:
        yield from self.repo.reading_addresses(self.tips[0])
        yield from self.repo.earlier_addresses(self.tips[0])

    def _fetched(self, items: list[Wanted], absent: list[Wanted]) -> list[Wanted]:
        """All of them, those that were absent fetched; NotFound names one that is nowhere."""
        failures = self._fetch(absent)
        if not failures:
            return items
        for w, error in failures:
            if path := self.data_path(w):
                raise NotFound(
                    f"{path}: its content ({w.oid}, {w.size} bytes) is neither here nor in a "
                    f"store, so the push would leave it behind ({error.message})",
                    "push from the clone that added it, or add the file again",
                )
        lost = {w for w, _ in failures}  # examples in texts, no data
        return [w for w in items if w not in lost]

    def data_path(self, wanted: Wanted) -> str | None:
        """A path where a pointer is data, of all that it has or had; None: it is an example."""
        git, text = self.repo.git, Pointer(wanted.oid, wanted.size).encode()
        blob = git.run("hash-object", "--stdin", input=text).decode().strip()
        for tree, paths in scan.holders(git, blob, self.tips):
            names = [path.decode(errors="surrogateescape") for path in paths]
            if tracked := self.repo.tracked_paths(names, tree):
                return min(tracked)
        return None

    def _fetch(self, absent: list[Wanted]) -> list[Failure]:
        """From every store there was: a push to a new one is how data moves."""
        return bring(self.repo, absent, self.tips[0], self.progress, earlier=True)

    def _older(self, path: str) -> list[ObjectId]:
        """The objects of a path's last versions: what they share with the new one is not sent."""
        if path not in self._large:
            return []
        git = self.repo.git
        found = git.run("rev-list", f"-n{_VERSIONS}", *self.tips, "--", f":(literal){path}")
        names = [f"{commit}:{path}" for commit in found.decode().split()]
        with scan.BlobReader(git) as reader:
            texts = reader.read([name for name in names if "\n" not in name])
        pointers = (pointer.parse(text) for text in texts if text is not None)
        return [one.oid for one in pointers if one]

    def _remember(self, memory: Confirmed) -> None:
        if os.path.exists(os.path.join(self.repo.location.common_dir, "shallow")):
            return  # what lies behind the boundary was not looked at
        memory.add(scan.commits_here(self.repo.git, self.tips))
