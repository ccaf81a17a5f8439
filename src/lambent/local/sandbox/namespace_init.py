"""Runs outside this package, as a script of its own: makes the namespaces of one environment and is their process 1.

Started as `python -I -S namespace_init.py FD`, where FD is one end of a SOCK_SEQPACKET pair; every message is one JSON object.
It is told a root to build (see `namespaces.plan_root`), then to start the runtime process in it, to kill it, and to start it
again: /tmp lives as long as this process. When the other end of the socket closes, because the service died in whatever
way, it exits, and the kernel ends everything in its process namespace with it.

Only the standard library, nothing of ours; all imports come first, since the host's files are gone once the root is in place.
"""

# Importing pathlib would be a third of its start:
# ruff: noqa: PTH101, PTH102, PTH103, PTH106, PTH112, PTH120, PTH123, PTH211

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any, NoReturn

_LIBC = ctypes.CDLL(None, use_errno=True)

_CLONE_ALL = 0x10000000 | 0x00020000 | 0x08000000 | 0x04000000 | 0x20000000  # user, mount, ipc, uts, pid (linux/sched.h)
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8  # sys/mount.h
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_SLAVE = 32, 4096, 16384, 1 << 19
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38  # linux/prctl.h
_SYS_MOUNT_SETATTR = 442  # the same number on every architecture; Linux 5.12
_AT_RECURSIVE = 0x8000
_ATTR_RDONLY_NOSUID_NODEV = 1 | 2 | 4
_CAPABILITIES = 41  # up to CAP_CHECKPOINT_RESTORE
_MESSAGE_MAX = 1 << 17
_OLD = "/.host"


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    order = _receive(control)
    if order is None:
        return
    try:
        _check(_LIBC.unshare(_CLONE_ALL), "unshare")
        _send(control, {"unshared": os.getpid()})
        if _receive(control) is None:  # the service writes uid_map and gid_map, then says go
            return
        child = os.fork()
    except OSError as error:
        _send(control, {"error": str(error)})
        return
    if child:
        _send(control, {"init": child})
        control.close()
        os.waitpid(child, 0)
        return
    _become_init(control, order)


def _become_init(control: socket.socket, order: dict[str, Any]) -> NoReturn:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        _build_root(order)
        _send(control, {"ready": True})
        _serve(control, order)
    except OSError as error:
        with contextlib.suppress(OSError):
            _send(control, {"error": str(error)})
    os._exit(0)


# --- the root ---------------------------------------------------------------------------------------------------------


