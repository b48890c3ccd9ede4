"""Damage and malice in a registry: an error, and nothing has changed."""

import os

import pytest

from git_data import gitmanifest
from git_data.errors import Damaged, DataError, GitError
from git_data.gitmanifest import BundleRef
from git_data.oid import ObjectId, hash_bytes

from ..helpers.sides import MAIN

pytest_plugins = ["tests.helpers.engine_fixtures"]

# Hostile


def rewrite(root, **changed):
    """The manifest with other values, properly sealed."""
    path = root / "git/manifest"
    found = gitmanifest.parse(path.read_bytes(), "it")._replace(**changed)
    path.write_bytes(found.encode())


def forge(root, data, **changed):
    """A bundle of these bytes, put in force in place of all others."""
    name = hash_bytes(data)
    (root / "git/bundles" / name.hex()).write_bytes(data)
    [old, *_] = gitmanifest.parse((root / "git/manifest").read_bytes(), "it").bundles
    rewrite(root, bundles=(old._replace(id=name, size=len(data), **changed),))


def the_bundle(root):
    [bundle] = gitmanifest.parse((root / "git/manifest").read_bytes(), "it").bundles
    return root / bundle.name


def refuses(make, kind, match, **how):
    """A clone gets an error, and nothing at all."""
    victim = make("victim")
    with pytest.raises(kind, match=match):
        victim.fetch(empty=True, **how)
    listed = victim.repo.git("count-objects", "-v").lines
    assert "count: 0" in listed and "packs: 0" in listed
    assert victim.repo.git("for-each-ref").out == ""
    assert os.listdir(victim.folder) == [] if os.path.isdir(victim.folder) else True


@pytest.fixture
def pushed(side, root):
    side.repo.commit("more", more="more\n")
    side.push(MAIN)
    return side


def test_a_changed_byte_in_a_bundle(make, pushed, root):
    path = the_bundle(root)
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    refuses(make, Damaged, "not those of its name")


def test_a_bundle_that_is_cut(make, pushed, root):
    path = the_bundle(root)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    refuses(make, Damaged, "not those of its name")


def test_a_bundle_that_is_gone(make, pushed, root):
    the_bundle(root).unlink()
    refuses(make, DataError, "git/bundles")


def test_a_bundle_whose_pack_is_broken(make, pushed, root):
    data = bytearray(the_bundle(root).read_bytes())
    data[-30] ^= 1
    forge(root, bytes(data))
    refuses(make, GitError, "refused")


def test_a_bundle_that_holds_something_else_than_it_says(make, pushed, root):
    tip = pushed.repo.head()
    other = "1" * 40
    data = the_bundle(root).read_bytes()
    forge(root, data.replace(tip.encode(), other.encode(), 1))
    refuses(make, Damaged, "something else")
    forge(root, data.replace(tip.encode(), other.encode(), 1), tips=(other,))
    rewrite(root, refs={"refs/heads/main": other})
    refuses_again = make("again")
    with pytest.raises(Damaged, match="none of its bundles holds"):
        refuses_again.fetch(empty=True)


def test_a_bundle_that_lacks_what_it_refers_to(make, pushed, root):
    """The newest commit alone, as if it were all of history."""
    pack = pushed.repo.world.run(
        "git",
        "pack-objects",
        "--stdout",
        "-q",
        cwd=pushed.repo.path,
        input=pushed.repo.head().encode() + b"\n",
        env={"GIT_TRACE": "0"},
    )
    raw = pack.out.encode(errors="surrogateescape")
    head = f"# v2 git bundle\n{pushed.repo.head()} refs/heads/main\n\n".encode()
    forge(root, head + raw)
    refuses(make, GitError, "refused")


def test_a_header_without_end(make, pushed, root):
    forge(root, b"# v2 git bundle\n" + b"x" * 100_000)
    refuses(make, Damaged, "header")


def test_no_bundle_at_all(make, pushed, root):
    forge(root, b"#!/bin/sh\ntouch evil\n")
    refuses(make, Damaged, "no Git bundle")


def test_a_ref_to_what_nobody_holds(make, pushed, root):
    rewrite(root, refs={"refs/heads/main": "1" * 40})
    victim = make("victim")
    with pytest.raises(Damaged, match="none of its bundles holds"):
        victim.fetch(empty=True)
    assert victim.repo.git("for-each-ref").out == ""


def test_bundles_that_need_what_there_is_not(make, pushed, root):
    [bundle] = gitmanifest.parse((root / "git/manifest").read_bytes(), "it").bundles
    rewrite(root, bundles=(bundle._replace(prerequisites=("1" * 40,)),))
    refuses(make, Damaged, "something else")


def test_very_many_bundles(clone, pushed, root):
    """A manifest as large as may be is read in time, and its bundles are not all asked for."""
    fake = BundleRef(ObjectId(bytes(32)), 5, ("1" * 40,), ())
    [bundle] = gitmanifest.parse((root / "git/manifest").read_bytes(), "it").bundles
    many = tuple(fake._replace(id=ObjectId(n.to_bytes(32, "big"))) for n in range(9_000))
    rewrite(root, bundles=(*many, bundle))
    other = clone()
    assert other.repo.git("rev-parse", "origin/main").out.strip() == pushed.repo.head()
