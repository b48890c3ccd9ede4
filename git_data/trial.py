"""The whole way with real Git, in a temporary folder: add, commit, push, clone, compare."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from . import installation, pointer
from .errors import Damaged, DataError
from .git import Git

_SMALL, _LARGE = 10_000, 3_000_000  # bytes: of one chunk, of many


class Step(NamedTuple):
    """One step that worked."""

    what: str


def round_trip(git: Git) -> Iterator[Step]:
    """Each step once it is done; DataError names the one that fails. Leaves nothing behind.

    The user's Git config takes no part, but for the filter that is set up there.
    """
    with tempfile.TemporaryDirectory(prefix="git-data-trial-") as folder:
        trial = _Trial(os.path.realpath(folder), git)
        for name, step in (
            ("add and commit", trial.commit),
            ("push", trial.push),
            ("clone", trial.clone),
            ("compare", trial.compare),
        ):
            try:
                step()
            except (DataError, OSError) as error:
                raise DataError(f"{name} failed: {error}", "see: git data doctor") from error
            yield Step(name)


class _Trial:
    def __init__(self, folder: str, git: Git) -> None:
        self.folder = folder
        self.files = {
            "small.bin": os.urandom(_SMALL),
            "large.bin": os.urandom(_LARGE),
            "a folder/empty.bin": b"",
        }
        config = os.path.join(folder, ".gitconfig")
        empty = os.path.join(folder, "empty")
        os.mkdir(empty)
        self.git = git.elsewhere(
            folder,
            HOME=folder,
            XDG_CONFIG_HOME=folder,
            GIT_CONFIG_GLOBAL=config,
            GIT_CONFIG_NOSYSTEM="1",
            GIT_TEMPLATE_DIR=empty,
            GIT_TERMINAL_PROMPT="0",
        )
        for name, value in {**_filter_settings(git), **_PERSON}.items():
            self.git.run("config", "--file", config, name, value)

    def _in(self, name: str) -> Git:
        return Git(os.path.join(self.folder, name), self.git.environ)

    def commit(self) -> None:
        self.git.run("init", "-q", "--bare", "remote.git")
        self.git.run("init", "-q", "work")
        work = self._in("work")
        self._write("work/.gitattributes", b"*.bin filter=data diff=data merge=data -text\n")
        for name, content in self.files.items():
            self._write(f"work/{name}", content)
        work.run("add", ".")
        work.run("commit", "-q", "-m", "trial")
        if pointer.parse(work.run("cat-file", "blob", "HEAD:large.bin")) is None:
            raise Damaged("Git holds the whole file and no pointer: the filter did not run")

    def push(self) -> None:
        work = self._in("work")
        work.run("remote", "add", "origin", "../remote.git")
        work.run("push", "-q", "origin", "HEAD")
        if not os.path.isfile(os.path.join(self.folder, "remote.git", "data", "manifest")):
            raise Damaged("the push left the data behind: the pre-push hook did not run")

    def clone(self) -> None:
        branch = self._in("work").line("symbolic-ref", "--short", "HEAD") or "master"
        self.git.run(
            "clone", "-q", "--branch", branch, "file://" + self._path("remote.git"), "copy"
        )

    def compare(self) -> None:
        for name, content in self.files.items():
            with open(self._path(f"copy/{name}"), "rb") as file:
                if file.read() != content:
                    raise Damaged(f"{name} is not the same in the clone")
        if changed := self._in("copy").run("status", "--porcelain"):
            raise Damaged(f"git status calls files of the clone changed: {changed.decode()}")

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def _write(self, name: str, content: bytes) -> None:
        os.makedirs(os.path.dirname(self._path(name)), exist_ok=True)
        with open(self._path(name), "wb") as file:
            file.write(content)


_PERSON = {"user.name": "git-data", "user.email": "git-data@localhost"}


def _filter_settings(git: Git) -> dict[str, str]:
    """The filter as the user has it set up, else as `git data install` would."""
    wanted = installation.entries()
    found = {name: git.line("config", "--get", name) for name in wanted}
    return {name: found[name] or value for name, value in wanted.items()}
