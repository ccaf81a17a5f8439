"""A script that creates the namespaces of one environment and is their init process (process 1).

`namespace_sandbox.py` starts it as `python -I -S -Wignore - FD lambent`, with the script on standard input. FD is one end of a
SOCK_SEQPACKET pair, and every message is one JSON object: first whether to create a network, and the code of the modules for it
(`namespace_network.py` and `namespace_router.py`); once there is a function to run, the plan of the root (see
`namespace_root.py`); then commands to start, kill and restart the runtime process. /tmp lives as long as this script. When the
other end of the socket closes, because the service has ended in whatever way, the script exits, and the kernel ends everything
in its process namespace.

It imports only the standard library, and all of it at the start: the host's files are out of reach once the root is in place.
"""

# Importing pathlib would take a third of the start:
# ruff: noqa: PTH101, PTH102, PTH103, PTH106, PTH112, PTH120, PTH123, PTH211

from __future__ import annotations

import binascii
import contextlib
import ctypes
import fcntl  # noqa: F401 - this one and others are for namespace_network.py and namespace_router.py
import json
import marshal
import os
import resource
import select
import signal
import socket
import struct
import sys
import time  # noqa: F401
from typing import Any, NoReturn

_LIBC = ctypes.CDLL(None, use_errno=True)

_CLONE_NEWUSER, _CLONE_NEWPID = 0x10000000, 0x20000000  # linux/sched.h
_CLONE_ALL = _CLONE_NEWUSER | 0x00020000 | 0x08000000 | 0x04000000  # and mount, ipc, uts
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8  # sys/mount.h
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_SLAVE = 32, 4096, 16384, 1 << 19
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38  # linux/prctl.h
_SYS_MOUNT_SETATTR = 442  # the same number on every architecture; Linux 5.12
_AT_RECURSIVE = 0x8000
_ATTR_RDONLY_NOSUID_NODEV = 1 | 2 | 4
_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1, 4  # linux/seccomp.h
_SYS_KEYCTL = {"x86_64": 250, "aarch64": 219}  # asm/unistd.h
_KEYCTL_JOIN_SESSION_KEYRING = 1  # linux/keyctl.h
_CAPABILITIES = 41  # up to CAP_CHECKPOINT_RESTORE
_MESSAGE_MAX = 1 << 17
_INODES_PER_MB = 64  # of /tmp: one for each 16 KB, like ext4's default
_NO_USER_NAMESPACES = (("sys/user/max_user_namespaces", "0\n"),)
_SIGNALS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP, "thaw": signal.SIGCONT}
_HOST = "/.host"
# What container runtimes mask (github.com/containerd/containerd, pkg/oci/spec.go), and key-users: they show the whole machine.
_MASKED = (
    "acpi", "asound", "interrupts", "kcore", "key-users", "keys", "latency_stats", "sched_debug", "scsi", "timer_list",
    "timer_stats",
)  # fmt: skip


def main() -> None:
    os.close(0)  # the pipe that this script came through: the kernel limits what all pipes of a user hold
    os.open("/dev/null", os.O_RDONLY)
    leave_session_keyring()
    control = socket.socket(fileno=int(sys.argv[1]))
    setup, modules = _receive(control), _receive(control)
    if setup is None or modules is None:
        return
    try:
        _check(_LIBC.unshare(_CLONE_ALL), "unshare")
        network = _load_module("namespace_network", modules) if setup["network"] else None
        inside = network.InsideThread() if network else None
        _check(_LIBC.unshare(_CLONE_NEWPID), "unshare processes")
        _send(control, {"unshared": os.getpid()})
        if _receive(control) is None:  # the service writes uid_map and gid_map, then sends a message
            return
        router, init = socket.socketpair()
        child = os.fork()
    except OSError as error:
        _send(control, {"error": str(error)})
        return
    if child:
        _send(control, {"init": child})
        control.close()
        init.close()
        if network is not None:
            network.route(router, child, inside, lambda name: _load_module(name, modules))
        os.waitpid(child, 0)
        return
    router.close()
    _become_init(control, network, init)


