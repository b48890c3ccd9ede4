"""Making content that is stored findable: an index file, then the manifest by compare-and-swap.

Whoever loses the race reads the newer manifest and adds its index to that one. An answer that was
lost is settled by looking for one's own transaction id. Nothing is published that refers to a pack
which is about to be deleted, or may be gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from . import manifest as manifests
from .errors import Conflict, StoreError, Unreachable
from .index import Index
from .indexing import merge
from .lookup import Catalog, open_index
from .manifest import IndexRef, Manifest

MERGE_BYTES = 64 << 20  # index files above this are left as they are
ATTEMPTS = 100  # each means that somebody else got through
LOST_ANSWERS = 5

Parts = Sequence[bytes | bytearray]


class Moved(Exception):
    """The store's deletions overtook this push: what it built on has to be looked up again."""


def create(catalog: Catalog, features: Sequence[str] = ()) -> Manifest:
    """The store's manifest, made now if it has none; whoever comes second takes the first's.
    `features`: what its writers must know from now on."""
    lost = 0
    for _ in range(ATTEMPTS):
        found = catalog.refresh()
        if found and set(features) <= set(found.write_features):
            return found
        new = _demanding(catalog, found, features) if found else manifests.create(features)
        try:
            with suppress(Conflict):
                catalog.store.replace_if(manifests.NAME, new.encode(), catalog.version)
        except Unreachable:  # done or not? the manifest will say
            lost += 1
            if lost > LOST_ANSWERS:
                raise
    raise _never_won(catalog)


def _demanding(catalog: Catalog, found: Manifest, features: Sequence[str]) -> Manifest:
    """The next manifest, with the same content, for writers who know these features too."""
    check_writable(catalog, found)
    everything = sorted({*found.write_features, *features})
    new = found.next(manifests.new_token(), found.indexes)
    return new._replace(write_features=tuple(everything))


def publish(catalog: Catalog, basis: Manifest, parts: Parts) -> int:
    """Put an index in force; the bytes written. `basis` is the manifest that was in force when
    its places were looked up. Moved if they may not hold any more."""
    own, key = open_index(parts, "the new index")
    transaction = manifests.new_token()
    written = lost = 0
    for attempt in range(ATTEMPTS):
        current = catalog.refresh()
        if current and transaction in current.transactions:
            return written
        current = _check(catalog, current, basis, own)
        # Merging again for each lost race would write files that nobody needs.
        merged = _to_merge(catalog, current, own.size) if attempt == 0 else {}
        ref, new = IndexRef(key, own.size), parts
        if merged:
            new = merge([*merged.values(), own], catalog.condemned)
            ref = _reference(new)
        if ref not in current.indexes:
            written += _write_index(catalog, current.store, ref, new)
        left = tuple(old for old in current.indexes if old not in merged and old != ref)
        new_manifest = current.next(transaction, (*left, ref))
        try:
            version = catalog.store.replace_if(
                manifests.NAME, new_manifest.encode(), catalog.version
            )
        except Conflict:
            continue
        except Unreachable:  # done or not? the manifest will say
            lost += 1
            if lost > LOST_ANSWERS:
                raise
            continue
        catalog.adopt(new_manifest, version)
        return written
    raise _never_won(catalog)


def _check(catalog: Catalog, current: Manifest | None, basis: Manifest, own: Index) -> Manifest:
    """The manifest to build on; Moved if content that the index refers to may be gone."""
    if current is None or current.store != basis.store or current.deletions != basis.deletions:
        raise Moved
    if any(key in catalog.condemned for key in own.packs):
        raise Moved
    check_writable(catalog, current)
    return current


def check_writable(catalog: Catalog, found: Manifest) -> None:
    """As `Manifest.check_writable`, by what the user says of this store."""
    found.check_writable(catalog.path(manifests.NAME), catalog.single_writer)


def _to_merge(catalog: Catalog, current: Manifest, size: int) -> dict[IndexRef, Index]:
    """Those older indexes that are not much larger than what they would be merged with. What is
    left is at least twice as large, each time: so their number grows with the logarithm."""
    chosen: dict[IndexRef, Index] = {}
    for ref in sorted(current.indexes, key=lambda ref: ref.size):
        index = catalog.held(ref)
        if ref.size > min(2 * size, MERGE_BYTES) or index is None:
            break
        chosen[ref] = index
        size += ref.size
    return chosen


def _reference(parts: Parts) -> IndexRef:
    index, key = open_index(parts, "the merged index")
    return IndexRef(key, index.size)


def _write_index(catalog: Catalog, store_id: str, ref: IndexRef, parts: Parts) -> int:
    write_confirmed(catalog, ref.name, parts, ref.size)
    catalog.keep_copy(store_id, ref, parts)
    return ref.size


def write_confirmed(
    catalog: Catalog, name: str, parts: Sequence[bytes | bytearray | memoryview], size: int
) -> None:
    """Write a file and have the store say that it is there, whole."""
    catalog.store.write(name, parts)
    if (stored := catalog.store.size(name)) != size:
        raise StoreError(
            f"{catalog.path(name)} has {stored} bytes after {size} were written to it",
            "nothing was published; the same push tries again",
        )


def _never_won(catalog: Catalog) -> Conflict:
    return Conflict(
        f"{catalog.url} was changed by others {ATTEMPTS} times while this push tried to",
        "the content is stored; push again",
    )
