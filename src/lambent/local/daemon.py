"""The local Lambda in the background: start it once, find it again, stop it.

`service.json` in the state folder says where a service is; a service that was killed leaves it behind, so what it says is
believed only when that very service answers.
"""

from __future__ import annotations

import http.client
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

from lambent.errors import LocalError
from lambent.local.file_lock import Locked, locked

DEFAULT_PORT = 4580
KEYS = ("lambent", "lambent")
"""The access key that may do everything, and its secret."""
ACCOUNT = "123456789012"  # moto's default account
REGION = "us-east-1"
"""Where clients go that name no region."""
_READY_S = 30.0
_STOPPED_S = 20.0
_LOG_MAX = 5_000_000


class Running(Struct, frozen=True):
    """A service that answers. `sandbox` is "namespaces" or "process"."""

    url: str
    pid: int
    port: int
    started_now: bool
    sandbox: str
    as_of: str


def ensure_running(state: Path, port: int | None, as_of: date | None, environ: Mapping[str, str]) -> Running:
    """The service of this state folder; starts it in the background if there is none. Two at once start one.

    Raises LocalError when it cannot be started, or runs already with another port or date than asked for.
    """
    state = make_folder(state)
    try:
        with locked(state / "start.lock", wait_s=_READY_S):
            found = status(state)
            if found is not None:
                _fits(found, port, as_of)
                return _running(found, started_now=False)
            _spawn(state, port, as_of, environ)
            found = status(state)
    except Locked:
        raise LocalError("another start of the local Lambda does not come to an end", where=str(state)) from None
    if found is None:
        raise LocalError("the local Lambda started and was gone at once", where=str(state), detail=_last_lines(state))
    return _running(found, started_now=True)


def make_folder(state: Path) -> Path:
    """The state folder, made if need be, as an absolute path. Raises LocalError."""
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalError(f"the state folder cannot be made: {error.strerror}", where=str(state), hint="--state DIR") from None
    return state.resolve()


def status(state: Path) -> dict[str, Any] | None:
    """What the running service says of itself, or None when none runs for this state folder."""
    told = _recorded(state.resolve())
    if told is None:
        return None
    found = ask(told["port"], "GET", "/_lambent/status")
    return found if found is not None and found.get("pid") == told["pid"] else None


def stop(state: Path) -> int | None:
    """Stops the service and awaits its end. Returns its pid, or None when none ran. Raises LocalError if it does not end."""
    state = state.resolve()
    found = status(state)
    if found is None:
        return None
    ask(found["port"], "POST", "/_lambent/shutdown")
    try:
        with locked(state / "service.lock", wait_s=_STOPPED_S):
            pass
    except Locked:
        pid = found["pid"]
        raise LocalError(f"the local Lambda (pid {pid}) does not stop", hint=f"kill -9 {pid}") from None
    return int(found["pid"])


def client_environment(url: str) -> dict[str, str]:
    """The variables that point `aws`, boto3 and other tools at the service. These credentials may do everything."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEYS[0],
        "AWS_SECRET_ACCESS_KEY": KEYS[1],
        "AWS_DEFAULT_REGION": REGION,
    }


def log_file(state: Path) -> Path:
    return state / "service.log"


def _spawn(state: Path, port: int | None, as_of: date | None, environ: Mapping[str, str]) -> None:
    """Starts the service, detached from this terminal, and awaits its word that it answers."""
    log = log_file(state)
    if log.exists() and log.stat().st_size > _LOG_MAX:
        log.replace(log.with_suffix(".old.log"))
    reading, writing = os.pipe()
    # -P: a file named like one of our modules in the user's folder must not be imported instead
    command = [sys.executable, "-P", "-m", "lambent", "local", "start", "--foreground", "--state", str(state)]
    command += ["--port", str(port)] if port is not None else []
    command += ["--as-of", as_of.isoformat()] if as_of is not None else []
    command += ["--ready-fd", str(writing)]
    with log.open("ab") as output, os.fdopen(reading, "rb", buffering=0) as words:
        try:
            service = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_service_environment(state, environ),
                cwd=state,
                pass_fds=(writing,),
                start_new_session=True,
            )
        finally:
            os.close(writing)
        said = _first_line(words)
    if said is None:
        service.kill()  # if it is only slow: nobody would know of it
        service.wait()
        raise LocalError("the local Lambda did not start", where=str(log), detail=_last_lines(state))
    if "error" in said:
        raise LocalError(said["error"], where=said["where"], hint=said["hint"])


def _service_environment(state: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The user's own. Where Python is told to keep no bytecode, it keeps it for the service alone, in its state: without any,
    compiling moto takes two seconds of every start.
    """
    passed = dict(environ)
    if passed.pop("PYTHONDONTWRITEBYTECODE", ""):
        passed["PYTHONPYCACHEPREFIX"] = str(state / "bytecode")
    return passed


def _first_line(words: IO[bytes]) -> dict[str, Any] | None:
    """The JSON line the service writes once it answers, or fails to; None when it ended without a word or took too long."""
    text = b""
    with selectors.DefaultSelector() as selector:
        selector.register(words, selectors.EVENT_READ)
        while not text.endswith(b"\n"):
            if not selector.select(timeout=_READY_S):
                return None
            chunk = words.read(65536)
            if not chunk:
                return None
            text += chunk
    told = json.loads(text)
    return told if isinstance(told, dict) else None


def _recorded(state: Path) -> dict[str, Any] | None:
    try:
        told = json.loads((state / "service.json").read_text())
        return told if isinstance(told["port"], int) and isinstance(told["pid"], int) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def ask(port: int, method: str, path: str) -> dict[str, Any] | None:
    """The JSON object that whoever listens on the port answers, or None."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path)
        told = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return told if isinstance(told, dict) else None


def _fits(found: Mapping[str, Any], port: int | None, as_of: date | None) -> None:
    hint = "lambent local stop, then start it as you want it; or another folder: --state DIR"
    if port not in (None, 0, found["port"]):
        raise LocalError(f"the local Lambda runs already, on port {found['port']}", where=found["state"], hint=hint)
    if as_of is not None and as_of.isoformat() != found["as_of"]:
        raise LocalError(f"the local Lambda runs already, as of {found['as_of']}", where=found["state"], hint=hint)


def _running(found: Mapping[str, Any], *, started_now: bool) -> Running:
    sandbox = str(found["engine"].get("sandbox", ""))
    return Running(found["url"], found["pid"], found["port"], started_now, sandbox, found["as_of"])


def _last_lines(state: Path) -> str:
    try:
        return "\n".join(log_file(state).read_text(errors="replace").splitlines()[-15:])
    except OSError:
        return ""
