"""What the benchmarks of history, many pushers, stores and the registry are judged by."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def costs(step, **tools):
    """Seconds of one step, a value for each round; `grs3` is git-remote-s3."""
    names = {"ours": "git-data", "grs3": "git-remote-s3"}
    return {step: {names.get(n, n): [(s, 1 << 20) for s in each] for n, each in tools.items()}}


def find(rows, beginning):
    return next(row for row in rows if row.work.startswith(beginning))


def test_a_limit_that_is_passed_is_a_no_though_another_was_not_measured():
    from rows import Part, judge

    parts = [Part(1, 2, " s"), Part(0.2, None, " × DVC")]
    assert judge("work", parts, "").verdict == "**no**"
    assert judge("work", [Part(1, 1, " s"), parts[1]], "").verdict == "-"


def test_every_page_has_all_its_rows_before_anything_was_measured():
    import targets
    import targets_contention
    import targets_history
    import targets_registry
    import targets_s3

    pages = (targets, targets_contention, targets_history, targets_registry, targets_s3)
    counts = [len(page.rows({})) for page in pages]
    assert counts == [15, 4, 6, 7, 11]
    for page in pages:
        assert {row.verdict for row in page.rows({})} == {"-"}
        assert all("not measured" in row.reached for row in page.rows({}))


# History


@pytest.mark.parametrize(("last", "verdict"), [(1.4, "yes"), (1.6, "**no**")])
def test_the_last_pushes_are_held_against_the_first(last, verdict):
    from targets_history import rows

    # One slow push among the first and one among the last are nobody's fault.
    pushes = [9.0, 1, 1, 1, 1, *[1.2] * 90, last, last, last, 9.0, last]
    values = {"commits": 20_000, "pushes": 100, "small_pushes": {"git-data": [pushes, pushes]}}
    found = find(rows({"folder": values}), "the last of 100 small pushes")
    assert found.verdict == verdict
    assert found.work.endswith("on 20,000 commits")
    assert found.medians == f"git-data 1.000 s, then {last:.3f} s"


def test_growth_of_few_pushes_counts_none_twice():
    from targets_history import growth

    assert growth([1, 1, 2, 2]) == 2
    assert growth([1, 3]) == 3


@pytest.mark.parametrize(
    ("taken", "old", "verdict"),
    [(900, 0, "yes"), (1100, 0, "**no**"), (900, 1, "**no**"), (None, None, "-")],
    ids=["new", "too much", "old ones", "no strace"],
)
def test_a_fetch_takes_what_is_new_and_nothing_else(taken, old, verdict):
    from targets_history import rows

    values = {"sent_bytes": 1000, "taken_bytes": taken, "old_read_bytes": old, "pushes": 100}
    values["costs"] = costs("fetch", ours=[1.0])
    assert find(rows({"folder": values}), "fetch of these 100").verdict == verdict


def test_requests_are_those_of_the_worst_push_without_its_data():
    from targets_history import rows

    values = {"commits": 9, "first": 40, "small": [5, 6, 5], "with_data": 13, "of_these_data": 9}
    found = find(rows({"requests": values}), "requests to S3")
    assert (found.reached, found.verdict) == ("6", "yes")
    found = find(rows({"requests": {**values, "of_these_data": 6}}), "requests to S3")
    assert (found.reached, found.verdict) == ("7", "**no**")
    assert "with a file of data 13, of them 6 below data/" in found.medians


def test_without_git_remote_s3_its_rows_stay_open():
    from targets_history import rows

    alone = {"commits": 9, "costs": costs("clone", ours=[1.0, 1.0])}
    found = find(rows({"bucket": alone}), "in a bucket: clone")
    assert (found.reached, found.verdict) == ("not measured", "-")
    both = {"commits": 9, "costs": costs("small push", ours=[1.0, 1], grs3=[6.0, 6])}
    found = find(rows({"bucket": both}), "in a bucket: a small push")
    assert (found.reached, found.verdict) == ("0.17 × git-remote-s3", "yes")


def test_the_history_is_one_that_git_takes(tmp_path):
    import subprocess

    from inputs import history

    def git(*words, **how):
        return subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, **how)

    git("init", "-q", "-b", "main")
    git("fast-import", "--quiet", input=b"".join(history(3)))
    assert git("rev-list", "--count", "main").stdout == b"3\n"
    assert 6 <= len(git("ls-tree", "-r", "main").stdout.splitlines()) <= 9


# Many pushers

STEP = {"seconds": 1.5, "acknowledged": 100, "refused": 7}


@pytest.mark.parametrize(
    ("lost", "damage", "verdict"), [(0, 0, "yes"), (1, 0, "**no**"), (0, 1, "**no**")]
)
def test_one_lost_commit_is_a_no(lost, damage, verdict):
    from targets_contention import rows

    values = {"clones": 4, "commits": 25, "lost": lost, "damage": damage}
    values["steps"] = {"own branches": STEP, "one branch": {**STEP, "conflicts": 3}}
    in_a_folder, found, *_ = rows({"history-s3": values})
    assert (in_a_folder.verdict, found.verdict) == ("-", verdict)
    assert "100 pushes acknowledged, 7 refused and tried again" in found.medians
    assert found.medians.count("written over by others") == 1


def test_one_wrong_file_is_a_no():
    from targets_contention import rows

    values = {"clones": 4, "pushes": 20, "lost": 0, "files": 240, "bytes": 80 << 20}
    values["steps"] = {"own branches": STEP}
    verdicts = [rows({"data-folder": {**values, "wrong": w}})[2].verdict for w in (0, 1)]
    assert verdicts == ["yes", "**no**"]


# The registry


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [(0.9, 10, "yes"), (1.1, 20, "**no**"), (0.9, 8, "**no**")],
    ids=["both", "too long", "too near to DVC"],
)
def test_a_list_has_two_limits(ours, theirs, verdict):
    from targets_registry import rows

    both = costs("list", ours=[ours], dvc=[theirs]) | costs("first list", ours=[3.0])
    found = find(rows({"many": {"count": 100_001, "costs": both}}), "list -R")
    assert found.verdict == verdict
    assert found.work == "list -R of a source with 100,001 data files, second time"


def test_a_get_is_judged_by_packs_index_and_seconds():
    from targets_registry import rows

    values = {"count": 100_001, "costs": costs("get", ours=[1.0], dvc=[10.0])}
    good = {"pack_read_bytes": 2 << 20, "index_read_bytes": 50, "index_bytes": 1000}
    verdicts = [
        find(rows({"many": {**values, **good, **bad}}), "get of one file").verdict
        for bad in ({}, {"pack_read_bytes": 3 << 20}, {"index_read_bytes": 51})
    ]
    assert verdicts == ["yes", "**no**", "**no**"]


def test_an_update_moves_only_what_changed():
    from targets_registry import rows

    values = {"changed": 100, "changed_bytes": 1000, "pack_read_bytes": 1050, "others_written": 0}
    verdicts = [
        find(rows({"imports": {**values, **bad}}), "that update moves").verdict
        for bad in ({}, {"pack_read_bytes": 1100}, {"others_written": 1})
    ]
    assert verdicts == ["yes", "**no**", "**no**"]


def test_reads_from_python_are_judged():
    from targets_registry import rows

    values = {"size": 1 << 30, "first_byte_read_bytes": 1 << 20, "columns_read_bytes": 120}
    values |= {"columns_asked_bytes": 90, "columns_rounded_bytes": 100}
    found = rows({"python": values})[-2:]
    assert [row.verdict for row in found] == ["yes", "yes"]
    worse = {**values, "first_byte_read_bytes": (1 << 20) + 1, "columns_read_bytes": 121}
    assert [row.verdict for row in rows({"python": worse})[-2:]] == ["**no**", "**no**"]


def test_what_is_asked_for_is_rounded_up_to_whole_chunks():
    from python_reads import rounded

    ends = [10, 30, 60]
    assert rounded([(0, 10)], ends) == 10
    assert rounded([(9, 11)], ends) == 30
    assert rounded([(31, 32), (40, 41)], ends) == 30  # the same chunk, once
    assert rounded([], ends) == 0


def test_chunks_are_those_that_git_data_cuts(tmp_path):
    from inputs import write_random
    from python_reads import chunk_ends

    from git_data import chunker

    path = tmp_path / "file"
    write_random(path, 5 << 20, seed=1)
    ends = chunk_ends(path)
    assert ends == chunker.cut(path.read_bytes()) and len(ends) > 20


# Pages


def test_a_page_tells_the_floor_of_its_memory_only_where_memory_is_told():
    from report import about

    machine = {"processor": "P", "cores": 2, "memory_gib": 8, "system": "S", "filesystem": "ext4"}
    results = {"date": "2024-01-02", "machine": machine, "versions": {}, "missing": ["dvc"]}
    results |= {"floor_bytes": 60 << 20, "workloads": {"data-s3": {"lost": 0}}}
    lines = about(results)
    assert lines[0] == "- 2024-01-02" and "not installed, so not measured: dvc" in lines[-1]
    results["workloads"] = {"many": {"costs": costs("list", ours=[1.0, 1.0])}}
    lines = about(results)
    assert lines[0].endswith("those of the rounds: many 2")
    assert any(line.endswith("60 MiB") for line in lines)


def test_a_program_is_found_by_a_path_that_holds_everywhere(tmp_path, monkeypatch):
    from tools import which

    (tmp_path / "here").write_text("#!/bin/sh\n")
    (tmp_path / "here").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert which("./here") == str(tmp_path / "here")
    assert which("nonesuch") is None
