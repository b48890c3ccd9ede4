"""`data::` before an address of Git's own: as with the plain address, and the data comes along.

Over a path, smart HTTP and ssh, with real servers on loopback. A far side that fails must not make
Git wait for ever: every command here has to end in time.
"""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ..helpers import githost
from ..helpers.twins import table
from ..helpers.world import Checkout, World, random_bytes

TRACKED = "*.bin filter=data diff=data merge=data -text\n"
LIMIT = ("timeout", "-k", "1", "60")


@pytest.fixture(scope="session")
def web_host(tmp_path_factory):
    with githost.web(tmp_path_factory.mktemp("web")) as host:
        yield host


@pytest.fixture(scope="session")
def ssh_host(tmp_path_factory):
    with githost.ssh(tmp_path_factory.mktemp("ssh")) as host:
        yield host


@dataclass
class Place:
    """A bare repository at a host, and how Git reaches it."""

    world: World
    bare: Checkout
    url: str

    @property
    def address(self) -> str:
        return f"data::{self.url}"

    def refs(self) -> dict[str, str]:
        lines = self.bare.git("for-each-ref", "--format=%(refname) %(objectname)").lines
        return dict(line.split() for line in lines)

    def hook(self, name: str, text: str) -> None:
        path = self.bare.path / "hooks" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)


def make(world, kind, request, name):
    """A bare repository where such a host has it."""
    if kind == "path":
        folder = world.root
    else:
        host = request.getfixturevalue("web_host" if kind == "http" else "ssh_host")
        folder = host.folder
    path = folder / f"{name}.git"
    world.git("init", "-q", "--bare", "-b", "main", path)
    bare = Checkout(world, path)
    bare.git("config", "http.receivepack", "true")
    bare.git("config", "uploadpack.allowFilter", "true")
    bare.git("config", "receive.advertisePushOptions", "true")
    if kind == "path":
        return Place(world, bare, str(path))
    if kind == "http":
        return Place(world, bare, f"http://127.0.0.1:{host.port}/git/{name}.git")
    return Place(world, bare, f"{host.url}/{name}.git")


@pytest.fixture(params=["path", "http", "ssh"])
def kind(request):
    return request.param


@pytest.fixture
def limited(world, kind, request):
    """This world, where nothing takes for ever, and ssh reaches the host."""
    env = dict(world.env)
    if (
        "ssh" in request.node.callspec.params.get("kind", "")
        if hasattr(request.node, "callspec")
        else False
    ):
        env["GIT_SSH_COMMAND"] = request.getfixturevalue("ssh_host").command
    return replace(world, env=env, prefix=LIMIT)


@pytest.fixture
def place(limited, kind, request, tmp_path):
    return make(limited, kind, request, f"{tmp_path.name}-{os.getpid()}")


@pytest.fixture
def repo(limited, place):
    """A repository with data, whose remote is the place behind `data::`."""
    made = limited.repo("work")
    made.git("remote", "add", "origin", place.address)
    made.git("remote", "add", "plain", place.url)
    limited.git("data", "store", str(limited.root / "store"), cwd=made.path)
    made.write(".gitattributes", TRACKED)
    made.commit("one", **{"a.bin": random_bytes(50_000), "text": "text\n"})
    return made


@pytest.fixture
def pushed(repo):
    repo.git("push", "-q", "origin", "main")
    return repo


def fresh(limited, installed=False):
    """A machine on which git-data is installed as a package, and `git data install` never ran."""
    if not installed:
        (limited.home / ".gitconfig").write_text("")
    return limited


# Cloning


def test_a_clone_needs_nothing_set_up(limited, place, pushed):
    """And the next one finds everything as it is."""
    machine = fresh(limited)
    copy = machine.clone(place.address)
    assert copy.said.err == ""
    assert copy.read("a.bin") == random_bytes(50_000)
    assert copy.status() == ""
    config = copy.git("config", "--local", "--list").lines
    assert sum(line.startswith("filter.data.process=") for line in config) == 1
    assert "filter.data.required=true" in config
    assert "pre-push hook" in (copy.git_dir / "hooks/pre-push").read_text()
    before = (copy.git_dir / "config").read_bytes()
    copy.git("fetch", "-q")
    if "http" not in place.url:  # there it is noted that this is no registry
        assert (copy.git_dir / "config").read_bytes() == before
    assert (limited.home / ".gitconfig").read_text() == ""


