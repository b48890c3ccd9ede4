"""A machine whose data lies in a store over a network that can be made bad.

Where `git_data.stores.http` is not there yet, the program is started by a launcher that puts the
small store of these tests (webstore.py) in its place.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from git_data.stores.local import LocalStore
from git_data.transfer import ObjectStore

from .faults import FaultProxy
from .webfolder import WebFolder
from .world import PROJECT, Checkout, World, isolated, run

ATTRIBUTES = "*.bin filter=data diff=data merge=data -text\n"
_LAUNCHER = """\
#!{python}
import importlib.util, sys
sys.path.insert(0, {project!r})
if importlib.util.find_spec("git_data.stores.http") is None:
    import tests.helpers.webstore
    sys.modules["git_data.stores.http"] = tests.helpers.webstore
from git_data.cli import main
sys.exit(main())
"""


def install(folder: Path) -> tuple[Path, str]:
    """A folder for PATH with `git-data` in it, and what `git data install` writes."""
    commands, home = folder / "commands", folder / "home"
    commands.mkdir()
    home.mkdir()
    program = commands / "git-data"
    program.write_text(_LAUNCHER.format(python=sys.executable, project=str(PROJECT)))
    program.chmod(0o755)
    run(["git", "data", "install"], home, isolated(home, commands))
    return commands, (home / ".gitconfig").read_text()


@dataclass
class Network:
    """A world, a store on a server, and the proxy that everybody goes through."""

    world: World
    server: WebFolder
    proxy: FaultProxy

    @property
    def url(self) -> str:
        return f"{self.proxy.url}/registry"

    @property
    def root(self) -> Path:
        """Where the store's files are."""
        return self.server.root / "registry"

    @property
    def origin(self) -> Path:
        return self.world.root / "origin.git"

    def repo(self, **files: bytes) -> Checkout:
        """A repository with these files committed, its store named, and nothing pushed."""
        ObjectStore(LocalStore(self.root, create=True), self.world.root / "unused").create()
        self.world.bare("origin.git")
        made = self.world.repo("work")
        made.git("remote", "add", "origin", str(self.origin))
        made.write(".gitattributes", ATTRIBUTES)
        made.data("store", self.url)
        made.commit(**files)
        return made

    def clone(self, name: str = "copy", *options: str, **how: Any) -> Checkout:
        return self.world.clone(self.origin, name, *options, **how)

    def patience(self, seconds: float) -> None:
        """How long to try again, for every command from now on."""
        self.world.git("config", "--global", "data.patience", str(seconds))


def packs(root: Path) -> list[Path]:
    return sorted(path for path in (root / "data" / "packs").rglob("*") if path.is_file())
