import io

import pytest

from git_data.bundleheader import Header, encode_header, read_header
from git_data.errors import Damaged, FormatError

ONE, TWO = "1" * 40, "2" * 40
PACK = b"PACK\0\0\0\2\0\0\1\2rest"


def read(data):
    return read_header(io.BytesIO(data), "it")


@pytest.mark.parametrize("width", [40, 64])
def test_both_ways(width):
    one, two = "1" * width, "2" * width
    name = {40: "sha1", 64: "sha256"}[width]
    head = encode_header(name, [two, one], {"refs/heads/größe": two})
    assert read(head + PACK) == Header(name, (one, two), (two,), len(head), 258)


def test_the_bytes():
    assert encode_header("sha1", [ONE], {"refs/heads/x": TWO}) == (
        f"# v2 git bundle\n-{ONE}\n{TWO} refs/heads/x\n\n".encode()
    )
    assert encode_header("sha256", [], {"refs/heads/x": "3" * 64}) == (
        f"# v3 git bundle\n@object-format=sha256\n{'3' * 64} refs/heads/x\n\n".encode()
    )


def test_comments_are_let_pass():
    data = f"# v2 git bundle\n-{ONE} a subject\n{TWO} refs/heads/x\n\n".encode() + PACK
    assert read(data).prerequisites == (ONE,)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"# v9 git bundle\n\n" + PACK,
        b"# v2 git bundle\n" + b"x" * 10_000,
        f"# v2 git bundle\n{ONE} refs/heads/x\n".encode(),
        f"# v2 git bundle\n{ONE} refs/heads/x\n\n".encode(),
        f"# v2 git bundle\n{ONE} refs/heads/x\n\nPACK\0\0".encode(),
        f"# v2 git bundle\n{ONE} refs/heads/x\n\nJUNKJUNKJUNKJUNK".encode(),
        f"# v2 git bundle\n--all\n{ONE} refs/heads/x\n\n".encode() + PACK,
        b"# v2 git bundle\nrefs/heads/x\n\n" + PACK,
    ],
)
def test_damaged(data):
    with pytest.raises(Damaged, match="it"):
        read(data)


@pytest.mark.parametrize("line", ["@filter=blob:none", "@object-format=md5", "@later"])
def test_what_we_cannot_use(line):
    with pytest.raises(FormatError, match="it"):
        read(f"# v3 git bundle\n{line}\n{ONE} refs/heads/x\n\n".encode() + PACK)
