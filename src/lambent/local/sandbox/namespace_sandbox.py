"""Linux: each environment in user, mount, process, ipc and uts namespaces of its own, also without root.

The network is the host's: the function must reach its Runtime API and the service on loopback. The work inside the
namespaces is `launcher.py`'s; this file decides what the new root holds, and talks to the launcher.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent import limits

from . import process_tree
from .base import Watched
from .memory_limit import MemoryWatch
from .output_pipe import Output
from .sandbox import Exit, Spec

_LAUNCHER = Path(__file__).with_name("namespace_init.py")
_USER, _GROUP = 1051, 990  # sbx_user1051 and its group on AWS
_HOST_ID = 61051  # who that is on the host when root may choose: an id that Debian's and systemd's ranges leave free
_MESSAGE_MAX = 1 << 17

_ETC = ("ssl/certs", "ssl/openssl.cnf", "pki/tls", "pki/ca-trust", "ca-certificates", "alternatives", "ld.so.cache", "fonts")
_ETC_TEXT = ("resolv.conf", "nsswitch.conf", "protocols", "services", "mime.types", "gai.conf", "host.conf")
_SPARE_AFTER_S = 0.3  # not while the environment that was just made wants the processor
_HOSTNAME = "lambda"
_PASSWD = f"""root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
sbx_user{_USER}:x:{_USER}:{_GROUP}::/home/sbx_user{_USER}:/sbin/nologin
"""
_GROUPS = f"root:x:0:\nnobody:x:65534:\nsbx_user{_USER}:x:{_GROUP}:\n"
_ENTRYPOINT = """#!/bin/sh
# As in AWS's images: starts the runtime on the handler that is its argument.
export _HANDLER="$1"
exec "/var/lang/bin/${AWS_EXECUTION_ENV#AWS_Lambda_}" /var/runtime/bootstrap.py
"""
_LIMITS = (
    ("RLIMIT_NOFILE", limits.FILE_DESCRIPTORS),
    ("RLIMIT_CORE", 0),
    ("RLIMIT_STACK", 8 << 20),
    ("RLIMIT_MEMLOCK", 64 << 10),
)
_PROCESSES = ("RLIMIT_NPROC", 1024)
_NPROC_PER_NAMESPACE = (5, 14)  # before this Linux the user's processes outside were counted too


class Root(Struct, frozen=True):
    """What the new root holds: symbolic links, read-only binds (source, target), folders to hide, files (path, mode, text).

    `for_all`: whether another user than the service's may run the interpreter.
    """

    links: tuple[tuple[str, str], ...]
    binds: tuple[tuple[str, str], ...]
    masks: tuple[str, ...]
    files: tuple[tuple[str, int, str], ...]
    python: str
    for_all: bool = True


def plan_root(spec: Spec) -> Root:
    """Looks at the host (which folders there are), changes nothing."""
    links, binds = _system()
    prefix = spec.interpreter.parent.parent
    version = spec.interpreter.name
    binds.append((str(prefix), "/var/lang"))
    if prefix != Path("/usr"):
        binds.append((str(prefix), str(prefix)))
    binds += [(str(spec.task.resolve()), "/var/task"), (str(spec.runtime.resolve()), "/var/runtime")]
    if spec.opt is not None:
        binds.append((str(spec.opt.resolve()), "/opt"))
    masks = [] if prefix == Path("/usr/local") else ["/usr/local"]
    for place in dict.fromkeys(("/var/lang", str(prefix), "/usr")):
        masks += _packages_of(place, version)
    relocatable = (prefix / "lib" / version / "os.py").exists()
    python = f"/var/lang/bin/{version}" if relocatable else str(spec.interpreter)
    for_all = all(_for_all(path) for path in (spec.interpreter, prefix, prefix / "lib"))
    return Root(tuple(links), tuple(binds), tuple(masks), _files(), python, for_all)


def _for_all(path: Path) -> bool:
    """Whether everybody may read and execute it. Not so where root installed a Python under a strict umask."""
    return not path.exists() or path.stat().st_mode & 0o005 == 0o005


def _packages_of(place: str, version: str) -> list[str]:
    folders = [
        f"{place}/lib/{version}/site-packages",
        f"{place}/lib/{version}/dist-packages",
        f"{place}/lib/python3/dist-packages",
    ]
    return [folder for folder in folders if place != "/usr" or Path(folder).is_dir()]


def _system() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """/usr, and /bin, /lib and the like as the host has them: links into /usr, or folders."""
    links: list[tuple[str, str]] = []
    binds = [("/usr", "/usr")]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            links.append((str(path), str(path.readlink())))
        elif path.is_dir():
            binds.append((str(path), str(path)))
    for name in _ETC:
        path = Path("/etc", name)
        if path.exists():
            binds.append((str(path.resolve()), str(path)))
    return links, binds


def _files() -> tuple[tuple[str, int, str], ...]:
    """Lambda's own users (files of others on the host show as nobody's), and what of the host's /etc names are found by."""
    texts = {"/etc/passwd": _PASSWD, "/etc/group": _GROUPS}
    for name in ("hosts", *_ETC_TEXT):
        with contextlib.suppress(OSError):
            texts[f"/etc/{name}"] = Path("/etc", name).read_text()
    texts["/etc/hosts"] = texts.get("/etc/hosts", "127.0.0.1 localhost\n") + f"\n127.0.0.1 {_HOSTNAME}\n"
    return (*((path, 0o644, text) for path, text in texts.items()), ("/lambda-entrypoint.sh", 0o755, _ENTRYPOINT))


