"""Registries written by past versions. A sample stays for good: every version can read it, push to
it, and so can plain Git, by hand, as docs/formats/registry.md says.

To add one: a folder `registry-<n>` with the files of a registry, and its row in SAMPLES.
"""

import re
import shutil
from pathlib import Path

import pytest

from git_data import gitmanifest
from git_data.oid import hash_bytes

from ..helpers.world import PROJECT, Checkout

FOLDER = Path(__file__).parent
PAGE = PROJECT / "docs/formats/registry.md"
SAMPLES = {
    # a whole bundle and a thin one; an annotated tag, a light one, two branches
    "registry-1": "c24ce0ea63640e796c68dab52dbeb38b049f7ad6",
    "registry-2": "46e4c3a5aa6af1e8f46940b2da06822aee46cfba98f0ac3e4d02725142277f45",
}


@pytest.fixture(params=SAMPLES)
def sample(request, world):
    """A copy: opening a store for reading makes nothing, but a test may."""
    shutil.copytree(FOLDER / request.param, world.root / request.param)
    return world.root / request.param


def as_it_was(checkout, sample):
    """The refs and the content that were pushed then."""
    assert checkout.git("rev-parse", "main").out.strip() == SAMPLES[sample.name]
    assert checkout.git("rev-parse", "v1^{}").out.strip() == SAMPLES[sample.name]
    assert (
        checkout.git("rev-parse", "side", "light").lines
        == [checkout.git("rev-parse", "main~1").out.strip()] * 2
    )
    numbers = checkout.git("cat-file", "blob", "main:numbers").lines
    assert numbers == [str(n) for n in range(1, 3001) if n != 1500]
    assert checkout.git("fsck", "--full", "--strict").err == ""


def test_every_sample_is_covered():
    assert {path.name for path in FOLDER.glob("registry-*")} == set(SAMPLES)


def test_an_old_registry_is_cloned(sample, world):
    copy = world.clone(f"data::file://{sample}", "copy.git", "--mirror")
    as_it_was(copy, sample)


def test_an_old_registry_is_pushed_to(sample, world):
    copy = world.clone(f"data::file://{sample}", "copy")
    copy.commit("three", hello="hello again\n")
    copy.git("push", "-q", "origin", "main:new")
    again = world.clone(f"data::file://{sample}", "again.git", "--mirror")
    as_it_was(again, sample)
    assert again.git("rev-parse", "new").out.strip() == copy.head()


def test_an_old_manifest_is_kept_as_it_is(sample):
    data = (sample / "git/manifest").read_bytes()
    assert gitmanifest.parse(data, "it").encode() == data


def test_bundles_are_named_by_their_bytes(sample):
    for path in (sample / "git/bundles").iterdir():
        assert hash_bytes(path.read_bytes()).hex() == path.name


def test_plain_git_reads_it_by_hand(sample, bare_world):
    """The commands of the page, in a shell where nothing of ours is."""
    [recipe] = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    if sample.name == "registry-2":
        recipe = recipe.replace("--bare", "--bare --object-format=sha256")
    folder = bare_world.root / "by-hand"
    folder.mkdir()
    path = bare_world.env["PATH"].partition(":")[2]
    words = ("sh", "-e", "-c", recipe)
    bare_world.run(*words, cwd=folder, env={"R": str(sample), "PATH": path})
    copy = Checkout(bare_world, folder / "recovered.git")
    as_it_was(copy, sample)
    assert copy.git("symbolic-ref", "HEAD").out == "refs/heads/main\n"
