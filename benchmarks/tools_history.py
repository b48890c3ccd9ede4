"""The same history pushed to different places: a bare repository, a store of ours, a bucket.

What is written is plain text in Git, so nothing but history moves; every project starts as a copy
of one template.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import inputs
from measure import Command, run
from rows import GRS3, OURS
from tools import GIT_CONFIG, Tool
from tools_s3 import S3


class Project(Tool):
    """A work tree with the remote `origin`; here that is a bare repository, over file://."""

    name = "git"

    def start(self, template: Path) -> None:
        self.home.mkdir(parents=True)
        (self.home / ".gitconfig").write_text(GIT_CONFIG)
        self.set_up_home()
        shutil.copytree(template, self.work, symlinks=True)
        self._git(self.work, "remote", "add", "origin", self.url)

    def set_up_home(self) -> None:
        self._git(self.root, "init", "-q", "--bare", str(self.origin))

    @property
    def url(self) -> str:
        return f"file://{self.origin}"

    def commit(self, number: int) -> None:
        """One small file, new or changed."""
        (self.work / f"small{number % 7}").write_text(f"{number}\n")
        self._git(self.work, "add", ".")
        self._git(self.work, "commit", "-q", "-m", f"Small {number}")

    def clone_to(self, name: str) -> Command:
        return Command(["git", "clone", "-q", self.url, str(self.root / name)], self.root)

    def fetch_in(self, name: str) -> Command:
        return Command(["git", "fetch", "-q"], self.root / name)


class Folder(Project):
    """A registry of ours in a folder."""

    name = OURS

    def set_up_home(self) -> None:
        pass  # the remote helper needs none

    @property
    def registry(self) -> Path:
        return self.root / "registry"

    @property
    def url(self) -> str:
        return f"data::file://{self.registry}"


class Bucket(Project):
    """A registry of ours in a bucket."""

    name = OURS

    def __init__(self, program: str, root: Path, s3: S3) -> None:
        self.s3 = s3
        super().__init__(program, root)

    def _environ(self) -> dict[str, str]:
        return {**super()._environ(), **self.s3.environ}

    def set_up_home(self) -> None:
        self._git(self.root, "config", "--global", f"data.{self.s3.endpoint}.trust", "true")

    @property
    def url(self) -> str:
        place = f"s3://{self.s3.bucket}/{self.s3.prefix(self.root)}"
        return f"data::{place}?endpoint={self.s3.endpoint}"


class GitRemoteS3(Project):
    """PyPI's `git-remote-s3`: a bundle of the whole branch for each push."""

    name = GRS3

    def __init__(self, program: str, root: Path, s3: S3) -> None:
        self.s3 = s3
        super().__init__(program, root)

    def _environ(self) -> dict[str, str]:
        found = {**super()._environ(), **self.s3.environ, "AWS_ENDPOINT_URL": self.s3.endpoint}
        return found | {"AWS_DEFAULT_REGION": "us-east-1"}

    def set_up_home(self) -> None:
        pass

    @property
    def url(self) -> str:
        return f"s3://{self.s3.bucket}/{self.s3.prefix(self.root)}"

    def version(self) -> str:
        """As the Python that it is installed for knows it."""
        with open(self.program, encoding="utf-8", errors="replace") as script:
            python = script.readline().removeprefix("#!").strip()
        if not os.path.exists(python):
            return "of unknown version"
        ask = "import importlib.metadata as m; print(m.version('git-remote-s3'))"
        return run([python, "-c", ask], Path("/"), self.environ).strip()


def make_template(folder: Path, commits: int, environ: dict[str, str]) -> None:
    """A repository with so many commits, in one pack."""
    run(["git", "init", "-q", "-b", "main", str(folder)], folder.parent, environ)
    stream = folder.parent / "history"
    with open(stream, "wb") as file:
        file.writelines(inputs.history(commits))
    run(["sh", "-c", f"git fast-import --quiet <'{stream}'"], folder, environ)
    run(["git", "repack", "-adfq"], folder, environ)  # fast-import's own pack is no good one
    run(["git", "reset", "-q", "--hard", "main"], folder, environ)
