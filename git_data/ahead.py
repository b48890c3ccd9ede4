"""How much is under way at once. More hides the waiting for a network; memory bounds it."""

from __future__ import annotations

from collections import deque
from typing import Generic, NamedTuple, TypeVar

from .stores.base import Parallel, Store

AHEAD_BYTES = 48 << 20  # of reads under way, unpacked
_Item = TypeVar("_Item")


class Width(NamedTuple):
    """What one fetch or push does at once."""

    reads: int  # requests under way, and answers that wait for their turn
    writes: int  # packs being written
    threads: int  # those that wait for the store, and some that hash and compress


def width_of(store: Store) -> Width:
    if not isinstance(store, Parallel):  # a disk
        return Width(reads=2, writes=2, threads=4)
    writes = min(4, store.at_once)
    return Width(store.at_once, writes, threads=store.at_once + 4)


class Ahead(Generic[_Item]):
    """What is under way, in order: so many at most, and no more bytes than memory is for."""

    def __init__(self, most: int, most_bytes: int = AHEAD_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._items: deque[tuple[_Item, int]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_over(self) -> bool:
        """True when the first has to be taken before another may be added."""
        return len(self._items) > self._most or self._bytes > self._most_bytes

    def add(self, item: _Item, size: int) -> None:
        self._items.append((item, size))
        self._bytes += size

    def take(self) -> _Item:
        item, size = self._items.popleft()
        self._bytes -= size
        return item