def _become_init(control: socket.socket, network: Any, router: socket.socket) -> NoReturn:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # without Python's own handler, none of the function's signals end process 1
    try:
        sockets = network.create() if network else ()
        plan = _receive(control)
        if plan is None:
            os._exit(0)
        listeners = network.connect(plan["network"], sockets, router) if network else []
        host_proc = os.open("/proc", os.O_PATH | os.O_CLOEXEC)
        _build_root(plan)
        if not plan["switch_user"]:
            _become_lambdas_user(plan, host_proc)
        os.close(host_proc)
        socket.send_fds(control, [b'{"ready": true}'], [listener.fileno() for listener in listeners])
        for listener in listeners:
            listener.close()
        _serve(control, plan)
    except OSError as error:
        with contextlib.suppress(OSError):
            _send(control, {"error": str(error)})
    os._exit(0)


def _load_module(name: str, modules: dict[str, str]) -> Any:
    """Return a module made of its code, which the service has sent, since its file is out of reach."""
    module = type(sys)(name)
    exec(marshal.loads(binascii.a2b_base64(modules[name])), vars(module))
    return module


def leave_session_keyring() -> None:
    """Start with an empty kernel keyring (keyrings(7)) in place of that of the user who started the service."""
    number = _SYS_KEYCTL.get(os.uname().machine)
    if number is not None:
        _LIBC.syscall(number, _KEYCTL_JOIN_SESSION_KEYRING, None)  # it fails only where there are no keyrings


def _become_lambdas_user(plan: dict[str, Any], host_proc: int) -> None:
    """Enter a user namespace in which this user, root until now, has the id of Lambda's user. /proc is read-only by now."""
    _check(_LIBC.unshare(_CLONE_NEWUSER), "unshare user")
    for name, text in (("uid_map", f"{plan['uid']} 0 1\n"), ("gid_map", f"{plan['gid']} 0 1\n"), *_NO_USER_NAMESPACES):
        path = name if name.startswith("sys/") else f"self/{name}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=host_proc)
        os.write(descriptor, text.encode())
        os.close(descriptor)


# --- the root ---------------------------------------------------------------------------------------------------------


