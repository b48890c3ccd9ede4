"""Every failure that a user may meet.

DataError                  exit 1
 ├─ UsageError             exit 2   the command was called wrongly
 ├─ NotFound                        an object, a path, a revision is not there
 ├─ Damaged                         bytes are not what their name says
 ├─ FormatError                     a format, version or feature this program does not know
 ├─ StoreError                      a store failed: full, read-only, broken
 │   ├─ Denied                      it would not let us
 │   └─ Unreachable                 it did not answer; another try may help
 ├─ Conflict                        somebody else was faster, or holds the lock
 ├─ GitError                        a Git command failed
 └─ Incomplete             exit 3   some files failed, the others are done

The message says what failed, on which path or address, and whether anything was lost;
the hint is the one command or step that helps.
"""

from __future__ import annotations

from typing import TypeVar

_AGAIN = "run the same command again later"
SAFE = f"nothing was lost: your commits are safe here; {_AGAIN}"  # a hint

_Error = TypeVar("_Error", bound="DataError")


class DataError(Exception):
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def reworded(self: _Error, message: str) -> _Error:
        """The same failure, told in other words."""
        made = type(self).__new__(type(self))  # whatever else its kind is made with
        made.__dict__.update(self.__dict__, message=message)
        made.args = (message,)
        return made

    def of_push(self: _Error) -> _Error:
        """The same failure, of a push that it ended before any ref moved."""
        made = self.reworded(f"{self.message}; nothing was pushed, your commits are safe here")
        if made.hint == SAFE:
            made.hint = _AGAIN
        return made

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(DataError):
    exit_code = 2


class NotFound(DataError):
    pass


class Damaged(DataError):
    pass


class FormatError(DataError):
    pass


class StoreError(DataError):
    pass


class Denied(StoreError):
    pass


class Unreachable(StoreError):
    pass


class Conflict(DataError):
    pass


class GitError(DataError):
    pass


class Incomplete(DataError):
    exit_code = 3
