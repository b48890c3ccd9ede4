import pytest

from git_data.errors import UsageError
from git_data.sshcommand import Command, Far, Wish, build, parse, quote

WISH = Wish("git-upload-pack", 2)
FAR = Far("user@host", "2222", "/srv/x.git")
REMOTE = "git-upload-pack '/srv/x.git'"
VERSION = ["-o", "SendEnv=GIT_PROTOCOL"]


@pytest.mark.parametrize(
    ("url", "far"),
    [
        ("host:path/x.git", Far("host", None, "path/x.git")),
        ("user@host:/srv/x.git", Far("user@host", None, "/srv/x.git")),
        ("user@host:~/x.git", Far("user@host", None, "~/x.git")),
        ("host:/~user/x.git", Far("host", None, "~user/x.git")),
        ("[host:2222]:x.git", Far("host", "2222", "x.git")),
        ("user@[host:2222]:x.git", Far("user@host", "2222", "x.git")),
        ("[::1]:x.git", Far("::1", None, "x.git")),
        ("user@[::1]:/srv/x.git", Far("user@::1", None, "/srv/x.git")),
        ("ssh://host/srv/x.git", Far("host", None, "/srv/x.git")),
        ("ssh://user@host:2222/srv/x.git", Far("user@host", "2222", "/srv/x.git")),
        ("git+ssh://host/~/x.git", Far("host", None, "~/x.git")),
        ("ssh://host/~user/x.git", Far("host", None, "~user/x.git")),
        ("ssh://[::1]:2222/x.git", Far("::1", "2222", "/x.git")),
        ("ssh://[::1]/x.git", Far("::1", None, "/x.git")),
        ("ssh://host:/x.git", Far("host", None, "/x.git")),
        ("ssh://host/with%20space", Far("host", None, "/with space")),
        ("host:with space", Far("host", None, "with space")),
    ],
)
def test_addresses(url, far):
    assert parse(url) == far


@pytest.mark.parametrize(
    "url",
    [
        *("ssh://-oProxyCommand=x/y", "-oProxyCommand=x:y", "ssh://%2doProxyCommand=x/y"),
        *("host:-x", "ssh://host:22x/y", "ssh://host:99999/y", "ssh:///y", "ssh://host", "host:"),
    ],
)
def test_refused(url):
    with pytest.raises(UsageError):
        parse(url)


def command(far=FAR, wish=WISH, environ=None, values=None, ssh=True):
    return build(far, wish, environ or {}, values or {}, lambda command: ssh)


def test_the_usual_command():
    words = ["ssh", *VERSION, "-p", "2222", "user@host", REMOTE]
    assert command() == Command(words, False, {"GIT_PROTOCOL": "version=2"})
    assert command(Far("host", None, "x"), Wish("git-receive-pack", 0)) == Command(
        ["ssh", "host", "git-receive-pack 'x'"], False, {}
    )


@pytest.mark.parametrize(
    ("environ", "values", "program", "shell"),
    [
        ({"GIT_SSH_COMMAND": "ssh -v"}, {}, "ssh -v", True),
        ({"GIT_SSH_COMMAND": "ssh -v", "GIT_SSH": "other"}, {}, "ssh -v", True),
        ({"GIT_SSH": "/opt/my ssh"}, {}, "/opt/my ssh", False),
        ({}, {"core.sshcommand": ("a", "ssh -i key")}, "ssh -i key", True),
        ({"GIT_SSH": "x"}, {"core.sshcommand": ("ssh -i key",)}, "ssh -i key", True),
        ({"GIT_SSH_COMMAND": "ssh -v"}, {"core.sshcommand": ("ssh -i key",)}, "ssh -v", True),
    ],
)
def test_which_program(environ, values, program, shell):
    found = command(environ=environ, values=values)
    assert (found.words[0], found.shell) == (program, shell)
    assert found.words[-2:] == ["user@host", REMOTE]


@pytest.mark.parametrize(
    ("environ", "values", "options"),
    [
        ({"GIT_SSH": "plink"}, {}, ["-P", "2222"]),
        ({"GIT_SSH": "C:\\putty\\PLINK.EXE"}, {}, ["-P", "2222"]),
        ({"GIT_SSH": "TortoisePlink.exe"}, {}, ["-batch", "-P", "2222"]),
        ({"GIT_SSH_VARIANT": "putty"}, {}, ["-P", "2222"]),
        ({"GIT_SSH_VARIANT": "ssh", "GIT_SSH": "plink"}, {}, [*VERSION, "-p", "2222"]),
        ({}, {"ssh.variant": ("tortoiseplink",)}, ["-batch", "-P", "2222"]),
        ({"GIT_SSH_VARIANT": "unheard of"}, {}, [*VERSION, "-p", "2222"]),
        ({"GIT_SSH_COMMAND": "'/usr/bin/ssh' -x"}, {}, [*VERSION, "-p", "2222"]),
    ],
)
def test_variants(environ, values, options):
    found = command(environ=environ, values=values, ssh=False)
    assert found.words[1:-2] == options


def test_an_unknown_program_is_tried():
    tried = []

    def succeeds(trial):
        tried.append(trial.words)
        return True

    found = build(FAR, WISH, {"GIT_SSH": "mine"}, {}, succeeds)
    assert tried == [["mine", "-G", *VERSION, "-p", "2222", "user@host"]]
    assert found.words[1:3] == VERSION


def test_a_simple_program_takes_no_options():
    found = command(Far("host", None, "x"), environ={"GIT_SSH": "mine"}, ssh=False)
    assert found == Command(["mine", "host", "git-upload-pack 'x'"], False, {})
    with pytest.raises(UsageError, match="setting port"):
        command(environ={"GIT_SSH": "mine"}, ssh=False)
    with pytest.raises(UsageError, match="-4"):
        command(Far("h", None, "x"), WISH._replace(family="ipv4"), {"GIT_SSH": "m"}, ssh=False)


def test_families():
    assert "-6" in command(wish=WISH._replace(family="ipv6")).words
    assert "-4" in command(wish=WISH._replace(family="ipv4"), environ={"GIT_SSH": "plink"}).words


def test_quoting_as_git_does():
    assert quote("it's!") == "'it'\\''s'\\!''"
    assert (
        command(Far("h", None, "a'; touch evil; '"))
        .words[-1]
        .endswith("'a'\\''; touch evil; '\\'''")
    )
