"""What a sandbox bounds beyond memory and files, and the keys that it hides."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from lambent.local.sandbox.namespace_sandbox import NamespaceFactory, NamespaceSandbox
from lambent.local.sandbox.sandbox import ProcessExit, SandboxFactory
from support.functions import make_spec
from support.sandboxes import run_script, with_factory
from support.waiting import eventually_async

NAMESPACE_LIMITS = """
import ctypes, errno, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p

def error_of(result):
    return errno.errorcode[ctypes.get_errno()] if result == -1 else None

def attach(megabytes):
    identifier = libc.shmget(0, megabytes << 20, 0o1600)
    if identifier == -1:
        return error_of(-1)
    ctypes.memset(libc.shmat(identifier, None, 0), 1, megabytes << 20)
    libc.shmdt(libc.shmat(identifier, None, 0))

def make_files():
    for number in range(10_000):
        open(f"/tmp/{number}", "w").close()

try:
    make_files()
    files = None
except OSError as error:
    files = errno.errorcode[error.errno]
def content_of(path):
    if not os.path.exists(path):
        return ""
    return "".join(os.listdir(path)) if os.path.isdir(path) else open(path).read()

def open_socket(family):
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError as error:
        return errno.errorcode[error.errno]

print(json.dumps({
    "sockets": {family: open_socket(family) for family in (1, 2, 16, 38, 40)},
    "calls": {number: error_of(libc.syscall(number, 0, 0, 0, 0, 0)) for number in (425, 1 << 30)},
    "masked": [content_of(f"/proc/{name}") for name in ("keys", "key-users", "timer_list", "interrupts", "acpi", "scsi")],
    "uid": os.getuid(), "user_namespace": error_of(libc.unshare(0x10000000)), "large": attach(300), "small": attach(10),
    "files": files,
    "forced": open("/proc/sys/kernel/shm_rmid_forced").read().strip(),
}))
"""


def test_keys_of_the_session_are_out_of_reach(any_factory: Callable[[], SandboxFactory], tmp_path: Path) -> None:
    """The kernel keyring of the user who started the service, such as one that a login or a disk encryption filled."""
    add_key, keyctl = {"x86_64": (248, 250), "aarch64": (217, 219)}[platform.machine()]
    session_keyring, search = -3, 10
    libc = ctypes.CDLL(None)
    if libc.syscall(add_key, b"user", b"lambent-test", b"secret", 6, session_keyring) < 0:
        pytest.skip("there are no kernel keyrings here")
    script = (
        f"import ctypes; print(ctypes.CDLL(None).syscall({keyctl}, {search}, {session_keyring}, b'user', b'lambent-test', 0))"
    )
    assert libc.syscall(keyctl, search, session_keyring, b"user", b"lambent-test", 0) > 0
    assert with_factory(any_factory, lambda factory: run_script(factory, make_spec(tmp_path, script)))[1] == "-1\n"


def test_namespaces_bound_what_no_process_owns(namespaces: Callable[[], NamespaceFactory], tmp_path: Path) -> None:
    """User namespaces, System V's shared memory, the number of files in /tmp, kinds of sockets and what /proc shows."""
    exit, output = with_factory(namespaces, lambda factory: run_script(factory, make_spec(tmp_path, NAMESPACE_LIMITS)))
    assert exit == ProcessExit(0, None), output
    report = json.loads(output)
    assert (report["uid"], report["user_namespace"], report["files"]) == (1051, "ENOSPC", "ENOSPC")
    netlink_needs_raw = "ESOCKTNOSUPPORT"
    assert report["sockets"] == {"1": None, "2": None, "16": netlink_needs_raw, "38": "EAFNOSUPPORT", "40": "EAFNOSUPPORT"}
    assert report["calls"] == {"425": "EPERM", str(1 << 30): "ENOSYS"}
    assert set(report["masked"]) == {""}
    if os.geteuid() == 0:
        assert (report["forced"], report["large"], report["small"]) == ("1", "ENOSPC", None)


def test_process_1_has_a_short_command_line(namespaces: Callable[[], NamespaceFactory], tmp_path: Path) -> None:
    """`ps -ef` shows it for each environment, so it must not contain the script."""

    async def command_line(factory: SandboxFactory) -> list[str]:
        sandbox = await factory.start(make_spec(tmp_path, "import time; time.sleep(60)"))
        assert isinstance(sandbox, NamespaceSandbox)
        words = Path(f"/proc/{sandbox.namespaces.init}/cmdline").read_text().split("\0")
        await sandbox.close()
        return words

    words = with_factory(namespaces, command_line)
    assert words[1:5] == ["-I", "-S", "-Wignore", "-"] and words[6:] == ["lambent", ""]


@pytest.mark.parametrize("fate", ["used", "ended"])
def test_namespaces_are_prepared_before_a_start_needs_them(
    namespaces: Callable[[], NamespaceFactory], tmp_path: Path, fate: str
) -> None:
    """And a start doesn't need them: one whose process has ended meanwhile is replaced."""

    async def processes(factory: SandboxFactory) -> tuple[int, int]:
        assert isinstance(factory, NamespaceFactory)
        await run_script(factory, make_spec(tmp_path, ""))
        spare = await eventually_async(lambda: factory._spare)
        prepared = await eventually_async(lambda: spare.init)
        if fate == "ended":
            os.kill(prepared, signal.SIGKILL)
        sandbox = await factory.start(make_spec(tmp_path, "import time; time.sleep(60)"))
        assert isinstance(sandbox, NamespaceSandbox)
        await sandbox.close()
        return prepared, sandbox.namespaces.init

    prepared, used = with_factory(namespaces, processes)
    assert (prepared == used) == (fate == "used")
