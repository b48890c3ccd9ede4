"""Trees that no honest Git makes, written object by object."""

from __future__ import annotations

import hashlib
import struct
import zlib

from ..helpers.world import Checkout, World

POINTER = "version git-data/1\noid blake3:" + "0" * 64 + "\nsize 10\n"


def blob(repo: Checkout, content: bytes) -> str:
    return repo.git("hash-object", "-w", "--stdin", input=content).out.strip()


def tree(repo: Checkout, *entries: tuple[str, str, bytes | str]) -> str:
    """Entries as mode, object, name: any name at all."""
    body = b"".join(
        mode.encode()
        + b" "
        + (name.encode() if isinstance(name, str) else name)
        + b"\0"
        + bytes.fromhex(oid)
        for mode, oid, name in entries
    )
    words = ("hash-object", "-t", "tree", "-w", "--stdin", "--literally")
    return repo.git(*words, input=body).out.strip()


def commit(repo: Checkout, root: str) -> None:
    made = repo.git("commit-tree", "-m", "hostile", root).out.strip()
    repo.git("update-ref", "refs/heads/main", made)


def make(world: World, name: str) -> Checkout:
    """A bare repository `bad.git` of one of KINDS."""
    repo = world.bare("bad.git")
    commit(repo, KINDS[name](repo))
    return repo


def _named(path: bytes | str, mode: str = "100644", content: bytes = b"pwned"):
    return lambda repo: tree(repo, (mode, blob(repo, content), path))


def _below(folder: bytes | str, name: bytes | str = "hooks"):
    return lambda repo: tree(repo, ("40000", _named(name)(repo), folder))


def _deep(repo: Checkout) -> str:
    """A file in 10,000 folders; one process writes all their trees."""
    oid = blob(repo, b"x")
    trees, mode, name = [], "100644", "f"
    for _ in range(10_000):
        body = f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid)
        oid = hashlib.sha1(b"tree %d\0" % len(body) + body).hexdigest()
        trees.append(body)
        mode, name = "40000", "d"
    _write_trees(repo, trees)
    return oid


def _write_trees(repo: Checkout, trees: list[bytes]) -> None:
    pack = bytearray(b"PACK" + struct.pack(">II", 2, len(trees)))
    for body in trees:
        size = len(body)
        first = (2 << 4) | (size & 15) | (0x80 if size > 15 else 0)
        pack.append(first)
        size >>= 4
        while size:
            pack.append((size & 127) | (0x80 if size > 127 else 0))
            size >>= 7
        pack += zlib.compress(body)
    pack += hashlib.sha1(pack).digest()
    repo.git("index-pack", "--stdin", input=bytes(pack))


def _two(one: str, other: str):
    return lambda repo: tree(
        repo, ("100644", blob(repo, b"1"), one), ("100644", blob(repo, b"2"), other)
    )


KINDS = {
    "up": _below(".."),
    "up as a file": _named(".."),
    "here": _below("."),
    "absolute": _named("/etc/pwned"),
    "slash": _named("a/../../pwned"),
    "dot git": _below(".git"),
    "Dot GIT": _below(".GiT"),
    "git~1": _below("GIT~1"),
    "hfs": _below(b".g\xe2\x80\x8cit"),
    "ntfs": _below(".git::$INDEX_ALLOCATION"),
    "backslash": _named("a\\..\\.git\\x"),
    "empty": _named(""),
    "control": _named("a\x1b[2Jb"),
    "newline": _named("a\nb"),
    "case": _two("README", "readme"),
    "case of a folder": lambda repo: tree(
        repo,
        ("40000", _named("x")(repo), "A"),
        ("40000", _named("y")(repo), "a"),
    ),
    "accents": _two("café", "cafe\u0301"),
    "deep": _deep,
}
HONEST = ("control", "newline", "case", "case of a folder", "accents")  # as names in Git
DISHONEST = [kind for kind in KINDS if kind not in HONEST]
LINKS = {
    "absolute": "/etc/passwd",
    "up": "../../etc/passwd",
    "through": "d/../../x",
    "into git": "../.git/config",
}
