"""The same tools, with their data in a bucket of an S3 server on this machine.

git-data and DVC keep their history in the bare repository as before. Git LFS has no S3 of its own:
an agent, `git-lfs-s3` (PyPI: git-remote-s3), sends its data, and needs the history there too.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from measure import Command, run
from tools import Dvc, GitData, GitLfs, Tool


class S3(NamedTuple):
    endpoint: str
    bucket: str
    environ: dict[str, str]  # credentials and region

    def prefix(self, root: Path) -> str:
        """A place in the bucket that no other project of this run has."""
        return f"{root.parent.name}-{root.name}"


class S3GitData(GitData):
    def __init__(self, program: str, root: Path, s3: S3) -> None:
        self.s3 = s3
        super().__init__(program, root)

    def _environ(self) -> dict[str, str]:
        return {**super()._environ(), **self.s3.environ}

    @property
    def address(self) -> str:
        return f"s3://{self.s3.bucket}/{self.s3.prefix(self.root)}?endpoint={self.s3.endpoint}"

    def set_up_home(self) -> None:
        super().set_up_home()
        trust = f"data.{self.s3.endpoint}.trust"
        run(["git", "config", "--global", trust, "true"], self.root, self.environ)

    def track(self, data: str) -> None:
        super().track(data)
        run([self.program, "store", self.address], self.work, self.environ)

    def store(self) -> None:
        return None


class S3Dvc(Dvc):
    def __init__(self, program: str, root: Path, s3: S3) -> None:
        self.s3 = s3
        super().__init__(program, root)

    def _environ(self) -> dict[str, str]:
        return {**super()._environ(), **self.s3.environ}

    def track(self, data: str) -> None:
        where = f"s3://{self.s3.bucket}/{self.s3.prefix(self.root)}"
        run([self.program, "init", "-q"], self.work, self.environ)
        for words in (
            ("add", "-q", "-d", "store", where),
            ("modify", "-q", "store", "endpointurl", self.s3.endpoint),
        ):
            run([self.program, "remote", *words], self.work, self.environ)

    def store(self) -> None:  # type: ignore[override]
        return None


class S3GitLfs(GitLfs):
    """`agent`: where git-lfs-s3 and git-remote-s3 are."""

    def __init__(self, program: str, root: Path, s3: S3, agent: str) -> None:
        self.s3 = s3
        self.agent = agent
        super().__init__(program, root)

    def _environ(self) -> dict[str, str]:
        found = {**super()._environ(), **self.s3.environ, "AWS_ENDPOINT_URL": self.s3.endpoint}
        return found | {"PATH": os.path.dirname(self.agent) + os.pathsep + found["PATH"]}

    def set_up_home(self) -> None:
        super().set_up_home()
        agent = "lfs.customtransfer.git-lfs-s3.path"
        for name, value in ((agent, self.agent), ("lfs.standalonetransferagent", "git-lfs-s3")):
            run(["git", "config", "--global", name, value], self.root, self.environ)

    def track(self, data: str) -> None:
        super().track(data)
        url = f"s3://{self.s3.bucket}/{self.s3.prefix(self.root)}"
        run(["git", "remote", "set-url", "origin", url], self.work, self.environ)

    def clone(self) -> list[Command]:
        url = f"s3://{self.s3.bucket}/{self.s3.prefix(self.root)}"
        return [Command(["git", "clone", "-q", url, str(self.copy)], self.root)]

    def store(self) -> None:  # type: ignore[override]
        return None


def make(name: str, program: str, root: Path, s3: S3) -> Tool | None:
    """The tool of that name; None when what it needs for S3 is not here."""
    if name == "git-lfs":
        agent = shutil.which("git-lfs-s3")
        return S3GitLfs(program, root, s3, agent) if agent else None
    return {"git-data": S3GitData, "dvc": S3Dvc}[name](program, root, s3)