def _build_root(order: dict[str, Any]) -> None:
    os.umask(0)
    _mount("none", "/", "", _MS_REC | _MS_SLAVE)
    # The new root covers /tmp only until pivot_root moves it away, so that sources below the host's /tmp stay reachable.
    _mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=4m")
    os.mkdir("/tmp" + _OLD)
    _check(_LIBC.pivot_root(b"/tmp", b"/tmp" + _OLD.encode()), "pivot_root")
    os.chdir("/")
    for folder in ("/tmp", "/proc", "/dev", "/etc", "/var", "/opt"):
        os.mkdir(folder, 0o755)
    for link, target in order["links"]:
        os.symlink(target, link)
    for source, target in order["binds"]:
        _bind(_OLD + source, target, read_only=True)
    for target in order["masks"]:
        if os.path.isdir(target):
            _mount("tmpfs", target, "tmpfs", _MS_RDONLY | _MS_NOSUID | _MS_NODEV, "mode=755,size=4k")
    for path, mode, text in order["files"]:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
    _make_devices()
    _mount("proc", "/proc", "proc", _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, f"mode=1777,size={order['tmp_mb']}m")
    _check(_LIBC.umount2(_OLD.encode(), _MNT_DETACH), "umount")
    os.rmdir(_OLD)
    _mount("none", "/", "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
    socket.sethostname(order["hostname"])


def _make_devices() -> None:
    """No /dev/shm: Lambda has none, and it would be memory outside the limit."""
    for name in ("null", "zero", "full", "random", "urandom"):
        _bind(f"{_OLD}/dev/{name}", f"/dev/{name}", read_only=False)
    os.symlink("/proc/self/fd", "/dev/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"/dev/{name}")


def _bind(source: str, target: str, *, read_only: bool) -> None:
    if os.path.isdir(source):
        os.makedirs(target, 0o755, exist_ok=True)
    elif not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(source, target, "", _MS_BIND | _MS_REC)
    if read_only:
        _make_read_only(target)


def _make_read_only(target: str) -> None:
    attributes = (ctypes.c_uint64 * 4)(_ATTR_RDONLY_NOSUID_NODEV, 0, 0, 0)
    at_cwd, size = -100, 32
    done = _LIBC.syscall(_SYS_MOUNT_SETATTR, at_cwd, target.encode(), _AT_RECURSIVE, ctypes.byref(attributes), size)
    if done == 0:
        return
    # Before Linux 5.12: the mount itself only. Flags that the host's mount has are locked and must be repeated.
    kept = os.statvfs(target).f_flag & (_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _mount("none", target, "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV | kept)


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    done = _LIBC.mount(source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None)
    _check(done, f"mount {target}")


# --- process 1 --------------------------------------------------------------------------------------------------------


def _serve(control: socket.socket, order: dict[str, Any]) -> None:
    """Starts and kills the runtime process as told, reaps what ends. Returns when the service is gone."""
    wake_in, wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_out, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    main_child = 0
    while True:
        ready, _, _ = select.select([control.fileno(), wake_in], [], [])
        if wake_in in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake_in, 4096)
            status = _reap(main_child)
            if status is not None:
                main_child = 0
                _send(control, _describe_exit(status))
        if control.fileno() in ready:
            message, fds, _, _ = socket.recv_fds(control, _MESSAGE_MAX, 1)
            if not message:
                return
            told = json.loads(message)
            if told["do"] == "start":
                main_child = _start(told, fds[0], order)
            elif told["do"] == "kill" and main_child:
                _kill_all()


def _reap(main_child: int) -> int | None:
    """Collects ended processes. When the main one is among them, ends the rest and gives its wait status."""
    result = None
    while True:
        try:
            pid, status = os.waitpid(-1, 0 if result is not None else os.WNOHANG)
        except ChildProcessError:
            return result
        if pid == 0:
            return None
        if pid == main_child:
            result = status
            _kill_all()


def _kill_all() -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)  # from process 1: everything in the namespace but itself


def _describe_exit(status: int) -> dict[str, int | None]:
    if os.WIFSIGNALED(status):
        return {"status": None, "signal": os.WTERMSIG(status)}
    return {"status": os.WEXITSTATUS(status), "signal": None}


def _start(told: dict[str, Any], output: int, order: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        os.close(output)
        return child
    try:
        _confine(order)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.closerange(3, 1024)
        os.chdir(told["cwd"])
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.execve(told["argv"][0], told["argv"], told["env"])
    except FileNotFoundError:
        os._exit(127)  # as a shell says it, and AWS passes on
    except OSError:
        os._exit(126)
    os._exit(1)


def _confine(order: dict[str, Any]) -> None:
    """No privileges, no way to new ones, and the limits of the real thing."""
    signal.set_wakeup_fd(-1)
    os.setsid()
    os.umask(0o022)
    for capability in range(_CAPABILITIES):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if order["switch_user"]:
        os.setgroups([])
        os.setresgid(order["gid"], order["gid"], order["gid"])
        os.setresuid(order["uid"], order["uid"], order["uid"])
    _check(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    for name, value in order["limits"]:
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (wanted, wanted))


# --- messages ---------------------------------------------------------------------------------------------------------


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    control.send(json.dumps(message).encode())


def _receive(control: socket.socket) -> dict[str, Any] | None:
    message = control.recv(_MESSAGE_MAX)
    return json.loads(message) if message else None


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
