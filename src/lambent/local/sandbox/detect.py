"""Finds the strongest kind of sandbox that this machine permits, by trying it."""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path

from .namespace_sandbox import NamespaceFactory
from .process_sandbox import ProcessFactory
from .sandbox import SandboxFactory, SandboxSpec

SHARED_ON_REQUEST = "--share-network"

_log = logging.getLogger(__name__)


async def detect_sandbox(scratch: Path, cache: Path, *, own_network: bool = False) -> SandboxFactory:
    """Return a factory for namespaces where they are permitted, else for plain processes.

    `scratch` is a writable folder, `cache` is lambent's cache folder.
    With `own_network`, each sandbox has a network of its own where that is possible. Namespaces can be forbidden by system
    settings (kernel.unprivileged_userns_clone, AppArmor) or by a container.
    """
    if not sys.platform.startswith("linux"):
        return ProcessFactory()
    why_shared = SHARED_ON_REQUEST
    if own_network:
        try:
            return await _probe_network(scratch, cache)
        except OSError as error:
            why_shared = str(error)
    try:
        factory = await _probe(NamespaceFactory(cache, why_shared=why_shared), scratch)
    except OSError as error:
        _log.info("namespaces are not permitted here (%s): functions run as plain processes", error)
        return ProcessFactory()
    if own_network:
        _log.info("functions share this machine's network: they can't have one of their own here (%s)", why_shared)
    return factory


async def _probe_network(scratch: Path, cache: Path) -> NamespaceFactory:
    """Return a factory that has connected from a sandbox with a network of its own. Raises OSError."""
    factory = NamespaceFactory(cache, own_network=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        factory.network_check = listener.getsockname()[1]
        await _probe(factory, scratch)
    factory.network_check = None
    return factory


async def _probe(factory: NamespaceFactory, scratch: Path) -> NamespaceFactory:
    """Run /bin/true. What would fail for functions fails here, with OSError; then the factory is stopped."""
    folder = scratch / "probe-task"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # another user runs in it, as in every function's folder
    spec = SandboxSpec(
        interpreter=Path(sys.executable).resolve(), task=folder, runtime=folder, tmp=scratch / "probe", tmp_mb=1,
        memory_mb=128, environment=(), command=("/bin/true",),
    )  # fmt: skip
    try:
        sandbox = await factory.start(spec)
        exit = await sandbox.wait()
        await sandbox.close()
        if exit.status != 0:
            raise OSError(f"/bin/true ended with {exit}")
    except OSError:
        await factory.stop()
        raise
    return factory
