"""Objects are brought into a repository's cache, in bulk, from wherever they are.

Its stores, those that older versions of its `.gitdata` name, caches of repositories that are here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import BinaryIO

from .cache import Cache
from .errors import Damaged, DataError, NotFound
from .files import copy_open, failure, remove_quietly
from .oid import ObjectId, hash_bytes, hash_stream
from .packed import PACKED_BYTES
from .progress import SILENT, Progress
from .repo import Address, Repo
from .transfer import Failure, Wanted


def bring(  # noqa: PLR0913
    repo: Repo,
    wanted: Iterable[Wanted],
    treeish: str | None = None,
    progress: Progress = SILENT,
    *,
    earlier: bool = False,
    first: Iterable[Address] = (),
) -> list[Failure]:
    """Bring objects into the cache, in bulk, from wherever they are. Gives what failed.

    `earlier`: also from the stores that older versions of `.gitdata` name. `first`: places that
    are asked before all others.
    """
    left = [w for w in wanted if not repo.cache.has(w.oid, w.size)]
    reasons: dict[bytes, DataError] = {}
    if not left:
        return []
    places = chain(first, repo.reading_addresses(treeish))
    if earlier:
        places = chain(places, repo.earlier_addresses(treeish or "HEAD"))
    try:
        for address in places:
            left = _bring_from(repo, address, left, reasons, progress)
            if not left:
                break
    except DataError as error:  # a .gitdata that cannot be read names no store
        reasons.update((w.oid, error) for w in left if w.oid not in reasons)
    finally:
        repo.cache.settle()
    return [(w, reasons.get(w.oid) or _nowhere(w)) for w in left]


def _bring_from(
    repo: Repo,
    address: Address,
    left: list[Wanted],
    reasons: dict[bytes, DataError],
    progress: Progress,
) -> list[Wanted]:
    """What is still missing after this place was asked. `reasons` keeps the first why that is
    more than that somebody has it not: the places are asked nearest first."""
    try:
        if address.git_dir:
            left = _copy_from_cache(repo, address.git_dir, left, reasons)
        readable = address._replace(create=False)
        failed = repo.store(readable).fetch(left, repo.cache, progress) if left else []
    except NotFound as error:
        if not address.git_dir:  # a path remote need not be a store
            reasons.update((w.oid, error) for w in left if w.oid not in reasons)
        return left
    except DataError as error:
        failed = [(w, error) for w in left]
    for w, why in failed:
        known = reasons.setdefault(w.oid, why)
        if isinstance(known, NotFound):
            reasons[w.oid] = known if isinstance(why, NotFound) else why
    return [w for w, _ in failed]


def _copy_from_cache(
    repo: Repo, git_dir: str, wanted: Sequence[Wanted], reasons: dict[bytes, DataError]
) -> list[Wanted]:
    """Take what another repository's cache holds; gives what it lacks, or does not fit here."""
    other = Cache(os.path.join(git_dir, "git-data"), read_only=True)
    if other.is_empty:
        return [*wanted]
    left = []
    for w in wanted:
        try:
            if not other.has(w.oid, w.size):
                left.append(w)
                continue
            _copy(repo.cache, other, w)
        except DataError as error:
            left.append(w)
            reasons[w.oid] = error
    return left


def _copy(cache: Cache, other: Cache, wanted: Wanted) -> None:
    """Its seal is the other's word, as anybody can set one on his own file: so it is hashed."""
    with other.open(wanted.oid, wanted.size) as source:
        if wanted.size <= PACKED_BYTES:
            data = source.read(wanted.size + 1)
            _check(hash_bytes(data), other, wanted)
            cache.keep([(wanted.oid, data)])
        else:
            _copy_large(cache, source, other, wanted)


def _check(found: ObjectId, other: Cache, wanted: Wanted) -> None:
    if found != wanted.oid:
        raise Damaged(
            f"{other.path(wanted.oid)} is damaged: its bytes are not those of {wanted.oid}; "
            "nothing of it was used"
        )


def _copy_large(cache: Cache, source: BinaryIO, other: Cache, wanted: Wanted) -> None:
    fd, path = cache.temporary()
    try:
        copy_open(source, fd)
        with open(path, "rb") as copy:
            _check(hash_stream(copy)[0], other, wanted)
        cache.adopt(path, wanted.oid, wanted.size)
    except OSError as error:
        raise failure(error, f"copy {wanted.path} into", cache.root) from error
    finally:
        os.close(fd)
        remove_quietly(path)


def _nowhere(wanted: Wanted) -> DataError:
    return NotFound(f"{wanted.path}: {wanted.oid} is in no store that this repository names")
