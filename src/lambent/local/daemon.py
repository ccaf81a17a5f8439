"""Starts, finds and stops the local Lambda in the background.

`service.json` in the state folder says where the service listens. A killed service leaves the file behind, so its content
counts only if that very service answers.
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent.errors import LocalError
from lambent.local import state_folder
from lambent.local.file_lock import FileLocked, acquire, holder
from lambent.local.regular_file import read_regular
from lambent.local.spawn import spawn
from lambent.systems import is_windows

DEFAULT_PORT = 4580
CREDENTIALS = ("lambent", "lambent")
"""An access key that may do everything, and its secret key. They work on this machine only."""
ACCOUNT = "123456789012"  # moto's default account
REGION = "us-east-1"
"""The region of clients that don't name one."""
SECRET_HEADER = "x-lambent-secret"
"""Requests that administer the service carry the secret of `service.json` in it, which functions can't read."""
_START_S = 125.0  # longer than another process waits for the service that it starts
_ANSWER_S = 10.0
_REQUEST_S = 5.0
_POLL_S = 0.1
_STOP_S = 20.0
_LOG_READ_MAX = 1_000_000
_RECORD_MAX = 10_000
_LOCK = "service.lock"  # held by the service until it ends


class RunningService(Struct, frozen=True):
    """A service that answers. `sandbox` is "namespaces" or "process". `network` is as `network_of` describes it."""

    url: str
    pid: int
    port: int
    started_now: bool
    sandbox: str
    network: str
    as_of: str


class Switches(Struct, frozen=True):
    """The options of `local start` that are on or off: see `components.Settings`."""

    share_network: bool = False
    enforce_iam: bool = False

    def words(self) -> list[str]:
        """Return the words of the command line."""
        return [word for word, on in (("--share-network", self.share_network), ("--enforce-iam", self.enforce_iam)) if on]


def ensure_running(
    state: Path,
    port: int | None,
    as_of: date | None,
    environ: Mapping[str, str],
    switches: Switches | None = None,
    lifeline: int | None = None,
) -> RunningService:
    """Return the service of this state folder, after starting it in the background if necessary.

    Two calls at the same time start one service. It ends when the pipe that the descriptor `lifeline` reads is closed.
    Raises LocalError if it can't start, or is running with other options.
    """
    check_platform()
    state = state_folder.make_folder(state)
    switches = switches or Switches()
    try:
        with _locked(state / "start.lock", _START_S):
            running = status(state) or _wait_for_answer(state)
            if running is not None:
                _check_options(running, port, as_of, switches)
                return _running_service(running, started_now=False)
            options = ["--port", str(port)] if port is not None else []
            options += ["--as-of", as_of.isoformat()] if as_of is not None else []
            _start(state, [*options, *switches.words()], environ, lifeline)
            running = status(state) or _wait_for_answer(state)
    except FileLocked:
        hint = "end the other `lambent local start`, then try again"
        raise LocalError(
            "another process is starting the local Lambda and doesn't finish", where=str(state), hint=hint
        ) from None
    if running is None:
        hint = local_command(state, "log")
        raise LocalError("the local Lambda ended right after it started", where=str(state), hint=hint, detail=_log_tail(state))
    return _running_service(running, started_now=True)


def has_run(state: Path) -> bool:
    """Return whether the service has ever run with this state folder."""
    check_platform()
    return (state / "lambda.sqlite").exists()


def check_platform() -> None:
    """Raise LocalError on Windows."""
    if is_windows():
        hint = "run the same command in WSL (wsl --install), or deploy to AWS, without --local"
        raise LocalError("the local Lambda doesn't run on Windows", hint=hint)


def status(state: Path) -> dict[str, Any] | None:
    """Return the status that the service of this state folder reports, or None if it isn't running. Raises LocalError."""
    check_platform()
    state = state.resolve()
    state_folder.check_kinds(state)
    record = _read_record(state)
    if record is None:
        return None
    response = request_json(record["port"], "GET", "/_lambent/status")
    return response if response is not None and response.get("pid") == record["pid"] else None


