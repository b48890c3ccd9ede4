"""Differences of data: sizes and short ids, small texts for real, no noise, no large fetch."""

import json
import re

import pytest

from ..helpers.world import random_bytes
from ..test_guard import TRACKED

OLD = b"".join(b"%d,old\n" % n for n in range(30))
NEW = OLD.replace(b"7,old\n", b"7,new\n", 1)


@pytest.fixture
def repo(world):
    made = world.repo()
    made.git("remote", "add", "origin", str(world.bare("origin.git").path))
    made.commit(
        "one",
        **{
            ".gitattributes": TRACKED,
            "table.bin": OLD,
            "image.bin": random_bytes(5000),
            "large.bin": b"text\n" * 300_000,
        },
    )
    made.commit(
        "two",
        **{
            "table.bin": NEW,
            "image.bin": random_bytes(5001),
            "large.bin": b"text\n" * 300_001,
            "added.bin": b"one line\n",
        },
    )
    made.git("push", "-q", "origin", "main")
    return made


def parts(text):
    """The lines of each file's difference without Git's headers."""
    found = {}
    for part in text.split("diff --git ")[1:]:
        name = part.split()[0].removeprefix("a/")
        lines = part.splitlines()[1:]
        start = next((n for n, line in enumerate(lines) if line.startswith("@@")), len(lines))
        found[name] = [line for line in lines[start:] if not line.startswith("@@")]
    return found


def check(text):
    found = parts(text)
    head = re.compile(r"[-+]git-data: [0-9,]+ bytes, blake3:[0-9a-f]{12}$")
    for name in ("image.bin", "large.bin"):
        assert len(found[name]) == 2 and all(map(head.match, found[name]))
    assert found["large.bin"][1].startswith("+git-data: 1,500,005 bytes, ")
    table = [line for line in found["table.bin"] if line[0] in "+-"]
    assert table[2:] == ["-7,old", "+7,new"] and all(map(head.match, table[:2]))
    assert found["added.bin"][1:] == ["+one line"]


def test_of_commits(repo):
    check(repo.git("diff", "HEAD~1", "HEAD").out)
    check(repo.git("show").out)
    check(repo.git("log", "-p", "-1").out)
    check(repo.git("-c", "alias.last=log -p -1", "last").out)
    check(repo.git("-C", ".", "--no-pager", "diff", "HEAD~1").out)


def test_of_the_index_and_of_the_work_tree(repo):
    repo.git("checkout", "-q", "HEAD~1")
    files = {"table.bin": NEW, "image.bin": random_bytes(5001), "added.bin": b"one line\n"}
    files["large.bin"] = b"text\n" * 300_001
    for name, content in files.items():
        repo.write(name, content)
    repo.git("add", "-N", "added.bin")
    check(repo.git("diff").out)
    repo.git("add", ".")
    check(repo.git("diff", "--cached").out)
    repo.write("table.bin", OLD)
    assert "-7,new" in parts(repo.git("diff").out)["table.bin"]


