"""Loading costs no look for garbage, neither on the way nor at the end."""

import sys

import pytest

CODE = """
import atexit, gc, sys
from {module} import main
def looks():
    return sum(one["collections"] for one in gc.get_stats())
atexit.register(lambda: print(gc.get_freeze_count() > 10_000, looks() - before))  # runs last
sys.stdout = sys.stderr
before = looks()
main(["-h"])
import boto3
boto3.Session().client("s3", region_name="x")
sys.stdout = sys.__stdout__
"""


@pytest.mark.parametrize("module", ["git_data.cli", "git_data.cli.remote"])
def test_what_a_command_loads_is_not_looked_through(world, module):
    assert world.run(sys.executable, "-c", CODE.format(module=module)).out == "True 0\n"
