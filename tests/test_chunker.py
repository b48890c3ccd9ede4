import hashlib

import pytest
from pyfastcdc.py import FastCDC as PlainFastCDC

from git_data import chunker

from .helpers.engine import content

MIB = 1 << 20
GOLDEN = [81052, 120421, 156142, 240772, 367642, 508831, 573210, 771175, 928134, 1048576]


def reference_cut(data: bytes) -> list[int]:
    """Written from docs/formats/chunks.md alone."""
    gear = [int.from_bytes(hashlib.md5(bytes([b]) * 64).digest()[:8], "big") for b in range(256)]
    ends, start = [], 0
    while start < len(data):
        start += reference_length(data, start, gear)
        ends.append(start)
    return ends


def reference_length(data: bytes, start: int, gear: list[int]) -> int:
    count = min(len(data) - start, 524288)
    if len(data) - start <= 32768:
        return count
    state = 0
    for position in range(32768, count // 2 * 2):
        state = (2 * state + gear[data[start + position]]) % (1 << 64)
        if not state & (0x0000D90707537000 if position < 131072 else 0x0000D90303537000):
            return position
    return count


def lengths(ends):
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def test_golden_vector():
    assert chunker.cut(content("git-data chunks", MIB)) == GOLDEN


@pytest.mark.parametrize("size", [1 << 20, 700_001])
def test_the_page_says_all_it_takes(size):
    data = content("git-data chunks", size)
    assert chunker.cut(data) == reference_cut(data)


@pytest.mark.parametrize(
    ("size", "ends"),
    [(0, []), (1, [1]), (32768, [32768]), (MIB, [524288, 1048576]), (524289, [524288, 524289])],
)
def test_zeros(size, ends):
    assert chunker.cut(bytes(size)) == ends == reference_cut(bytes(size))


def test_the_pure_python_cutter_cuts_the_same():
    plain = PlainFastCDC(131072, min_size=32768, max_size=524288, normalized_chunking=1)
    data = content("git-data chunks", 300_000)
    assert [c.offset + c.length for c in plain.cut_buf(data)] == chunker.cut(data)


def test_the_compiled_cutter_is_in_use():
    assert chunker.is_compiled()


def test_sizes_stay_in_bounds():
    sizes = lengths(chunker.cut(content("bounds", 16 * MIB)))
    assert max(sizes) <= chunker.MAX_BYTES
    assert min(sizes[:-1]) >= chunker.MIN_BYTES
    assert 100_000 < sum(sizes) / len(sizes) < 200_000


@pytest.mark.parametrize("window", [524_289, MIB, 3 * MIB])
@pytest.mark.parametrize("size", [0, 1, 32_769, 524_288, 2 * MIB + 17])
def test_windows_cut_as_the_whole_is_cut(window, size):
    data = content("windows", size)
    groups = list(chunker.windows(lambda at, length: data[at : at + length], window))
    assert b"".join(chunk for group in groups for chunk in group) == data
    assert [len(c) for group in groups for c in group] == lengths(chunker.cut(data))
    assert all(groups), "no window is empty"


def test_windows_take_short_reads():
    data = content("short", 300_000)
    groups = chunker.windows(lambda at, length: data[at : at + min(length, 777)], MIB)
    assert [len(c) for group in groups for c in group] == lengths(chunker.cut(data))


@pytest.mark.parametrize("edit", ["insert", "replace", "append", "remove"])
def test_an_edit_changes_the_chunks_it_touches(edit):
    old = content("edit", 8 * MIB)
    middle, new = len(old) // 2, content("new", 100_000)
    edited = {
        "insert": old[:middle] + new + old[middle:],
        "replace": old[:middle] + new + old[middle + len(new) :],
        "append": old + new,
        "remove": old[:middle] + old[middle + len(new) :],
    }[edit]
    kept = set(pieces(old))
    changed = sum(len(piece) for piece in pieces(edited) if piece not in kept)
    assert changed <= len(new) + 2 * chunker.MAX_BYTES


def pieces(data):
    ends = chunker.cut(data)
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