def test_who_has_it_installed_gets_nothing_written(limited, place, pushed):
    copy = limited.clone(place.address)
    assert copy.read("a.bin") == random_bytes(50_000)
    config = copy.git("config", "--local", "--list").out
    assert "filter.data" not in config


KINDS_OF_CLONES = (
    ["--depth=1"],
    ["--filter=blob:none"],
    ["--mirror"],
    ["-b", "main", "--single-branch"],
    ["--origin=up", "--no-checkout"],
    ["-c", "protocol.version=0"],
    ["-c", "protocol.version=1"],
)
QUESTIONS = (
    ("for-each-ref", "--format=%(refname) %(objectname)"),
    ("rev-list", "--all", "--objects", "--missing=print"),
    ("rev-parse", "--is-shallow-repository", "--is-bare-repository"),
    ("ls-files", "-s"),
)


def test_kinds_of_clones_are_as_with_the_plain_address(limited, place, pushed):
    pushed.commit("two", **{"b.bin": b"two"})
    pushed.git("push", "-q", "origin", "main", "main:side")
    plain = place.url if "://" in place.url else f"file://{place.url}"  # without the shortcut
    for number, options in enumerate(KINDS_OF_CLONES):
        one = limited.clone(place.address, f"one{number}", *options)
        other = limited.clone(plain, f"other{number}", *options)
        for question in QUESTIONS:
            assert one.git(*question).out == other.git(*question).out


def test_protocol_version_2(limited, place, pushed):
    said = limited.git("ls-remote", place.address, env={"GIT_TRACE_PACKET": "1"})
    assert "version 2" in said.err
    assert said.out == limited.git("ls-remote", place.url).out
    said = limited.git(
        "-c", "protocol.version=0", "ls-remote", place.address, env={"GIT_TRACE_PACKET": "1"}
    )
    assert "version 2" not in said.err


def test_fetch_and_pull(limited, place, pushed):
    copy = limited.clone(place.address)
    pushed.commit("two", **{"a.bin": b"two", "b.bin": random_bytes(10_000, 1)})
    pushed.git("tag", "-a", "-m", "v1", "v1")
    pushed.git("push", "-q", "origin", "main", "v1")
    copy.git("pull", "-q")
    assert copy.read("a.bin") == b"two"
    assert copy.git("rev-parse", "v1^{}").out.strip() == pushed.head()
    assert copy.status() == ""


def test_deepening(limited, place, pushed):
    pushed.commit("two", text="two\n")
    pushed.git("push", "-q", "origin", "main")
    copy = limited.clone(place.address, "copy", "--depth=1")
    copy.git("fetch", "-q", "--unshallow")
    assert copy.git("rev-list", "--count", "HEAD").out == "2\n"


def test_a_partial_clone_fetches_what_it_lacks(limited, place, pushed):
    copy = limited.clone(place.address, "copy", "--filter=blob:none", "--no-checkout")
    assert copy.git("cat-file", "blob", "main:text").out == "text\n"


def test_an_empty_repository(limited, place):
    copy = limited.clone(place.address, code=0)
    assert "empty repository" in copy.said.err


def test_progress(limited, place, pushed):
    said = limited.git("clone", "--progress", place.address, "shown")
    assert "Receiving objects: 100%" in said.err


# Pushing


def stored(limited):
    return [path for path in (limited.root / "store/data/packs").rglob("*") if path.is_file()]


def test_data_goes_first_and_nothing_skips_it(limited, place, repo):
    assert stored(limited) == []
    repo.git("push", "-q", "--no-verify", "origin", "main")
    assert len(stored(limited)) == 1
    assert place.refs() == {"refs/heads/main": repo.head()}
    said = repo.git("push", "origin", "main:new")
    assert "git-data" not in said.err  # it is there


def test_what_was_sent_is_told(limited, place, repo):
    said = repo.git("push", "origin", "main")
    assert f"git-data: 1 object (50.0 KB, 50.2 KB sent) to {limited.root}/store" in said.err
    assert "[new branch]      main -> main" in said.err


def test_missing_data_stops_the_push(limited, place, repo):
    """No ref moves, the reason is told, and Git's table says which refs it was."""
    repo.forget_data()
    (repo.path / "a.bin").unlink()
    said = repo.git("push", "--porcelain", "--no-verify", "origin", "main", "main:new", code=1)
    assert "a.bin: its content" in said.err and "commits are safe here" in said.err
    assert len([line for line in said.lines if line.startswith("!")]) == 2
    assert "its data could not be stored" in said.out
    assert place.refs() == {}
    assert "Traceback" not in said.err