def _limits() -> list[tuple[str, int]]:
    release = tuple(int(part) for part in platform.release().split(".")[:2] if part.isdigit())
    return [*_LIMITS, _PROCESSES] if release >= _NPROC_PER_NAMESPACE else [*_LIMITS]


class Holder:
    """One launcher: the namespaces of an environment, and its /tmp. Starts runtime processes in them, one at a time."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._socket = ours
        self._loop = asyncio.get_running_loop()
        self.init = 0
        self._exits: asyncio.Queue[Exit] = asyncio.Queue()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCHER), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),), env={}, cwd="/",
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the service, which ends its environments in order
            )  # fmt: skip
        self.alive = True

    async def build(self, root: Root, tmp_mb: int) -> None:
        """Makes the namespaces. Raises OSError where they are not permitted."""
        switch_user = os.geteuid() == 0 and root.for_all
        order = {
            "links": root.links, "binds": root.binds, "masks": root.masks, "files": root.files,
            "tmp_mb": tmp_mb, "limits": _limits(), "hostname": _HOSTNAME,
            "switch_user": switch_user, "uid": _USER, "gid": _GROUP,
        }  # fmt: skip
        await self._tell(order)
        await self._hear("unshared")
        _map_ids(self._process.pid, switch_user=switch_user)
        await self._tell({"go": True})
        # From two processes, in either order.
        heard = await self._hear("init", "ready") | await self._hear("init", "ready")
        self.init = int(heard["init"])
        self._loop.add_reader(self._socket, self._on_message)

    async def start(self, spec: Spec, root: Root, output: Output) -> None:
        inside = {"python": root.python, "task": "/var/task", "runtime": "/var/runtime"}
        told = {
            "do": "start",
            "argv": [word.format_map(inside) for word in spec.command],
            "env": dict(spec.environment),
            "cwd": "/var/task",
        }
        self._exits = asyncio.Queue()
        socket.send_fds(self._socket, [json.dumps(told).encode()], [output.writer])

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.send(b'{"do": "kill"}')

    async def exit(self) -> Exit:
        return await self._exits.get()

    async def close(self) -> None:
        """Closing the socket ends process 1, and with it the namespaces."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()
        self._gone()
        await self._loop.run_in_executor(None, self._process.wait)

    def _gone(self) -> None:
        if self.alive:
            self.alive = False
            self._exits.put_nowait(Exit(None, signal.SIGKILL))

    async def _tell(self, message: dict[str, Any]) -> None:
        await self._loop.sock_sendall(self._socket, json.dumps(message).encode())

    async def _hear(self, *expected: str) -> dict[str, Any]:
        heard = await self._loop.sock_recv(self._socket, _MESSAGE_MAX)
        message: dict[str, Any] = json.loads(heard) if heard else {"error": "the launcher ended"}
        if "error" in message:
            raise OSError(str(message["error"]))
        if not any(name in message for name in expected):
            raise OSError(f"the launcher said {message} instead of {expected}")
        return message

    def _on_message(self) -> None:
        try:
            heard = self._socket.recv(_MESSAGE_MAX)
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        if not heard:
            self._loop.remove_reader(self._socket)
            self._gone()
            return
        message = json.loads(heard)
        self._exits.put_nowait(Exit(message["status"], message["signal"]))