def unresponsive_pid(state: Path) -> int | None:
    """Return the pid of a service that is running but doesn't answer (call `status` first), or None if none is running.

    Raises LocalError.
    """
    lock = state.resolve() / _LOCK
    try:
        return holder(lock)
    except OSError as error:
        raise state_folder.unusable(lock, error) from None


def unresponsive(state: Path, pid: int) -> LocalError:
    return LocalError(
        f"the local Lambda (pid {pid}) is running but doesn't answer", where=str(state), hint=force_command(state)
    )


def force_command(state: Path) -> str:
    return local_command(state, "stop", "--force")


def local_command(state: Path, *words: str) -> str:
    """Return a command of `lambent local` for this state folder."""
    return shlex.join(["lambent", "local", *words, "--state", str(state)])


def stop(state: Path, *, force: bool = False) -> int | None:
    """Stop the service and wait for its end. Returns its pid, or None if it wasn't running. Raises LocalError.

    With `force` a service that doesn't answer, or doesn't stop, is killed.
    """
    state = state.resolve()
    running = status(state)
    pid = unresponsive_pid(state)
    if running is not None:
        pid = int(running["pid"])
        _request_as_owner(state, running["port"], "/_lambent/shutdown")
        if _has_ended(state, _STOP_S):
            _collect(pid)
            return pid
    if pid is None:
        return None
    if not force:
        if running is None:
            raise unresponsive(state, pid)
        raise LocalError(f"the local Lambda (pid {pid}) doesn't stop", where=str(state), hint=force_command(state))
    if unresponsive_pid(state) == pid:
        os.kill(pid, signal.SIGKILL)
    if not _has_ended(state, _STOP_S):
        raise LocalError(f"the local Lambda (pid {pid}) doesn't end, although it was killed", hint=f"ps -p {pid}")
    (state / "service.json").unlink(missing_ok=True)
    _collect(pid)
    return pid


def _collect(pid: int) -> None:
    """Wait for a process that has ended, if this process started it: a test run may start and stop many services."""
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


@contextmanager
def _locked(path: Path, wait_s: float) -> Iterator[None]:
    """Hold the lock within the block. Raises FileLocked or LocalError."""
    try:
        descriptor = acquire(path, wait_s)
    except OSError as error:
        raise state_folder.unusable(path, error) from None
    try:
        yield
    finally:
        os.close(descriptor)


def console_address(state: Path) -> str:
    """Return an address of the running service's console that works once. Raises LocalError."""
    state = state.resolve()
    running = status(state)
    answer = _request_as_owner(state, running["port"], "/_lambent/console") if running is not None else None
    if answer is None or "url" not in answer:
        what = "the local Lambda doesn't open its console: it may have been started by an older lambent"
        command = local_command(state, "stop")
        raise LocalError(what, where=str(state), hint=f"{command}, then try again")
    return str(answer["url"])


def _request_as_owner(state: Path, port: int, path: str) -> dict[str, Any] | None:
    """Request a path that only the owner of the state folder may use. Returns the response's JSON object, or None."""
    return request_json(port, "POST", path, _owner_headers(_read_record(state) or {}))


def _owner_headers(record: Mapping[str, Any]) -> dict[str, str]:
    return {SECRET_HEADER: str(record.get("secret", ""))}


def _has_ended(state: Path, wait_s: float) -> bool:
    try:
        with _locked(state / _LOCK, wait_s):
            return True
    except FileLocked:
        return False


def _wait_for_answer(state: Path) -> dict[str, Any] | None:
    """Return the status of a service that has just started, or is starting in another terminal. None if none is running.

    Raises LocalError if it doesn't answer in time.
    """
    deadline = time.monotonic() + _ANSWER_S
    while (pid := unresponsive_pid(state)) is not None:
        running = status(state)
        if running is not None:
            return running
        if time.monotonic() > deadline:
            raise unresponsive(state, pid)
        time.sleep(_POLL_S)
    return None


