"""Repositories that data comes from, kept in the user's cache: what is asked of whom, how often."""

import os
import subprocess
import sys
import threading

import pytest

from git_data import sources
from git_data.errors import DataError, Denied, FormatError, NotFound, Unreachable, UsageError
from git_data.git import Git

from ..helpers.githttp import git_server
from ..helpers.world import PROJECT
from .conftest import kept_folders


def head(repo, revision="main"):
    return repo.git("rev-parse", f"{revision}^{{commit}}").out.strip()


def fetch(world, url, *revisions, **env):
    asking = Git(str(world.root), {**world.env, **env})
    return sources.fetch(str(url), revisions or ("HEAD",), str(world.root), asking)


def traced(world, url, *revisions):
    """The fetches that are sent, and how often upload-pack ran."""
    log = world.root / "trace"
    log.unlink(missing_ok=True)
    fetch(world, url, *revisions, GIT_TRACE=str(log))
    lines = log.read_text().splitlines() if log.exists() else []
    return sum("built-in: git upload-pack" in line for line in lines)


def test_branch_tag_commit_and_default(world, registry):
    v1, v2, main = (head(registry, name) for name in ("v1", "v2", "main"))
    names = ("HEAD", "main", "v1", "refs/tags/v2", v1, v1[:9])
    assert fetch(world, "registry.git", *names)[1] == [main, main, v1, v2, v1, v1]
    (folder, *_) = (name for name in kept_folders(world) if name.isalnum())
    assert len(folder) == 32


def test_one_fetch_and_none_for_a_commit_that_is_here(world, registry):
    v1 = head(registry, "v1")
    assert traced(world, registry.path, "main", "v1", "HEAD") == 1
    assert traced(world, registry.path, "main", "v1") == 1
    assert traced(world, registry.path, v1) == 0
    assert traced(world, registry.path, v1, head(registry)) == 0
    assert traced(world, registry.path, v1, "v2") == 1


def test_only_the_revision_and_no_large_file_comes(world, registry):
    source, (commit,) = fetch(world, registry.path, "v1")
    assert source.git.run("rev-list", "--count", "--all") == b"1\n"
    status, _, _ = source.git.attempt("cat-file", "-e", f"{commit}:music/notes.txt")
    assert status != 0  # and reading it asked nobody
    assert source.git.run("cat-file", "blob", f"{commit}:music/README") == b"What this is\n"
    blob = source.git.line("rev-parse", f"{commit}:music/notes.txt")
    source.bring_blobs([blob, blob])
    assert len(source.git.run("cat-file", "blob", blob)) == 6500


def test_a_moved_branch_is_followed(world, registry, work):
    assert fetch(world, registry.path, "main")[1] == [head(registry)]
    work.git("reset", "-q", "--hard", "v1")
    work.git("push", "-q", "--force", "origin", "HEAD:main")
    assert fetch(world, registry.path, "main")[1] == [head(registry, "v1")]


@pytest.mark.parametrize("revision", ["nope", "1234567", "0123456789" * 4, "refs/heads/none"])
def test_a_revision_that_is_not_there(world, registry, revision):
    with pytest.raises(NotFound, match=f"has no revision '{revision}'"):
        fetch(world, registry.path, "main", revision)


@pytest.mark.parametrize(
    "revision",
    ["", "-x", "--all", "HEAD~1", "main:music", "a b", "a..b", "v1^{}", "+x", "*", "@{-1}", "x\n"],
)
def test_expressions_and_options_are_no_revisions(world, registry, revision):
    with pytest.raises(UsageError, match="no revision of another"):
        fetch(world, registry.path, revision)


def test_a_tag_of_a_blob_is_no_commit(world, registry):
    registry.git("tag", "blob", f"{head(registry)}:music/README")
    with pytest.raises(NotFound, match="has no revision 'blob'"):
        fetch(world, registry.path, "blob")


def test_an_empty_repository(world):
    world.bare("empty.git")
    with pytest.raises(NotFound, match="has no commits"):
        fetch(world, "empty.git")


def test_unknown_and_unreachable_addresses(world, registry):
    with pytest.raises(NotFound, match="is not there"):
        fetch(world, "nowhere.git")
    with pytest.raises(Unreachable, match="could not be read"):
        fetch(world, "http://127.0.0.1:1/x.git")
    fetch(world, registry.path, "main")
    os.rename(registry.path, world.root / "away")
    with pytest.raises(NotFound):
        fetch(world, registry.path)


def test_offline_the_last_state_is_named(world, registry):
    world.git("config", "--global", f"url.{registry.path}.insteadOf", "http://127.0.0.1:1/x")
    fetch(world, "http://127.0.0.1:1/x", "v1")
    world.git("config", "--global", "--remove-section", f"url.{registry.path}")
    with pytest.raises(Unreachable) as caught:
        fetch(world, "http://127.0.0.1:1/x", "v1")
    assert f"--rev {head(registry, 'v1')}" in caught.value.hint
    assert fetch(world, "http://127.0.0.1:1/x", head(registry, "v1"))[1]