def _map_ids(pid: int, *, switch_user: bool) -> None:
    """Root maps itself and an unused id, so that /var/task is root's as on AWS; others map themselves to Lambda's user."""
    folder = Path("/proc", str(pid))
    if switch_user:
        users, groups = f"0 0 1\n{_USER} {_HOST_ID} 1\n", f"0 0 1\n{_GROUP} {_HOST_ID} 1\n"
    else:
        users, groups = f"{_USER} {os.geteuid()} 1\n", f"{_GROUP} {os.getegid()} 1\n"
        (folder / "setgroups").write_text("deny")
    (folder / "uid_map").write_text(users)
    (folder / "gid_map").write_text(groups)


class NamespaceSandbox(Watched):
    """One run of the runtime process in a holder. See `interface.Sandbox`."""

    def __init__(self, holder: Holder, output: Output, memory_mb: int, forget: Callable[[], None]) -> None:
        self.holder = holder
        self.output = output
        self.memory_mb = memory_mb
        self.forget = forget
        self._frozen: list[int] = []
        self._watch = MemoryWatch(self._pids, self.memory_mb, self.holder.kill)
        self._watch.start()
        self._exit = asyncio.ensure_future(self._wait())

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    async def kill(self) -> None:
        self.holder.kill()
        await self.wait()

    async def close(self) -> None:
        await self.holder.close()
        await self.wait()
        self.forget()

    def _pids(self) -> list[int]:
        return process_tree.descendants(self.holder.init)

    async def _wait(self) -> Exit:
        ended = await self.holder.exit()
        self._watch.stop()
        self.output.drain()
        self.output.close()
        return Exit(ended.status, ended.signal, out_of_memory=self._watch.exceeded)


class NamespaceMaker:
    """See `interface.Maker`. Keeps one launcher started in advance, since starting Python is most of a cold start's cost."""

    kind = "namespaces"

    def __init__(self) -> None:
        self._holders: dict[Path, Holder] = {}
        self._spare: Holder | None = None
        self._stopped = False

    async def start(self, spec: Spec) -> NamespaceSandbox:
        root = plan_root(spec)
        holder = self._holders.get(spec.tmp)
        if holder is None or not holder.alive:
            holder = self._holders[spec.tmp] = await self._build(root, spec.tmp_mb)
        output = Output()
        try:
            await holder.start(spec, root, output)
        except OSError:
            output.close()
            raise
        output.close_writer()
        return NamespaceSandbox(holder, output, spec.memory_mb, lambda: self._forget(spec.tmp, holder))

    async def stop(self) -> None:
        self._stopped = True
        spares = [self._spare] if self._spare is not None else []
        self._spare = None
        for holder in [*self._holders.values(), *spares]:
            await holder.close()
        self._holders.clear()

    async def _build(self, root: Root, tmp_mb: int) -> Holder:
        holder = self._spare or Holder()
        self._spare = None
        asyncio.get_running_loop().call_later(_SPARE_AFTER_S, self._keep_spare)
        try:
            await holder.build(root, tmp_mb)
        except OSError:
            await holder.close()
            raise
        return holder

    def _keep_spare(self) -> None:
        if self._spare is None and not self._stopped:
            self._spare = Holder()

    def _forget(self, tmp: Path, holder: Holder) -> None:
        if self._holders.get(tmp) is holder:
            del self._holders[tmp]
