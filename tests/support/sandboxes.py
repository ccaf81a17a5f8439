"""Sandboxes for tests, started and stopped in an event loop of their own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from lambent.local.sandbox.detect import detect_sandbox
from lambent.local.sandbox.sandbox import ProcessExit, SandboxFactory, SandboxSpec
from support.functions import CACHE, collect


def with_factory(factory: Callable[[], SandboxFactory], body: Callable[[SandboxFactory], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        sandboxes = factory()
        try:
            return await asyncio.wait_for(body(sandboxes), 60)
        finally:
            await sandboxes.stop()

    return asyncio.run(run())


async def run_script(factory: SandboxFactory, spec: SandboxSpec) -> tuple[ProcessExit, str]:
    sandbox = await factory.start(spec)
    chunks = collect(sandbox)
    exit = await sandbox.wait()
    await sandbox.close()
    return exit, b"".join(chunks).decode()


def needs_namespaces() -> None:
    async def kind() -> str:
        with tempfile.TemporaryDirectory() as scratch:
            factory = await detect_sandbox(Path(scratch), CACHE)
            await factory.stop()
            return factory.kind

    if asyncio.run(kind()) != "namespaces":
        pytest.skip("namespaces are not permitted here")


def needs_own_network() -> None:
    async def why_shared() -> str:
        with tempfile.TemporaryDirectory() as scratch:
            factory = await detect_sandbox(Path(scratch), CACHE, own_network=True)
            await factory.stop()
            return "" if factory.own_network else factory.why_shared

    if why := asyncio.run(why_shared()):
        pytest.skip(f"a sandbox can't have a network of its own here: {why}")
