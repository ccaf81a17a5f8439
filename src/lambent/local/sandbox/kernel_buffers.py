"""How much the kernel holds for the pipes and sockets of another process: memory that is part of no process."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import sys
import termios
from collections.abc import Callable
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None
_SYS_PIDFD_GETFD = 438  # the same number on every architecture; Linux 5.6
_F_GETPIPE_SZ = 1032  # linux/fcntl.h
_SO_MEMINFO = 55  # asm-generic/socket.h
_MEMINFO = struct.Struct("=9I")  # linux/sock_diag.h, from SK_MEMINFO_RMEM_ALLOC to SK_MEMINFO_DROPS
_PEER_CLOSED = 0x2000  # POLLRDHUP
_WITHOUT_LINGER = (b"UNIX", b"UDP", b"NETLINK")  # TCP's `close` may wait, if it is the last one (SO_LINGER)
_LISTENS = "0A"
_PAGE = os.sysconf("SC_PAGE_SIZE")


class OpenBuffers:
    """The buffers of one process. It is a context manager. Raises OSError if the process has ended.

    `queues` returns what `tcp_queues` does: processes of one network share it.
    """

    def __init__(self, pid: int, queues: Callable[[], dict[str, int]]) -> None:
        self._pid = pid
        self._queues = queues
        self._process = os.pidfd_open(pid)

    def __enter__(self) -> OpenBuffers:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._process)

    def size(self, descriptor: str, target: str) -> int:
        """Return the bytes that are held for one of its descriptors, a link to `target`. Raises OSError."""
        if target.startswith("pipe:"):
            return self._measure(descriptor, _pipe)
        protocol = os.getxattr(f"/proc/{self._pid}/fd/{descriptor}", "system.sockprotoname")
        if protocol.startswith(_WITHOUT_LINGER):
            return self._measure(descriptor, _socket)
        return self._queues().get(target[8:-1], 0)  # socket:[INODE]

    def _measure(self, descriptor: str, measure: Callable[[int], int]) -> int:
        assert _LIBC is not None
        duplicate = _LIBC.syscall(_SYS_PIDFD_GETFD, self._process, int(descriptor), 0)
        if duplicate < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        try:
            return measure(duplicate)
        finally:
            os.close(duplicate)


def tcp_queues(pid: int) -> dict[str, int]:
    """Return the bytes in the queues of each TCP socket in the network of a process, by inode (proc_net(5))."""
    queues: dict[str, int] = {}
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for row in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
                fields = row.split()
                sent, _, received = fields[4].partition(":")
                if fields[3] != _LISTENS:
                    queues[fields[9]] = int(sent, 16) + int(received, 16)
    return queues


def _pipe(descriptor: int) -> int:
    """Each write may take a page of its own, however small it is."""
    return min(fcntl.fcntl(descriptor, _F_GETPIPE_SZ), _unread(descriptor) * _PAGE)


def _socket(descriptor: int) -> int:
    """UNIX sockets count what they have sent. What is left of a closed one is only in its peer."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=descriptor)  # whatever it is: it isn't looked up
    try:
        received, _, sent, _, reserved, queued, _, backlog, _ = _MEMINFO.unpack(
            sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        )
    finally:
        sock.detach()
    poll = select.poll()
    poll.register(descriptor, _PEER_CLOSED)
    left = _unread(descriptor) if poll.poll(0) else 0
    return int(max(received, left) + max(sent, queued) + reserved + backlog)


def _unread(descriptor: int) -> int:
    try:
        return int(struct.unpack("=i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4))[0])
    except OSError:  # a socket that listens
        return 0
