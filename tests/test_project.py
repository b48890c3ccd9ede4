import os
import shutil

import pytest

from git_data import project
from git_data.errors import FormatError, UsageError
from git_data.git import Git
from git_data.project import Project, parse_size
from git_data.repo import Repo

COMMIT = ("-c", "user.name=a", "-c", "user.email=a", "commit", "-qm", "x")


@pytest.fixture
def git(tmp_path):
    made = Git(
        str(tmp_path), {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(tmp_path)}
    )
    made.run("init", "-q", ".")
    return made


def write(git, text):
    with open(os.path.join(git.folder, ".gitdata"), "w") as file:
        file.write(text)


def read(git, text):
    write(git, text)
    return project.read_file(git, git.folder)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1MB", 10**6),
        ("1 MiB", 1 << 20),
        ("512k", 512 << 10),
        ("1.5GB", 1_500_000_000),
        ("7", 7),
        ("7b", 7),
        ("2TiB", 2 << 40),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "1XB", "1e3", "1MB x", "9" * 40, "1..5MB"])
def test_what_is_no_size(text):
    with pytest.raises(UsageError):
        parse_size(text)


def test_everything_it_can_say(git):
    found = read(
        git,
        """
        [store]
            url = /srv/registry   # a comment
            mirror = https://a.example/r
            mirror = https://b.example/r
        [track]
            above = 1MB
        [fetch]
            include = images/**
            exclude = raw/
        [import "images/cats dogs"]
            url = https://github.com/example/registry.git
            path = images/cats-dogs
            store = s3://bucket/registry
            copy = true
        """,
    )
    assert found.store == "/srv/registry"
    assert found.mirrors == ("https://a.example/r", "https://b.example/r")
    assert found.above == 10**6
    assert (found.fetch_include, found.fetch_exclude) == (("images/**",), ("raw/",))
    assert [(i.name, i.stores, i.copy) for i in found.imports] == [
        ("images/cats dogs", ("s3://bucket/registry",), True)
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[core]\n sshCommand = evil\n", "core.sshcommand"),
        ("[store]\n url = a\n command = evil\n", "store.command"),
        ('[store "x"]\n url = a\n', "store.x.url"),
        ('[import "a"]\n run = evil\n', "import.a.run"),
        ("[store]\n url = -oProxyCommand=evil\n", "store.url"),
        ("[store]\n url = ext::sh -c evil\n", "store.url"),
        ("[store]\n url = https://bob:secret@example.org/r\n", "store.url"),
        ("[store]\n mirror = s3://key:secret@bucket/r\n", "store.mirror"),
        ("[store]\n url = https://bob%3asecret@example.org/r\n", "store.url"),
        ('[store]\n url = "a\\tb"\n', "store.url"),
        ('[import "a"]\n store = -x\n', "import.a.store"),
        ('[import "a"]\n store = /ok\n store = ext::x\n', "import.a.store"),
        ('[import "a"]\n url = --upload-pack=x\n', "import.a.url"),
        ('[import "a"]\n url = ext::sh -c id\n', "import.a.url"),
        ('[import "a"]\n url = data::ext::sh\n', "import.a.url"),
        ('[import "a"]\n url = "https://x/\\ny"\n', "import.a.url"),
        ('[import "a"]\n path = ../x\n', "import.a.path"),
        ('[import "a"]\n path = .git/config\n', "import.a.path"),
        ('[import "a"]\n rev = --all\n', "import.a.rev"),
        ('[import "a"]\n commit = HEAD\n', "import.a.commit"),
        ('[import "a"]\n tree = 1234\n', "import.a.tree"),
        ('[import "a"]\n copy = perhaps\n', "import.a.copy"),
        ('[import "../a"]\n path = x\n', "import '../a'"),
        ('[import "/etc/passwd"]\n path = x\n', "import '/etc/passwd'"),
        ('[import "a/.GIT/hooks"]\n path = x\n', "import 'a/.GIT/hooks'"),
        ("[track]\n above = much\n", "track.above"),
        ("[store]\n url = s3://key:hush@bucket/a\n", "store.url"),
        ("[store]\n mirror = https://u:hush@host/a\n", "store.mirror"),
        ("[store]\n url = s3://b/a?endpoint=https://u:hush@host\n", "store.url"),
        ("[store]\n url = s3://b/a?endpoint=https%3A%2F%2Fu%3Ahush%40host\n", "store.url"),
        ('[import "a"]\n store = sftp://u:hush@host/a\n', "import.a.store"),
        ("[store\n", ".gitdata"),
    ],
)
def test_hostile_text_is_refused_by_name(git, text, named):
    with pytest.raises(FormatError) as caught:
        read(git, text)
    assert named in str(caught.value)
    assert "hush" not in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "sftp://user@host:22/a:b@c",
        "s3://bucket/a b/größe?endpoint=https://[::1]:9000&region=x",
        "/srv/a:b@c",
        "https://host/a?x=1",
        "http://[::1]:8080/a@b:c",
    ],
)
def test_addresses_that_are_fine(git, url):
    project.write(git, git.folder, "store.url", url)
    assert project.read_file(git, git.folder).store == url


