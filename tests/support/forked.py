"""Runs `lambent` or `aws` as a process of its own without the second that its imports take: a process that has them is forked.

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
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from lambent.local import spawn
from support.paths import CACHE, TESTS

_SERVER = """
import atexit, contextlib, gc, importlib, json, os, random, socket, sys, threading
program, tests = sys.argv[2:]
sys.path.append(tests)
from support.forked import ForkedProcess, connect, fork_services
sys.path.pop()
for name in () if program == "aws" else (
    "lambent.aws.boto", "lambent.cli.deploy", "lambent.cli.destroy", "lambent.cli.local", "lambent.cli.main",
    "lambent.local.service", "lambent.local.deterministic_moto", "lambent.local.moto_storage",
    "awscrt.auth", "moto.server", "moto.core.config", "moto.iam.access_control", "moto.moto_api._internal",
    *(f"moto.{service}.{part}" for service in ("iam", "sts", "logs", "s3") for part in ("models", "responses", "urls")),
):
    importlib.import_module(name)
if program == "aws":
    import awscli.clidriver
    awscli.clidriver.create_clidriver()  # imports what each of its commands needs
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
        with contextlib.suppress(BrokenPipeError):  # who started a local Lambda doesn't wait for its end
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

gc.collect()
gc.freeze()  # a collection in a forked process would copy its whole memory
request = accept()
if request["session"]:
    os.setsid()
os.chdir(request["cwd"])
os.environ.clear()
os.environ.update(request["env"])
if program == "aws":
    importlib.reload(awscli)  # it adds its data to AWS_DATA_PATH
for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
    fd = ("stdin", "stdout", "stderr").index(name)
    errors = "backslashreplace" if name == "stderr" else "strict"
    buffering = 1 if mode == "w" and (fd == 2 or os.isatty(fd)) else -1
    setattr(sys, name, open(fd, mode, buffering, encoding="utf-8", errors=errors))
random.seed()
sys.argv = [program, *request["arguments"]]
if program == "aws":
    run = lambda: sys.exit(awscli.clidriver.main())
else:
    importlib.import_module("moto.moto_api._internal").mock_random.seed()
    from lambent.cli.main import run
    ForkedProcess.connection = staticmethod(lambda: connect(request["relay"]))
    ForkedProcess.relay = staticmethod(lambda: request["relay"])
    fork_services()  # those that this process starts
try:
    run()
except SystemExit as ended:
    if not isinstance(ended.code, int | None):
        raise
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ended.code or 0)  # taking all modules down would copy the memory too
"""


_PARAMETERS = signature(subprocess.Popen._execute_child)


class ForkedProcess(subprocess.Popen[Any]):
    """A process of `lambent`, with the interface of `subprocess.Popen`.

    The command is `lambent ...` of the environment of these tests, or `python [-P] -m lambent ...`.
    """

    connection: ClassVar[Callable[[], socket.socket]]
    """Returns the connection to the process that is forked."""
    relay: ClassVar[Callable[[], str]]
    """Returns the address of the relay, through which this process can fork others."""

    _report: socket.socket

    def _execute_child(self, *arguments: Any) -> None:  # as in CPython 3.11 to 3.14
        given = _PARAMETERS.bind(self, *arguments).arguments
        pipes = {name: given[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")}
        streams = [given[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        sent = [number if fd == -1 else fd for number, fd in enumerate(streams)] + list(given["pass_fds"])
        request = {
            "program": "lambent",
            "relay": self.relay(),
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


def start_server(variables: Mapping[str, str], program: str = "lambent") -> socket.socket:
    """Start a process to be forked, with these variables and the tests' own. It ends when the returned connection is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode"), **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    CACHE.mkdir(parents=True, exist_ok=True)
    with theirs, (CACHE / "forked.log").open("ab") as log:
        command, fd = [sys.executable, "-P", "-c", _SERVER], theirs.fileno()
        process = subprocess.Popen(
            [*command, str(fd), program, str(TESTS)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            pass_fds=[fd],
        )
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


@cache
def server_of(program: str) -> socket.socket:
    """Return the connection to the process that is forked for `program`."""
    return start_server({}, program)


ForkedProcess.connection = staticmethod(lambda: server_of("lambent"))
ForkedProcess.relay = staticmethod(lambda: str(commands() / "relay"))


def fork_services() -> None:
    """Let this process fork the local Lambdas that it starts from now on, unless they have a PYTHONPATH of their own."""
    spawn.subprocess = SimpleNamespace(Popen=_start_service, DEVNULL=subprocess.DEVNULL)  # type: ignore[assignment]


def _start_service(command: list[str], **options: Any) -> subprocess.Popen[Any]:
    has_own_path = options["env"].get("PYTHONPATH") != os.environ.get("PYTHONPATH")
    return subprocess.Popen(command, **options) if has_own_path else ForkedProcess(command, **options)


_COMMAND = """#!{python} -IS
import json, os, signal, socket, sys
report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
relay = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
relay.connect("{relay}")
request = {{
    "program": "{program}", "relay": "{relay}", "arguments": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ),
    "session": False, "fds": [0, 1, 2],
}}
socket.send_fds(relay, [json.dumps(request).encode()], [theirs.fileno(), 0, 1, 2])
theirs.close()
pid = int(report.recv(100))
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(pid, number))
status = os.waitstatus_to_exitcode(int(report.recv(100)))
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


@cache
def commands() -> Path:
    """Return a folder with the commands `lambent` and `aws`, which any process may start. This process forks them."""
    folder = Path(tempfile.mkdtemp())
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(folder / "relay"))
    listener.listen(100)
    threading.Thread(target=_relay, args=(listener,), daemon=True).start()
    for program in ("lambent", "aws"):
        (folder / program).write_text(_COMMAND.format(python=sys.executable, relay=folder / "relay", program=program))
        (folder / program).chmod(0o755)
    return folder


def _relay(listener: socket.socket) -> None:
    """Forward the requests of other processes."""
    while True:
        client, _ = listener.accept()
        with client:
            message, fds, _, _ = socket.recv_fds(client, 1 << 20, 20)
        if message:
            socket.send_fds(server_of(json.loads(message)["program"]), [message], fds)
        for fd in fds:
            os.close(fd)


def connect(relay: str) -> socket.socket:
    """Return a connection to the relay of another process."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(relay)
    return connection
