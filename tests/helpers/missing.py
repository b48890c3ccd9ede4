"""What a machine has not: the test is skipped there, but in CI it fails."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and nothing is skipped in CI: ./install.sh --test")
    pytest.skip(what)
