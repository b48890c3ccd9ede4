"""What is remembered of a store; that it is tried out is in end_to_end/test_s3.py."""

import pytest

from git_data import proving
from git_data.repo import Address, Repo
from git_data.stores.probe import Probe

URL = "s3://bucket/a?endpoint=http://127.0.0.1:1"  # nobody answers there: nothing is asked


@pytest.fixture
def here(world, repo):
    return Repo.open(repo.path, world.env)


def remember(here, url, what):
    found = proving.proof(here, here.store_to_try(Address(url, "a test")))
    found.remember(what, url)
    return found


@pytest.mark.parametrize("what", [proving.SWAPS, proving.ALONE, ""])
def test_what_was_seen_is_remembered_by_address(here, what):
    assert proving.known(here, Address(URL, "x")) == ""
    found = remember(here, URL, what)
    assert proving.known(here, Address(URL, "y")) == what
    assert proving.known(here, Address(f"{URL}&region=eu-west-1", "x")) == ""
    with open(found.path) as file:
        assert file.read() == f"{what}\n{URL}\n"


@pytest.mark.parametrize("data", [b"", b"compare-and-swa", b"\xff\n", b"x" * 100_000, b"\n"])
def test_a_note_that_cannot_be_read_is_none(here, data):
    found = remember(here, URL, proving.SWAPS)
    with open(found.path, "wb") as file:
        file.write(data)
    assert proving.known(here, Address(URL, "x")) == ""


def test_a_folder_needs_no_proof(here):
    assert proving.known(here, Address("/nowhere", "x")) == proving.SWAPS
    assert proving.required_features(here, Address("/nowhere", "x")) == ()


def test_a_single_writer_has_to_say_so_each_time(world, repo, here):
    remember(here, URL, proving.ALONE)
    world.git("config", "--global", f"data.{URL}.singleWriter", "true")
    alone = Repo.open(repo.path, world.env)
    assert proving.required_features(alone, Address(URL, "x")) == ("single-writer",)
    assert "singleWriter" in proving.refusal(URL, Probe(True, False, "why")).hint
    assert "singleWriter" not in proving.refusal(URL, Probe(False, False, "why")).hint
