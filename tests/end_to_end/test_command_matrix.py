"""Every Git command that writes files ends as if the filter had answered the content at once.

Whatever the way to the end (files put in place after Git is done, or `delayed`), the exit status,
the commits, the index, the files, `git status` and what hooks and `-x` programs saw are the same.
"""

import pytest

from ..helpers.matrix import FLAVOURS, Fixture, Scenario, remove
from ..helpers.matrix_outcome import differences
from ..helpers.matrix_table import scenarios

SCENARIOS = scenarios()
INDEX = [(flavour, s) for flavour in FLAVOURS if flavour != "plain" for s in SCENARIOS if s.index]


def compare(matrix: Fixture, scenario: Scenario, folder, ways, flavour="plain") -> None:
    expected = matrix.run(scenario, "reference", folder / "reference", flavour)
    for way in ways:
        found = matrix.run(scenario, way, folder / way, flavour)
        told = differences(expected, found, scenario.rereads)
        assert not told, "\n".join([f"{way}:", *told, "--- it said", found.said])
    remove(folder)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_as_if_the_content_were_answered_at_once(matrix, tmp_path, scenario):
    compare(matrix, scenario, tmp_path, ("placed", "strict") if scenario.risky else ("placed",))


@pytest.mark.parametrize(
    ("flavour", "scenario"), INDEX, ids=[f"{flavour} {s.name}" for flavour, s in INDEX]
)
def test_over_other_kinds_of_index(matrix, tmp_path, flavour, scenario):
    compare(matrix, scenario, tmp_path, ("placed",), flavour)
