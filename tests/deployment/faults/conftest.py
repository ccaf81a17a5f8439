"""One local Lambda for all of these tests. Each test has its own apps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.faults.world import World, open_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("faults")) as opened:
        yield opened
