"""Stores written by past versions. A sample stays for good, and every version can read it.

To add one: a folder `store-<n>` with the files of a store, and its row in SAMPLES.
"""

import shutil
from pathlib import Path

import pytest

from git_data.indexing import rebuild
from git_data.manifest import parse
from git_data.oid import ObjectId, hash_bytes
from git_data.transfer import Wanted

from ..helpers.engine import clone, files_of

FOLDER = Path(__file__).parent
HELLO, TEXT = b"hello, data\n", b"text " * 20
SAMPLES = {
    # one pack with a raw and a zstd chunk and a recipe, one index, generation 2 of a manifest
    "store-1": {"hello": HELLO, "text": TEXT, "both": HELLO + TEXT},
}


@pytest.fixture(params=SAMPLES)
def sample(request):
    return FOLDER / request.param


def objects_of(sample):
    files = SAMPLES[sample.name]
    return [Wanted(hash_bytes(data), len(data), path) for path, data in files.items()]


def test_every_sample_is_covered():
    assert {path.name for path in FOLDER.glob("store-*")} == set(SAMPLES)


def test_an_old_store_is_read(sample, tmp_path):
    at = clone(tmp_path / "here", sample, create=False)
    assert at.objects.fetch(objects_of(sample), at.cache) == []
    for one in objects_of(sample):
        assert at.read(one) == SAMPLES[sample.name][one.path]
        assert at.objects.read_object(one.oid, 3, 7) == at.read(one)[3:10]


def test_an_old_store_is_written_to(sample, tmp_path):
    root = tmp_path / "store"
    shutil.copytree(sample, root)
    at = clone(tmp_path / "here", root, create=False)
    new = at.add("new", b"new")
    at.objects.send([new], at.cache)
    there = clone(tmp_path / "there", root)
    assert there.objects.fetch([new, *objects_of(sample)], there.cache) == []


def test_an_old_manifest_is_kept_as_it_is(sample):
    data = (sample / "data/manifest").read_bytes()
    assert parse(data, "it").encode() == data


def test_an_old_index_is_what_the_old_packs_give(sample):
    packs = [(ObjectId.parse(path.name), path.read_bytes()) for path in files_of(sample, "packs")]
    parts, damage = rebuild(packs)
    assert not damage
    assert [path.read_bytes() for path in files_of(sample, "index")] == [b"".join(parts)]
