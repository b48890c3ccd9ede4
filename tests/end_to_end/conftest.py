"""What several of these tests share."""

import pytest

from ..helpers.framework import Framework, prepare
from ..helpers.matrix import Fixture


@pytest.fixture(scope="session")
def matrix(tmp_path_factory, commands, installed_config):
    return Fixture(tmp_path_factory.mktemp("matrix"), commands, installed_config)


@pytest.fixture(scope="session")
def framework(tmp_path_factory, commands) -> Framework:
    """The pre-commit framework with our ids, ready to run."""
    return prepare(tmp_path_factory.getbasetemp().parent, commands)