def test_the_same_is_told_as_for_the_plain_address(limited, place, pushed):
    """Leases, forced, refused, deleted, atomic and dry pushes, tags and expressions."""
    other = make(limited, "path", None, "other")
    pushed.git("push", "-q", str(other.bare.path), "main")
    pushed.git("remote", "set-url", "plain", str(other.bare.path))
    pushed.git("fetch", "-q", "--all")

    def both(*words, code=0):
        done = [
            pushed.git("push", "--porcelain", r, *words, code=code) for r in ("origin", "plain")
        ]
        assert table(done[0]) == table(done[1])
        assert len(table(done[0])) >= 1
        assert place.refs() == other.refs()

    pushed.commit("two", text="two\n")
    both("--dry-run", "main")
    both("main", "HEAD~1:refs/heads/older", "HEAD^{/one}:refs/tags/light")
    pushed.git("commit", "-q", "--amend", "-m", "again")
    both("main", code=1)
    both("--force-with-lease=main:" + "1" * 40, "main", code=1)
    both("--force-with-lease", "main")
    pushed.git("commit", "-q", "--amend", "-m", "and again")
    both("--atomic", "main", "HEAD:new", code=1)
    both("+main", ":older")
    both("--delete", "light")


def test_what_the_far_side_says_is_heard(place, repo):
    place.hook("pre-receive", 'echo "hello from the host"; env | grep GIT_PUSH_OPTION_0; true')
    said = repo.git("push", "-o", "an option", "origin", "main")
    assert "remote: hello from the host" in said.err
    assert "remote: GIT_PUSH_OPTION_0=an option" in said.err


def test_a_far_side_that_refuses(place, repo):
    place.hook("update", 'test "$1" != refs/heads/main')
    said = repo.git("push", "--porcelain", "origin", "main", "main:good", code=1)
    assert "(hook declined)" in said.out
    assert list(place.refs()) == ["refs/heads/good"]


def test_nothing_to_push(place, pushed):
    said = pushed.git("push", "origin", "main")
    assert "Everything up-to-date" in said.err


def test_many_refs(place, repo):
    """More than fits a pipe."""
    lines = "".join(f"create refs/tags/{'long' * 20}-{n} HEAD\n" for n in range(1500))
    repo.git("update-ref", "--stdin", input=lines.encode())
    repo.git("push", "-q", "origin", "main", "--tags")
    assert len(place.refs()) == 1501


def test_a_large_push(place, repo):
    repo.commit("large", large=random_bytes(5_000_000))
    repo.git("push", "-q", "origin", "main")
    assert place.refs()["refs/heads/main"] == repo.head()
    assert place.bare.git("fsck", "--full").out == ""


def test_a_clone_pushes_on(limited, place, pushed):
    machine = fresh(limited)
    copy = machine.clone(place.address)
    copy.commit("two", **{"b.bin": b"two"})
    copy.git("push", "-q")
    again = machine.clone(place.address, "again")
    assert again.read("b.bin") == b"two"


# What fails, ends


def test_a_repository_that_is_not_there(limited, place, repo):
    shutil.rmtree(place.bare.path)
    for words in (["ls-remote"], ["fetch"], ["push"], ["clone"]):
        more = ["main"] if words == ["push"] else []
        said = repo.git(*words, place.address, *more, code=128)
        assert "Traceback" not in said.err and said.err
        assert "there is no registry" not in said.err
    assert not (repo.path / place.bare.path.stem).exists()


def test_a_far_side_that_dies(place, repo):
    place.hook("pre-receive", "kill -9 $PPID")
    said = repo.git("push", "origin", "main", code=None)
    assert said.code != 0
    assert "Traceback" not in said.err
    (place.bare.path / "hooks/pre-receive").unlink()
    repo.git("push", "-q", "origin", "main")


# Only where it is wanted


def test_an_address_that_was_typed_changes_no_repository(limited, place, pushed):
    (limited.home / ".gitconfig").write_text("")
    stranger = limited.repo("stranger")
    before = (stranger.git_dir / "config").read_bytes()
    stranger.git("ls-remote", place.address)
    stranger.git("fetch", "-q", place.address, "main")
    assert (stranger.git_dir / "config").read_bytes() == before
    assert not (stranger.git_dir / "hooks/pre-push").exists()


