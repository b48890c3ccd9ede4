"""Whose credentials go where: what the user's own Git config says of an address, no one else."""

import pytest

from git_data.config import of_url
from git_data.errors import UsageError
from git_data.reach import endpoint
from git_data.repo import Repo

ENDPOINT = "https://minio.corp:9000"
AT = f"?endpoint={ENDPOINT}"


@pytest.fixture
def access(world, repo):
    """How an address is reached, by these settings."""

    def ask(url, **settings):
        for name, value in settings.items():
            world.git("config", "--global", name, value)
        return Repo.open(repo.path, world.env).access(url)

    return ask


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("s3://bucket/a", None),
        (f"s3://bucket/a{AT}", ENDPOINT),
        (f"S3://bucket/a{AT}/", ENDPOINT),
        ("s3://bucket/a?endpoint=https%3A%2F%2FMINIO.corp%3A9000", ENDPOINT),
        ("https://host/a?endpoint=https://other", None),
        ("/srv/registry", None),
    ],
)
def test_the_endpoint_of_an_address(url, found):
    assert endpoint(url) == found


@pytest.mark.parametrize("setting", ["trust", "profile", "singleWriter"])
def test_an_endpoint_that_the_users_config_names_is_his_own(access, setting):
    url, value = f"s3://bucket/a{AT}", "true"
    assert access(url).trusted is False
    found = access(url, **{f"data.{ENDPOINT}.{setting}": value})
    assert found.trusted is True
    assert found.profile == (value if setting == "profile" else None)
    assert found.single_writer is (setting == "singleWriter")
    assert access(f"s3://other/b{AT}").trusted is True
    assert access("s3://bucket/a?endpoint=https://minio.corp:9001").trusted is False
    assert access("s3://bucket/a?endpoint=http://minio.corp:9000").trusted is False
    assert access("s3://bucket/a?endpoint=https://evil.example/minio.corp").trusted is False


def test_the_user_may_take_it_back(access):
    url = f"s3://bucket/a{AT}"
    settings = {f"data.{ENDPOINT}.profile": "corp", f"data.{ENDPOINT}.trust": "false"}
    assert access(url, **settings).trusted is False


def test_the_address_that_the_user_writes_to_is_his_own(access):
    url = f"s3://bucket/a{AT}"
    assert access(url, **{"data.store": url}).trusted is True
    assert access(f"s3://bucket/b{AT}").trusted is False


def test_what_holds_of_a_bucket_at_aws_does_not_hold_elsewhere(access):
    """A committed .gitdata chooses the bucket's name and the endpoint: the same name is nothing."""
    own = {"data.s3://bucket.profile": "mine", "data.s3://bucket/a.trust": "true"}
    assert access("s3://bucket/a", **own).profile == "mine"
    for hostile in (f"s3://bucket/a{AT}", f"s3://bucket/a?region=x&endpoint={ENDPOINT}"):
        assert access(hostile).trusted is False
        assert access(hostile).profile is None
    assert access("s3://bucket/a?region=eu-west-1").profile == "mine"
    named = access(f"s3://bucket/a{AT}", **{f"data.s3://bucket{AT}.profile": "corp"})
    assert (named.profile, named.trusted) == ("corp", True)
    assert access("s3://bucket/a").profile == "mine"


@pytest.mark.parametrize(
    "url",
    [
        f"s3://bucket/a?endpoint=https://evil.example&endpoint={ENDPOINT}",
        f"s3://bucket/a?endpoint=https://evil.example#&endpoint={ENDPOINT}",
        "s3://bucket/a?endpoint=https://evil.example\\@minio.corp:9000",
        "s3://bucket/a?endpoint=https://minio.corp:9000@evil.example",
    ],
)
def test_no_address_is_read_in_two_ways(access, url):
    with pytest.raises(UsageError):
        access(url, **{f"data.{ENDPOINT}.trust": "true"})


def test_gits_settings_for_http_hold_of_the_endpoint(access):
    found = access(
        f"s3://bucket/a{AT}",
        **{
            f"http.{ENDPOINT}.proxy": "http://proxy:1",
            "http.sslCAInfo": "/ca.pem",
            f"http.{ENDPOINT}.sslVerify": "false",
            "http.https://other.proxy": "http://proxy:2",
        },
    )
    assert (found.proxy, found.ca_file, found.verify) == ("http://proxy:1", "/ca.pem", False)
    at_aws = access("s3://bucket/a")
    assert (at_aws.proxy, at_aws.ca_file, at_aws.verify) == (None, None, True)


@pytest.mark.parametrize(
    ("pattern", "url", "covers"),
    [
        ("s3://bucket", "s3://bucket", True),
        ("s3://bucket/", "s3://bucket/a/b", True),
        ("s3://bucket/a", "s3://bucket/ab", False),
        ("s3://bucket", "s3://bucket2", False),
        ("https://h", "https://h:443/x", True),
        ("https://h:99999999", "https://h", False),
        ("https://[", "https://h", False),
    ],
)
def test_whom_a_setting_is_about(pattern, url, covers):
    assert (of_url({f"data.{pattern}.trust": ("true",)}, url) == {"trust": "true"}) is covers
