"""Finds the strongest kind of sandbox that this machine permits, by trying it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from .namespace_sandbox import NamespaceFactory
from .process_sandbox import ProcessFactory
from .sandbox import SandboxFactory, SandboxSpec

_log = logging.getLogger(__name__)


async def detect_sandbox(scratch: Path) -> SandboxFactory:
    """Return a factory for namespaces where they are permitted, else for plain processes. `scratch` is a writable folder.

    Namespaces can be forbidden by system settings (kernel.unprivileged_userns_clone, AppArmor) or by a container.
    """
    if not sys.platform.startswith("linux"):
        return ProcessFactory()
    factory = NamespaceFactory()
    try:
        await _probe(factory, scratch)
    except OSError as error:
        await factory.stop()
        _log.info("namespaces are not permitted here (%s): functions run as plain processes", error)
        return ProcessFactory()
    return factory


async def _probe(factory: NamespaceFactory, scratch: Path) -> None:
    """Run /bin/true. What would fail for functions fails here, with OSError."""
    folder = scratch / "probe-task"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # another user runs in it, as in every function's folder
    spec = SandboxSpec(
        interpreter=Path(sys.executable).resolve(), task=folder, runtime=folder, tmp=scratch / "probe", tmp_mb=1,
        memory_mb=128, environment=(), command=("/bin/true",),
    )  # fmt: skip
    sandbox = await factory.start(spec)
    exit = await sandbox.wait()
    await sandbox.close()
    if exit.status != 0:
        raise OSError(f"/bin/true ended with {exit}")