def test_a_submodule_is_refused(limited, place, pushed):
    """Git's own default: nobody's committed .gitmodules starts us."""
    above = limited.repo("above")
    said = above.git("submodule", "add", place.address, "sub", code=128)
    assert "transport 'data' not allowed" in said.err


def test_archive(limited, place, pushed):
    if place.url.startswith("http"):
        pytest.skip("git archive --remote does not know HTTP here")
    place.bare.git("config", "uploadarchive.allowUnreachable", "true")
    one = limited.git("archive", f"--remote={place.address}", "main", "text").out
    assert one == limited.git("archive", f"--remote={place.url}", "main", "text").out
    assert "text\n" in one


@pytest.mark.parametrize("kind", ["path", "ssh"], indirect=False)
def test_another_program_on_the_far_side(limited, place, pushed):
    program = limited.root / "my pack"
    program.write_text('#!/bin/sh\necho "$@" >>"$0.log"\nexec git-upload-pack "$@"\n')
    program.chmod(0o755)
    limited.git("ls-remote", f"--upload-pack='{program}'", place.address)
    assert Path(f"{program}.log").read_text() == f"{place.bare.path}\n"


def test_protocols_that_are_forbidden_stay_so(limited, place, pushed):
    scheme = place.url.partition(":")[0] if "://" in place.url else "file"
    said = limited.git("-c", f"protocol.{scheme}.allow=never", "ls-remote", place.address, code=128)
    assert f"transport '{scheme}' not allowed" in said.err
    env = {"GIT_ALLOW_PROTOCOL": "data"}
    said = limited.git("ls-remote", place.address, code=128, env=env)
    assert f"transport '{scheme}' not allowed" in said.err
    env = {"GIT_ALLOW_PROTOCOL": f"data:{scheme}"}
    assert limited.git("ls-remote", place.address, env=env).out


def test_instead_of(limited, place, pushed):
    base, _, name = place.url.rpartition("/")
    wanted = limited.git("ls-remote", place.url).out
    limited.git("config", "--global", f"url.{base}/.insteadOf", "short:")
    assert limited.git("ls-remote", f"data::short:{name}").out == wanted
    limited.git("config", "--global", f"url.data::{base}/.insteadOf", "long:")
    assert limited.git("ls-remote", f"long:{name}").out == wanted


@pytest.mark.parametrize(
    "address",
    ["--upload-pack=x", "-x", "ext::sh -c touch% evil", "fd::0", "a\nb", "", "git://127.0.0.1:1/x"],
)
def test_hostile_addresses(world, address):
    said = world.git("ls-remote", f"data::{address}", code=128)
    assert "git-data: " in said.err
    assert "Traceback" not in said.err
    assert not (world.root / "evil").exists()


@pytest.mark.parametrize(
    "address", ["ssh://-oProxyCommand=touch%20evil/x", "-oProxyCommand=touch evil:x", "host:-x"]
)
def test_hostile_hosts(world, address):
    said = world.git("ls-remote", f"data::{address}", code=128)
    assert "blocked" in said.err or "no address" in said.err
    assert not (world.root / "evil").exists()


# A path


def test_a_repository_at_a_file_address_is_gits(world):
    """It passes through; a registry beside it, whose name it has but for `.git`, is none of it."""
    bare = world.bare("origin.git")
    repo = world.repo()
    repo.commit("one", file="one\n")
    repo.git("push", "-q", f"data::file://{bare.path}", "main")
    assert bare.git("rev-parse", "main").out.strip() == repo.head()
    repo.git("push", "-q", f"data::file://{world.root}/origin", "main:other")
    assert bare.git("rev-parse", "other").out.strip() == repo.head()
    assert not (world.root / "origin").exists()


def test_a_folder_with_a_registry_needs_no_scheme(world):
    repo = world.repo()
    repo.commit("one", file="one\n")
    repo.git("push", "-q", f"data::file://{world.root}/registry", "main")
    assert world.clone(f"data::{world.root}/registry").head() == repo.head()