def test_keys_with_many_values(git, tmp_path):
    first, second = "s3://b/a.*?endpoint=https://h:1", "s3://b/a.*"
    for url in (first, second):
        project.add(git, git.folder, "store.mirror", url)
    assert project.read_file(git, git.folder).mirrors == (first, second)
    project.remove(git, git.folder, "store.mirror", second)
    assert project.read_file(git, git.folder).mirrors == (first,)
    project.remove(git, git.folder, "store.mirror", "absent")
    project.remove(git, git.folder, "store.mirror", first)
    assert project.read_file(git, git.folder).mirrors == ()


def test_includes_are_not_followed(git, tmp_path):
    other = tmp_path / "other"
    other.write_text("[store]\n url = /stolen\n")
    with pytest.raises(FormatError, match=r"include\.path"):
        read(git, f"[include]\n path = {other}\n")
    git.run("add", ".gitdata")
    with pytest.raises(FormatError, match=r"include\.path"):
        project.read_blob(git, "")


def test_a_link_a_folder_and_a_giant_are_refused(git, tmp_path):
    place = tmp_path / ".gitdata"
    (tmp_path / "target").write_text("[store]\n url = /a\n")
    place.symlink_to("target")
    with pytest.raises(FormatError, match="no regular file"):
        project.read_file(git, git.folder)
    with pytest.raises(FormatError, match="no regular file"):
        project.write(git, git.folder, "store.url", "/b")
    assert (tmp_path / "target").read_text() == "[store]\n url = /a\n"
    place.unlink()
    place.mkdir()
    with pytest.raises(FormatError, match="no regular file"):
        project.read_file(git, git.folder)
    place.rmdir()
    with open(place, "wb") as file:
        file.truncate(project.MAX_BYTES + 1)
    with pytest.raises(FormatError, match="more than"):
        project.read_file(git, git.folder)


def test_a_link_a_folder_and_a_giant_are_refused_when_committed(git, tmp_path):
    place = tmp_path / ".gitdata"
    place.symlink_to("[store]\n\turl = /evil\n")  # a link's target is a blob too
    check_refused_when_committed(git, "no regular file")
    place.unlink()
    place.mkdir()
    (place / "file").touch()
    git.run("add", ".gitdata")
    git.run(*COMMIT)
    with pytest.raises(FormatError, match="no regular file"):
        project.read_blob(git, "HEAD")
    shutil.rmtree(place)
    place.write_bytes(b"#" * (project.MAX_BYTES + 1))
    check_refused_when_committed(git, "more than")


def check_refused_when_committed(git, why):
    git.run("add", "-A")
    with pytest.raises(FormatError, match=why):
        project.read_blob(git, "")
    git.run(*COMMIT)
    with pytest.raises(FormatError, match=why):
        project.read_blob(git, "HEAD")


def test_of_a_commit_of_the_index_and_of_nothing(git):
    assert project.read_file(git, git.folder) is None
    assert project.read_blob(git, "") is None
    assert project.read_blob(git, "HEAD") is None
    write(git, "[store]\n url = /first\n")
    git.run("add", ".gitdata")
    git.run(*COMMIT)
    write(git, "[store]\n url = /second\n")
    git.run("add", ".gitdata")
    assert project.read_blob(git, "HEAD") == Project(store="/first")
    assert project.read_blob(git, "") == Project(store="/second")


def test_of_a_commit_it_is_read_once_and_of_a_name_each_time(git):
    write(git, "[store]\n url = /first\n")
    git.run("add", ".gitdata")
    git.run(*COMMIT)
    repo, commit = Repo.open(git.folder, git.environ), git.line("rev-parse", "HEAD")
    assert repo.project_at(commit) is repo.project_at(commit) == Project(store="/first")
    assert repo.project_at("HEAD").store == "/first"
    write(git, "[store]\n url = /second\n")
    git.run(*COMMIT, "-a")
    assert repo.project_at("HEAD").store == "/second"
    assert repo.project_at(commit).store == "/first"


def test_writing_keeps_comments_and_takes_back(git, tmp_path):
    write(git, "# ours\n[store]\n\turl = /a # here\n")
    project.write(git, git.folder, "track.above", "1MB")
    assert "# ours" in (tmp_path / ".gitdata").read_text()
    assert project.read_file(git, git.folder) == Project(store="/a", above=10**6)
    project.write(git, git.folder, "track.above", None)
    project.write(git, git.folder, "track.above", None)
    assert project.read_file(git, git.folder) == Project(store="/a")
