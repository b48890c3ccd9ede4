"""`git data track` and `untrack`, and what Git makes of the lines they write."""

import os

import pytest

LINE = " filter=data diff=data merge=data -text\n"


def attributes(repo):
    return repo.read(".gitattributes").decode()


def is_tracked(repo, path):
    return repo.git("check-attr", "-z", "filter", "--", path).out.split("\0")[2] == "data"


def test_patterns_are_tracked_listed_and_untracked(repo):
    repo.write(".gitattributes", "# by hand\n*.txt text\n")
    done = repo.data("track", "*.flac", "images/**")
    assert done.lines == ["tracked: *.flac", "tracked: images/**"]
    assert attributes(repo) == "# by hand\n*.txt text\n*.flac" + LINE + "images/**" + LINE
    assert repo.data("track", "*.flac").lines == ["already tracked: *.flac"]
    assert [line.split()[0] for line in repo.data("track").lines] == ["*.flac", "images/**"]
    assert repo.data("track", "--json").json() == {
        "above": None,
        "patterns": [
            {"pattern": "*.flac", "file": ".gitattributes"},
            {"pattern": "images/**", "file": ".gitattributes"},
        ],
    }
    repo.data("untrack", "*.flac", "images/**")
    assert attributes(repo) == "# by hand\n*.txt text\n"
    refused = repo.data("untrack", "*.flac", code=2)
    assert "*.flac: not tracked" in refused.err


@pytest.mark.parametrize(
    "name", ["with space.bin", 'quo"te.bin', "#hash", "ü.bin", "new\nline.bin", "-dash", "[attr]x"]
)
def test_git_matches_odd_names(repo, name):
    repo.write(name, b"x")
    # In a pattern, square brackets stand for one of some letters.
    repo.data("track", "--", name.replace("[", "\\["))
    assert is_tracked(repo, name)
    assert not is_tracked(repo, "other")
    repo.data("untrack", "--", name.replace("[", "\\["))
    assert not (repo.path / ".gitattributes").exists()


def test_a_folder_stands_for_all_below_it(repo):
    repo.write("raw/deep/a", b"x")
    repo.data("track", "raw", "later/")
    assert attributes(repo) == "raw/**" + LINE + "later/**" + LINE
    assert is_tracked(repo, "raw/deep/a")
    repo.data("untrack", "raw/", "later")
    assert attributes(repo) == "later/**" + LINE


def test_a_subfolder_has_its_own_file(repo):
    folder = repo.write("sub/x.bin", b"x").parent
    repo.data("track", "*.bin", cwd=folder)
    assert is_tracked(repo, "sub/x.bin") and not is_tracked(repo, "x.bin")
    assert repo.data("track").lines == ["*.bin    (sub/.gitattributes)"]
    repo.data("untrack", "*.bin", cwd=folder)
    assert not is_tracked(repo, "sub/x.bin")


def test_nothing_is_written_through_a_link(repo):
    elsewhere = repo.world.root / "elsewhere"
    elsewhere.write_text("mine\n")
    os.symlink(elsewhere, repo.path / ".gitattributes")
    refused = repo.data("track", "*.bin", code=1)
    assert "symbolic link" in refused.err and "nothing was changed" in refused.err
    assert elsewhere.read_text() == "mine\n"
    assert (repo.path / ".gitattributes").is_symlink()


def test_what_git_would_ignore_is_refused(repo):
    assert "is no pattern" in repo.data("track", "!*.bin", code=2).err
    assert "is no pattern" in repo.data("track", "", code=2).err
    assert not (repo.path / ".gitattributes").exists()


def test_the_mode_of_the_file_stays(repo):
    path = repo.write(".gitattributes", "*.txt text\n")
    path.chmod(0o600)
    repo.data("track", "*.bin")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_dry_run_changes_nothing(repo):
    done = repo.data("track", "*.bin", "--above", "1MB", "--dry-run")
    assert done.lines[-1] == "nothing was changed (--dry-run)"
    assert not (repo.path / ".gitattributes").exists()
    assert not (repo.path / ".gitdata").exists()


def test_tracking_by_size(repo):
    repo.write(".gitattributes", "*.txt -filter\n")
    done = repo.data("track", "--above", "1KB")
    assert done.lines == ["files at or above 1,000 bytes are tracked"]
    assert attributes(repo) == "* filter=data merge=data\n*.txt -filter\n"
    repo.commit("sizes", small=b"s" * 999, large=b"l" * 1000)
    assert repo.staged("small") == b"s" * 999
    assert repo.staged("large").startswith(b"version git-data/1\n")
    again = repo.data("track", "--above", "1KB")
    assert again.lines == ["files at or above 1,000 bytes are already tracked"]
    repo.data("untrack", "--above")
    assert attributes(repo) == "*.txt -filter\n"
    assert "above" not in repo.read(".gitdata").decode()


def test_a_changed_limit_names_the_command_to_run(repo):
    repo.data("track", "--above", "1KB")
    repo.commit("sizes", small=b"s" * 500, large=b"l" * 1000)
    assert "git add" not in repo.data("track", "--above", "1KB").err
    told = repo.data("track", "--above", "100").err
    assert "small" in told and "git add --renormalize ." in told
    repo.git("add", "--renormalize", ".")
    assert repo.staged("small").startswith(b"version git-data/1\n")
    assert repo.data("track", "--above", "100").err == ""


def test_committed_files_that_match_name_the_command_to_run(repo):
    folder = repo.write("sub/b.bin", b"plain").parent
    repo.commit("plain", **{"a.bin": b"plain", "c.txt": b"text"})
    told = repo.data("track", "**/*.bin").err
    assert "2 files" in told and "a.bin, sub/b.bin" in told and "git add --renormalize ." in told
    assert "git add --renormalize :/" in repo.data("track", "x", cwd=folder).err
    repo.git("add", "--renormalize", ".")
    repo.commit("as data")
    assert repo.data("track", "**/*.bin").err == ""
    assert repo.status() == ""


def test_json_tells_what_is_tracked_after_the_change(repo):
    def patterns(said):
        return [entry["pattern"] for entry in said.json()["patterns"]]

    assert patterns(repo.data("track", "*.flac", "*.wav", "--json")) == ["*.flac", "*.wav"]
    assert patterns(repo.data("untrack", "*.wav", "--json")) == ["*.flac"]
    assert repo.data("track", "--above", "1MB", "--json").json()["above"] == 1_000_000
    assert repo.data("untrack", "--above", "--json").json()["above"] is None


def test_untracked_files_that_are_pointers_name_the_command_to_run(repo):
    repo.data("track", "*.bin")
    repo.commit("data", **{"a.bin": b"x" * 300})
    assert "git add --renormalize ." in repo.data("untrack", "*.bin").err
    assert not is_tracked(repo, "a.bin")  # nor by what the index still has
    repo.git("add", "--renormalize", ".")
    assert repo.staged("a.bin") == b"x" * 300


def test_without_the_filter_it_says_so(bare_world):
    repo = bare_world.repo()
    assert "git data install" in repo.data("track", "*.bin").err


def test_a_bare_repository_has_no_files_to_track(world):
    assert "has no work tree" in world.bare().data("track", "*.bin", code=2).err


@pytest.mark.parametrize("size", ["many", "1XB", "-1", "1e9", ""])
def test_what_is_no_size(repo, size):
    refused = repo.data("track", f"--above={size}", code=2)
    assert "not a size" in refused.err
    assert not (repo.path / ".gitattributes").exists()
