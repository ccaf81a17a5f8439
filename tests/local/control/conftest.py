"""Fixtures of the tests that replay recordings."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import date

import pytest

from support.lambda_api import Api, serving

RECORDED_ON = date(2025, 11, 25)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A running API as of the day of most recordings, shared by the tests of a file."""
    with serving(tmp_path_factory.mktemp("state"), RECORDED_ON) as running:
        yield running


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """The name of a function or layer that no other test uses."""
    return f"fn-{zlib.crc32(request.node.name.encode())}"
