"""What becomes of each ref in a push: Git's own rules, and the reasons that Git's users know.

Git asks for some updates although it knows that they will be refused ("fetch first"), and knows
nothing of what others did since it listed the refs. So everything is decided here, against the
manifest that is about to be replaced (git/git: remote.c, set_ref_status_for_push).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from .errors import FormatError
from .history import Thing
from .refnames import folders, is_ref_name

FETCH_FIRST = "fetch first"
NON_FAST_FORWARD = "non-fast forward"  # as transport-helper.c spells it
STALE = "stale info"
EXISTS = "already exists"
NEEDS_FORCE = "needs force"
NOT_ATOMIC = "atomic push failed"
NO_SUCH_SOURCE = "its source is no object of this repository"
FUNNY_NAME = "funny refname"
NO_COMMIT = "a branch must be a commit"
CURRENT = "deletion of the current branch prohibited"


class Request(NamedTuple):
    """One `push` line, with what belongs to it."""

    source: str  # an expression; "" deletes
    ref: str
    force: bool = False
    lease: str | None = None  # what the ref must be now; zeros: it must not exist


def parse_push(line: str, leases: Mapping[str, str] | None = None) -> Request:
    """A `push` line of Git's: `push [+]SOURCE:REF`. A source is any expression, so it ends at the
    last colon."""
    words = line.removeprefix("push ")
    source, colon, ref = words.removeprefix("+").rpartition(":")
    if not colon:
        raise FormatError(f"no push command: {line[:80]!r}")
    return Request(source, ref, words.startswith("+"), (leases or {}).get(ref))


class Update(NamedTuple):
    """What a request comes to."""

    request: Request
    new: Thing | None  # None deletes

    @property
    def ref(self) -> str:
        return self.request.ref


class Answer(NamedTuple):
    ref: str
    reason: str = ""  # empty: done


class Ancestry(Protocol):
    def existing(self, oids: Iterable[str]) -> set[str]: ...
    def find(self, expressions: Sequence[str]) -> list[Thing | None]: ...
    def is_ancestor(self, old: str, new: str) -> bool: ...


class Judge:
    """Decides by the refs in force and by what the local repository knows of commits."""

    def __init__(self, refs: Mapping[str, str], head: str, known: Ancestry) -> None:
        self._refs = refs
        self._head = head  # the branch that HEAD will name
        self._known = known

    def reason(self, update: Update) -> str:
        """Why not; empty: it may be done."""
        request, new, old = update.request, update.new, self._refs.get(update.ref)
        if not is_ref_name(request.ref):
            return FUNNY_NAME
        if request.source and new is None:
            return NO_SUCH_SOURCE
        if new is not None and old == new.oid:
            return ""
        if request.lease is not None and request.lease.lstrip("0") != (old or "").lstrip("0"):
            return STALE
        if new is None:
            return CURRENT if old and request.ref == self._head else ""
        if request.ref.startswith("refs/heads/") and new.kind != "commit":
            return NO_COMMIT
        if old is None or request.force or request.lease is not None:
            return ""
        return self._not_forward(request.ref, old, new)

    def _not_forward(self, ref: str, old: str, new: Thing) -> str:
        if ref.startswith("refs/tags/"):
            return EXISTS
        if not self._known.existing([old]):
            return FETCH_FIRST
        [before] = self._known.find([old])
        if before is None or not before.commit or not new.commit:
            return NEEDS_FORCE
        forward = self._known.is_ancestor(old, new.oid)
        return "" if forward else NON_FAST_FORWARD


def decide(
    updates: Sequence[Update], judge: Judge, refs: Mapping[str, str], atomic: bool
) -> dict[str, str]:
    """For each ref the reason why not; empty: it may be done."""
    reasons = {update.ref: judge.reason(update) for update in updates}
    reasons |= _clashes(refs, [update for update in updates if not reasons[update.ref]])
    if atomic and any(reasons.values()):
        reasons = {ref: reason or NOT_ATOMIC for ref, reason in reasons.items()}
    return reasons


def apply(refs: Mapping[str, str], updates: Iterable[Update]) -> dict[str, str]:
    """The refs as they are after these updates."""
    new = dict(refs)
    for update in updates:
        if update.new is None:
            new.pop(update.ref, None)
        else:
            new[update.ref] = update.new.oid
    return new


def _clashes(refs: Mapping[str, str], updates: Sequence[Update]) -> dict[str, str]:
    """Updates that would make a ref beside one that is its folder, one after the other as Git
    does them: Git keeps refs as files."""
    names = set(refs) - {update.ref for update in updates if update.new is None}
    inside = {folder: name for name in names for folder in folders(name)}
    refused: dict[str, str] = {}
    for update in updates:
        ref = update.ref
        if update.new is None or ref in names:
            continue
        other = next((folder for folder in folders(ref) if folder in names), inside.get(ref))
        if other:
            refused[ref] = f"'{other}' exists; cannot create '{ref}'"
            continue
        names.add(ref)
        inside.update(dict.fromkeys(folders(ref), ref))
    return refused
