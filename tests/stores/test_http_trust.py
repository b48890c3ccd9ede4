"""Whom an HTTP store tells what: logins, certificates, proxies."""

import os
import stat
import threading
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest

from git_data.errors import Denied, NotFound, StoreError, Unreachable, UsageError
from git_data.stores.access import Access, Login
from git_data.stores.http import open_http
from git_data.stores.web.wire import Timeouts

from ..helpers.scripted import Reply, Scripted, Tunnel, make_certificate, of_range
from ..helpers.servers import free_port
from ..helpers.web import PASSWORD, USER

NAME = "data/packs/ab/abcdef"
CONTENT = os.urandom(1000)
RIGHT, WRONG = Login("bob", "geheim: ü"), Login("bob", "wrong")
QUICK = Timeouts(connect=5, stall=5)


class Helpers:
    """What `git credential` would do with these logins, one after the other."""

    def __init__(self, *logins):
        self.logins = [*logins]
        self.calls = []
        self.at_once = self.most = 0

    def fill(self):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.calls.append("fill")
        found = self.logins[0] if self.logins else None
        self.at_once -= 1
        return found

    def approve(self, login):
        self.calls.append(f"approve {login.password}")

    def reject(self, login):
        self.calls.append(f"reject {login.password}")
        self.logins.pop(0)


def login_of(asked):
    kind, _, coded = asked.headers.get("Authorization", "").partition(" ")
    user, _, password = b64decode(coded).decode().partition(":")
    return Login(user, password) if kind == "Basic" else None


def guarded(right=RIGHT, challenge='Basic realm="store"'):
    inner = of_range(CONTENT)

    def answer(asked):
        if login_of(asked) == right:
            return inner(asked)
        return Reply(401, {"WWW-Authenticate": challenge})

    return answer


@pytest.fixture
def scripted():
    started = []

    def start(answer, **more):
        started.append(Scripted(answer, **more))
        return started[-1]

    yield start
    for server in started:
        server.__exit__()


def store_at(server, helpers=None, path="/r", **access):
    more = {"credentials": helpers} if helpers else {}
    url = server if isinstance(server, str) else server.url + path
    return open_http(url, Access(**access, **more), QUICK)


# Logins


def test_nobody_is_asked_before_the_server_asks(scripted):
    helpers = Helpers(RIGHT)
    server = scripted(of_range(CONTENT))
    assert store_at(server, helpers).read(NAME) == CONTENT
    assert helpers.calls == []
    assert "Authorization" not in server.seen[0].headers


def test_a_login_is_asked_for_once_and_kept(scripted):
    helpers = Helpers(RIGHT)
    server = scripted(guarded())
    store = store_at(server, helpers)
    for _ in range(3):
        assert store.read(NAME) == CONTENT
    assert helpers.calls == ["fill", f"approve {RIGHT.password}"]
    assert [login_of(one) for one in server.seen] == [None, RIGHT, RIGHT, RIGHT]


def test_a_login_that_is_right_for_a_file_that_is_missing_is_kept(scripted):
    helpers = Helpers(RIGHT)
    server = scripted(lambda asked: Reply(404) if login_of(asked) == RIGHT else guarded()(asked))
    with pytest.raises(NotFound):
        store_at(server, helpers).read(NAME)
    assert helpers.calls == ["fill", f"approve {RIGHT.password}"]


def test_a_wrong_login_is_forgotten_and_another_asked_for(scripted):
    helpers = Helpers(WRONG, RIGHT)
    assert store_at(scripted(guarded()), helpers).read(NAME) == CONTENT
    assert helpers.calls == ["fill", "reject wrong", "fill", f"approve {RIGHT.password}"]


def test_helpers_are_asked_twice_at_most(scripted):
    helpers = Helpers(WRONG, Login("bob", "wrong too"), RIGHT)
    server = scripted(guarded())
    store = store_at(server, helpers)
    for _ in range(3):
        with pytest.raises(Denied, match=r"does not accept the login|has none"):
            store.read(NAME)
    assert helpers.calls == ["fill", "reject wrong", "fill", "reject wrong too"]


