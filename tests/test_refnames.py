import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_data.refnames import folders, have_clash, in_order, is_branch, is_ref_name

GOOD = [
    *("refs/heads/main", "refs/x", "refs/heads/a.b", "refs/heads/@", "refs/heads/-x", "refs/a@b"),
    *("refs/heads/größe", "refs/heads/a.lock.b", "refs/heads/latin-\udce9", "refs/heads/{x}"),
]
BAD = [
    *("", "refs", "refs/", "heads/x", "/refs/x", "refs/x/", "refs//x", "refs/.x", "refs/x/.y"),
    *("refs/x.lock", "refs/x.lock/y", "refs/a..b", "refs/../x", "refs/a@{b", "refs/x.", "HEAD"),
    *(f"refs/a{letter}b" for letter in " ~^:?*[\\\x7f\n\0\x1b\x9b\x80"),
]


@pytest.mark.parametrize("name", GOOD)
def test_good(name):
    assert is_ref_name(name)


@pytest.mark.parametrize("name", BAD)
def test_bad(name):
    assert not is_ref_name(name)


def test_too_long():
    assert is_ref_name("refs/" + "x" * 995)
    assert not is_ref_name("refs/" + "x" * 996)
    assert not is_ref_name("refs/" + "ß" * 499)


LETTERS = st.sampled_from("ab/.-@{}~^:?*[\\ \x1b\x7fß")
WORDS = st.sampled_from(["heads/", "x.lock", "..", "@{", "/", "a"])


@given(st.lists(LETTERS | WORDS, max_size=8).map("".join))
def test_git_agrees(rest):
    """Checked by Git itself, but for what a terminal would obey."""
    name = "refs/" + rest
    done = subprocess.run(["git", "check-ref-format", name], check=False)
    assert is_ref_name(name) == (done.returncode == 0)


def test_branches():
    assert is_branch("refs/heads/x")
    assert not any(map(is_branch, ("refs/heads/", "refs/tags/x", "HEAD", "refs/heads/..")))


def test_folders():
    assert folders("refs/heads/a/b") == ["refs/heads", "refs/heads/a"]
    assert have_clash(["refs/heads/a/b", "refs/heads/a"])
    assert not have_clash(["refs/heads/a/b", "refs/heads/ab", "refs/heads/a-b"])


def test_order_is_that_of_bytes():
    names = ["refs/b", "refs/ß", "refs/\udcff", "refs/a/b", "refs/a"]
    assert in_order(names) == ["refs/a", "refs/a/b", "refs/b", "refs/ß", "refs/\udcff"]
