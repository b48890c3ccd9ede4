"""A machine whose data lies in a store over a network that can be made bad."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from git_data import proving
from git_data.repo import Address, Repo
from git_data.stores.access import Access
from git_data.stores.base import Store
from git_data.stores.local import LocalStore
from git_data.stores.s3 import open_s3
from git_data.transfer import ObjectStore

from . import servers
from .faults import FaultProxy
from .webfolder import WebFolder
from .world import Checkout, World

ATTRIBUTES = "*.bin filter=data diff=data merge=data -text\n"
PROFILE = Access(trusted=True, profile=servers.PROFILE)


@dataclass
class Network:
    """A world, a store on a server, and the proxy that everybody goes through.

    `files` is the same store as the server has it: what a test looks at is no request.
    """

    world: World
    proxy: FaultProxy
    url: str
    files: Store

    @property
    def origin(self) -> Path:
        return self.world.root / "origin.git"

    def repo(self, **files: bytes) -> Checkout:
        """A repository with these files committed, its store named, and nothing pushed."""
        ObjectStore(self.files, self.world.root / "unused").create()
        self.world.bare("origin.git")
        made = self.world.repo("work")
        made.git("remote", "add", "origin", str(self.origin))
        made.write(".gitattributes", ATTRIBUTES)
        self._name_store(made)
        made.commit(**files)
        self.proxy.forget()
        return made

    def _name_store(self, made: Checkout) -> None:
        """As `git data store URL` does, but without the trial, which takes long on some servers."""
        made.git("config", "-f", ".gitdata", "store.url", self.url)
        opened = Repo.open(str(made.path), self.world.env)
        tried = opened.store_to_try(Address(self.url, "a test"))
        proving.proof(opened, tried).remember(proving.SWAPS, self.url)

    def clone(self, name: str = "copy", *options: str, **how: Any) -> Checkout:
        return self.world.clone(self.origin, name, *options, **how)

    def patience(self, seconds: float) -> None:
        """How long to try again, for every command from now on."""
        self.world.git("config", "--global", "data.patience", str(seconds))

    def packs(self) -> dict[str, int]:
        """The packs of the store by their ids, with their sizes in bytes."""
        return {name.rpartition("/")[2]: size for name, size in self.files.list("data/packs")}


def over_http(world: World, server: WebFolder, proxy: FaultProxy) -> Network:
    files = LocalStore(server.root / "registry", create=True)
    return Network(world, proxy, f"{proxy.url}/registry", files)


def over_s3(world: World, server: servers.S3Server, proxy: FaultProxy) -> Network:
    """A prefix that no other test has; the user has named the endpoint as his own."""
    prefix = uuid.uuid4().hex
    world.env |= server.environment
    world.git("config", "--global", f"data.{proxy.url}.trust", "true")
    address = f"s3://{server.bucket}/{prefix}?endpoint={proxy.url}"
    return Network(world, proxy, address, open_s3(server.address(prefix), PROFILE))