def test_settings_of_the_user_apply_and_of_no_repository(world, registry, work, tmp_path):
    """insteadOf from his config and his command line; GIT_DIR and the like lead nowhere."""
    given = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{registry.path}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://example.org/registry",
    }
    astray = {name: str(tmp_path / "x") for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")}
    found = fetch(world, "https://example.org/registry", "v1", **given, **astray)
    assert found[1] == [head(registry, "v1")]
    assert os.listdir(tmp_path) == ["home", "world"] or not (tmp_path / "x").exists()


def test_nothing_of_a_source_is_run(world, registry, work):
    """Neither its hooks nor what its config names, nor hooks of the user's for every repository."""
    script = "#!/bin/sh\ntouch %s\n" % (world.root / "pwned")
    hooks = world.root / "hooks"
    for folder in (registry.path / "hooks", hooks):
        folder.mkdir(exist_ok=True)
        for name in ("pre-receive", "reference-transaction", "post-checkout", "update"):
            (folder / name).write_text(script)
            (folder / name).chmod(0o755)
    registry.git("config", "uploadpack.packObjectsHook", str(hooks / "update"))
    registry.git("config", "core.fsmonitor", str(hooks / "update"))
    world.git("config", "--global", "core.hooksPath", str(hooks))
    source, (commit,) = fetch(world, registry.path, "v1")
    source.bring_blobs([source.git.line("rev-parse", f"{commit}:music/notes.txt")])
    assert not (world.root / "pwned").exists()
    assert not (world.root / "registry.git" / "index").exists()


def test_two_processes_at_once(world, registry):
    script = (
        "import sys; from git_data import sources; from git_data.git import Git; import os;"
        "print(sources.fetch(sys.argv[1], ['main', 'v1'], '.', Git('.', os.environ))[1])"
    )
    words = [sys.executable, "-c", script, str(registry.path)]
    env = {**world.env, "PYTHONPATH": str(PROJECT)}
    started = [
        subprocess.Popen(words, cwd=world.root, env=env, stdout=subprocess.PIPE) for _ in range(4)
    ]
    told = {process.communicate()[0] for process in started}
    assert [process.returncode for process in started] == [0] * 4
    assert told == {f"{[head(registry), head(registry, 'v1')]}\n".encode()}


def test_sources_may_be_kept_elsewhere(world, registry):
    world.git("config", "--global", "data.sources", "~/elsewhere")
    fetch(world, registry.path)
    assert len(os.listdir(world.home / "elsewhere")) == 2  # and its lock
    assert kept_folders(world) == []


def test_a_source_with_sha256(world):
    world.git("init", "-q", "-b", "main", "--object-format=sha256", "new")
    world.run("sh", "-c", "echo x > f && git add f && git commit -qm x", cwd=world.root / "new")
    source, (commit,) = fetch(world, "new")
    assert len(commit) == 64 and source.location.object_format == "sha256"
    assert fetch(world, "new", commit[:12])[1] == [commit]


def test_a_source_that_is_shallow_or_serves_no_parts(world, registry):
    """A shallow clone; and plain files behind no server, where all that is there has to come."""
    world.git("clone", "-q", "--bare", "--depth=1", f"file://{registry.path}", "shallow.git")
    assert fetch(world, "shallow.git")[1] == [head(registry)]
    world.git("config", "--global", "protocol.version", "0")
    assert fetch(world, f"file://{registry.path}", head(registry, "v1")[:10])


def test_over_http_with_the_users_credential_helper(world, registry):
    v1 = head(registry, "v1")
    with git_server(world, world.root, login="me:secret") as url:
        with pytest.raises(Denied) as caught:
            fetch(world, f"{url}/registry.git")
        assert "secret" not in str(caught.value)
        helper = "!f() { echo username=me; echo password=secret; }; f"
        world.git("config", "--global", "credential.helper", helper)
        source, (commit,) = fetch(world, f"{url}/registry.git", v1[:8])
        assert commit == v1
        assert source.git.run("cat-file", "blob", f"{v1}:music/README") == b"What this is\n"
        assert urls(source, commit) == []
        with pytest.raises(NotFound):
            fetch(world, f"{url}/nowhere.git")
        with pytest.raises(NotFound, match="has no revision 'nope'"):
            fetch(world, f"{url}/registry.git", "nope")


def test_over_http_from_plain_files(world, registry):
    """No server of Git's: no parts, no single revision, no commit by its id; and it works."""
    registry.git("update-server-info")
    v1 = head(registry, "v1")
    with git_server(world, world.root, smart=False) as url:
        source, commits = fetch(world, f"{url}/registry.git", "HEAD", "v2")
        assert commits == [head(registry), head(registry, "v2")]
        assert len(source.git.run("cat-file", "blob", f"{commits[0]}:music/notes.txt")) == 6500
        assert fetch(world, f"{url}/registry.git", v1)[1] == [v1]


def test_a_commit_by_its_id_where_only_branches_may_be_asked_for(world, registry):
    """As of servers that speak the old protocol."""
    world.git("config", "--global", "protocol.version", "0")
    v1 = head(registry, "v1")
    with git_server(world, world.root) as url:
        assert fetch(world, f"{url}/registry.git", v1, "v2")[1] == [v1, head(registry, "v2")]
        assert fetch(world, f"{url}/registry.git", v1[:9])[1] == [v1]
        with pytest.raises(NotFound, match="has no revision"):
            fetch(world, f"{url}/registry.git", "0123456789" * 4)


def test_many_fetches_do_not_leave_many_packs(world, registry):
    tree = registry.git("rev-parse", "main^{tree}").out.strip()
    for number in range(45):
        made = registry.git("commit-tree", "-m", str(number), "-p", "main", tree).out.strip()
        registry.git("update-ref", "refs/heads/main", made)
        source, _ = fetch(world, registry.path, "main")
    packs = os.listdir(os.path.join(source.location.git_dir, "objects", "pack"))
    assert sum(name.endswith(".pack") for name in packs) < 40
    assert source.git.run("ls-tree", "-r", "--name-only", "refs/commits/" + head(registry))


def test_an_ordinary_repository_behind_data(world, registry):
    """Git itself asks for a part of it, without the helper."""
    v1 = head(registry, "v1")
    for url in (f"data::{registry.path}", f"data::file://{registry.path}", "data::registry.git"):
        source, (commit,) = fetch(world, url, "v1")
        assert commit == v1 and urls(source, v1) == [str(registry.path)]
    with git_server(world, world.root) as url:
        source, (commit,) = fetch(world, f"data::{url}/registry.git", "v1")
        assert commit == v1 and urls(source, v1) == [f"{url}/registry.git"]
        assert source.git.run("rev-list", "--count", "--all") == b"1\n"
        with pytest.raises(DataError):
            fetch(world, f"data::{url}/nowhere")


# Where its data lies


def urls(source, commit):
    return [address.url for address in source.reading_addresses(commit)]


def test_the_stores_of_a_source(world, registry, work):
    root = world.root
    store = "[store]\n\turl = ../data\n\tmirror = https://mirror.example/r\n"
    imported = '[import "x"]\n\turl = https://a/b\n\tstore = s3://bucket/x\n'
    long = "# a comment that makes it larger than what comes with a commit\n" * 30
    work.commit(**{".gitdata": long + store + imported})
    work.git("push", "-q", "--no-verify", "origin", "main")
    there = ["https://mirror.example/r", "s3://bucket/x"]
    source, (commit,) = fetch(world, registry.path)
    assert urls(source, commit) == [str(root / "data"), *there, str(registry.path)]
    source, (commit,) = fetch(world, "work")
    itself = [str(work.path / ".git"), str(registry.path)]  # and where it pushes to
    assert urls(source, commit) == [str(root / "data"), *there, *itself]
    world.git("config", "--global", f"url.{registry.path}.insteadOf", "https://example.org/r")
    source, (commit,) = fetch(world, "https://example.org/r")
    assert urls(source, commit) == there  # its folder is none of this machine's


def test_no_program_that_a_repository_names_is_run(world, registry, work):
    """A folder that somebody else made: its remotes are looked at, by the user's settings alone."""
    script = f"touch {world.root / 'pwned'}"
    with git_server(world, world.root, login="me:secret") as url:
        work.git("remote", "add", "web", f"data::{url}/registry")
        work.git("remote", "add", "store", "data::s3://bucket/x")
        for name in ("credential.helper", "core.sshCommand", "core.fsmonitor", "core.askPass"):
            work.git("config", name, f"!{script}" if name == "credential.helper" else script)
        source, (commit,) = fetch(world, "work")
        assert urls(source, commit) == [
            str(work.path / ".git"),
            str(registry.path),
            "s3://bucket/x",
        ]
    assert not (world.root / "pwned").exists()


@pytest.mark.parametrize(
    "text",
    [
        "[store]\n\turl = -x\n",
        "[store]\n\turl = ext::sh\n",
        "[alias]\n\tx = !touch pwned\n",
        "[include]\n\tpath = /etc/passwd\n",
        "[store\n",
    ],
)
def test_what_a_hostile_gitdata_says_is_refused(world, registry, work, text):
    work.commit(**{".gitdata": text})
    work.git("push", "-q", "--no-verify", "origin", "main")
    source, (commit,) = fetch(world, registry.path)
    with pytest.raises(FormatError, match=r"\.gitdata"):
        urls(source, commit)


def test_a_gitdata_that_is_a_link_is_refused(world, registry, work):
    (work.path / ".gitdata").symlink_to("/etc/passwd")
    work.commit()
    work.git("push", "-q", "--no-verify", "origin", "main")
    source, (commit,) = fetch(world, registry.path)
    with pytest.raises(FormatError, match="no regular file"):
        urls(source, commit)


def test_threads(world, registry):
    """Several of one process, each with its own source, as the Python face has them."""
    found, errors = [], []

    def work():
        try:
            found.append(fetch(world, registry.path, "main")[1])
        except DataError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, found) == ([], [[head(registry)]] * 4)
