"""Fixtures that several test files share; one of the same name in a file stands before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from support.local_service import Service, serving

pytest_plugins = ["support.tls"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A local Lambda for the tests of one file."""
    with serving(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture(scope="module")
def aws(service: Service) -> Aws:
    """The account in it, as the deployer sees it."""
    return connect("eu-west-1", endpoint_url=service.url, keys=("lambent", "lambent"))
