"""Starts the service as a process of its own, in the background."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from lambent.local import state_folder
from lambent.local.regular_file import open_regular

_REPORT_S = 120.0  # a machine that is busy with other things needs most of it
_LOG_MAX = 5_000_000


def spawn(
    state: Path, log: Path, options: Sequence[str], environ: Mapping[str, str], lifeline: int | None
) -> dict[str, Any] | None:
    """Start the service with the options of `local start`, detached from this terminal, and wait for its first report.

    Returns what `service.json` will say, or the fields of an error; None if the service ended or took too long, and then it is
    killed. It ends when the pipe that the descriptor `lifeline` reads is closed. Raises LocalError if the log can't be written.
    """
    output = _open_log(log)
    read_end, write_end = os.pipe()
    # -P: a file in the user's folder must not be imported in place of a module of ours with the same name
    command = [sys.executable, "-P", "-m", "lambent", "local", "start", "--foreground", "--state", str(state), *options]
    command += ["--until-stdin-closes"] if lifeline is not None else []
    command += ["--ready-fd", str(write_end)]
    with output, os.fdopen(read_end, "rb", buffering=0) as pipe:
        try:
            service = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if lifeline is None else lifeline,
                stdout=output,
                stderr=output,
                env=_service_environment(state, environ),
                cwd=state,
                pass_fds=(write_end,),
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        report = _read_report(pipe)
    if report is None:
        service.kill()  # it may only be slow, but then it would run without anyone knowing
        service.wait()
    elif "error" not in report:
        service.returncode = 0  # it may outlive this process: `daemon.stop` collects it, and there is no ResourceWarning
    return report


def _open_log(log: Path) -> IO[bytes]:
    """Open the log for writing at its end, after setting a long one aside. Raises LocalError."""
    try:
        if log.exists() and log.stat().st_size > _LOG_MAX:
            log.replace(log.with_suffix(".old.log"))
        return os.fdopen(open_regular(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab")
    except OSError as error:
        raise state_folder.unusable(log, error) from None


def _service_environment(state: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the user's environment.

    If it disables bytecode, the service keeps its own in the state folder: compiling moto takes two seconds of every start.
    """
    variables = dict(environ)
    if variables.pop("PYTHONDONTWRITEBYTECODE", ""):
        variables["PYTHONPYCACHEPREFIX"] = str(state / "bytecode")
    return variables


def _read_report(pipe: IO[bytes]) -> dict[str, Any] | None:
    """Return the JSON line that the service writes when it answers requests or fails; None if it ended or took too long."""
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(timeout=_REPORT_S):
                return None
            chunk = pipe.read(65536)
            if not chunk:
                return None
            line += chunk
    report = json.loads(line)
    return report if isinstance(report, dict) else None