def test_nothing_large_is_fetched(world, repo):
    clone = world.clone("origin.git", "lazy", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    repo.git("gc", "-q")
    check(clone.git("log", "-p", "-1").out)
    held = sorted(path.stat().st_size for path in clone.objects.rglob("*") if path.is_file())
    assert held == sorted([len(OLD), len(NEW), 5000, 5001, 9])
    clone.forget_data()
    clone.git("config", "data.diffLimit", "0")
    text = clone.git("log", "-p", "-1").out
    assert "+7,new" not in text and "+git-data: 9 bytes, blake3:" in text
    assert [path for path in clone.objects.rglob("*") if path.is_file()] == []


def test_what_is_nowhere_is_shown_by_its_name(world, repo):
    clone = world.clone("origin.git", "alone", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    clone.git("remote", "set-url", "origin", "/not/there")
    lines = parts(clone.git("log", "-p", "-1").out)["table.bin"]
    assert [line[0] for line in lines] == ["-", "+"] and lines[0].endswith(" (not here)")


def test_other_diffs_of_git_still_have_the_pointers(repo):
    """What `git apply` reads, and what says how many lines: without any of our programs."""
    patch = repo.git("format-patch", "--stdout", "-1").out
    assert "+oid blake3:" in patch and "git-data:" not in patch
    repo.git("config", "filter.data.process", "false")
    assert "table.bin | 2 +-" in repo.git("diff", "--stat", "HEAD~1", "HEAD").out
    assert "+oid blake3:" in repo.git("diff", "--no-textconv", "HEAD~1", "HEAD").out


MANY = 500


def started(repo, *words):
    """Programs of ours that one command of Git starts, and what it says."""
    trace = repo.world.root / "trace"
    trace.unlink(missing_ok=True)
    said = repo.git(*words, env={"GIT_TRACE2_EVENT": str(trace)}).out
    events = map(json.loads, trace.read_text().splitlines())
    argv = [" ".join(one["argv"]) for one in events if one["event"] == "child_start"]
    kinds = [kind for line in argv for kind in ("filter-process", "textconv") if kind in line]
    return kinds, said


def test_a_stat_of_many_files_is_quick(repo):
    """Counted, not timed: Git counts the lines of pointers, which it has."""
    names = [f"d/{number}.bin" for number in range(MANY)]
    for text in ("old", "new"):
        repo.commit(**{name: f"{text} {name}\n" for name in names})
    for words in (
        ("diff", "--stat", "HEAD~1", "HEAD"),
        ("diff", "--shortstat", "--cached", "HEAD~1"),
        ("diff", "--numstat", "HEAD~1", "HEAD"),
        ("log", "--stat", "-1"),
        ("show", "--stat", "HEAD"),
        ("diff", "--name-status", "HEAD~1", "HEAD"),
    ):
        kinds, said = started(repo, *words)
        assert kinds == [] and (f"{MANY} files changed" in said or said.count(".bin") == MANY)
    for name in names:
        repo.write(name, f"not added {name}\n")
    kinds, said = started(repo, "diff", "--stat")  # what is not added has no pointer yet
    assert kinds == ["filter-process"] and f"{MANY} files changed" in said
    kinds, _ = started(repo, "diff", "HEAD~1", "HEAD", "--", "d/1.bin", "d/2.bin")
    assert kinds.count("filter-process") == 1 and kinds.count("textconv") == 4


def test_programs_that_compare_get_the_content(world, repo):
    seen = world.root / "seen"
    command = f'cat "$LOCAL" "$REMOTE" > {seen}'
    repo.git(
        "-c", f"difftool.x.cmd={command}", "difftool", "-y", "-t", "x", "HEAD~1", "--", "table.bin"
    )
    assert seen.read_bytes() == OLD + NEW
    external = world.root / "external"
    external.write_text(f'#!/bin/sh\ncat "$2" "$5" > {seen}.2\n')
    external.chmod(0o755)
    repo.git("diff", "HEAD~1", "HEAD", "--", "table.bin", env={"GIT_EXTERNAL_DIFF": str(external)})
    assert (world.root / "seen.2").read_bytes() == OLD + NEW


def test_a_driver_of_the_users_own_gets_the_content(repo):
    """`diff=other` on a data file: its program is shown what it can read."""
    repo.write(".gitattributes", TRACKED + "table.bin diff=mine\n")
    repo.git("config", "diff.mine.textconv", "sed -n 8p")
    lines = parts(repo.git("diff", "HEAD~1", "HEAD").out)["table.bin"]
    assert lines == ["-7,old", "+7,new"]


def test_archives_and_plain_reads_are_not_taken_for_diffs(repo):
    tar = repo.git("archive", "HEAD", "table.bin", "large.bin").out
    assert "7,new\n" in tar and "git-data:" not in tar
    assert repo.git("cat-file", "--filters", "HEAD:table.bin").out.encode() == NEW
    assert repo.git("cat-file", "--textconv", "HEAD:table.bin").out.startswith("git-data: ")
    assert repo.git("show", "HEAD:table.bin").out.startswith("version git-data/1")


def test_pointers_in_the_work_tree(world, repo):
    """A clone that left the pointers shows what they stand for."""
    clone = world.clone("origin.git", "skipped", env={"GIT_DATA_SKIP_SMUDGE": "1"})
    clone.write("table.bin", clone.staged("table.bin", "HEAD~1"))
    assert "+7,old" in clone.git("diff").out


def test_a_file_that_cannot_be_shown_ends_no_diff(repo):
    done = repo.data("textconv", "/not/there")
    assert done.out.startswith("git-data: [Errno 2]")


def test_without_the_filter_a_file_is_converted_all_the_same(repo):
    """Where a system does not tell who asks, Git hands over the content."""
    content = repo.world.root / "content"
    for text, shown in ((NEW, True), (random_bytes(100), False), (b"x" * (2 << 20), False)):
        content.write_bytes(text)
        head, _, rest = repo.data("textconv", str(content)).out.partition("\n")
        assert head.startswith(f"git-data: {len(text):,} bytes, blake3:")
        assert (rest.encode() == text) is shown
    content.write_bytes(b"")
    assert repo.data("textconv", str(content)).out == ""
