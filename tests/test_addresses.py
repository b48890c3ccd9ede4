import subprocess

import pytest

from git_data.addresses import Kind, Place, check, inner, place_of, place_of_url
from git_data.errors import UsageError


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("s3://bucket/registry", Kind.STORE),
        ("gs://bucket/x", Kind.STORE),
        ("sftp://host/x", Kind.STORE),
        ("file:///nowhere/x", Kind.STORE),
        ("https://host/x", Kind.WEB),
        ("HTTP://host/x", Kind.WEB),
        ("ssh://host/x", Kind.SSH),
        ("git+ssh://host/x", Kind.SSH),
        ("user@host:x", Kind.SSH),
        ("host:x", Kind.SSH),
        ("[::1]:x", Kind.SSH),
        ("git://host/x", Kind.OTHER),
        ("ftp://host/x", Kind.OTHER),
        ("/nowhere/x.git", Kind.PATH),
        ("../x.git", Kind.PATH),
        ("./a:b", Kind.PATH),
        ("/a:b", Kind.PATH),
        ("x", Kind.PATH),
    ],
)
def test_kinds(tmp_path, address, kind):
    assert place_of(address, str(tmp_path)).kind is kind


def git_init(path, *options):
    subprocess.run(["git", "init", "-q", *options, path], check=True)


def registry(path):
    (path / "git").mkdir(parents=True)
    (path / "git/manifest").write_text("{}")


def test_folders(tmp_path):
    """A Git repository at a file:// address passes through; a registry at a path is a store."""
    base = str(tmp_path)
    git_init(tmp_path / "work")
    git_init(tmp_path / "bare.git", "--bare")
    registry(tmp_path / "registry")
    registry(tmp_path / "both")
    git_init(tmp_path / "both.git", "--bare")
    assert place_of(f"file://{base}/work", base) == Place(Kind.PATH, f"{base}/work")
    assert place_of(f"file://{base}/bare.git", base).kind is Kind.PATH
    assert place_of(f"file://{base}/bare", base).kind is Kind.PATH
    assert place_of(f"file://{base}/registry", base).kind is Kind.STORE
    assert place_of(f"file://{base}/both", base).kind is Kind.STORE
    assert place_of("registry", base) == Place(Kind.STORE, f"{base}/registry")
    assert place_of("bare.git", base) == Place(Kind.PATH, f"{base}/bare.git")


def test_a_work_tree_with_such_a_file_is_no_registry(tmp_path):
    git_init(tmp_path / "work")
    registry(tmp_path / "work")
    assert place_of(f"file://{tmp_path}/work", "/").kind is Kind.PATH


def test_percent_signs_are_read_as_git_does(tmp_path):
    git_init(tmp_path / "with space", "--bare")
    assert place_of(f"file://{tmp_path}/with%20space", "/") == Place(
        Kind.PATH, f"{tmp_path}/with space"
    )


@pytest.mark.parametrize(
    "address",
    [
        *("", "-x", "--upload-pack=x", "a\nb", "a\x1b[31m", "a\x9bb", "\x7f", "x" * 5000),
        *("ext::sh -c x", "fd::17", "foo+bar::x", "data::x"),
    ],
)
def test_refused(address):
    with pytest.raises(UsageError) as caught:
        check(address)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("address", ["/a::b", "[::1]:x", "s3://b/x?a=b::c", "/größe", "a b"])
def test_not_refused(address):
    assert check(address) == address


def test_urls_of_remotes():
    assert inner("data::s3://b/x") == "s3://b/x"
    assert inner("https://host/x") is None
    assert place_of_url("data::s3://b/x", "/").kind is Kind.STORE
    for url in ("https://host/x", "s3://b/x", "host:x", "ext::x", ""):
        assert place_of_url(url, "/").kind is Kind.OTHER
    assert place_of_url("file:///x%20y", "/") == Place(Kind.PATH, "/x y")
    assert place_of_url("../x", "/") == Place(Kind.PATH, "../x")
