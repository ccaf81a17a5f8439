"""Gets the target's Python with uv when this machine lacks it, so that the zip has bytecode and the app can be tried."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path

from lambent import interpreters
from lambent.events import Emit, StepDone, StepStarted
from lambent.interpreters import Interpreter
from lambent.package.uv_command import Uv, UvError

_RETRY_S = 6 * 3600
_DISABLED = ("never", "manual", "false", "0")


def install_python(version: str, cache: Path, environ: Mapping[str, str], emit: Emit) -> Interpreter | None:
    """Return the Python of a minor version after uv installed it where it keeps its own, or None if that doesn't work.

    A failure (no network, a proxy that blocks the download) counts for some hours, so that later builds don't wait for it.
    """
    if environ.get("UV_PYTHON_DOWNLOADS", "").lower() in _DISABLED or environ.get("UV_OFFLINE"):
        return None
    marker = cache / "runtime" / hashlib.sha256(f"no python {version}".encode()).hexdigest()[:32]
    if marker.exists() and time.time() - marker.stat().st_mtime < _RETRY_S:
        return None
    started = time.monotonic()
    emit(StepStarted(f"install Python {version}"))
    cache.mkdir(parents=True, exist_ok=True)
    uv = Uv(cache, environ, cache / "uv-builds")
    try:
        uv.run("python", "install", "--no-bin", version, UV_PYTHON_DOWNLOADS="manual", UV_HTTP_RETRIES="1")
    except UvError:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_bytes(b"")
        return None
    interpreter = interpreters.find(version, environ)
    if interpreter is not None:
        emit(StepDone(f"installed Python {version}", time.monotonic() - started, "with uv, for bytecode and the smoke test"))
    return interpreter
