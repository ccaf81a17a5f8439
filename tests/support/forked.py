"""Runs `lambent` as a process of its own without the second that its imports take: a process that has them is forked.

Everything else is as with `subprocess`: streams, environment, folder, exit code and signals. A test of the start itself, of
lazy imports, or of Python's own options starts a real process.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

from support.paths import CACHE

_SERVER = """
import importlib, json, os, random, socket, sys
for name in (
    "lambent.aws.boto", "lambent.cli.deploy", "lambent.cli.destroy", "lambent.cli.local", "lambent.cli.main",
    "lambent.local.service", "lambent.local.deterministic_moto", "lambent.local.moto_storage",
    "awscrt.auth", "moto.server", "moto.core.config", "moto.iam.access_control", "moto.moto_api._internal",
    *(f"moto.{service}.{part}" for service in ("iam", "sts", "logs", "s3") for part in ("models", "responses", "urls")),
):
    importlib.import_module(name)
server = socket.socket(fileno=int(sys.argv[1]))

def accept():
    # Returns in the forked process only.
    while True:
        message, fds, _, _ = socket.recv_fds(server, 1 << 20, 20)
        if not message:
            os._exit(0)
        request = json.loads(message)
        if os.fork() == 0:
            break
        for fd in fds:
            os.close(fd)
        os.wait()
    server.close()
    if os.fork():
        os._exit(0)
    report = socket.socket(fileno=fds.pop(0))
    pid = os.fork()
    if pid:
        for fd in fds:
            os.close(fd)
        report.send(str(pid).encode())
        report.send(str(os.waitpid(pid, 0)[1]).encode())
        os._exit(0)
    report.close()
    high = [os.dup(os.dup2(fd, 500 + number)) for number, fd in enumerate(fds)]
    for fd in (*fds, *range(500, 500 + len(fds))):
        os.close(fd)
    for fd, target in zip(high, request["fds"]):
        os.dup2(fd, target)
    for fd in set(high) - set(request["fds"]):
        os.close(fd)
    return request

request = accept()
if request["session"]:
    os.setsid()
os.chdir(request["cwd"])
os.environ.clear()
os.environ.update(request["env"])
for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
    fd = ("stdin", "stdout", "stderr").index(name)
    errors = "backslashreplace" if name == "stderr" else "strict"
    buffering = 1 if mode == "w" and (fd == 2 or os.isatty(fd)) else -1
    setattr(sys, name, open(fd, mode, buffering, encoding="utf-8", errors=errors))
random.seed()
importlib.import_module("moto.moto_api._internal").mock_random.seed()
sys.argv = ["lambent", *request["arguments"]]
from lambent.cli.main import run
run()
"""


_PARAMETERS = signature(subprocess.Popen._execute_child)


class ForkedProcess(subprocess.Popen[Any]):
    """A process of `lambent`, with the interface of `subprocess.Popen`.

    The command is `lambent ...` of the environment of these tests, or `python [-P] -m lambent ...`.
    """

    connection: ClassVar[Callable[[], socket.socket]]
    """Returns the connection to the process that is forked."""

    _report: socket.socket

    def _execute_child(self, *arguments: Any) -> None:  # as in CPython 3.11 to 3.14
        given = _PARAMETERS.bind(self, *arguments).arguments
        pipes = {name: given[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")}
        streams = [given[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        sent = [number if fd == -1 else fd for number, fd in enumerate(streams)] + list(given["pass_fds"])
        request = {
            "arguments": lambent_arguments(given["args"]),
            "cwd": str(Path(given["cwd"] or ".").absolute()),
            "env": dict(os.environ if given["env"] is None else given["env"]),
            "session": bool(given["start_new_session"]),
            "fds": [0, 1, 2, *given["pass_fds"]],
        }
        self._report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self.connection(), [json.dumps(request).encode()], [theirs.fileno(), *sent])
        self.pid = int(self._report.recv(100))
        self._child_created = True
        self._close_pipe_fds(*pipes.values())  # type: ignore[attr-defined]

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        try:
            status = self._report.recv(100, socket.MSG_DONTWAIT if wait_flags & os.WNOHANG else 0)
        except BlockingIOError:
            return 0, 0
        self._report.close()
        return self.pid, int(status)

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        with self._waitpid_lock:  # type: ignore[attr-defined]
            if self.returncode is None:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
        return self.returncode


def lambent_arguments(command: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return the arguments of a command that runs lambent."""
    program, *words = map(os.fspath, command)
    if program == str(Path(sys.executable).parent / "lambent"):
        return words
    start = words.index("lambent")
    assert program == sys.executable and words[:start] in (["-m"], ["-P", "-m"]), command
    return words[start + 1 :]


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a command of lambent, and capture its output as text."""
    pipe = subprocess.PIPE
    with ForkedProcess(command, env=env, cwd=cwd, stdin=stdin, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def start_server(variables: Mapping[str, str]) -> socket.socket:
    """Start a process to be forked, with these variables and the tests' own. It ends when the returned connection is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode"), **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    CACHE.mkdir(parents=True, exist_ok=True)
    with theirs, (CACHE / "forked.log").open("ab") as log:
        command, fd = [sys.executable, "-P", "-c", _SERVER], theirs.fileno()
        process = subprocess.Popen(
            [*command, str(fd)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, pass_fds=[fd]
        )
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


ForkedProcess.connection = staticmethod(cache(lambda: start_server({})))
