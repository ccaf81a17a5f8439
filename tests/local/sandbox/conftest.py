"""Fixtures for tests of sandboxes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lambent.local.sandbox.namespace_sandbox import NamespaceFactory
from lambent.local.sandbox.process_sandbox import ProcessFactory
from lambent.local.sandbox.sandbox import SandboxFactory
from support.sandboxes import needs_namespaces


@pytest.fixture(scope="module")
def namespaces() -> type[NamespaceFactory]:
    needs_namespaces()
    return NamespaceFactory


@pytest.fixture(params=["namespaces", "process"])
def any_factory(request: pytest.FixtureRequest) -> Callable[[], SandboxFactory]:
    if request.param == "namespaces":
        needs_namespaces()
        return NamespaceFactory
    return ProcessFactory
