"""Bad luck on purpose: full and read-only disks, missing permission, death at a chosen moment.

What needs Linux or root is skipped elsewhere; each of these has a test of its module that does not.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from .hooks import our_hook
from .world import PROJECT, Checkout, World

# Files of at most 1 or 2 MiB (a unit is 512 bytes in some shells, 1 KiB in others): what is longer
# meets "File too large" in the middle, as on a full disk. Git itself writes nothing as long here.
SMALL_FILES = ("sh", "-c", 'ulimit -f 2048 && exec "$@"', "sh")
_ENTER = (
    "sh",
    "-c",
    'exec nsenter --target "$0" --mount sh -c \'cd "$0" && exec "$@"\' "$PWD" "$@"',
)
_HOLD = 'mount -t tmpfs -o "size=$1" tmpfs "$0" && chmod 755 "$0" && echo ready && read end'
# Runs some code just before the n-th change to a file whose event and name match a pattern.
_LAUNCHER = """\
#!{python}
import fcntl, os, re, signal, sys
EVENTS = ("open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.chmod",
  "os.utime", "os.truncate", "git_data.exchange")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def watch(number, pattern, code):
    left, matches, me = int(number), re.compile(pattern, re.DOTALL).search, os.getpid()
    fcntl.flock(os.open({alive!r}, os.O_RDWR | os.O_CREAT), fcntl.LOCK_SH)
    def look(event, arguments):
        nonlocal left
        if left == 0 or event not in EVENTS or os.getpid() != me:
            return
        if event == "open" and not (arguments[2] or 0) & WRITES:
            return
        words = " ".join(os.fsdecode(a) for a in arguments if isinstance(a, (str, bytes)))
        if matches(event + " " + words):
            left -= 1
            if left == 0:
                os.close(os.open({witness!r}, os.O_WRONLY | os.O_CREAT))
                exec(code)
    sys.addaudithook(look)
if "MOMENT" in os.environ:
    watch(*os.environ["MOMENT"].split(chr(31)))
sys.path.insert(0, {project!r})
from {module} import main
sys.exit(main())
"""
DIE = "os.kill(os.getpid(), signal.SIGKILL)"
KILL_GIT = "os.kill(os.getppid(), signal.SIGKILL)"


# Disks


@contextmanager
def small_disk(world: World, folder: Path, size: str) -> Iterator[World]:
    """This world with a disk of its own at `folder`, which only its commands see."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["unshare", "--mount", "sh", "-c", _HOLD, str(folder), size]
    if not shutil.which("unshare") or not shutil.which("nsenter"):
        pytest.skip("mount namespaces are Linux's")
    holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin and holder.stdout
    try:
        if holder.stdout.readline() != b"ready\n":
            assert os.geteuid() != 0, "root may mount"
            pytest.skip("this user may not mount")
        yield replace(world, prefix=(*_ENTER, str(holder.pid)))
    finally:
        holder.stdin.close()  # with the process its namespace ends, and with that the disk
        holder.stdout.close()
        holder.wait()


def ordinary(world: World) -> World:
    """This world without root's right to pass all permissions."""
    if os.geteuid() != 0:
        return world
    return replace(world, prefix=("setpriv", "--bounding-set=-all", "--inh-caps=-all"))


def close(*folders: Path) -> None:
    """Nobody may write there."""
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)


def reopen(*folders: Path) -> None:
    for folder in folders:
        folder.chmod(0o755)
        for path in folder.rglob("*"):
            if path.is_dir():
                path.chmod(0o755)


# Damage


def flip(path: Path, where: int | float = 0.5) -> None:
    """Change one bit of a byte; a fraction is meant of the file's length."""
    data = bytearray(path.read_bytes())
    data[where if isinstance(where, int) else int(where * len(data))] ^= 0x04
    overwrite(path, bytes(data))


def cut(path: Path, part: float = 0.5) -> None:
    data = path.read_bytes()
    overwrite(path, data[: int(part * len(data))])


def overwrite(path: Path, data: bytes) -> None:
    """In place, read-only or not."""
    path.chmod(0o644)
    path.write_bytes(data)


# Moments


class Moment:
    """A `git-data` that does something at a chosen moment, by Python's own audit events."""

    def __init__(self, world: World) -> None:
        self._witness = world.root / "moment-came"
        self._alive = world.root / "moment-alive"  # locked by every process that we started
        self._path = world.env["PATH"]
        self._program = world.root / "moment" / "git-data"
        self._program.parent.mkdir()
        for name, module in (
            ("git-data", "git_data.cli"),
            ("git-remote-data", "git_data.cli.remote"),
        ):
            text = _LAUNCHER.format(
                python=sys.executable,
                project=str(PROJECT),
                witness=str(self._witness),
                alive=str(self._alive),
                module=module,
            )
            program = self._program.with_name(name)
            program.write_text(text)
            program.chmod(0o755)

    def at(self, number: int, pattern: str, then: str) -> dict[str, str]:
        """The environment for: before the n-th matching change run this code. The filter's parent
        is Git itself then."""
        self._witness.unlink(missing_ok=True)
        return {
            "MOMENT": "\x1f".join((str(number), pattern, then)),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "filter.data.process",
            "GIT_CONFIG_VALUE_0": f"exec {self._command} filter-process",
        }

    def in_remote(self, number: int, pattern: str, then: str) -> dict[str, str]:
        """As `at`, for the remote helper that Git starts."""
        return {
            **self.at(number, pattern, then),
            "PATH": f"{self._program.parent}{os.pathsep}{self._path}",
            "GIT_CONFIG_COUNT": "0",
        }

    @property
    def _command(self) -> str:
        return f"{sys.executable} -I {self._program}"

    def wait(self) -> None:
        """Until our last process has ended: a survivor (survivor.py) outlives the command."""
        with self._alive.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    @property
    def came(self) -> bool:
        """Whether it came to that, once all is over."""
        self.wait()
        return self._witness.exists()

    def become_hook(self, repo: Checkout) -> None:
        """The pre-push hook of this repository starts it."""
        hook = our_hook(repo)
        lines = hook.read_text().splitlines()[:2]
        start = f'exec {self._command} hook --script "$0" -- pre-push "$@"'
        hook.write_text("\n".join([*lines, start, ""]))


def leftovers(repo: Checkout) -> list[str]:
    """Temporaries and journals of ours, wherever they may lie."""
    folder = repo.git_dir / "git-data"
    found = [*folder.rglob("tmp/*"), *folder.rglob("placing/*"), *repo.path.rglob(".git-data-*")]
    return sorted(str(path.relative_to(repo.path)) for path in found)
