"""What a person sees: results on standard output, lines and progress on standard error."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

_PATIENCE = 1.0  # seconds of work before a bar is shown
_TICK = 0.5  # seconds after which it is drawn anew though nothing moved
_FOREVER = 1e9


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

    def __init__(
        self, wish: str | None = None, quiet: bool = False, patience: float = _PATIENCE
    ) -> None:
        shown = wish.lower() not in ("0", "false", "no", "off", "") if wish is not None else None
        self._shown = shown if shown is not None else _is_terminal()
        self.quiet = quiet
        self._patience = patience
        self._bar: Any = None
        self._lock = threading.Lock()
        self._stage = _Stage("", 0, 0)

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
            self._stage = _Stage(what, files, size)
        if self._shown and not self.quiet:
            _start_undisturbed(self._tick, self._stage)

    def advance(self, files: int, size: int) -> None:
        with self._lock:
            self._stage.files += files
            self._stage.size += size
            self._show(size)

    def finish(self) -> None:
        with self._lock:
            self._clear()

    def _tick(self, stage: _Stage) -> None:
        """A stage that takes long gets a bar, and time passes on it though nothing else moves."""
        wait = self._patience
        while not stage.ended.wait(wait):
            with self._lock:
                if stage.ended.is_set():
                    return
                if self._bar is None:
                    self._bar = _open_bar(stage)
                    self._show(stage.size)
                else:
                    self._show(0)
            wait = _TICK

    def _show(self, size: int) -> None:
        if self._bar is None or not self._shown:
            return
        stage = self._stage
        try:
            if stage.all_files:
                self._bar.set_postfix_str(f"{stage.files}/{stage.all_files} files", refresh=False)
            self._bar.update(size)
            if not size:
                self._bar.refresh()
        except (OSError, ValueError):
            self._shown = False

    def _clear(self) -> None:
        self._stage.ended.set()
        bar, self._bar = self._bar, None
        if bar is not None:
            try:
                bar.close()
            except (OSError, ValueError):
                self._shown = False


class _Stage:
    """One kind of work, and how far it is."""

    def __init__(self, what: str, files: int, size: int) -> None:
        self.what = what
        self.all_files = files
        self.all_size = size
        self.files = self.size = 0
        self.began = time.time()
        self.ended = threading.Event()


def _open_bar(stage: _Stage) -> Any:
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread of its own: ours does that
    bar = tqdm(
        desc=stage.what,
        total=stage.all_size or None,
        unit="B",
        unit_scale=True,
        smoothing=0.1,
        dynamic_ncols=True,
        leave=False,
        delay=_FOREVER,  # nothing is drawn before it knows since when the work goes on
        file=sys.stderr,
    )
    bar.delay = 0
    bar.start_t = bar.last_print_t = stage.began
    return bar


def _start_undisturbed(work: Callable[[_Stage], None], stage: _Stage) -> None:
    """A thread that gets no signals: one that the main thread holds off (worktree.py) would be
    given to any other that does not."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        threading.Thread(target=work, args=(stage,), daemon=True).start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False
