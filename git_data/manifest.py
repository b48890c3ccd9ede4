"""Bytes of a store's one mutable file. The format, key by key: docs/formats/manifest.md.

JSON with sorted keys and one space of indent, so that a value has one encoding. It is hostile
input: read with a limit, every value checked, nothing in it chooses a path by itself. Its "hash" is
that of the same JSON without it. Keys that this version does not know are kept as they are; what
may not simply be kept comes with a feature.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from .errors import Damaged, Denied, FormatError
from .oid import ObjectId, hash_bytes

NAME = "data/manifest"
MAX_BYTES = 16 << 20
FORMAT = "git-data store"
VERSION = 1
READ_FEATURES: frozenset[str] = frozenset()  # those this program knows
SINGLE_WRITER = "single-writer"  # of a store that cannot compare and swap
WRITE_FEATURES: frozenset[str] = frozenset((SINGLE_WRITER,))
MAX_TRANSACTIONS = 32  # remembered, newest last
MAX_INDEXES = 10_000
MAX_INDEX_BYTES = 1 << 36

TOKEN = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"[0-9a-f]{64}")
PREVIOUS = re.compile(r"|[0-9a-f]{64}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_FEATURE = re.compile(r"[a-z0-9-]{1,64}")
_KEYS = frozenset(
    (
        *("format", "version", "read_features", "write_features", "store", "generation", "hash"),
        *("transactions", "previous", "indexes", "deletions", "condemned"),
    )
)


class IndexRef(NamedTuple):
    id: ObjectId
    size: int  # bytes of the file

    @property
    def name(self) -> str:
        return f"data/index/{self.id.hex()}"


class Manifest(NamedTuple):
    store: str  # a random id, for ever
    generation: int = 1
    transactions: tuple[str, ...] = ()  # ids of the last writes, newest last
    previous: str = ""  # BLAKE3 of the generation before, hex
    indexes: tuple[IndexRef, ...] = ()  # those in force, oldest first
    deletions: int = 0  # so often has content been deleted
    condemned: tuple[tuple[ObjectId, str], ...] = ()  # packs about to be deleted, since when
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
            "store": self.store,
            "generation": self.generation,
            "transactions": list(self.transactions),
            "previous": self.previous,
            "indexes": [{"id": ref.id.hex(), "size": ref.size} for ref in self.indexes],
            "deletions": self.deletions,
            "condemned": [{"pack": key.hex(), "since": date} for key, date in self.condemned],
        }
        value["hash"] = hash_bytes(dump(value)).hex()
        return dump(value)

    def condemned_packs(self) -> frozenset[bytes]:
        return frozenset(key for key, _ in self.condemned)

    def check_writable(self, name: str, single_writer: bool = False) -> None:
        """FormatError if a writer must know a feature that this program does not; Denied if only
        one may write there, and this user does not say that it is he (`single_writer`)."""
        refuse_unknown("write to", name, self.write_features, WRITE_FEATURES)
        refuse_others(name, self.write_features, single_writer)

    def next(self, transaction: str, indexes: tuple[IndexRef, ...]) -> Manifest:
        """The generation after this one."""
        return self._replace(
            generation=self.generation + 1,
            transactions=(*self.transactions, transaction)[-MAX_TRANSACTIONS:],
            previous=hash_bytes(self.encode()).hex(),
            indexes=indexes,
        )


def refuse_others(name: str, features: Sequence[str], single_writer: bool) -> None:
    """Denied if only one may write there, and this user does not say that it is he."""
    if SINGLE_WRITER in features and not single_writer:
        raise Denied(
            f"{name}: this store cannot compare and swap, so only one clone may write there",
            "if nobody else ever does, set data.<its address>.singleWriter to true here",
        )


def dump(value: dict[str, Any]) -> bytes:
    """The one encoding of a manifest's values."""
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


def new_token() -> str:
    """A random store id or transaction id."""
    return secrets.token_hex(16)


def create(features: Sequence[str] = ()) -> Manifest:
    """The first manifest of a new, empty store. `features`: what its writers must know."""
    return Manifest(new_token(), transactions=(new_token(),), write_features=tuple(features))


def parse(data: bytes, name: str) -> Manifest:
    """The manifest read from `name`; FormatError if it is of a later version or needs a feature
    that this program does not know, Damaged if it is none."""
    if len(data) > MAX_BYTES:
        raise Damaged(f"{name} is larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{name} is damaged: it is not JSON") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Damaged(f"{name} is not the manifest of a git-data store")
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


def _parse_known(fields: Fields, features: tuple[str, ...], value: dict[str, Any]) -> Manifest:
    transactions = fields.items("transactions", MAX_TRANSACTIONS)
    indexes = fields.rows(fields.items("indexes", MAX_INDEXES))
    condemned = fields.rows(fields.items("condemned", MAX_BYTES))
    return Manifest(
        store=fields.text("store", TOKEN),
        generation=fields.number("generation", 1),
        transactions=tuple(fields.check(one, TOKEN, "transactions") for one in transactions),
        previous=fields.text("previous", PREVIOUS),
        indexes=tuple(
            IndexRef(row.id("id"), row.number("size", 1, MAX_INDEX_BYTES)) for row in indexes
        ),
        deletions=fields.number("deletions", 0),
        condemned=tuple((row.id("pack"), row.text("since", _DATE)) for row in condemned),
        read_features=features,
        write_features=fields.features("write_features"),
        extra=tuple((key, json.dumps(value[key])) for key in sorted(value.keys() - _KEYS)),
    )


class Fields:
    """The values of one JSON object, each checked when it is taken."""

    def __init__(self, value: dict[str, Any], name: str) -> None:
        self._value = value
        self._name = name

    def text(self, key: str, pattern: re.Pattern[str]) -> str:
        return self.check(self._value.get(key), pattern, key)

    def check(self, value: object, pattern: re.Pattern[str], key: str) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self.damaged(key)
        return value

    def id(self, key: str) -> ObjectId:
        return ObjectId(bytes.fromhex(self.text(key, _ID)))

    def number(self, key: str, least: int, most: int = (1 << 63) - 1) -> int:
        value = self._value.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.damaged(key)
        return value

    def items(self, key: str, limit: int) -> list[Any]:
        value = self._value.get(key)
        if not isinstance(value, list) or len(value) > limit:
            raise self.damaged(key)
        return value

    def mapping(self, key: str) -> dict[str, object]:
        value = self._value.get(key)
        if not isinstance(value, dict):
            raise self.damaged(key)
        return value

    def rows(self, items: list[Any]) -> list[Fields]:
        if not all(isinstance(item, dict) for item in items):
            raise self.damaged("rows")
        return [Fields(item, self._name) for item in items]

    def features(self, key: str) -> tuple[str, ...]:
        return tuple(self.check(item, _FEATURE, key) for item in self.items(key, 100))

    def damaged(self, key: str) -> Damaged:
        return Damaged(f"{self._name} is damaged: '{key}' has no valid value")


def refuse_unknown(verb: str, name: str, features: tuple[str, ...], known: frozenset[str]) -> None:
    """FormatError if a feature is none of those that this program knows."""
    if unknown := sorted(set(features) - known):
        names = ", ".join(unknown)
        raise FormatError(
            f"to {verb} {name} takes features that this git-data does not have: {names}",
            "update git-data",
        )
