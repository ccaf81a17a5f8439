"""How much the kernel holds for the pipes and sockets of another process: memory that is part of no process."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import stat
import struct
import sys
import termios

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None
_SYS_PIDFD_GETFD = 438  # the same number on every architecture; Linux 5.6
_F_GETPIPE_SZ = 1032  # linux/fcntl.h
_SO_MEMINFO = 55  # asm-generic/socket.h
_MEMINFO = struct.Struct("=9I")  # linux/sock_diag.h, from SK_MEMINFO_RMEM_ALLOC to SK_MEMINFO_DROPS
_PEER_CLOSED = 0x2000  # POLLRDHUP
_PAGE = os.sysconf("SC_PAGE_SIZE")


class OpenBuffers:
    """The buffers of one process. It is a context manager. Raises OSError if the process has ended."""

    def __init__(self, pid: int) -> None:
        self._process = os.pidfd_open(pid)

    def __enter__(self) -> OpenBuffers:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._process)

    def size(self, descriptor: int) -> int:
        """Return the bytes that are held for one of its descriptors. Raises OSError."""
        assert _LIBC is not None
        duplicate = _LIBC.syscall(_SYS_PIDFD_GETFD, self._process, descriptor, 0)
        if duplicate < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        try:
            return _pipe(duplicate) if stat.S_ISFIFO(os.fstat(duplicate).st_mode) else _socket(duplicate)
        finally:
            os.close(duplicate)


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
