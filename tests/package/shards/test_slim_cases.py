"""Some of the packages that are hard to slim; `scripts/slim` runs them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.functions import NEWEST
from support.slim_cases import CASES, run

QUICK = ["attrs", "jinja2", "markdown", "orjson", "pyyaml", "zope.interface"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("requirements", QUICK)
def test_package_works_after_slimming(requirements: str, cache: Path) -> None:
    assert run(requirements, CASES[requirements], NEWEST, cache) == ""
