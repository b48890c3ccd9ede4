"""A repository, opened once: its settings, its cache, and the stores of its data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import BinaryIO, NamedTuple

from . import addresses, project, worktree
from .addresses import Kind
from .cache import Cache
from .config import Settings, environment, settings
from .errors import DataError, GitError, StoreError
from .git import AttributeAsker, Git, Location, is_full_id
from .gitmanifest import holds_registry
from .pointer import Pointer
from .progress import SILENT, Progress
from .project import Project
from .reach import reach
from .selection import Selection
from .stores import is_network, open_store
from .stores.access import Access
from .stores.base import Store
from .stores.mirrored import Mirrored
from .transfer import HELD_BYTES, ObjectStore, Wanted
from .worktree import Placed, Placement, Site

_VERSIONS = 50  # of `.gitdata` that are asked for stores of old


class Address(NamedTuple):
    """Where a store is, and why we look there."""

    url: str
    named_by: str  # shown to the user: data.store, .gitdata, remote origin, …
    create: bool = False  # the user named it: a folder that is no store yet becomes one
    git_dir: str | None = None  # a path remote's Git folder, whose cache is read too
    mirrors: tuple[str, ...] = ()  # for who reads: they have what this one does not give


class Repo:
    def __init__(self, git: Git, location: Location, chosen: Settings) -> None:
        self.git = git
        self.location = location
        self.settings = chosen
        self.folder = os.path.join(location.common_dir, "git-data")
        self.held_bytes = HELD_BYTES  # of indexes of a store that are kept here, at most
        self.opened: dict[str, Store] = {}  # by address: stores that somebody has opened already
        self._stores: dict[tuple[str, ...], ObjectStore] = {}
        self._access: dict[str, Access] = {}
        self._projects: dict[str, Project] = {}
        self._selections: dict[str | None, Selection] = {}
        self._asker: AttributeAsker | None = None

    @classmethod
    def open(cls, folder: str = ".", environ: Mapping[str, str] | None = None) -> Repo:
        """The repository that holds `folder`; GitError when there is none."""
        git = Git(folder, environment() if environ is None else environ)
        location = git.locate()
        # Relative names, pathspecs and attributes are all meant from the top.
        git = Git(location.work_tree or location.git_dir, git.environ)
        return cls(git, location, settings(git))

    @property
    def top(self) -> str:
        """Where relative addresses start: the work tree's top, or a bare repository itself."""
        return self.location.work_tree or self.location.git_dir

    @cached_property
    def cache(self) -> Cache:
        return Cache(self.folder, shared=self.settings.cache)

    # Which `.gitdata` counts

    def project_to_read(self, treeish: str | None) -> Project:
        """For bringing bytes here: that of the tree Git names, else the index's, else HEAD's."""
        found = project.read_blob(self.git, treeish) if treeish else None
        return found or project.read_blob(self.git, "") or self.project_at("HEAD")

    @cached_property
    def project_to_clean(self) -> Project:
        """For `git add`: the work tree's, else the index's, else HEAD's."""
        found = (
            project.read_file(self.git, self.location.work_tree)
            if self.location.work_tree
            else None
        )
        return found or self.project_to_read(None)

    def project_at(self, revision: str) -> Project:
        """That of a commit or tree. It is read once where the name always stands for the same."""
        if revision in self._projects:
            return self._projects[revision]
        found = project.read_blob(self.git, revision)
        if found and is_full_id(revision):
            self._projects[revision] = found
        return found or Project()

    # Stores

    def store(self, address: Address) -> ObjectStore:
        """The store at an address, opened once; with its mirrors, if the address has them."""
        key = (address.url, *address.mirrors)
        if key not in self._stores:
            store = self.open_store(address)
            if address.mirrors:
                mirrors = [Address(url, f"mirror of {address.url}") for url in address.mirrors]
                store = Mirrored(store, [partial(self.open_store, one) for one in mirrors])
            alone = self.access(address.url).single_writer
            self._stores[key] = ObjectStore(
                store, self.folder, self.held_bytes, single_writer=alone
            )
        return self._stores[key]

    def open_store(self, address: Address) -> Store:
        """The bare store at an address, reached as the user's own settings say."""
        if address.url in self.opened:
            return self.opened[address.url]
        # A folder that is no store is refused now; elsewhere nothing is asked before it is written.
        own = is_network(address.url) and address.url == self.settings.store
        create, access = address.create or own, self.access(address.url)
        return open_store(address.url, base=self.top, create=create, access=access)

    def store_to_try(self, address: Address) -> Store:
        """As `open_store`, for finding out what it can do: with nothing made up for what it cannot.
        It need not be a store yet."""
        access = self.access(address.url)._replace(single_writer=False)
        create = address.create or is_network(address.url)
        return open_store(address.url, base=self.top, create=create, access=access)

    def know(self, url: str, store: Store, access: Access) -> None:
        """A store that was opened already, and how: it is not opened again."""
        self.opened[url] = store
        self._access[url] = access

    def access(self, url: str) -> Access:
        """How an address is reached, by the user's own settings."""
        if url not in self._access:
            self._access[url] = reach(self.git, self.settings, url)
        return self._access[url]

    def reading_addresses(self, treeish: str | None) -> Iterator[Address]:
        """Every place where bytes may be, nearest first, none twice."""
        seen = set()
        for address in self._candidates(treeish):
            if address.url not in seen:
                seen.add(address.url)
                yield address

    def _candidates(self, treeish: str | None) -> Iterator[Address]:
        if self.settings.store:
            yield Address(self.settings.store, "data.store")
        yield from named(self.project_to_read(treeish))
        yield from named(self.project_at("HEAD"))
        if self.own_store:
            yield self.own_store
        for remote in self.remotes():
            address = self.path_remote(self.git.remote_url(remote) or "", remote)
            if address:
                yield address

    def earlier_addresses(self, revision: str) -> Iterator[Address]:
        """The stores that older versions of `.gitdata` named: where data was before it moved."""
        listed = self.git.run("rev-list", f"--max-count={_VERSIONS}", revision, "--", project.NAME)
        for commit in listed.decode().split():
            try:
                found = self.project_at(commit)
            except DataError:
                continue  # the version in force was read, and that is what counts
            for address in named(found):
                yield address._replace(named_by=f"{project.NAME} of {commit[:12]}")

    @property
    def own_store(self) -> Address | None:
        """This repository's own folder, once somebody has pushed data to it."""
        folder = self.location.common_dir
        if not os.path.isfile(os.path.join(folder, "data", "manifest")):
            return None
        return Address(folder, "pushed to this repository")

    def remotes(self) -> list[str]:
        names = {
            name.removeprefix("remote.").removesuffix(".url")
            for name in self.settings.values
            if name.startswith("remote.") and name.endswith(".url")
        }
        return sorted(names, key=lambda name: (name != "origin", name))

    def path_remote(self, url: str, name: str) -> Address | None:
        """A remote that is its own store: a folder, whose Git folder is the store's root, or a
        registry behind `data::`."""
        place = addresses.place_of_url(url, self.top)
        if place.kind is Kind.STORE or (place.kind is Kind.WEB and self.is_registry(place.url)):
            return Address(place.url, f"remote {name}", create=place.kind is Kind.STORE)
        if place.kind is not Kind.PATH:
            return None
        git_dir = addresses.git_folder(self.git, place.url, self.top)
        if git_dir is None:
            return None
        return Address(git_dir, f"remote {name}", create=True, git_dir=git_dir)

    def is_registry(self, url: str) -> bool:
        """Whether there is a registry of ours at a web address, as its manifest tells."""
        if url not in self.opened:
            try:
                store = self.open_store(Address(url, "a remote"))
                if not holds_registry(store):
                    return False
            except (DataError, ImportError):
                return False  # who wants to know what is wrong there asks Git
            self.opened[url] = store
        return True

    def writing_address(self, revision: str, remote: str, url: str) -> Address:
        """Where the data of a pushed commit goes; StoreError says how to name a store."""
        if self.settings.store:
            return Address(self.settings.store, "data.store", create=True)
        named = self.project_at(revision).store
        if named:
            return Address(named, project.NAME)
        if self.location.work_tree and (project.read_file(self.git, self.top) or Project()).store:
            raise StoreError(
                f"the pushed commit has no {project.NAME}, only the work tree has one",
                f"commit it: git add {project.NAME} && git commit",
            )
        found = self.path_remote(url, remote)
        if found is None:
            push = f"this push to {remote}" if remote else "a push"
            raise StoreError(
                f"no store is named for the data of {push}",
                "name one: git data store URL, then commit .gitdata",
            )
        return found

    # The work tree

    @property
    def _site(self) -> Site:
        where = self.location
        if where.work_tree is None:
            raise GitError(f"{where.git_dir} has no work tree")
        index_file = self.git.index_file(where)
        return Site(self.git, where.work_tree, where.git_dir, index_file, self._open_object)

    def _open_object(self, pointer: Pointer) -> BinaryIO:
        return self.cache.open(pointer.oid, pointer.size)

    def place(
        self, items: Sequence[Placement], progress: Progress = SILENT, since: int | None = None
    ) -> Placed:
        """Put files in place of their pointers. `since`: when the Git command began, in ns."""
        return worktree.place(items, self._site, since=since, progress=progress)

    def recover_placements(self, progress: Progress = SILENT) -> Placed:
        """Finish what a killed process, or one that found the index locked, has left."""
        return worktree.recover(self._site, progress=progress)

    # Attributes and selection

    def tracked_paths(self, paths: Iterable[str], revision: str = "") -> set[str]:
        """Those of the paths that `.gitattributes` tracks (`filter=data`): that of the work tree,
        or of a revision, which has to be a commit or a tree."""
        names = [path.encode(errors="surrogateescape") for path in paths if path]
        if revision:
            found = self.git.attributes_at(revision, names, "filter")
        else:
            found = self.git.attributes(names, "filter")
        return {
            path.decode(errors="surrogateescape")
            for path, values in found.items()
            if values.get("filter") == "data"
        }

    def tracked_by_name(self, path: bytes) -> bool:
        """True when a pattern tracks this path, not only its size (`git data track PATTERN`)."""
        if self._asker is None:
            self._asker = AttributeAsker(self.git, "diff")
        return self._asker.ask(path) == "data"

    def selection(self, treeish: str | None) -> Selection:
        """Which files the user wants here: his own settings, else those of `.gitdata`."""
        if treeish not in self._selections:
            own = Selection(self.settings.fetch_include, self.settings.fetch_exclude)
            self._selections[treeish] = own if own != Selection() else self._committed(treeish)
        return self._selections[treeish]

    def _committed(self, treeish: str | None) -> Selection:
        try:
            found = self.project_to_read(treeish)
        except DataError:
            return Selection()  # a .gitdata that cannot be read; who fetches will say so
        return Selection(found.fetch_include, found.fetch_exclude)


def named(found: Project) -> Iterator[Address]:
    """The stores that a `.gitdata` names, in the order in which they are asked."""
    if found.store:
        yield Address(found.store, project.NAME, mirrors=found.mirrors)
    for mirror in found.mirrors:
        yield Address(mirror, f"mirror in {project.NAME}")
    for item in found.imports:
        for store in item.stores:
            yield Address(store, f"import {item.name} in {project.NAME}")


def wanted(path: str, pointer: Pointer) -> Wanted:
    return Wanted(pointer.oid, pointer.size, path)
