"""The filter of system calls (seccomp(2)) that a function's processes run under.

It closes what namespaces and the memory limit don't cover. Refused are kinds of sockets that reach the machine itself or its
hypervisor (AF_VSOCK) or load drivers (AF_ALG and many others), keyrings, which all processes of a user share, and calls that
keep memory in the kernel. Container runtimes refuse the same by default
(https://github.com/moby/profiles/blob/main/seccomp/default.json), and more that a process without capabilities can't do anyway.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable

_FAMILIES = (1, 2, 10, 16, 17)  # AF_UNIX, AF_INET, AF_INET6; AF_NETLINK for getaddrinfo; AF_PACKET, which needs root anyway
_AT_NUMBER, _AT_ARCHITECTURE, _AT_FIRST_ARGUMENT = 0, 4, 16  # struct seccomp_data in linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_X32 = 0x40000000  # numbers from here on are those of the x32 ABI

# linux/audit.h, then asm/unistd.h: socket; add_key, request_key, keyctl, perf_event_open, bpf, userfaultfd, and io_uring_setup,
# _enter and _register.
_MACHINES = {
    "x86_64": (0xC000003E, 41, (248, 249, 250, 298, 321, 323, 425, 426, 427)),
    "aarch64": (0xC00000B7, 198, (217, 218, 219, 241, 280, 282, 425, 426, 427)),
}


def program(machine: str) -> bytes:
    """Return the filter for a machine as `os.uname` calls it, b"" for one that we don't know. 8 bytes are an instruction."""
    if machine not in _MACHINES:
        return b""
    architecture, socket_call, refused = _MACHINES[machine]
    instructions = [
        (_LOAD, 0, 0, _AT_ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        (_LOAD, 0, 0, _AT_NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        *_returns(refused, _FAIL | errno.EPERM),
        (_EQUAL, 1, 0, socket_call),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _AT_FIRST_ARGUMENT),
        *_returns(_FAMILIES, _ALLOW),
        (_RETURN, 0, 0, _FAIL | errno.EAFNOSUPPORT),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


def _returns(values: Iterable[int], result: int) -> list[tuple[int, int, int, int]]:
    """Return instructions that end with `result` if the loaded value is one of these."""
    return [instruction for value in values for instruction in ((_EQUAL, 0, 1, value), (_RETURN, 0, 0, result))]
