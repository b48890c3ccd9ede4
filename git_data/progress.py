"""How long work tells how far it is. The engine counts, a face shows (cli/terminal.py)."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    def start(self, what: str, files: int, size: int) -> None:
        """A stage begins: a verb such as "Fetching", the files and bytes it will move if known."""

    def advance(self, files: int, size: int) -> None:
        """So many more files and bytes are done. May come from any thread."""

    def note(self, text: str) -> None:
        """One line that the user should read now."""

    def finish(self) -> None:
        """The stage has ended, well or not."""


class Silent:
    """Progress that nobody watches."""

    def start(self, what: str, files: int, size: int) -> None:
        pass

    def advance(self, files: int, size: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def finish(self) -> None:
        pass


SILENT = Silent()
