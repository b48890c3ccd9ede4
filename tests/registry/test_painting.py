"""Which patterns say of some files that they are data: Git itself is asked what they mean."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_data import painting, sections
from git_data.git import Git


def texts(files):
    return [pattern.text for pattern in painting.patterns(files)]


def test_few_patterns_for_many_files():
    data = {f"d/{number}.jpg": True for number in range(100)}
    assert texts(data) == ["**"]
    assert texts({**data, "README.md": False, "d/e/x.md": False}) == ["**", "**/*.md"]
    assert texts({**data, "plain/1.jpg": False, "plain/2.jpg": False}) == ["**", "plain/**"]
    assert texts({"": True}) == [""]
    mixed = {f"d/{number}.csv": number % 2 == 0 for number in range(10)}
    assert len(texts(mixed)) == 6


def test_names_that_are_patterns_are_meant_as_they_are():
    assert texts({"a[1].x": True, "a*.x": False}) == ["**", "a\\*.x"]


NAMES = st.text(alphabet="ab.*?[]\\! \"#é'", min_size=1, max_size=4).filter(
    lambda name: name.strip(".") and not name.startswith("..")
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@pytest.fixture(scope="module")
def git(tmp_path_factory):
    folder = tmp_path_factory.mktemp("painted")
    made = Git(str(folder), {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder)})
    made.run("init", "-q", ".")
    return made


@given(st.dictionaries(PATHS, st.booleans(), min_size=1, max_size=12), NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_git_reads_them_as_they_are_meant(git, files, place):
    files = {
        path: is_data
        for path, is_data in files.items()
        if not any(other.startswith(path + "/") for other in files)
    }
    before = b"*.a filter=other\n# kept"
    text = sections.attribute(before, place, files)
    with open(os.path.join(git.folder, ".gitattributes"), "wb") as file:
        file.write(text)
    asked = {os.fsencode(f"{place}/{path}"): is_data for path, is_data in files.items()}
    found = git.attributes(asked, "filter")
    assert {path: values["filter"] == "data" for path, values in found.items()} == asked
    assert text.startswith(before + b"\n")
    assert sections.attribute(text, place, files) == text
    assert sections.attribute(text, place, {}) == before + b"\n"
