import pytest

from git_data import origin
from git_data.errors import NotFound, UsageError


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-u",
        "--upload-pack=touch pwned",
        "ext::sh -c true",
        "fd::17",
        "data::ext::sh",
        "data::--upload-pack=x",
        "data::-x",
        "ssh://-oProxyCommand=true/x",
        "ssh://me@-oProxyCommand=true/x",
        "-oProxyCommand=true:path",
        "foo://bar/x",
        "data::foo://bar",
        "s3://bucket/x",
        "https://host/a\nb",
        "https://host/\x1b[0m",
        "x" * 5000,
    ],
)
def test_what_git_never_gets_to_see(url, asking):
    with pytest.raises(UsageError):
        origin.check(url)
    with pytest.raises(UsageError):
        origin.find(url, ".", asking)


@pytest.mark.parametrize(
    "url",
    [
        "https://host/x.git",
        "ssh://git@host:22/x",
        "git@host:x/y.git",
        "git://host/x",
        "data::https://host/x",
        "data::s3://bucket/prefix",
        "data::git@host:x",
    ],
)
def test_what_is_asked_over_a_network(url, asking):
    found = origin.find(url, ".", asking)
    assert (found.url, found.folder, found.recorded("/top")) == (url, None, url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host/x", "https://host/x"),
        ("https://ghp_secret@host/x", "https://host/x"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("ssh://git:secret@host/x", "ssh://git@host/x"),
        ("data::https://me:secret@host/x", "data::https://host/x"),
        ("git@host:x", "git@host:x"),
    ],
)
def test_no_secret_is_shown_or_recorded(url, shown, asking):
    found = origin.find(url, ".", asking)
    assert (found.shown, found.recorded("/top")) == (shown, shown)


def test_a_folder(registry, work, asking):
    root = registry.world.root
    for url in (str(registry.path), f"file://{registry.path}", "registry.git", "registry"):
        assert origin.find(url, str(root), asking).folder == str(registry.path)
    assert origin.find("work", str(root), asking).folder == str(work.path / ".git")
    assert origin.find("work", str(root), asking).recorded(str(root / "mine")) == "../work"
    assert origin.find(str(work.path), "/", asking).recorded("/top") == str(work.path)
    for wrong in ("nowhere", "work/music", f"file://{root}"):
        with pytest.raises(NotFound):
            origin.find(wrong, str(root), asking)


def test_which_words_mean_a_repository(registry, work, asking, monkeypatch):
    monkeypatch.chdir(work.path)
    for word in (".", "../registry.git", str(work.path), "https://x/y", "data::/x", "host:path"):
        assert origin.is_repository(word, asking), word
    (work.path / "a:b").touch()
    for word in ("music", "music/README", "../nowhere", "*.flac", "a:b", "no/such:thing", "x"):
        assert not origin.is_repository(word, asking), word


def test_where_data_lies_without_a_store(registry, asking):
    def store(url):
        found = origin.own_store(origin.find(url, "/srv", asking))
        return found and found.url

    assert store("data::s3://bucket/x") == "s3://bucket/x"
    assert store("data::https://host/x") == "https://host/x"
    assert store("data::/srv/x") == store("data::x") == "/srv/x"
    assert store("data::ssh://host/x") is None
    assert store("https://host/x.git") is None
    for url in (f"data::{registry.path}", f"data::file://{registry.path}", str(registry.path)):
        found = origin.own_store(origin.find(url, "/", asking))
        assert (found.url, found.git_dir) == (str(registry.path),) * 2
