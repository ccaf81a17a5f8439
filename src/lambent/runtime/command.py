"""Runs a command of `lambent run` in place of an event: with the function's code, role, network and variables.

Only an invocation whose client context says so is one, and only if the function has LAMBENT_RUN. A client context comes only
from a direct call of Lambda's Invoke; neither a URL nor an event source can send one. The event is {"command": [...],
"environment": {...}}. Output and exit status go back as frames in a stream: a letter, four bytes with the length, and the
data.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from select import POLLIN, POLLOUT, poll
from time import time

from .api import DEADLINE, one_line
from .environment import variable
from .json_text import dump, parse
from .program_lookup import find_program
from .response import ClientDisconnected
from .streaming import Upload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .api import Invocation, RuntimeApi
    from .log import Log

_STDOUT, _STDERR, _ALIVE, _END = b"o", b"e", b"a", b"x"
_ALIVE_S = 15.0
"""How often a frame without data is sent, so that nothing on the way takes a silent connection for a dead one."""
_OUTPUT_MAX = 199 * 1024 * 1024
"""Lambda's limit of a streamed response is 200 MB."""
_STOP_S = 1.5
"""How long before the function's timeout a command gets SIGTERM. What is left of it after two thirds gets SIGKILL."""
_BLOCK = 65536
_LINGER_S = 0.2
"""How long to read on when the command has ended, but processes that it started have its output open."""


def run(api: RuntimeApi, log: Log, invocation: Invocation) -> None:
    """Run the command of an invocation, and stream its output."""
    sender = _Sender(Upload(api, api.stream_head(invocation, "application/octet-stream")))
    try:
        event = parse(invocation.body)
        command = [str(word) for word in event["command"]]
        environment = {str(name): str(value) for name, value in (event.get("environment") or {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        sender.end({"status": 2, "problem": f"not a command of lambent run: {error!r}"})
        return
    name = one_line(command[0]) if command else ""
    log.note(f"run {name}")  # without its arguments, which may be secrets
    result = _run(sender, command, environment, int(invocation.header(DEADLINE) or 0) / 1000)
    log.note(f"{name} ended with status {result['status']}")
    sender.end(result)


def _run(sender: _Sender, words: list[str], environment: dict[str, str], deadline: float) -> dict[str, Any]:
    folder = f"{variable('TMPDIR', '/tmp')}/app" if variable("LAMBENT_WRITABLE") else variable("LAMBDA_TASK_ROOT")
    variables = _variables(environment)
    program = find_program(words, folder, variables["PATH"])
    if isinstance(program, str):
        return {"status": 127, "problem": program}
    try:
        process = subprocess.Popen(
            program,
            cwd=folder or None,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return {"status": 126, "problem": f"{words[0]} can't be run: {error.strerror}"}
    return _Command(process, sender, deadline).wait()


def _variables(environment: dict[str, str]) -> dict[str, str]:
    """Return the function's variables, with which the command's Python finds what the app finds."""
    variables = dict(os.environ)
    # Python adds its own folders itself; those of the app, of layers and of an overflow archive it must be told.
    own = (f"{sys.prefix}/", f"{sys.base_prefix}/")
    folders = [entry for entry in sys.path if entry and not f"{entry}/".startswith(own)]
    variables["PYTHONPATH"] = ":".join(folders)
    variables["PATH"] = f"{variable('LAMBDA_TASK_ROOT')}/bin:{variables.get('PATH', os.defpath)}"
    variables.setdefault("PYTHONUNBUFFERED", "1")  # Python holds back what it writes to a pipe
    variables.update(environment)
    return variables


class _Sender:
    """Sends frames. Once Lambda no longer takes them, they are dropped, and the command runs on."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.sent = self.dropped = 0
        self.blocked = False

    def send(self, kind: bytes, data: bytes = b"") -> None:
        if self.sent + len(data) > _OUTPUT_MAX:
            self.dropped += len(data)
            return
        self.sent += len(data)
        self._push(kind, data)

    def advance(self) -> None:
        """Send what the connection takes now of what it didn't take before."""
        try:
            self.blocked = not self.upload.advance()
        except ClientDisconnected:
            self.blocked = False

    def end(self, result: dict[str, Any]) -> None:
        if self.dropped:
            result["left_out"] = self.dropped
        self._push(_END, dump(result), b"0\r\n\r\n")
        self.upload.finish()

    def _push(self, kind: bytes, data: bytes, last_chunk: bytes = b"") -> None:
        """Send one frame as one chunk."""
        frame = kind + len(data).to_bytes(4, "big") + data
        try:
            self.blocked = not self.upload.push([b"%x\r\n" % len(frame), frame, b"\r\n" + last_chunk])
        except ClientDisconnected:
            self.blocked = False


class _Command:
    """A running command: passes its output on until it ends, or until the function's timeout is near."""

    def __init__(self, process: subprocess.Popen[bytes], sender: _Sender, deadline: float) -> None:
        self._process = process
        self._sender = sender
        assert process.stdout is not None and process.stderr is not None
        self._outputs = {process.stdout.fileno(): _STDOUT, process.stderr.fileno(): _STDERR}
        margin_s = min(_STOP_S, max(0, deadline - time()) / 4) if deadline else 0
        self._signals = [(deadline - margin_s, signal.SIGTERM), (deadline - margin_s / 3, signal.SIGKILL)] if deadline else []
        self._timed_out = False
        self._lingers_until = 0.0

    def wait(self) -> dict[str, Any]:
        """Return how the command ended."""
        last = time()
        while self._outputs:
            self._take_output()
            now = time()
            if now - last >= _ALIVE_S:
                self._sender.send(_ALIVE)
                last = now
            if self._signals and now >= self._signals[0][0]:
                self._timed_out = True
                self._kill(self._signals.pop(0)[1])
            if self._process.poll() is not None:
                self._lingers_until = self._lingers_until or now + _LINGER_S
                if now >= self._lingers_until and not self._sender.blocked:
                    break
        status = self._process.wait()
        self._kill(signal.SIGKILL)  # what it has left running would be frozen with the environment
        result: dict[str, Any] = {"status": status if status >= 0 else 128 - status}
        if status < 0:
            result["signal"] = signal.Signals(-status).name
        if self._timed_out:
            result["timed_out"] = True
        return result

    def _take_output(self) -> None:
        """Wait for output, or while there is more than the connection takes, for the connection."""
        ready = poll()
        if self._sender.blocked:
            ready.register(self._sender.upload.fileno(), POLLIN | POLLOUT)
        else:
            for output in self._outputs:
                ready.register(output, POLLIN)
        for descriptor, _ in ready.poll(100):
            kind = self._outputs.get(descriptor)
            if kind is None:
                self._sender.advance()
            elif data := os.read(descriptor, _BLOCK):
                self._sender.send(kind, data)
            else:
                del self._outputs[descriptor]

    def _kill(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return
