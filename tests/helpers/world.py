"""A machine of one's own for a test: a home, a PATH with `git-data` on it, and folders in between.

Nothing here reads or writes the home of whoever runs the tests.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
_LAUNCHER = """\
#!{python}
import sys
sys.path.insert(0, {project!r})
from {module} import main
sys.exit(main())
"""


@dataclass(frozen=True)
class Done:
    """What a command did. Text that is no UTF-8 comes with surrogate escapes."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def json(self) -> Any:
        return json.loads(self.out)


def make_launcher(folder: Path) -> Path:
    """A `git-data` command, as a console script is: this source tree, run by this Python.
    `git-remote-data` lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in (("git-remote-data", "git_data.cli.remote"), ("git-data", "git_data.cli")):
        path = folder / name
        text = _LAUNCHER.format(python=sys.executable, project=str(PROJECT), module=module)
        path.write_text(text)
        path.chmod(0o755)
    return path


def isolated(home: Path, commands: Path) -> dict[str, str]:
    """The environment of a user with an empty home: fixed author, dates, language; no prompts."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "PYTHON", "XDG_", "PRE_COMMIT", "COV_"))
    }
    made = {
        "HOME": str(home),
        "PATH": f"{commands}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
    }
    for who in ("AUTHOR", "COMMITTER"):
        made[f"GIT_{who}_NAME"] = "A Person"
        made[f"GIT_{who}_EMAIL"] = "person@example.org"
        made[f"GIT_{who}_DATE"] = "2024-01-02T03:04:05Z"
    return {**kept, **made}


def run(
    words: Sequence[str | bytes | Path],
    cwd: Path,
    env: Mapping[str, str],
    code: int | None = 0,
    input: bytes | None = None,
) -> Done:
    """Run a command; fails the test when its exit status is not `code` (None: any will do)."""
    ended = subprocess.run(
        [os.fspath(word) for word in words],
        cwd=cwd,
        env=env,
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        check=False,
    )
    out, err = (text.decode(errors="surrogateescape") for text in (ended.stdout, ended.stderr))
    if code is not None and ended.returncode != code:
        told = f"{words} ended with {ended.returncode}, not {code}\n--- out\n{out}\n--- err\n{err}"
        raise AssertionError(told.encode(errors="backslashreplace").decode())
    return Done(ended.returncode, out, err)


def random_bytes(size: int, seed: int = 0) -> bytes:
    """Bytes that do not compress, the same ones for a seed."""
    return random.Random(seed).randbytes(size)


@dataclass
class World:
    """One machine with one user; `root` is a fresh folder, `home` and `bin` lie in it.

    `prefix` stands before every command: trouble.py has some.
    """

    root: Path
    env: dict[str, str]
    prefix: tuple[str, ...] = ()

    @property
    def home(self) -> Path:
        return Path(self.env["HOME"])

    def run(
        self,
        *words: str | bytes | Path,
        cwd: Path | None = None,
        code: int | None = 0,
        input: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Done:
        """Run any command as this user, in `cwd` or the root; `env` adds variables."""
        all_words = [*self.prefix, *words]
        return run(all_words, cwd or self.root, {**self.env, **(env or {})}, code, input)

    def git(self, *words: str | bytes | Path, **how: Any) -> Done:
        return self.run("git", *words, **how)

    def repo(self, name: str = "repo", *options: str) -> Checkout:
        """A new repository with a work tree."""
        self.git("init", "-q", "-b", "main", *options, name)
        return Checkout(self, self.root / name)

    def bare(self, name: str = "remote.git", *options: str) -> Checkout:
        """A new bare repository, to push to."""
        self.git("init", "-q", "--bare", "-b", "main", *options, name)
        return Checkout(self, self.root / name)

    def clone(
        self, source: str | Path | Checkout, name: str = "clone", *options: str, **how: Any
    ) -> Checkout:
        """`git clone`; what it said is in `.said`."""
        url = source.path if isinstance(source, Checkout) else source
        said = self.git("clone", "-q", *options, url, name, **how)
        return Checkout(self, self.root / name, said)


@dataclass
class Checkout:
    """A repository and its folder."""

    world: World
    path: Path
    said: Done | None = None

    def git(self, *words: str | bytes | Path, **how: Any) -> Done:
        return self.world.git(*words, **{"cwd": self.path, **how})

    def data(self, *words: str | bytes | Path, **how: Any) -> Done:
        """`git data WORDS`, found by Git through PATH."""
        return self.git("data", *words, **how)

    def write(self, name: str, content: bytes | str) -> Path:
        """A file in the work tree, with the folders it needs."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def commit(self, message: str = "change", **files: bytes | str) -> str:
        """Write files (names as keywords), add everything, commit; the commit's id."""
        for name, content in files.items():
            self.write(name, content)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").out.strip()

    def status(self) -> str:
        """`git status --porcelain`, empty when clean."""
        return self.git("status", "--porcelain").out

    def staged(self, name: str, revision: str = "") -> bytes:
        """The blob that Git holds for a path, in the index or a revision."""
        found = self.git("cat-file", "blob", f"{revision}:{name}").out
        return found.encode(errors="surrogateescape")

    @property
    def git_dir(self) -> Path:
        return self.path / self.git("rev-parse", "--git-common-dir").out.strip()

    @property
    def objects(self) -> Path:
        """Where the cache keeps its objects."""
        return self.git_dir / "git-data" / "objects"

    def forget_data(self) -> None:
        """Lose the whole cache, as a fresh clone without data has it."""
        for path in sorted(self.objects.rglob("*"), reverse=True):
            if path.is_file():
                path.unlink()
