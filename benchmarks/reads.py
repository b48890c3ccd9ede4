"""Which data a command reads, told by the kernel: every read of a file, seen by strace."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from measure import Command, run
from tools import Tool

CALLS = "read,pread64,readv,preadv,preadv2,sendfile,splice,copy_file_range,mmap"
# read(5</path>, ...) = 12    mmap(NULL, 4096, PROT_READ, MAP_SHARED, 5</path>, 0) = 0x7f...
_READ = re.compile(r"^(?!mmap)\w+\(\d+<(/[^>]*)>.* = (\d+)")
_MAPPED = re.compile(r"^mmap\(\w+, (\d+), .*, \d+<(/[^>]*)>, \w+\) = 0x")


def available() -> bool:
    return shutil.which("strace") is not None


def data_bytes_read(tool: Tool, command: Command, data: Sequence[Path]) -> int:
    """Bytes that the command and its children read from, or map of, files in the `data` places."""
    return sum(data_reads(tool, command, data).values())


def data_reads(tool: Tool, command: Command, data: Sequence[Path]) -> dict[Path, int]:
    """The same for each file. What is read twice counts twice."""
    found: dict[Path, int] = {}
    with tempfile.TemporaryDirectory(dir=tool.root) as folder:
        prefix = ["strace", "-ff", "-qq", "-y", "-s", "0", "-e", f"trace={CALLS}"]
        run([*prefix, "-o", f"{folder}/calls", *command.words], command.folder, tool.environ)
        for calls in Path(folder).iterdir():
            with open(calls, encoding="utf-8", errors="replace") as lines:
                for path, size in filter(None, map(_read_by, lines)):
                    if any(path.is_relative_to(place) for place in data):
                        found[path] = found.get(path, 0) + size
    return found


def _read_by(call: str) -> tuple[Path, int] | None:
    """The file and the bytes of a line of strace, if it is a read."""
    if match := _READ.match(call):
        return Path(match[1]), int(match[2])
    if match := _MAPPED.match(call):
        return Path(match[2]), int(match[1])
    return None
