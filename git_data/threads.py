"""Pools of threads that wait for networks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from .unfinished import THREADS


@contextmanager
def thread_pool(threads: int = 4) -> Iterator[ThreadPoolExecutor]:
    """Whoever is interrupted does not wait for threads that hang in a network: what they still
    bring is dropped, and cli/leaving.py ends the process without them."""
    pool = ThreadPoolExecutor(threads, THREADS)
    try:
        yield pool
    except BaseException as error:
        pool.shutdown(wait=isinstance(error, Exception), cancel_futures=True)
        raise
    pool.shutdown()
