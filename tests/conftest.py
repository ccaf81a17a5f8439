"""Where a test run keeps its files, and fixtures that several test files share.

Everything that tests and the programs they start write goes to two folders: a temporary one, which is removed when all tests
have passed, and one cache for the next runs, which the header names.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from support.forked import fork_services
from support.local_service import Service, serving
from support.paths import CACHE

pytest_plugins = ["support.tls"]

_TEMPORARY = "LAMBENT_TESTS_TMPDIR"
"""Set by the process that started the run, and inherited by its workers."""


def _use_own_folders() -> None:
    os.environ["XDG_CACHE_HOME"] = str(CACHE)  # lambent's and uv's caches are inside
    for name in ("LAMBENT_CACHE", "LAMBENT_PORT", "LAMBENT_STATE"):  # of the developer's own local Lambda
        os.environ.pop(name, None)
    folder = os.environ.get(_TEMPORARY) or tempfile.mkdtemp(prefix="lambent-tests-")
    Path(folder).chmod(0o755)  # some tests act as another user
    os.environ[_TEMPORARY] = os.environ["TMPDIR"] = tempfile.tempdir = folder


# A worker holds 600 MB of objects that stay: looking through them as often as by default takes a seventh of its time.
gc.set_threshold(50_000, 20, 50)

_IS_WORKER = _TEMPORARY in os.environ
_use_own_folders()
fork_services()


def pytest_report_header() -> str:
    return f"cache of the tests: {CACHE} (LAMBENT_TESTS_CACHE)"


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not _IS_WORKER and not exitstatus:
        shutil.rmtree(os.environ[_TEMPORARY], ignore_errors=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A local Lambda for the tests of one file."""
    with serving(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture(scope="module")
def aws(service: Service) -> Aws:
    """The account in the local Lambda, as the deployer sees it."""
    return connect("eu-west-1", endpoint_url=service.url, keys=("lambent", "lambent"))
