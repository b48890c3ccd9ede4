"""What the tests of the command matrix share."""

import pytest

from ..helpers.matrix import Fixture


@pytest.fixture(scope="session")
def matrix(tmp_path_factory, commands, installed_config):
    return Fixture(tmp_path_factory.mktemp("matrix"), commands, installed_config)
