"""What the benchmarks make of their measurements: the figures that the README shows."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def big(ours, lfs, dvc):
    """Results of the workload `big` with these seconds of one step, a value for each round."""
    steps = {"git-data": ours, "git-lfs": lfs, "dvc": dvc}
    costs = {name: [(seconds, 50 << 20) for seconds in each] for name, each in steps.items()}
    return {"size": 1 << 30, "costs": {"clone": costs}}


def row(workloads, beginning):
    from targets import rows

    return next(row for row in rows(workloads) if row.work.startswith(beginning))


def test_a_ratio_is_taken_within_a_round():
    from rows import ratio

    # The machine was slow in the second round, for both alike: the ratio is 0.3 all the same.
    slow = big([3, 30, 3], [10, 100, 10], [10, 10, 10])
    assert ratio(slow, "clone", "git-lfs") == pytest.approx(0.3)
    assert ratio(slow, "push", "git-lfs") is None


@pytest.mark.parametrize(
    ("ours", "verdict"), [(3.4, "yes"), (3.6, "**no**")], ids=["below", "above"]
)
def test_a_verdict_needs_every_limit(ours, verdict):
    found = row({"big": big([ours], [10], [10])}, "clone of it, 1 GiB")
    assert found.to_reach == "≤ 0.35 × Git LFS, ≤ 0.50 × DVC"
    assert found.verdict == verdict


def test_what_was_not_measured_is_said():
    found = row({}, "second push")
    assert "not measured" in found.reached
    assert found.verdict == "-"


def test_data_that_was_read_fails_the_quiet_rows():
    quiet = {"costs": {"second push": {"git-data": [(0.1, 0)]}}, "size": 1}
    values = {
        name: {**quiet, "data_bytes_read": {"second push": read}}
        for name, read in (("big", 0), ("small", 4096))
    }
    assert row(values, "second push").verdict == "**no**"
    values["small"]["data_bytes_read"]["second push"] = 0
    assert row(values, "second push").verdict == "yes"


def test_reads_and_maps_of_data_are_counted():
    from reads import _read_by

    pack = Path("/o/data/packs/ab/cd")
    assert _read_by(f'read(5<{pack}>, ""..., 4096) = 100\n') == (pack, 100)
    mapped = f"mmap(NULL, 8192, PROT_READ, MAP_SHARED, 5<{pack}>, 0) = 0x7f0\n"
    assert _read_by(mapped) == (pack, 8192)
    assert _read_by(f'read(5<{pack}>, ""..., 4096) = -1 EIO (Input/output error)\n') is None
    assert _read_by("mmap(NULL, 8192, PROT_READ, MAP_ANONYMOUS, -1, 0) = 0x7f0\n") is None


def test_versions_differ_by_their_edits(tmp_path):
    from inputs import edit_versions, write_random

    path = tmp_path / "file"
    write_random(path, 100_000, seed=1)
    seen, sizes = {path.read_bytes()}, []
    for new in edit_versions(path, 4, seed=2):
        seen.add(path.read_bytes())
        sizes.append((new, path.stat().st_size))
    # inserted, replaced, appended, removed: 1 % each
    assert sizes == [(1000, 101_000), (1010, 101_000), (1010, 102_010), (0, 100_990)]
    assert len(seen) == 5


def test_the_readme_gets_its_figures(tmp_path):
    from report import put_into_readme

    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    machine = {"processor": "P", "cores": 2, "memory_gib": 8, "system": "S", "filesystem": "ext4"}
    results = {"date": "2024-01-02", "rounds": 3, "machine": machine, "versions": {}, "missing": []}
    put_into_readme(readme, {**results, "workloads": {"big": big([1], [4], [2])}})
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| 1 GiB, one file: clone | 1.00 s | 4.00 s | 2.00 s | - |" in text
    readme.write_text("no markers")
    with pytest.raises(ValueError, match="has no"):
        put_into_readme(readme, {**results, "workloads": {}})
