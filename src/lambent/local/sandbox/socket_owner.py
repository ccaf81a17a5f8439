"""Finds which socket of this machine is the client's end of a TCP connection over loopback. Linux only.

TCP has no SO_PEERCRED. The kernel's sock_diag(7) answers in microseconds; /proc/net/tcp has the same, but takes milliseconds.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from . import process_tree

Address = tuple[str, int]

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _NLMSG_ERROR = 4, 20, 1, 2  # linux/netlink.h, linux/sock_diag.h
_REQUEST = struct.Struct("=IHHII BBBxI 2s2s 4s12x 4s12x I8s")  # nlmsghdr, inet_diag_req_v2 (linux/inet_diag.h)
_NO_COOKIE = b"\xff" * 8
_INODE_AT = 16 + 4 + 48 + 16  # in the response: nlmsghdr, four bytes, inet_diag_sockid, four numbers
_ALL_STATES = 0xFFFFFFFF


def owns_client(pids: Iterable[int], client: Address, server: Address) -> bool:
    """Return whether one of these processes has the client's end of a connection. True where that can't be determined."""
    if not process_tree.HAS_PROC:
        return True
    inode = client_inode(client, server)
    return inode != 0 and any(_has_socket(pid, f"socket:[{inode}]") for pid in pids)


def client_inode(client: Address, server: Address) -> int:
    """Return the inode of the client's socket, or 0 if it has closed it."""
    try:
        return _by_netlink(client, server)
    except OSError:
        return _by_proc(Path("/proc/net/tcp"), client, server)


def _by_netlink(client: Address, server: Address) -> int:
    request = _REQUEST.pack(
        _REQUEST.size, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0, socket.AF_INET, socket.IPPROTO_TCP, 0, _ALL_STATES,
        client[1].to_bytes(2, "big"), server[1].to_bytes(2, "big"), socket.inet_aton(client[0]), socket.inet_aton(server[0]),
        0, _NO_COOKIE,
    )  # fmt: skip
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(1)
        netlink.sendto(request, (0, 0))
        response = netlink.recv(4096)
    if struct.unpack_from("=H", response, 4)[0] == _NLMSG_ERROR:
        error = -struct.unpack_from("=i", response, 16)[0]
        if error == 2:  # ENOENT: there is no such connection any more
            return 0
        raise OSError(error, os.strerror(error))
    return int(struct.unpack_from("=I", response, _INODE_AT)[0])


def _by_proc(table: Path, client: Address, server: Address) -> int:
    ends = [_hexadecimal(client), _hexadecimal(server)]
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return next((int(row[9]) for row in rows if row[1:3] == ends), 0)


def _hexadecimal(address: Address) -> str:
    """Return an address as /proc/net/tcp shows it: the bytes of the IP address as a number of this machine."""
    return f"{struct.unpack('=I', socket.inet_aton(address[0]))[0]:08X}:{address[1]:04X}"


def _has_socket(pid: int, name: str) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        descriptors = os.listdir(folder)  # noqa: PTH208 - each start passes through here
    except PermissionError:
        return True  # a process that closed its details to others: the doubt concerns its own environment only
    except OSError:
        return False
    for descriptor in reversed(descriptors):
        try:
            if os.readlink(f"{folder}/{descriptor}") == name:  # noqa: PTH115 - each start passes through here
                return True
        except OSError:
            continue  # closed by now
    return False