def _build_root(plan: dict[str, Any]) -> None:
    os.umask(0o022)
    _mount("none", "/", "", _MS_REC | _MS_SLAVE)
    # The new root covers /tmp until pivot_root, which makes sources below the host's /tmp reachable again.
    _mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=4m")
    os.mkdir("/tmp" + _HOST)
    _check(_LIBC.pivot_root(b"/tmp", b"/tmp" + _HOST.encode()), "pivot_root")
    os.chdir("/")
    for folder in ("/tmp", "/proc", "/dev", "/etc", "/var", "/opt"):
        os.mkdir(folder, 0o755)
    for link, destination in plan["links"]:
        os.symlink(destination, link)
    for source, path in plan["binds"]:
        _bind(_HOST + source, path, read_only=True)
    for path in plan["masks"]:
        if os.path.isdir(path):
            _mount("tmpfs", path, "tmpfs", _MS_RDONLY | _MS_NOSUID | _MS_NODEV, "mode=755,size=4k")
    for path, mode, text in plan["files"]:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
    _make_devices()
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _limit_namespaces(plan)
    _mask_proc()
    _mount("none", "/proc", "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    options = f"mode=1777,size={plan['tmp_mb']}m,nr_inodes={plan['tmp_mb'] * _INODES_PER_MB}"
    _mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, options)
    _check(_LIBC.umount2(_HOST.encode(), _MNT_DETACH), "umount")
    os.rmdir(_HOST)
    _mount("none", "/", "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
    socket.sethostname(plan["hostname"])


def _limit_namespaces(plan: dict[str, Any]) -> None:
    """Limit the memory that belongs to no process, and forbid user namespaces.

    System V's shared memory ends with the last process that has it attached, so it is part of that process's memory. Older
    versions of Linux let only root set these limits.
    """
    pages = (plan["memory_mb"] << 20) // os.sysconf("SC_PAGE_SIZE")
    for name, value in (
        ("kernel/shm_rmid_forced", 1),
        ("kernel/shmall", pages),
        ("kernel/msgmni", 32),
        ("kernel/sem", "250 32000 100 128"),
        ("user/max_user_namespaces", 0 if plan["switch_user"] else 1),  # 1 for `_become_lambdas_user`
    ):
        with contextlib.suppress(OSError), open(f"/proc/sys/{name}", "w", encoding="utf-8") as file:
            file.write(str(value))


def _mask_proc() -> None:
    for name in _MASKED:
        path = f"/proc/{name}"
        if os.path.isdir(path):
            _mount("tmpfs", path, "tmpfs", _MS_RDONLY | _MS_NOSUID | _MS_NODEV, "mode=755,size=4k")
        elif os.path.exists(path):  # noqa: PTH110
            _mount("/dev/null", path, "", _MS_BIND)


def _make_devices() -> None:
    """There is no /dev/shm. Lambda has none, and it would be memory that the limit does not cover."""
    for name in ("null", "zero", "full", "random", "urandom"):
        _bind(f"{_HOST}/dev/{name}", f"/dev/{name}", read_only=False)
    os.symlink("/proc/self/fd", "/dev/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"/dev/{name}")


def _bind(source: str, path: str, *, read_only: bool) -> None:
    if os.path.isdir(source):
        os.makedirs(path, 0o755, exist_ok=True)
    elif not os.path.lexists(path):
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(source, path, "", _MS_BIND | _MS_REC)
    if read_only:
        _make_read_only(path)


def _make_read_only(path: str) -> None:
    attributes = (ctypes.c_uint64 * 4)(_ATTR_RDONLY_NOSUID_NODEV, 0, 0, 0)
    at_cwd, size = -100, 32
    result = _LIBC.syscall(_SYS_MOUNT_SETATTR, at_cwd, path.encode(), _AT_RECURSIVE, ctypes.byref(attributes), size)
    if result == 0:
        return
    # Before Linux 5.12 only the mount itself can be changed. The flags of the host's mount are locked and must be repeated.
    locked_flags = os.statvfs(path).f_flag & (_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    _mount("none", path, "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV | locked_flags)


def _mount(source: str, path: str, kind: str, flags: int, data: str = "") -> None:
    result = _LIBC.mount(source.encode(), path.encode(), kind.encode() or None, flags, data.encode() or None)
    _check(result, f"mount {path}")


# --- process 1 --------------------------------------------------------------------------------------------------------


def _serve(control: socket.socket, plan: dict[str, Any]) -> None:
    """Start and kill the runtime process as requested, and reap processes. Returns when the service has ended."""
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
            command = json.loads(message)
            if command["do"] == "start":
                main_child = _start(command, fds[0], plan)
            elif command["do"] in _SIGNALS and main_child:
                _signal_all(_SIGNALS[command["do"]])


def _reap(main_child: int) -> int | None:
    """Reap processes. If the main one is among them, kill the rest and return its wait status."""
    main_status = None
    while True:
        try:
            pid, status = os.waitpid(-1, 0 if main_status is not None else os.WNOHANG)
        except ChildProcessError:
            return main_status
        if pid == 0:
            return None
        if pid == main_child:
            main_status = status
            _signal_all(signal.SIGKILL)


def _signal_all(number: signal.Signals) -> None:
    """Signal every other process in the namespace at once: none can escape by forking, as from a signal to each."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, number)


def _describe_exit(status: int) -> dict[str, int | None]:
    if os.WIFSIGNALED(status):
        return {"status": None, "signal": os.WTERMSIG(status)}
    return {"status": os.WEXITSTATUS(status), "signal": None}


def _start(command: dict[str, Any], output: int, plan: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        os.close(output)
        return child
    try:
        _confine(plan)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.closerange(3, 1024)
        os.chdir(command["cwd"])
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.execve(command["argv"][0], command["argv"], command["env"])
    except FileNotFoundError:
        os._exit(127)  # the exit status of a shell, which AWS reports too
    except (OSError, ValueError):  # ValueError: a NUL in a word or variable
        os._exit(126)
    os._exit(1)


def _confine(plan: dict[str, Any]) -> None:
    """Drop all privileges for good, and set the limits that Lambda has."""
    signal.set_wakeup_fd(-1)
    os.setsid()
    os.umask(0o022)
    for capability in range(_CAPABILITIES):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if plan["switch_user"]:
        os.setgroups([])
        os.setresgid(plan["gid"], plan["gid"], plan["gid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    _check(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    for name, value in plan["limits"]:
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (limit, limit))
    _filter_system_calls(bytes.fromhex(plan["seccomp"]))


def _filter_system_calls(program: bytes) -> None:
    """Refuse some system calls for good, without slowing down the processor, as older versions of Linux do otherwise."""
    number = _SYS_SECCOMP.get(os.uname().machine)
    if number is None or not program:
        return
    buffer = ctypes.create_string_buffer(program)
    filter_program = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer)))
    result = _LIBC.syscall(number, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_SPEC_ALLOW, filter_program)
    _check(result, "seccomp")


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
