"""How long to try again is the user's to say: data.patience, for all stores or for one."""

import pytest

from git_data.errors import UsageError
from git_data.reach import reach
from git_data.repo import Repo

URL = "https://data.example.org/registry"


def patience(repo, url=URL):
    opened = Repo.open(str(repo.path), repo.world.env)
    return reach(opened.git, opened.settings, url).patience


def test_as_usual_unless_he_says(repo):
    assert patience(repo) is None


@pytest.mark.parametrize(("value", "seconds"), [("0", 0.0), ("300", 300.0), ("0.5", 0.5)])
def test_for_all_stores(repo, value, seconds):
    repo.git("config", "data.patience", value)
    assert patience(repo) == seconds


def test_for_one_store(repo):
    repo.git("config", "data.patience", "20")
    repo.git("config", "data.https://data.example.org.patience", "200")
    assert patience(repo) == 200.0
    assert patience(repo, "https://another.example.org/") == 20.0


@pytest.mark.parametrize("value", ["soon", "-1", "1e9", "nan", "99999999"])
def test_what_is_no_time(repo, value):
    repo.git("config", "data.patience", value)
    with pytest.raises(UsageError, match=r"data\.patience is .*: seconds are wanted"):
        patience(repo)
