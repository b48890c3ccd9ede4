"""The tools that are compared: the same five steps, each as a user of that tool types them.

All of them work on one project: `work` is a user's repository, `origin` a bare repository in a
folder, reached by its path. Git LFS and git-data keep the data in a folder of `origin`; DVC in a
folder beside it, which is how its users do it. Every tool has a home folder of its own, so nothing
of this machine's configuration counts, and Git's background maintenance is off for all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from measure import Command, run

GIT_CONFIG = """\
[user]
\tname = Benchmark
\temail = benchmark@example.org
[init]
\tdefaultBranch = main
[gc]
\tauto = 0
[maintenance]
\tauto = false
[advice]
\tdetachedHead = false
"""


class Tool:
    """Plain Git, and what the others share. `data` is a file or folder name inside `work`."""

    name = "Git"

    def __init__(self, program: str, root: Path) -> None:
        self.program = program
        self.root = root
        self.home = root / "home"
        self.work = root / "work"
        self.origin = root / "origin.git"
        self.copy = root / "copy"
        self.environ = self._environ()

    def _environ(self) -> dict[str, str]:
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        folder = os.path.dirname(shutil.which(self.program) or self.program)
        path = keep.get("PATH", os.defpath)
        if folder not in path.split(os.pathsep):
            path = folder + os.pathsep + path
        return {
            **keep,
            "PATH": path,
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def version(self) -> str:
        return run(["git", "--version"], Path("/"), self.environ).split()[2]

    # Not measured

    def create(self, data: str) -> None:
        """A home, an origin, and a work tree whose first commit says that `data` is data."""
        self.home.mkdir(parents=True)
        (self.home / ".gitconfig").write_text(GIT_CONFIG)
        self.set_up_home()
        self._git(self.root, "init", "-q", "--bare", str(self.origin))
        self._git(self.root, "init", "-q", str(self.work))
        self._git(self.work, "remote", "add", "origin", str(self.origin))
        (self.work / "README").write_text("A project\n")
        self.track(data)
        self._git(self.work, "add", ".")
        self._git(self.work, "commit", "-q", "-m", "Start")

    def set_up_home(self) -> None:
        pass

    def track(self, data: str) -> None:
        pass

    def store(self) -> Path | None:
        """The folder that holds the data for everybody, when it is not Git's own."""
        return None

    def _git(self, folder: Path, *words: str) -> None:
        run(["git", *words], folder, self.environ)

    # Measured

    def add_commit(self, data: str) -> list[Command]:
        return [self._in_work("git", "add", data), self._commit()]

    def push(self) -> list[Command]:
        return [self._in_work("git", "push", "-q", "origin", "main")]

    def clone(self) -> list[Command]:
        return [Command(["git", "clone", "-q", str(self.origin), str(self.copy)], self.root)]

    def checkout(self, revision: str) -> list[Command]:
        return [self._in_work("git", "checkout", "-q", revision)]

    def _commit(self) -> Command:
        return self._in_work("git", "commit", "-q", "-m", "Data")

    def _in_work(self, *words: str) -> Command:
        return Command(words, self.work)


class GitLfs(Tool):
    name = "Git LFS"

    def version(self) -> str:
        return run([self.program, "version"], Path("/"), self.environ).split()[0].split("/")[1]

    def set_up_home(self) -> None:
        run([self.program, "install", "--skip-repo"], self.root, self.environ)

    def track(self, data: str) -> None:
        pattern = data if "." in data else f"{data}/**"
        run([self.program, "install", "--local"], self.work, self.environ)  # its pre-push hook
        run([self.program, "track", pattern], self.work, self.environ)

    def store(self) -> Path:
        return self.origin / "lfs"


class Dvc(Tool):
    name = "DVC"

    def _environ(self) -> dict[str, str]:
        return {
            **super()._environ(),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.root / "site"),
        }

    def version(self) -> str:
        return run([self.program, "--version"], Path("/"), self.environ).strip()

    def set_up_home(self) -> None:
        for name in ("core.check_update", "core.analytics"):
            run([self.program, "config", "--global", name, "false"], self.root, self.environ)

    def track(self, data: str) -> None:
        run([self.program, "init", "-q"], self.work, self.environ)
        where = str(self.store())
        run([self.program, "remote", "add", "-q", "-d", "store", where], self.work, self.environ)

    def store(self) -> Path:
        return self.root / "store"

    def add_commit(self, data: str) -> list[Command]:
        return [
            self._in_work(self.program, "add", "-q", data),
            self._in_work("git", "add", f"{data}.dvc", ".gitignore"),
            self._commit(),
        ]

    def push(self) -> list[Command]:
        return [self._in_work(self.program, "push", "-q"), *super().push()]

    def clone(self) -> list[Command]:
        return [*super().clone(), Command([self.program, "pull", "-q"], self.copy)]

    def checkout(self, revision: str) -> list[Command]:
        return [*super().checkout(revision), self._in_work(self.program, "checkout", "-q")]


class GitData(Tool):
    name = "git-data"

    def version(self) -> str:
        return run([self.program, "--version"], Path("/"), self.environ).split()[-1]

    def set_up_home(self) -> None:
        run([self.program, "install"], self.root, self.environ)

    def track(self, data: str) -> None:
        pattern = data if "." in data else f"{data}/**"
        run([self.program, "track", pattern], self.work, self.environ)

    def store(self) -> Path:
        return self.origin / "data"


KINDS: dict[str, type[Tool]] = {"git": Tool, "git-lfs": GitLfs, "dvc": Dvc, "git-data": GitData}


def which(program: str) -> str | None:
    """Where a program is, by a path that holds in every folder."""
    found = shutil.which(program)
    return os.path.abspath(found) if found else None


def find(programs: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Where each tool's program is, and the names of those that are missing."""
    found = {name: which(programs.get(name, name)) for name in KINDS}
    return {n: p for n, p in found.items() if p}, [n for n, p in found.items() if not p]
