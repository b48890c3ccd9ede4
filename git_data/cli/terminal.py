"""What a person sees: results on standard output, lines and progress on standard error."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

_PATIENCE = 1.0  # seconds of work before a bar is shown


def printable(text: str) -> str:
    """Text from outside, harmless on a terminal: control characters are escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == " " else repr(c)[1:-1] for c in text)


def human_size(size: int) -> str:
    """A size for people, 1000-based as in `git data track --above 1MB`."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{int(value)} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


class Screen:
    """Progress for people: a bar on a terminal after a second of work, else silence.

    Writing never fails: whoever read our standard error may be gone, and the work goes on.
    """

    def __init__(self, wish: str | None = None, quiet: bool = False) -> None:
        shown = wish.lower() not in ("0", "false", "no", "off", "") if wish is not None else None
        self._shown = shown if shown is not None else _is_terminal()
        self.quiet = quiet
        self._bar: Any = None
        self._lock = threading.Lock()
        self._began = 0.0
        self._what, self._size, self._done = "", 0, 0

    def write(self, text: str) -> None:
        """A result, on standard output. What its encoding lacks is escaped."""
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """A line on standard output that a user who asked for quiet does not need."""
        if not self.quiet:
            self.write(text + "\n")

    def note(self, text: str) -> None:
        """A line for the user, on standard error."""
        with self._lock:
            self._clear()
            try:
                sys.stderr.write("\n".join(map(printable, text.split("\n"))) + "\n")
                sys.stderr.flush()
            except (OSError, ValueError):
                pass

    def start(self, what: str, files: int, size: int) -> None:
        with self._lock:
            self._clear()
            self._began, self._done = time.monotonic(), 0
            self._what, self._size = what, size

    def advance(self, files: int, size: int) -> None:
        with self._lock:
            self._done += size
            if not self._shown or self.quiet:
                return
            if self._bar is None and time.monotonic() - self._began > _PATIENCE:
                self._open_bar()
            elif self._bar is not None:
                self._move(size)

    def finish(self) -> None:
        with self._lock:
            self._clear()

    def _open_bar(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            desc=self._what,
            total=self._size or None,
            initial=self._done,
            unit="B",
            unit_scale=True,
            leave=False,
            file=sys.stderr,
        )

    def _move(self, size: int) -> None:
        try:
            self._bar.update(size)
        except (OSError, ValueError):
            self._shown = False

    def _clear(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            try:
                bar.close()
            except (OSError, ValueError):
                self._shown = False


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False
