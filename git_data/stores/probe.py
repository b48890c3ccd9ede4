"""What a store really does, found out by doing it: some answer 200 to a condition they ignore, and
a lock that always succeeds looks like a working lock.

The probe writes small files of its own below `tmp/`, and removes them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from threading import Barrier
from typing import NamedTuple

from ..errors import Conflict, DataError, NotFound, Unreachable
from ..threads import thread_pool
from .base import Proves, Store

_ATTEMPTS = 5  # of each step, on a bad network: a swap may not simply be sent again
_RACERS = 4
_ROUNDS = 3
_LIMIT = 1 << 10
_REMOVING_SECONDS = 0.5


class Probe(NamedTuple):
    can_write: bool
    can_compare_and_swap: bool
    reason: str  # why not, for people; empty when all is well


class _Wrong(Exception):
    """The store did something else than it should; the text says what."""


def probe(store: Store) -> Probe:
    """Write, read back, compare, race. Raises Unreachable when the store does not answer."""
    can_write = False
    try:
        _attempt(_write, store)
        can_write = True
        _attempt(_compare, store)
        _attempt(_prove, store)
        for _ in range(_ROUNDS):
            _attempt(_race, store)
    except Unreachable:
        raise
    except (_Wrong, DataError) as error:
        return Probe(can_write, False, str(error))
    return Probe(True, True, "")


def _attempt(step: Callable[[Store, str], None], store: Store) -> None:
    """One step with a file of its own, once more when an answer was lost; leaves nothing."""
    for left in reversed(range(_ATTEMPTS)):
        try:
            with _own_file(store) as name:
                step(store, name)
            return
        except Unreachable:
            if not left:
                raise


@contextmanager
def _own_file(store: Store) -> Iterator[str]:
    """The name of a small file, gone afterwards: who is interrupted waits only so long for that."""
    name = f"tmp/probe-{os.urandom(8).hex()}"
    try:
        yield name
    except Exception:
        _remove(store, name)
        raise
    except BaseException:
        with thread_pool(1) as pool:
            wait([pool.submit(_remove, store, name)], _REMOVING_SECONDS)
            raise
    _remove(store, name)


def _write(store: Store, name: str) -> None:
    content = os.urandom(256)
    store.write(name, [content[:100], memoryview(content)[100:]])
    if store.size(name) != len(content) or store.read(name, 50, 100) != content[50:150]:
        raise _Wrong(f"{store.url} gives back other bytes than were written to it")
    store.delete(name)
    try:
        store.read(name, 0, 1)
    except NotFound:
        return
    raise _Wrong(f"{store.url} still has a file that was deleted")


def _compare(store: Store, name: str) -> None:
    first = store.replace_if(name, b"first", None)
    _refuses(store, name, None, "replaced a file that should not have been there")
    second = store.replace_if(name, b"second", first)
    _refuses(store, name, first, "replaced a file that somebody else had changed")
    found = store.read_small(name, _LIMIT)
    if found is None or found.data != b"second" or found.version != second:
        raise _Wrong(f"{store.url} does not give back what it was asked to keep")


def _prove(store: Store, name: str) -> None:
    if not isinstance(store, Proves):
        return
    store.replace_if(name, os.urandom(32), None)
    if wrong := store.prove(name):
        raise _Wrong(wrong)


def _refuses(store: Store, name: str, version: str | None, wrong: str) -> None:
    try:
        store.replace_if(name, b"wrong", version)
    except Conflict:
        return
    raise _Wrong(f"{store.url} {wrong}: two who push at once would lose data")


def _race(store: Store, name: str) -> None:
    """Of several who replace the same version at the same time exactly one may win."""
    version = store.replace_if(name, os.urandom(32), None)
    start = Barrier(_RACERS)
    # Of other bytes each time: many stores make a version of nothing but the content.
    contents = [os.urandom(32) for _ in range(_RACERS)]
    with thread_pool(_RACERS) as pool:
        tries = [pool.submit(_try, store, name, data, version, start) for data in contents]
        won = [data for data, done in zip(contents, tries, strict=True) if done.result()]
    found = store.read_small(name, _LIMIT)
    if not won and found and found.version == version:  # each was told to try again
        raise Unreachable(f"{store.url} let nobody win a race for one file")
    if len(won) != 1 or found is None or found.data != won[0]:
        raise _Wrong(
            f"{store.url} let {len(won)} of {_RACERS} win a race for one file: "
            "two who push at once would lose data"
        )


def _try(store: Store, name: str, data: bytes, version: str | None, start: Barrier) -> bool:
    start.wait()
    try:
        store.replace_if(name, data, version)
    except Conflict:
        return False
    return True


def _remove(store: Store, name: str) -> None:
    try:
        store.delete(name)
    except DataError:
        pass  # the probe's verdict matters more than a small file
