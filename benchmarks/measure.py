"""Run whole commands and say what they cost.

Memory is what the kernel keeps for us: `wait4` gives the peak resident size of the largest single
process among the command and all its descendants. That counts mapped files as well as allocated
memory, so it is the stricter figure. Two things to know: a process counts its parent's size until
it has started its own program, so no figure is below this harness's own peak (`floor_bytes`); and
a descendant that outlives its parent is inherited by us, waited for, and counted in time and size.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
_PR_SET_CHILD_SUBREAPER = 36
SERVERS: set[int] = set()  # children that stay, and that no command is charged for


class Failed(Exception):
    """A command that had to work did not; the message has what it wrote."""


class Cost(NamedTuple):
    seconds: float
    peak_bytes: int  # of the largest single process

    def __add__(self, other: object) -> Cost:
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(self.seconds + other.seconds, max(self.peak_bytes, other.peak_bytes))


class Command(NamedTuple):
    words: Sequence[str]
    folder: Path


def inherit_orphans() -> None:
    """Make processes that outlive their parents ours (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def touch_memory() -> None:
    """Write to three quarters of the free memory, once, in a child. A virtual machine is given
    its memory on first touch, at seconds a GiB here: whoever first fills the page cache pays."""
    size = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4 * 3
    touch = f"import mmap; m = mmap.mmap(-1, {size}); m[::4096] = bytes(-(-{size} // 4096))"
    subprocess.run([sys.executable, "-c", touch], check=True)


def floor_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _maxrss_unit()


def measure(commands: Sequence[Command], environ: Mapping[str, str], log: Path) -> Cost:
    """Run the commands one after the other; the disk is made quiet before, not after.

    What they write goes to `log`. Raises Failed when one of them fails.
    """
    os.sync()
    cost = Cost(0.0, 0)
    for command in commands:
        cost = Cost(*cost) + _run(command, environ, log)
    return cost


def run(words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    """Run something that is not measured; gives its standard output."""
    done = subprocess.run(
        words, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise Failed(f"{' '.join(words)} in {folder}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _run(command: Command, environ: Mapping[str, str], log: Path) -> Cost:
    with open(log, "wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command.words,
            cwd=command.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = max(usage.ru_maxrss, _reap_orphans())
        seconds = time.perf_counter() - start
    if process.returncode:
        text = log.read_bytes()[-4000:].decode(errors="replace")
        raise Failed(f"{' '.join(command.words)} in {command.folder}:\n{text}")
    return Cost(seconds, peak * _maxrss_unit())


def _reap_orphans() -> int:
    """Wait for all that the command left running; the largest peak, in the unit of `ru_maxrss`."""
    peak = 0
    while (child := _orphan()) is not None:
        try:
            _, _, usage = os.wait4(child, 0)
        except ChildProcessError:
            break
        peak = max(peak, usage.ru_maxrss)
    return peak


def _orphan() -> int | None:
    """A child to wait for, -1 for any; None when only the servers are left (Linux)."""
    if not SERVERS:
        return -1
    me = os.getpid()
    listed = Path(f"/proc/{me}/task/{me}/children").read_text().split()
    return next((child for child in map(int, listed) if child not in SERVERS), None)


def _maxrss_unit() -> int:
    return 1 if sys.platform == "darwin" else KIB
