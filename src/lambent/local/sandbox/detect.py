"""Chooses the best kind of sandbox that works here, by trying it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from .namespace_sandbox import NamespaceMaker
from .process_sandbox import ProcessMaker
from .sandbox import Maker, Spec

_log = logging.getLogger(__name__)


async def choose(scratch: Path) -> Maker:
    """A maker of namespaces where they are permitted, else of plain processes. `scratch`: a folder that may be written.

    Namespaces can be forbidden by the system's settings (kernel.unprivileged_userns_clone, AppArmor) or by a container.
    """
    if not sys.platform.startswith("linux"):
        return ProcessMaker()
    maker = NamespaceMaker()
    try:
        await _try(maker, scratch)
    except OSError as error:
        await maker.stop()
        _log.info("namespaces are not permitted here (%s): functions run as plain processes", error)
        return ProcessMaker()
    return maker


async def _try(maker: NamespaceMaker, scratch: Path) -> None:
    """Starts /bin/true in one: what fails for functions fails here."""
    folder = scratch / "probe-task"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # as every function's folder must be: another user runs in it
    spec = Spec(
        interpreter=Path(sys.executable).resolve(), task=folder, runtime=folder, tmp=scratch / "probe", tmp_mb=1,
        memory_mb=128, environment=(), command=("/bin/true",),
    )  # fmt: skip
    sandbox = await maker.start(spec)
    ended = await sandbox.wait()
    await sandbox.close()
    if ended.status != 0:
        raise OSError(f"a process in them ended with {ended}")