def client_environment(url: str) -> dict[str, str]:
    """Return the variables that point `aws`, boto3 and other tools at the service, with credentials that may do everything."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
        "AWS_DEFAULT_REGION": REGION,
    }


def log_file(state: Path) -> Path:
    return state / "service.log"


def log_lines(state: Path, count: int) -> list[str]:
    """Return the last lines of the service's log. Raises OSError."""
    return read_regular(log_file(state), last=_LOG_READ_MAX).decode(errors="replace").splitlines()[-count:]


def administer(state: Path, path: str, body: bytes, timeout_s: float) -> tuple[int, bytes]:
    """POST to an administrative path of the running service. Returns status and body of the response. Raises LocalError."""
    record = _read_record(state.resolve())
    if record is None:
        raise LocalError("the local Lambda has stopped", where=str(state), hint="lambent local start")
    try:
        return _request(record["port"], "POST", path, _owner_headers(record), body, timeout_s)
    except (OSError, http.client.HTTPException) as error:
        raise LocalError(f"the local Lambda doesn't answer: {error}", where=str(state), hint=force_command(state)) from error


def request_json(port: int, method: str, path: str, headers: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """Return the JSON object that the listener on this port answers with, or None."""
    try:
        _, body = _request(port, method, path, headers or {})
        content = json.loads(body)
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return content if isinstance(content, dict) else None


def _request(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None, timeout_s: float = _REQUEST_S
) -> tuple[int, bytes]:
    """Return status and body of the response. Raises OSError or HTTPException."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _start(state: Path, options: Sequence[str], environ: Mapping[str, str], lifeline: int | None) -> None:
    """Start the service and wait until it answers requests. Raises LocalError."""
    log = log_file(state)
    report = spawn(state, log, options, environ, lifeline)
    if report is None:
        hint = local_command(state, "log")
        raise LocalError("the local Lambda did not start", where=str(log), hint=hint, detail=_log_tail(state))
    if "error" in report:
        raise LocalError(report["error"], where=report["where"], hint=report["hint"])


def _read_record(state: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(read_regular(state / "service.json", last=_RECORD_MAX))
        return record if isinstance(record["port"], int) and isinstance(record["pid"], int) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def network_of(engine: Mapping[str, Any]) -> str:
    """Say which network functions use, given the part `engine` of a status."""
    if engine.get("network") == "own":
        return "own"
    return f"shared with this machine ({engine.get('why_shared') or 'an older lambent'})"


def _check_options(running: Mapping[str, Any], port: int | None, as_of: date | None, switches: Switches) -> None:
    hint = "run `lambent local stop` and start it again, or use another folder: --state DIR"
    current_port, day = running["port"], running["as_of"]
    if port not in (None, 0, current_port):
        what = f"the local Lambda is already running on port {current_port}"
        raise LocalError(what, where=running["state"], hint=hint)
    if as_of is not None and as_of.isoformat() != day:
        what = f"the local Lambda is already running with the rules of {day}"
        raise LocalError(what, where=running["state"], hint=hint)
    if switches.share_network and running["engine"].get("network") == "own":
        what = "the local Lambda is already running, and its functions have networks of their own"
        raise LocalError(what, where=running["state"], hint=hint)
    if switches.enforce_iam and not running.get("enforce_iam"):
        raise LocalError("the local Lambda is already running without --enforce-iam", where=running["state"], hint=hint)


def _running_service(running: Mapping[str, Any], *, started_now: bool) -> RunningService:
    engine = running["engine"]
    return RunningService(
        running["url"], running["pid"], running["port"], started_now, str(engine.get("sandbox", "")), network_of(engine),
        running["as_of"],
    )  # fmt: skip


def _log_tail(state: Path) -> str:
    try:
        return "\n".join(log_lines(state, 15))
    except OSError:
        return ""
