"""Ctrl-C in a process that Git started and leaves behind."""

from __future__ import annotations

import signal
from types import FrameType


class Interrupt:
    """Ctrl-C: Git dies at once and leaves us behind. Only a fetch is given up; what is being put
    in place is finished, for half of it would show as the user's change."""

    def __init__(self) -> None:
        self.asked = False
        self._allowed = False
        try:
            signal.signal(signal.SIGINT, self._receive)
        except ValueError:
            pass  # not the main thread: somebody else's signals

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if self._allowed:
            raise KeyboardInterrupt

    def allowed(self) -> Interrupt:
        return self

    def __enter__(self) -> None:
        self._allowed = True
        if self.asked:
            self._allowed = False
            raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        self._allowed = False
