"""How long from starting a filter process until it has said what it can do."""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

from measure import Failed, run
from tools import Tool

HELLO = [b"git-filter-client", b"version=2", b""]
ABILITIES = [b"capability=clean", b"capability=smudge", b"capability=delay", b""]


def filter_command(tool: Tool, driver: str) -> list[str]:
    """The words that Git would run for `filter=<driver>`; Git takes them from its configuration."""
    line = run(["git", "config", f"filter.{driver}.process"], tool.work, tool.environ)
    return shlex.split(line)


def handshake_seconds(tool: Tool, words: list[str], folder: Path) -> float:
    start = time.perf_counter()
    process = subprocess.Popen(
        words, cwd=folder, env=tool.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin and process.stdout
    with process.stdin as to, process.stdout as come:
        _send(to, HELLO)
        _receive(come)
        _send(to, ABILITIES)
        abilities = _receive(come)
        seconds = time.perf_counter() - start
    if process.wait() or b"capability=smudge" not in abilities:
        raise Failed(f"{words} did not shake hands: {abilities}")
    return seconds


def _send(to: BinaryIO, lines: list[bytes]) -> None:
    to.write(b"".join(b"%04x%s\n" % (len(line) + 5, line) if line else b"0000" for line in lines))
    to.flush()


def _receive(come: BinaryIO) -> list[bytes]:
    """The lines up to the flush packet."""
    lines = []
    while size := int(come.read(4) or b"0", 16):
        lines.append(come.read(size - 4).rstrip(b"\n"))
    return lines
