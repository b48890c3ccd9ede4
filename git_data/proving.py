"""What a store over a network was seen to do, before anything is trusted to it: remembered here, so
that it is tried once and not before each push.

One small file an address under `<common git dir>/git-data/proven/`: docs/formats/cache.md. A folder
needs no proof: its locks are ours.
"""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from .errors import DataError, StoreError
from .files import write_file
from .manifest import SINGLE_WRITER
from .oid import hash_bytes
from .repo import Address, Repo
from .stores import is_network
from .stores.base import HasServer, Store
from .stores.probe import Probe, probe

SWAPS = "compare-and-swap"
ALONE = SINGLE_WRITER  # it can be written; when two do at once, one of them loses
_KNOWN = (SWAPS, ALONE)
_MAX_BYTES = 8192


class Proof(NamedTuple):
    """What is known of a store: SWAPS, ALONE, or "" when it was never tried."""

    path: str
    known: str

    def remember(self, what: str, address: str) -> None:
        """That it fails costs another trial, no more."""
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            write_file(self.path, f"{what}\n{address}\n".encode(errors="surrogateescape"))
        except (DataError, OSError):
            pass


def proof(repo: Repo, store: Store) -> Proof:
    """What was remembered of a store. It counts for the server behind the address, too: the same
    `s3://` is another store where the environment names another endpoint."""
    server = store.server_address() if isinstance(store, HasServer) else None
    identity = f"{store.url}\n{server or ''}"
    name = hash_bytes(identity.encode(errors="surrogateescape")).hex()
    path = os.path.join(repo.folder, "proven", name)
    try:
        with open(path, "rb") as file:
            known = file.read(_MAX_BYTES).split(b"\n")[0].decode("ascii", "replace")
    except OSError:
        known = ""
    return Proof(path, known if known in _KNOWN else "")


def known(repo: Repo, address: Address) -> str:
    """What is remembered of a store, without asking it: SWAPS, ALONE or ""."""
    return proof(repo, repo.store_to_try(address)).known if is_network(address.url) else SWAPS


def try_out(repo: Repo, address: Address) -> Probe:
    """Find out what a store does, by doing it, and remember it."""
    store = repo.store_to_try(address)
    result = probe(store)
    if is_network(address.url):
        what = SWAPS if result.can_compare_and_swap else ALONE if result.can_write else ""
        proof(repo, store).remember(what, address.url)
    return result


def required_features(repo: Repo, address: Address) -> tuple[str, ...]:
    """Before the first write to a store: what its manifest has to demand of all who write to it.

    Tried out unless that is remembered. StoreError where nothing may be trusted to it.
    """
    alone = repo.access(address.url).single_writer
    found = known(repo, address)
    if found == SWAPS or (found == ALONE and alone):
        return () if found == SWAPS else (SINGLE_WRITER,)
    result = try_out(repo, address)
    if result.can_compare_and_swap:
        return ()
    if not (result.can_write and alone):
        raise refusal(address.url, result)
    return (SINGLE_WRITER,)


def refusal(url: str, result: Probe) -> StoreError:
    """Why nothing is trusted to a store."""
    if not result.can_write:
        hint = "" if "; " in result.reason else "name another store: git data store URL"
        return StoreError(result.reason, hint)
    return StoreError(
        result.reason,
        "name another store; or, if nobody else ever writes there: "
        f"git config {shlex.quote(f'data.{url}.singleWriter')} true",
    )