def test_helpers_that_have_nothing_are_asked_once(scripted):
    helpers = Helpers()
    store = store_at(scripted(guarded()), helpers)
    for _ in range(3):
        with pytest.raises(Denied, match="wants a login, and Git has none for it"):
            store.read(NAME)
    assert helpers.calls == ["fill"]


def test_helpers_that_do_not_forget_are_not_asked_for_ever(scripted):
    helpers = Helpers(WRONG)
    helpers.reject = lambda login: helpers.calls.append("reject")
    server = scripted(guarded())
    with pytest.raises(Denied):
        store_at(server, helpers).read(NAME)
    assert helpers.calls == ["fill", "reject", "fill"]
    assert len(server.seen) == 2


def test_a_login_that_changes_meanwhile(scripted):
    right = [WRONG]
    server = scripted(lambda asked: guarded(right[0])(asked))
    helpers = Helpers(WRONG, RIGHT)
    store = store_at(server, helpers)
    assert store.read(NAME) == CONTENT
    right[0] = RIGHT
    assert store.read(NAME) == CONTENT
    assert helpers.calls[-3:] == ["reject wrong", "fill", f"approve {RIGHT.password}"]


def test_many_threads_ask_once(scripted):
    helpers = Helpers(RIGHT)
    barrier = threading.Barrier(8)
    inner = guarded()

    def answer(asked):
        if login_of(asked) is None:
            barrier.wait(10)  # all of them are refused before the first can ask
        return inner(asked)

    store = store_at(scripted(answer), helpers)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: store.read(NAME), range(8))) == [CONTENT] * 8
    assert helpers.calls == ["fill", f"approve {RIGHT.password}"]


def test_403_is_no_question_for_a_login(scripted):
    helpers = Helpers(RIGHT)
    with pytest.raises(Denied, match="403"):
        store_at(scripted(lambda asked: Reply(403)), helpers).read(NAME)
    assert helpers.calls == []


@pytest.mark.parametrize("challenge", ["Digest realm=x", "Negotiate", "Bearer", ""])
def test_logins_of_another_kind(scripted, challenge):
    helpers = Helpers(RIGHT)
    with pytest.raises(Denied, match="a kind that git-data cannot do"):
        store_at(scripted(guarded(challenge=challenge)), helpers).read(NAME)
    assert helpers.calls == []


def test_a_login_in_the_users_own_address(scripted):
    server = scripted(guarded(Login("b@b", "p:w/")))
    helpers = Helpers(RIGHT)
    store = store_at(f"http://b%40b:p%3Aw%2F@127.0.0.1:{server.port}/r", helpers)
    assert store.read(NAME) == CONTENT
    assert helpers.calls == []
    assert [login_of(one) for one in server.seen] == [None, Login("b@b", "p:w/")]


def test_a_body_is_sent_again_with_the_login(scripted):
    """A server may let everybody read, and ask who it is that writes."""

    def answer(asked):
        if asked.verb == "HEAD":
            return Reply(404)
        return Reply(201) if login_of(asked) else guarded()(asked)

    server = scripted(answer)
    store_at(server, Helpers(RIGHT)).write(NAME, [CONTENT, CONTENT])
    assert [one.body for one in server.seen[1:]] == [CONTENT * 2] * 2


def test_no_login_over_plain_http_unless_it_is_the_users_own_address():
    """A name for this machine that is not obviously one, so as any other server's."""
    server = Scripted(guarded())
    url = f"http://{_own_name()}:{server.port}/r"
    helpers = Helpers(RIGHT)
    server_by_proxy = {"proxy": server.url}  # the name need not be one that can be looked up
    with pytest.raises(Denied, match="not encrypted: none was sent") as caught:
        open_http(url, Access(credentials=helpers, **server_by_proxy), QUICK).read(NAME)
    assert "git config --global data.http://" in caught.value.hint
    assert helpers.calls == []
    trusted = Access(trusted=True, credentials=helpers, **server_by_proxy)
    assert open_http(url, trusted, QUICK).read(NAME) == CONTENT
    server.__exit__()


def _own_name():
    return "store.example.org"


