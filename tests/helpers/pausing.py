"""A `git-data` that stops at one exact moment, so that a test can send signals just then.

The moment is the first change to the file system that matches a pattern, told as Python's audit
events tell it: "open PATH", "os.rename FROM TO",
"git_data.exchange ONE OTHER". The program is the real one, run by this launcher.
"""

from __future__ import annotations

import os
import selectors
import sys
from pathlib import Path

from .world import PROJECT

_LAUNCHER = """\
#!{python}
import os, re, sys
sys.path.insert(0, {project!r})
moment, folder = os.environ.get("PAUSE_AT"), {folder!r}
EVENTS = ("open", "os.rename", "git_data.exchange")
waiting = moment is not None and sys.argv[1:] == ["filter-process"]
process = os.getpid()

def watch(event, args):
    global waiting
    if not waiting or event not in EVENTS or os.getpid() != process:
        return
    words = [os.fsdecode(a) for a in args[:2] if isinstance(a, (str, bytes))]
    if re.search(moment, " ".join([event, *words])):
        waiting = False
        with open(os.path.join(folder, "reached"), "w") as file:
            file.write(str(os.getpid()))
        with open(os.path.join(folder, "go"), "rb", buffering=0) as file:
            file.read(1)

if waiting:
    sys.addaudithook(watch)
from git_data.cli import main
sys.exit(main())
"""


class Pausing:
    """The launcher and its two named pipes, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.command = folder / "git-data"
        text = _LAUNCHER.format(python=sys.executable, project=str(PROJECT), folder=str(folder))
        self.command.write_text(text)
        self.command.chmod(0o755)
        for name in ("reached", "go"):
            os.mkfifo(folder / name)
        # Open for both ways: neither the program nor the test waits for the other to come.
        self._reached, self._go = (
            os.open(folder / name, os.O_RDWR | os.O_NONBLOCK) for name in ("reached", "go")
        )

    def setting(self) -> list[str]:
        """For Git's command line: this program is the filter."""
        return ["-c", f"filter.data.process={sys.executable} -I {self.command} filter-process"]

    def wait(self, seconds: float) -> int:
        """The process id of the program once it stands at the moment."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._reached, selectors.EVENT_READ)
            assert selector.select(seconds), "the moment never came"
        return int(os.read(self._reached, 100))

    def go(self) -> None:
        """Let it go on, if it still lives."""
        os.write(self._go, b"1")

    def close(self) -> None:
        """Nobody is left waiting for us."""
        os.close(self._reached)
        os.close(self._go)
