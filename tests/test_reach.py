"""What the user's own settings say of an address, by the real Git."""

import os
import shutil
import stat

import pytest

from git_data.config import settings
from git_data.git import Git
from git_data.reach import GitCredentials, reach
from git_data.stores.access import Access, Login

URL = "https://data.example.org:8443/registry"


@pytest.fixture
def git(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": str(home / "config"), "HOME": str(home)}
    made = Git(str(tmp_path), environ)
    made.run("init", "-q", ".")
    return made


def reached(git, url=URL, **config):
    for name, value in config.items():
        git.run("config", name, value)
    return reach(git, settings(git), url)


def test_nothing_is_set(git):
    assert reached(git)._replace(credentials=Access().credentials) == Access()


def test_an_address_that_the_config_names_is_the_users_own(git):
    assert not reached(git).trusted
    git.run("config", "data.store", URL)
    assert reached(git).trusted
    assert not reached(git, "https://data.example.org:8443/other").trusted
    git.run("config", "data.https://data.example.org:8443.trust", "true")
    assert reached(git, "https://data.example.org:8443/other").trusted
    assert not reached(git, "https://data.example.org/other").trusted
    git.run("config", f"data.{URL}.trust", "false")
    assert not reached(git).trusted


def test_http_settings_are_those_that_git_would_use(git):
    for name, value in {
        "http.proxy": "http://everywhere:1",
        "http.https://data.example.org:8443.proxy": "http://there:2",
        "http.sslCAInfo": "~/ca.pem",
        "http.https://other.example.org.sslVerify": "false",
        "http.sslCert": "cert.pem",
        "http.sslKey": "key.pem",
    }.items():
        git.run("config", name, value)
    found = reached(git)
    assert (found.proxy, found.ca_file, found.verify) == ("http://there:2", "~/ca.pem", True)
    assert (found.certificate, found.key) == ("cert.pem", "key.pem")
    other = reached(git, "https://other.example.org/x")
    assert (other.proxy, other.verify) == ("http://everywhere:1", False)


def test_an_address_of_webdav_is_one_of_http(git):
    git.run("config", "http.https://data.example.org:8443.proxy", "http://there:2")
    git.run("config", "data.https://data.example.org:8443.trust", "true")
    found = reached(git, URL.replace("https://", "webdavs://"))
    assert (found.proxy, found.trusted) == ("http://there:2", True)


def test_variables_win_over_the_config(git):
    git.run("config", "http.sslCAInfo", "config.pem")
    git.environ |= {"GIT_SSL_CAINFO": "ca.pem", "GIT_SSL_NO_VERIFY": "", "GIT_SSL_CERT": "c.pem"}
    found = reached(git)
    assert (found.ca_file, found.verify, found.certificate) == ("ca.pem", False, "c.pem")


def test_a_password_is_not_in_the_process_list(git, tmp_path):
    """Anybody on the machine may read the arguments of a command."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    seen = tmp_path / "seen"
    wrapper = bin_folder / "git"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >>{seen}\nexec {shutil.which("git")} "$@"\n')
    wrapper.chmod(stat.S_IRWXU)
    git.environ["PATH"] = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    url = "https://bob:geheim@data.example.org/registry"
    reached(git, url).credentials.fill()
    assert "--get-urlmatch http https://bob@data.example.org/registry" in seen.read_text()
    assert "credential fill" in seen.read_text()
    assert "geheim" not in seen.read_text()


# git credential


@pytest.fixture
def kept(git, tmp_path):
    """The file in which `git credential-store` keeps logins."""
    path = tmp_path / "logins"
    git.run("config", "credential.helper", f"store --file={path}")
    return path


def test_logins_are_asked_of_gits_helpers(git, kept):
    kept.write_text("https://bob:geheim%21@data.example.org%3a8443\n")
    assert GitCredentials(git, URL).fill() == Login("bob", "geheim!")
    assert GitCredentials(git, "https://data.example.org/registry").fill() is None
    assert GitCredentials(git, "http://data.example.org:8443/registry").fill() is None


def test_a_name_in_the_address_chooses_the_login(git, kept):
    kept.write_text(
        "https://bob:one@data.example.org%3a8443\nhttps://eve:two@data.example.org%3a8443\n"
    )
    where = URL.replace("://", "://eve@")
    assert GitCredentials(git, where).fill() == Login("eve", "two")


def test_logins_are_kept_and_forgotten(git, kept):
    asked, login = GitCredentials(git, URL), Login("bob", "geheim")
    asked.approve(login)
    assert asked.fill() == login
    assert "8443" in kept.read_text()
    asked.reject(login)
    assert asked.fill() is None


def test_without_a_helper_and_a_terminal_nothing_hangs(git):
    assert GitCredentials(git, URL).fill() is None


def test_an_address_with_a_line_break_says_nothing_to_git(git, kept):
    kept.write_text("https://bob:geheim@other.example.org\n")
    for url in ("https://data.example.org/%0ahost=other.example.org", "https://a%0ab@x.org/"):
        assert GitCredentials(git, url).fill() is None