def test_a_login_does_not_follow_a_redirect(scripted):
    """Not to another host, nor to another port of the same one."""
    helpers = Helpers(RIGHT)
    thief = scripted(guarded())
    server = scripted(
        lambda asked: (
            Reply(302, {"Location": thief.url + "/x"}) if login_of(asked) else guarded()(asked)
        )
    )
    with pytest.raises(Denied, match="401") as caught:
        store_at(server, helpers).read(NAME)
    assert thief.url in str(caught.value)
    assert [login_of(one) for one in thief.seen] == [None]
    assert helpers.calls == ["fill", f"approve {RIGHT.password}"]


def test_a_login_follows_a_redirect_on_the_same_server(scripted):
    inner = guarded()
    server = scripted(
        lambda asked: inner(asked) if asked.path == "/x" else Reply(302, {"Location": "/x"})
    )
    assert store_at(server, Helpers(RIGHT)).read(NAME) == CONTENT


def test_netrc_is_not_read(scripted, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login bob password geheim\n")
    netrc.chmod(stat.S_IRUSR)
    monkeypatch.setenv("NETRC", str(netrc))
    server = scripted(of_range(CONTENT))
    store_at(server).read(NAME)
    assert "Authorization" not in server.seen[0].headers


def test_a_login_for_apache(apache):
    url = f"{apache.url}/private/{os.urandom(4).hex()}"
    store = store_at(url, Helpers(Login(USER, PASSWORD)))
    store.write(NAME, [CONTENT])
    assert store.read(NAME) == CONTENT
    version = store.replace_if("data/manifest", b"{}", None)
    store.replace_if("data/manifest", b"[]", version)
    assert dict(store.list("data")) == {NAME: len(CONTENT), "data/manifest": 2}
    for helpers in (Helpers(Login(USER, "wrong")), Helpers()):
        with pytest.raises(Denied, match="login"):
            store_at(url, helpers).read(NAME)


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secure(scripted, certificate):
    return scripted(of_range(CONTENT), certificate=certificate)


def test_a_certificate_that_nobody_knows(secure):
    with pytest.raises(Denied, match=r"certificate of https://.* is not trusted") as caught:
        store_at(secure).read(NAME)
    assert "self-signed" in caught.value.message or "self signed" in caught.value.message
    assert f"http.{secure.url}/.sslCAInfo" in caught.value.hint
    assert secure.seen == []


def test_a_ca_that_the_user_names(secure, certificate, tmp_path):
    assert store_at(secure, ca_file=str(certificate)).read(NAME) == CONTENT
    hashed = os.popen(f"openssl x509 -hash -noout -in {certificate}").read().strip()
    (tmp_path / f"{hashed}.0").write_bytes((certificate.parent / "cert.pem").read_bytes())
    assert store_at(secure, ca_path=str(tmp_path)).read(NAME) == CONTENT
    with pytest.raises(Denied, match="not trusted"):
        store_at(secure, ca_path=str(certificate.parent)).read(NAME)


def test_a_certificate_of_another_name(scripted, tmp_path):
    other = make_certificate(tmp_path / "tls", "example.org")
    server = scripted(of_range(CONTENT), certificate=other)
    with pytest.raises(Denied, match="not trusted"):
        store_at(server, ca_file=str(other)).read(NAME)


def test_verifying_may_be_switched_off(secure, recwarn):
    assert store_at(secure, verify=False).read(NAME) == CONTENT
    assert [str(one.message) for one in recwarn] == []


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used(secure, tmp_path, content):
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(UsageError, match=f"{path} cannot be loaded"):
        store_at(secure, ca_file=str(path)).read(NAME)


def test_a_certificate_of_the_users_own(scripted, certificate, tmp_path):
    server = scripted(of_range(CONTENT), certificate=certificate, client_ca=certificate)
    ca = {"ca_file": str(certificate)}
    with pytest.raises((Unreachable, StoreError)):
        store_at(server, **ca).read(NAME)
    assert store_at(server, certificate=str(certificate), **ca).read(NAME) == CONTENT
    parts = {name: str(certificate.parent / f"{name}.pem") for name in ("key", "cert")}
    store = store_at(server, certificate=parts["cert"], key=parts["key"], **ca)
    assert store.read(NAME) == CONTENT


def test_a_key_with_a_password_is_not_asked_for(secure, certificate, tmp_path):
    """OpenSSL would ask on the terminal, and wait there for ever."""
    locked = make_certificate(tmp_path / "locked", password="geheim")
    with pytest.raises(UsageError, match="cannot be loaded"):
        store_at(secure, ca_file=str(certificate), certificate=str(locked)).read(NAME)


def test_nothing_leads_from_https_to_http(scripted, certificate):
    plain = scripted(of_range(CONTENT))
    server = scripted(
        lambda asked: Reply(301, {"Location": f"{plain.url}/x"}), certificate=certificate
    )
    with pytest.raises(StoreError, match="not encrypted: that is never followed"):
        store_at(server, ca_file=str(certificate)).read(NAME)
    assert plain.seen == []


def test_http_may_lead_to_https(secure, scripted, certificate):
    server = scripted(lambda asked: Reply(301, {"Location": f"{secure.url}/x"}))
    assert store_at(server, ca_file=str(certificate)).read(NAME) == CONTENT


def test_a_certificate_of_the_users_own_goes_to_no_other_server(scripted, certificate):
    other = scripted(of_range(CONTENT), certificate=certificate, client_ca=certificate)
    server = scripted(lambda asked: Reply(302, {"Location": other.url}), certificate=certificate)
    store = store_at(server, certificate=str(certificate), ca_file=str(certificate))
    with pytest.raises((Unreachable, StoreError)):
        store.read(NAME)
    assert len(server.seen) == 1 and other.seen == []


# Proxies


def test_tls_through_a_proxy(secure, certificate):
    """It is the store's own certificate that counts."""
    with Tunnel() as tunnel:
        via = {"proxy": f"http://127.0.0.1:{tunnel.port}"}
        assert store_at(secure, ca_file=str(certificate), **via).read(NAME) == CONTENT
        with pytest.raises(Denied, match="not trusted"):
            store_at(secure, **via).read(NAME)
        assert tunnel.asked == [f"127.0.0.1:{secure.port}"] * 2


def proxy(answer=None):
    """A proxy that gives what the server would have given."""
    return Scripted(answer or of_range(CONTENT))


@pytest.fixture
def via():
    with proxy() as server:
        yield server


URL = "http://store.example.org/r"


def test_the_proxy_of_gits_config(via):
    assert store_at(URL, proxy=via.url).read(NAME) == CONTENT
    assert store_at(URL, proxy=f"127.0.0.1:{via.port}").read(NAME) == CONTENT
    assert via.seen[0].path == f"{URL}/{NAME}"


def test_the_proxy_of_the_environment(via, scripted, monkeypatch):
    monkeypatch.setenv("http_proxy", via.url)
    assert store_at(URL).read(NAME) == CONTENT
    server = scripted(of_range(CONTENT))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert store_at(server).read(NAME) == CONTENT
    assert len(via.seen) == 1 and len(server.seen) == 1
    assert store_at(server, proxy=via.url).read(NAME) == CONTENT  # no_proxy counts for both
    assert len(via.seen) == 1


def test_an_empty_proxy_is_none(via, scripted, monkeypatch):
    monkeypatch.setenv("http_proxy", via.url)
    server = scripted(of_range(CONTENT))
    assert store_at(server, proxy="").read(NAME) == CONTENT
    assert via.seen == []


def test_a_proxy_with_a_login(via):
    server = f"http://eve:geheim@127.0.0.1:{via.port}"
    assert store_at(URL, proxy=server).read(NAME) == CONTENT
    coded = via.seen[0].headers["Proxy-Authorization"].partition(" ")[2]
    assert b64encode(b"eve:geheim").decode() == coded


def test_a_proxy_that_is_not_there():
    with pytest.raises(Unreachable, match=r"through the proxy 127\.0\.0\.1") as caught:
        store_at(URL, proxy=f"http://eve:geheim@127.0.0.1:{free_port()}").read(NAME)
    assert "geheim" not in str(caught.value)


def test_a_proxy_of_a_kind_that_cannot_be_used():
    with pytest.raises(StoreError) as caught:
        store_at(URL, proxy="ftp://eve:geheim@127.0.0.1:1").read(NAME)
    assert "geheim" not in str(caught.value)
