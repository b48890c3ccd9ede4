"""A store in a folder, clones of it with a cache each, and content to put there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from blake3 import blake3

from git_data import manifest
from git_data.cache import Cache
from git_data.oid import ObjectId
from git_data.stores.local import LocalStore
from git_data.stores.wrap import Call, Counting
from git_data.transfer import ObjectStore, Wanted


def content(name: str, size: int) -> bytes:
    """The same bytes for the same name, as random as any: nothing compresses or repeats."""
    return blake3(name.encode()).digest(length=size)


class Clone:
    """A repository's side: a cache, and the face of the store as that repository sees it."""

    def __init__(self, folder: Path, store: object, **more: int) -> None:
        self.folder = folder
        self.cache = Cache(folder)
        self.objects = ObjectStore(store, folder, **more)

    def add(self, path: str, data: bytes) -> Wanted:
        pointer = self.cache.put(data)
        return Wanted(pointer.oid, pointer.size, path)

    def add_all(self, files: dict[str, bytes]) -> list[Wanted]:
        return [self.add(path, data) for path, data in files.items()]

    def read(self, wanted: Wanted) -> bytes:
        with self.cache.open(wanted.oid, wanted.size) as stream:
            return stream.read()


def clone(folder: Path, root: Path, create: bool = True) -> Clone:
    return Clone(folder, LocalStore(str(root), create=create))


def files_of(root: Path, kind: str) -> list[Path]:
    """The files of a store: `packs`, `index` or `manifest`."""
    found = [path for path in (root / "data").rglob("*") if path.is_file()]
    return sorted(p for p in found if kind in p.relative_to(root).parts and p.suffix != ".lock")


def stored_bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def ids(wanted: Iterable[Wanted]) -> set[ObjectId]:
    return {one.oid for one in wanted}


SIZES = [1, 100, 32_768, 32_769, 131_072, 524_288, 524_289, 1_500_000, 5_000_000, 9_000_001]


def mixed_files():
    files = {f"random/{size}": content(f"file {size}", size) for size in SIZES}
    files |= {f"text/{size}": (f"{size},abc,1.5\n" * size)[:size].encode() for size in SIZES[1:]}
    return files | {"zeros": bytes(6_000_000), "same/as": files["random/100"]}


def send(at: Clone, files: dict[str, bytes]):
    wanted = at.add_all(files)
    at.objects.send(wanted, at.cache)
    return wanted


def arrives(at: Clone, wanted, files):
    assert at.objects.fetch(wanted, at.cache) == []
    for one in wanted:
        assert at.read(one) == files[one.path]


def counting(folder, root, create=False, **more) -> Clone:
    return Clone(folder, Counting(LocalStore(str(root), create=create)), **more)


def calls(at: Clone) -> list[Call]:
    return at.objects._catalog.store.calls


def count(at: Clone, verb: str, part: str = "") -> int:
    return sum(call.verb == verb and part in call.name for call in calls(at))


def pack_reads(at: Clone) -> list[int]:
    return [call.size for call in calls(at) if call.verb == "read" and "/packs/" in call.name]


def manifest_of(root) -> manifest.Manifest:
    return manifest.parse((root / "data/manifest").read_bytes(), "it")


def rewrite(root, **changed):
    found = manifest_of(root)._replace(**changed)
    (root / "data/manifest").write_bytes(found.encode())
