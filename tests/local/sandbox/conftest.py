"""Fixtures for tests of sandboxes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from lambent.local.sandbox.namespace_sandbox import NamespaceFactory
from lambent.local.sandbox.process_sandbox import ProcessFactory
from lambent.local.sandbox.sandbox import SandboxFactory
from support.functions import CACHE
from support.sandboxes import needs_namespaces


@pytest.fixture(scope="module")
def namespaces() -> Callable[[], NamespaceFactory]:
    needs_namespaces()
    return partial(NamespaceFactory, CACHE)


@pytest.fixture(params=["namespaces", "process"])
def any_factory(request: pytest.FixtureRequest) -> Callable[[], SandboxFactory]:
    if request.param == "namespaces":
        needs_namespaces()
        return partial(NamespaceFactory, CACHE)
    return ProcessFactory
