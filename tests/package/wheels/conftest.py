"""Fixtures for tests that fetch wheels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.registry import Registry, serving


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as registry:
        yield registry
