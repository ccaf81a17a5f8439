"""The sandbox for Linux: each environment has its own user, mount, process, ipc and uts namespaces, even without root.

It can have a network of its own too (`namespace_network.py`). Then the service gets sockets that listen inside, for the
Runtime API and for its own address. `namespace_root.py` plans the new root, `namespace_init.py` works inside the namespaces,
and this file talks to it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import marshal
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from lambent import limits

from . import process_tree, seccomp_filter
from .namespace_root import GROUP, HOSTNAME, USER, RootFilesystem, plan_root
from .output_pipe import OutputPipe
from .sandbox import ProcessExit, Sandbox, SandboxSpec, expand
from .system_image import SystemImage, prepare

_log = logging.getLogger(__name__)

# Both of the version that runs, also after lambent was updated: the script's text, and the Python below a virtual environment.
_INIT_SCRIPT = Path(__file__).with_name("namespace_init.py").read_bytes()
_NETWORK_MODULES = {
    name: Path(__file__).with_name(f"{name}.py").read_bytes() for name in ("namespace_network", "namespace_router")
}
_PYTHON = getattr(sys, "_base_executable", "") or sys.executable
_HOST_ID = 61051  # the user's id on the host if root may choose one: outside the ranges of Debian and systemd
_MESSAGE_MAX = 1 << 17
_LISTENERS_MAX = 8
_CHECK_ADDRESS = ("169.254.100.9", 80)  # nothing else has it: the environment itself is 169.254.100.6
_THAW_REST_S = 0.005  # less than the pause before the next freeze
_SPARE_AFTER_S = 0.3  # not while the new environment needs the processor

_LIMITS = (
    ("RLIMIT_NOFILE", limits.FILE_DESCRIPTORS),
    ("RLIMIT_CORE", 0),
    ("RLIMIT_STACK", 8 << 20),
    ("RLIMIT_MEMLOCK", 64 << 10),
)
_PROCESS_LIMIT = ("RLIMIT_NPROC", 1024)
_NPROC_PER_NAMESPACE = (5, 14)  # older versions of Linux also count the user's processes outside


def _limits() -> list[tuple[str, int]]:
    release = tuple(int(part) for part in platform.release().split(".")[:2] if part.isdigit())
    return [*_LIMITS, _PROCESS_LIMIT] if release >= _NPROC_PER_NAMESPACE else [*_LIMITS]


class Namespaces:
    """The namespaces of one environment, with its /tmp. They last as long as their init process, `namespace_init.py`.

    What they need for any function is prepared at once. Runtime processes start in them one at a time.
    """

    def __init__(self, *, switch_user: bool, own_network: bool) -> None:
        self.switch_user = switch_user
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._socket = ours
        self._loop = asyncio.get_running_loop()
        self.init = 0
        self._exits: asyncio.Queue[ProcessExit] = asyncio.Queue()
        with theirs:
            self._process = subprocess.Popen(
                [_PYTHON, "-I", "-S", "-Wignore", "-", str(theirs.fileno()), "lambent"],  # the last word is for readers of `ps`
                pass_fds=(theirs.fileno(),), env={}, cwd="/",
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the service, which ends its environments in order
            )  # fmt: skip
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._process.stdin as script:  # `build` notices that it has ended
            script.write(_INIT_SCRIPT)
        self.alive = True
        self._listeners: tuple[socket.socket, ...] = ()
        self._preparation = self._loop.create_task(self._prepare(own_network))

    async def _prepare(self, own_network: bool) -> None:
        await self._send({"network": own_network})
        await self._send(_compiled_modules() if own_network else {})
        await self._receive("unshared")
        _map_ids(self._process.pid, switch_user=self.switch_user)
        await self._send({"go": True})
        self.init = int((await self._receive("init"))["init"])

    async def build(self, root: RootFilesystem, spec: SandboxSpec, network: dict[str, Any] | None) -> None:
        """Give the namespaces a root. `network` is the plan of their network. Raises OSError where they are not permitted."""
        await self._preparation
        plan = {
            "links": root.links, "binds": root.binds, "masks": root.masks, "files": root.files,
            "tmp_mb": spec.tmp_mb, "memory_mb": spec.memory_mb, "limits": _limits(), "hostname": HOSTNAME,
            "seccomp": seccomp_filter.program(platform.machine()).hex(),
            "switch_user": self.switch_user, "uid": USER, "gid": GROUP, "network": network,
        }  # fmt: skip
        await self._send(plan)
        await self._receive("ready")
        self._loop.add_reader(self._socket, self._on_message)

    def take_listeners(self) -> tuple[socket.socket, ...]:
        """Return the sockets that listen inside, once. The caller closes them."""
        listeners, self._listeners = self._listeners, ()
        return listeners

    async def start(self, spec: SandboxSpec, root: RootFilesystem, output: OutputPipe) -> None:
        names = {"python": root.python, "task": "/var/task", "runtime": "/var/runtime"}
        command = {
            "do": "start",
            "argv": [expand(word, names) for word in spec.command],
            "env": dict(spec.environment),
            "cwd": "/var/task",
        }
        self._exits = asyncio.Queue()
        socket.send_fds(self._socket, [json.dumps(command).encode()], [output.writer])

    def signal(self, action: str) -> None:
        """Let process 1 signal all others at once: "kill", "freeze" or "thaw"."""
        with contextlib.suppress(OSError):
            self._socket.send(b'{"do": "%b"}' % action.encode())

    async def exit(self) -> ProcessExit:
        return await self._exits.get()

    async def close(self) -> None:
        """Close the socket, which ends process 1 and with it the namespaces."""
        self._preparation.cancel()
        await asyncio.gather(self._preparation, return_exceptions=True)
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()
        for listener in self.take_listeners():
            listener.close()
        self._on_end()
        await self._loop.run_in_executor(None, self._process.wait)

    def _on_end(self) -> None:
        if self.alive:
            self.alive = False
            self._exits.put_nowait(ProcessExit(None, signal.SIGKILL))

    async def _send(self, message: dict[str, Any]) -> None:
        await self._loop.sock_sendall(self._socket, json.dumps(message).encode())

    async def _receive(self, *expected: str) -> dict[str, Any]:
        data, descriptors = await self._receive_with_descriptors()
        self._listeners += tuple(socket.socket(fileno=descriptor) for descriptor in descriptors)
        message: dict[str, Any] = json.loads(data) if data else {"error": "the init process ended"}
        if "error" in message:
            raise OSError(str(message["error"]))
        if not any(name in message for name in expected):
            raise OSError(f"the init process sent {message} instead of {expected}")
        return message

    async def _receive_with_descriptors(self) -> tuple[bytes, list[int]]:
        readable = asyncio.Event()
        self._loop.add_reader(self._socket, readable.set)
        try:
            await readable.wait()
        finally:
            self._loop.remove_reader(self._socket)
        data, descriptors, _, _ = socket.recv_fds(self._socket, _MESSAGE_MAX, _LISTENERS_MAX)
        return data, descriptors

    def _on_message(self) -> None:
        try:
            data = self._socket.recv(_MESSAGE_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._socket)
            self._on_end()
            return
        message = json.loads(data)
        self._exits.put_nowait(ProcessExit(message["status"], message["signal"]))


@cache
def _compiled_modules() -> dict[str, str]:
    """Return the code of the scripts that process 1 loads, compiled by the same Python: that takes longer than a start."""
    codes = {name: marshal.dumps(compile(source, name, "exec")) for name, source in _NETWORK_MODULES.items()}
    return {name: base64.b64encode(code).decode() for name, code in codes.items()}


def _map_ids(pid: int, *, switch_user: bool) -> None:
    """Map root and Lambda's user. Root maps itself and an unused id, so that root owns /var/task as on AWS.

    Other users can map only themselves: first to root, which may set limits, then in `namespace_init.py` to Lambda's user.
    """
    folder = Path("/proc", str(pid))
    if switch_user:
        users, groups = f"0 0 1\n{USER} {_HOST_ID} 1\n", f"0 0 1\n{GROUP} {_HOST_ID} 1\n"
    else:
        users, groups = f"0 {os.geteuid()} 1\n", f"0 {os.getegid()} 1\n"
        (folder / "setgroups").write_text("deny")
    (folder / "uid_map").write_text(users)
    (folder / "gid_map").write_text(groups)


class NamespaceSandbox(Sandbox):
    def __init__(self, namespaces: Namespaces, output: OutputPipe, memory_mb: int, on_close: Callable[[], None]) -> None:
        self.namespaces = namespaces
        self.listeners = namespaces.take_listeners()
        self._on_close = on_close
        super().__init__(output, memory_mb)

    async def close(self) -> None:
        await self.namespaces.close()
        await self.wait()
        self._on_close()

    def _pids(self) -> list[int]:
        return process_tree.descendants(self.namespaces.init)

    def _kill_all(self) -> None:
        self.namespaces.signal("kill")

    def _stop_all(self) -> list[int]:
        self.namespaces.signal("freeze")
        return self._pids()

    def _stop_stragglers(self) -> None:
        """Process 1 has stopped all at once."""

    def _continue_all(self, pids: list[int]) -> None:
        super()._continue_all(pids)
        # Process 1 continues the rest, if there is any, but not while the runtime needs the processor for its event.
        asyncio.get_running_loop().call_later(_THAW_REST_S, self.namespaces.signal, "thaw")

    async def _wait_exit(self) -> ProcessExit:
        return await self.namespaces.exit()


class NamespaceFactory:
    """Keeps one spare environment prepared, since starting Python and creating namespaces is most of a cold start.

    `cache` is lambent's cache folder. With `network_check`, each start first connects through the environment's own network to
    that port of this machine.
    """

    kind = "namespaces"

    def __init__(self, cache: Path, *, own_network: bool = False, why_shared: str = "") -> None:
        self._cache = cache
        self._images: dict[Path, SystemImage] = {}
        self.own_network, self.why_shared = own_network, why_shared
        self.network_check: int | None = None
        self._namespaces: dict[Path, Namespaces] = {}
        self._spare: Namespaces | None = None
        self._switch_user = False
        self._stopped = False

    async def prepare(self, interpreter: Path) -> None:
        await self._image(interpreter)

    async def start(self, spec: SandboxSpec) -> NamespaceSandbox:
        root = plan_root(spec, await self._image(spec.interpreter), own_network=self.own_network)
        namespaces = self._namespaces.get(spec.tmp)
        if namespaces is None or not namespaces.alive:
            namespaces = self._namespaces[spec.tmp] = await self._build(root, spec)
        output = OutputPipe()
        try:
            await namespaces.start(spec, root, output)
        except OSError:
            output.close()
            raise
        output.close_writer()
        return NamespaceSandbox(namespaces, output, spec.memory_mb, lambda: self._forget(spec.tmp, namespaces))

    async def stop(self) -> None:
        self._stopped = True
        spares = [self._spare] if self._spare is not None else []
        self._spare = None
        for namespaces in [*self._namespaces.values(), *spares]:
            await namespaces.close()
        self._namespaces.clear()

    async def _image(self, interpreter: Path) -> SystemImage:
        """Return the image for an interpreter. The cache may be emptied while the service is running."""
        image = self._images.get(interpreter)
        if image is None or not image.folder.exists():
            image = self._images[interpreter] = await asyncio.to_thread(prepare, interpreter, self._cache)
        return image

    async def _build(self, root: RootFilesystem, spec: SandboxSpec) -> Namespaces:
        self._switch_user = switch_user = os.geteuid() == 0 and root.world_readable
        asyncio.get_running_loop().call_later(_SPARE_AFTER_S, self._start_spare)
        spare, self._spare = self._spare, None
        if spare is not None and spare.switch_user == switch_user:
            try:
                return await self._build_in(spare, root, spec)
            except OSError as error:  # since it was prepared, something may have changed on this machine
                _log.info("a spare environment couldn't be used: %s", error)
        elif spare is not None:
            await spare.close()
        return await self._build_in(Namespaces(switch_user=switch_user, own_network=self.own_network), root, spec)

    async def _build_in(self, namespaces: Namespaces, root: RootFilesystem, spec: SandboxSpec) -> Namespaces:
        try:
            await namespaces.build(root, spec, self._plan_network(root, spec))
        except OSError:
            await namespaces.close()
            raise
        return namespaces

    def _plan_network(self, root: RootFilesystem, spec: SandboxSpec) -> dict[str, Any] | None:
        if not self.own_network:
            return None
        check = [(_CHECK_ADDRESS, ("127.0.0.1", self.network_check))] if self.network_check else []
        return {
            "ports": spec.ports, "forwards": [*root.forwards, *check],
            "check": _CHECK_ADDRESS if check else None,
        }  # fmt: skip

    def _start_spare(self) -> None:
        if self._spare is None and not self._stopped:
            self._spare = Namespaces(switch_user=self._switch_user, own_network=self.own_network)

    def _forget(self, tmp: Path, namespaces: Namespaces) -> None:
        if self._namespaces.get(tmp) is namespaces:
            del self._namespaces[tmp]