def test_a_relative_path_is_meant_from_where_clone_was_typed(world):
    world.bare("origin.git")
    (world.root / "deep").mkdir()
    world.git("clone", "-q", "data::../origin.git", "copy", cwd=world.root / "deep")
    copy = Checkout(world, world.root / "deep/copy")
    copy.commit("one", file="one\n")
    copy.git("push", "-q", "origin", "HEAD:main")
    copy.git("fetch", "-q")
    assert copy.git("config", "remote.origin.url").out == f"data::{world.root}/origin.git\n"


def test_a_path_is_its_own_store(world):
    bare = world.bare("origin.git")
    repo = world.repo()
    repo.git("remote", "add", "origin", f"data::{bare.path}")
    repo.write(".gitattributes", TRACKED)
    repo.commit("one", **{"a.bin": random_bytes(50_000)})
    repo.git("push", "-q", "origin", "main")
    assert (bare.path / "data/manifest").is_file()
    (world.home / ".gitconfig").write_text("")
    copy = world.clone(f"data::{bare.path}")
    assert copy.read("a.bin") == random_bytes(50_000)
    assert copy.status() == ""


# ssh


@pytest.mark.parametrize("kind", ["ssh"], indirect=False)
def test_ways_to_name_ssh(limited, place, pushed, ssh_host, kind):
    path = place.bare.path
    user = limited.run("id", "-un").out.strip()
    command = ssh_host.command
    for address in (
        f"ssh://{user}@127.0.0.1:{ssh_host.port}{path}",
        f"git+ssh://127.0.0.1:{ssh_host.port}{path}",
        f"[127.0.0.1:{ssh_host.port}]:{path}",
        f"{user}@[127.0.0.1:{ssh_host.port}]:{path}",
    ):
        assert limited.git("ls-remote", f"data::{address}").out
    env = {"GIT_SSH_COMMAND": f"{command} -p {ssh_host.port}"}
    assert limited.git("ls-remote", f"data::127.0.0.1:{path}", env=env).out
    del limited.env["GIT_SSH_COMMAND"]
    limited.git("config", "--global", "core.sshCommand", command)
    assert limited.git("ls-remote", place.address).out
    limited.git("config", "--global", "--unset", "core.sshCommand")
    script = limited.root / "my-ssh"
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    script.chmod(0o755)
    assert limited.git("ls-remote", place.address, env={"GIT_SSH": str(script)}).out


# HTTP


@pytest.mark.parametrize("kind", ["http"], indirect=False)
def test_credentials_are_gits(limited, place, pushed, web_host, kind):
    address = place.address.replace("/git/", "/private/")
    said = limited.git("ls-remote", address, code=128)
    assert "could not read Username" in said.err
    helper = f"!f() {{ echo username={githost.USER}; echo 'password={githost.PASSWORD}'; }}; f"
    limited.git("config", "--global", "credential.helper", helper)
    assert limited.git("ls-remote", address).out
    copy = limited.clone(address, "private")
    copy.commit("two", text="two\n")
    copy.git("push", "-q")
    assert place.refs()["refs/heads/main"] == copy.head()


@pytest.mark.parametrize("kind", ["http"], indirect=False)
def test_a_git_host_is_asked_once_whether_it_is_a_registry(limited, place, pushed, web_host, kind):
    def asked():
        return [r for r in web_host.requests() if place.bare.path.name in r and "manifest" in r]

    before = len(asked())
    copy = limited.clone(place.address)
    copy.git("fetch", "-q")
    copy.git("fetch", "-q")
    assert len(asked()) - before <= 2
    assert copy.git("config", "remote.origin.dataRegistry").out == "false\n"


@pytest.mark.parametrize("kind", ["http"], indirect=False)
def test_a_registry_behind_a_plain_web_server(limited, web_host, kind, tmp_path):
    root = web_host.files / f"{tmp_path.name}-{os.getpid()}"
    repo = limited.repo("work")
    repo.write(".gitattributes", TRACKED)
    repo.commit("one", **{"a.bin": random_bytes(50_000)})
    repo.git("push", "-q", f"data::file://{root}", "main")
    address = f"data::http://127.0.0.1:{web_host.port}/files/{root.name}"
    copy = fresh(limited).clone(address)
    assert copy.read("a.bin") == random_bytes(50_000)
    assert copy.status() == ""
    repo.commit("two", text="two\n")
    repo.git("push", "-q", f"data::file://{root}", "main")
    copy.git("pull", "-q")
    assert copy.head() == repo.head()
    said = copy.git("push", "origin", "HEAD:refs/heads/new", code=1)
    assert "Traceback" not in said.err
