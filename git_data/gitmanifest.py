"""Bytes of `git/manifest`: the history that a store holds. Key by key: docs/formats/registry.md.

As the manifest of the data (`manifest.py`): JSON with one encoding of a value, sealed by its own
hash, hostile until checked. Ref names in it are fit for Git and for a terminal, object ids have the
length of their format, and nothing in it chooses a path by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .errors import Damaged, FormatError
from .manifest import (
    MAX_TRANSACTIONS,
    PREVIOUS,
    TOKEN,
    WRITE_FEATURES,
    Fields,
    dump,
    new_token,
    refuse_others,
    refuse_unknown,
)
from .oid import ObjectId, hash_bytes
from .refnames import have_clash, in_order, is_branch, is_ref_name
from .stores.base import Store

NAME = "git/manifest"
MAX_BYTES = 16 << 20
FORMAT = "git-data registry"
VERSION = 1
READ_FEATURES: frozenset[str] = frozenset()  # those this program knows
MAX_BUNDLES = 10_000
MAX_BUNDLE_BYTES = 1 << 44

_HEX = {"sha1": re.compile(r"[0-9a-f]{40}"), "sha256": re.compile(r"[0-9a-f]{64}")}
_FORMATS = re.compile("|".join(_HEX))
_KEYS = frozenset(
    (
        *("format", "version", "read_features", "write_features", "registry", "generation", "hash"),
        *("transactions", "previous", "object_format", "head", "refs", "peeled", "bundles"),
    )
)


class BundleRef(NamedTuple):
    """A bundle in force. It holds all that is reachable from its tips and from none of its
    prerequisites; those are held by the bundles before it."""

    id: ObjectId
    size: int  # bytes of the file
    tips: tuple[str, ...]  # of Git's objects, sorted
    prerequisites: tuple[str, ...]  # commits, sorted

    @property
    def name(self) -> str:
        return f"git/bundles/{self.id.hex()}"


class GitManifest(NamedTuple):
    registry: str  # a random id, for ever
    object_format: str
    head: str  # the branch that HEAD names; it need not exist
    refs: Mapping[str, str]  # name -> object id
    peeled: Mapping[str, str]  # of refs to tags: what these are of
    bundles: tuple[BundleRef, ...] = ()  # each after those that it needs
    generation: int = 1
    transactions: tuple[str, ...] = ()  # ids of the last writes, newest last
    previous: str = ""  # BLAKE3 of the generation before, hex
    read_features: tuple[str, ...] = ()
    write_features: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()  # keys from later versions, with their values as JSON

    def encode(self) -> bytes:
        value: dict[str, Any] = {key: json.loads(text) for key, text in self.extra}
        value |= {
            "format": FORMAT,
            "version": VERSION,
            "read_features": sorted(self.read_features),
            "write_features": sorted(self.write_features),
            "registry": self.registry,
            "generation": self.generation,
            "transactions": list(self.transactions),
            "previous": self.previous,
            "object_format": self.object_format,
            "head": self.head,
            "refs": dict(self.refs),
            "peeled": dict(self.peeled),
            "bundles": [_row(bundle) for bundle in self.bundles],
        }
        value["hash"] = hash_bytes(dump(value)).hex()
        return dump(value)

    def check_writable(self, name: str, single_writer: bool = False) -> None:
        """FormatError if a writer must know a feature that this program does not; Denied if only
        one may write there, and this user does not say that it is he (`single_writer`)."""
        refuse_unknown("write to", name, self.write_features, WRITE_FEATURES)
        refuse_others(name, self.write_features, single_writer)

    def next(
        self,
        transaction: str,
        head: str,
        refs: Mapping[str, str],
        peeled: Mapping[str, str],
        bundles: Iterable[BundleRef],
    ) -> GitManifest:
        """The generation after this one."""
        return self._replace(
            head=head,
            refs=refs,
            peeled={name: oid for name, oid in peeled.items() if name in refs},
            bundles=tuple(bundles),
            generation=self.generation + 1,
            transactions=(*self.transactions, transaction)[-MAX_TRANSACTIONS:],
            previous=hash_bytes(self.encode()).hex(),
        )

    def held(self) -> set[str]:
        """Objects that the bundles are known to hold, with all that is reachable from them."""
        tips = {tip for bundle in self.bundles for tip in bundle.tips}
        return tips | {*self.refs.values(), *self.peeled.values()}

    def listed(self) -> Iterable[tuple[str, str]]:
        """Names and ids as Git lists them: sorted, each tag followed by what it is of."""
        for name in in_order(self.refs):
            yield name, self.refs[name]
            if name in self.peeled:
                yield f"{name}^{{}}", self.peeled[name]


def _row(bundle: BundleRef) -> dict[str, Any]:
    return {
        "id": bundle.id.hex(),
        "size": bundle.size,
        "tips": list(bundle.tips),
        "prerequisites": list(bundle.prerequisites),
    }


def create(object_format: str, head: str, features: Sequence[str] = ()) -> GitManifest:
    """The first manifest of a new, empty registry. `features`: what its writers must know."""
    first = GitManifest(new_token(), object_format, head, {}, {}, write_features=tuple(features))
    return first._replace(transactions=(new_token(),))


def parse(data: bytes, name: str) -> GitManifest:
    """The manifest read from `name`; FormatError if it is of a later version or needs a feature
    that this program does not know, Damaged if it is none."""
    if len(data) > MAX_BYTES:
        raise Damaged(f"{name} is larger than {MAX_BYTES} bytes")
    value = _load(data)
    if value is None:
        raise Damaged(f"{name} is not the manifest of a git-data registry")
    version = value.get("version")
    if version != VERSION or isinstance(version, bool):
        found = f"{name} has version {str(version)[:20]} of the format"
        raise FormatError(found, "update git-data")
    fields = Fields(value, name)
    features = fields.features("read_features")
    refuse_unknown("read", name, features, READ_FEATURES)
    manifest = _parse_known(fields, features, value)
    if manifest.encode() != data:
        raise Damaged(f"{name} is damaged: its bytes are not those its hash was taken of")
    return manifest


def holds_registry(store: Store) -> bool:
    """One read: True where something says that it is the manifest of a registry, damaged or not.
    Any other page of a web server does not."""
    found = store.read_small(NAME, MAX_BYTES)
    return found is not None and _load(found.data) is not None


def _load(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value.get("format") == FORMAT else None


def _parse_known(fields: Fields, features: tuple[str, ...], value: dict[str, Any]) -> GitManifest:
    object_format = fields.text("object_format", _FORMATS)
    hex_digits = _HEX[object_format]
    transactions = fields.items("transactions", MAX_TRANSACTIONS)
    refs = _refs(fields, "refs", hex_digits)
    return GitManifest(
        registry=fields.text("registry", TOKEN),
        object_format=object_format,
        head=_branch(fields),
        refs=refs,
        peeled=_peeled(fields, refs, hex_digits),
        bundles=tuple(
            _bundle(row, hex_digits) for row in fields.rows(fields.items("bundles", MAX_BUNDLES))
        ),
        generation=fields.number("generation", 1),
        transactions=tuple(fields.check(one, TOKEN, "transactions") for one in transactions),
        previous=fields.text("previous", PREVIOUS),
        read_features=features,
        write_features=fields.features("write_features"),
        extra=tuple((key, json.dumps(value[key])) for key in sorted(value.keys() - _KEYS)),
    )


def _branch(fields: Fields) -> str:
    name = fields.text("head", re.compile(".*", re.DOTALL))
    if not is_branch(name):
        raise fields.damaged("head")
    return name


def _refs(fields: Fields, key: str, hex_digits: re.Pattern[str]) -> dict[str, str]:
    found = fields.mapping(key)
    if not all(map(is_ref_name, found)) or have_clash(found):
        raise fields.damaged(key)
    return {name: _oid(fields, oid, hex_digits, key) for name, oid in found.items()}


def _peeled(fields: Fields, refs: Mapping[str, str], hex_digits: re.Pattern[str]) -> dict[str, str]:
    found = _refs(fields, "peeled", hex_digits)
    if not found.keys() <= refs.keys():
        raise fields.damaged("peeled")
    return found


def _bundle(row: Fields, hex_digits: re.Pattern[str]) -> BundleRef:
    return BundleRef(
        id=row.id("id"),
        size=row.number("size", 1, MAX_BUNDLE_BYTES),
        tips=_oids(row, "tips", hex_digits, least=1),
        prerequisites=_oids(row, "prerequisites", hex_digits),
    )


def _oids(row: Fields, key: str, hex_digits: re.Pattern[str], least: int = 0) -> tuple[str, ...]:
    found = [_oid(row, one, hex_digits, key) for one in row.items(key, MAX_BYTES)]
    if found != sorted(set(found)) or len(found) < least:
        raise row.damaged(key)
    return tuple(found)


def _oid(fields: Fields, value: object, hex_digits: re.Pattern[str], key: str) -> str:
    found = fields.check(value, hex_digits, key)
    if not found.strip("0"):
        raise fields.damaged(key)
    return found
