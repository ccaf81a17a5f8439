"""A network of its own for one environment, set up by `namespace_init.py` in a new network namespace. Standard library only.

It has one device, `lo`, and an address on it. Every other address leads to `lo` too, where no socket takes the packets.
A packet socket shows them to `namespace_router.py`, which carries them on.

`namespace_init.py` calls `create` and `connect` in process 1, and `route` in its parent, which stays in the machine's network.
"""

from __future__ import annotations

import _thread
import ctypes
import fcntl
import json
import os
import select
import socket
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS = "169.254.100.6"

_LIBC = ctypes.CDLL(None, use_errno=True)
_CHECK_S = 5
_BACKLOG = 1024
_MESSAGE_MAX = 1 << 16
_CLONE_NEWNET = 0x40000000  # linux/sched.h
_SIOCSIFFLAGS, _IFF_UP_LOOPBACK_RUNNING = 0x8914, 0x49  # linux/sockios.h, linux/if.h
_LO = 1  # the index of `lo` in every namespace
_NLM_F_REQUEST_ACK, _NLM_F_CREATE, _NLM_F_EXCL = 5, 0x400, 0x200  # linux/netlink.h
_RTM_NEWADDR, _RTM_NEWROUTE, _RTM_NEWRULE, _RTM_DELRULE = 20, 24, 32, 33  # linux/rtnetlink.h
_IFA_ADDRESS, _IFA_LOCAL, _RTA_OIF, _RTA_PREFSRC = 1, 2, 4, 7
_RTN_UNICAST, _RTN_LOCAL, _SCOPE_LINK, _SCOPE_HOST, _PROTOCOL_STATIC = 1, 2, 253, 254, 4
_TABLE_MAIN, _TABLE_LOCAL_TO_US = 254, 100
_FRA_DESTINATION, _FRA_PRIORITY, _FRA_PROTOCOL, _FRA_SOURCE_PORT, _FRA_PORT = 1, 6, 22, 23, 24  # linux/fib_rules.h
_SOL_PACKET, _PACKET_IGNORE_OUTGOING = 263, 23  # linux/if_packet.h; Linux 4.20
_ETH_P_IP = 0x0800
_SO_ATTACH_FILTER = 26
_IP_TRANSPARENT = 19  # linux/in.h

# What the packet socket sees (linux/filter.h; offsets in a frame with its 14 bytes of Ethernet header): IPv4, not put there by
# the router, not to 127.0.0.0/8, and either UDP or the first packet of a TCP connection (SYN without ACK).
_FILTER = (
    (0x30, 0, 0, 6), (0x15, 0, 10, 0), (0x30, 0, 0, 30), (0x15, 8, 0, 127),
    (0x30, 0, 0, 23), (0x15, 5, 0, socket.IPPROTO_UDP), (0x15, 0, 5, socket.IPPROTO_TCP),
    (0xB1, 0, 0, 14), (0x50, 0, 0, 27), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02),
    (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0),
)  # fmt: skip

# What a listener of the router gets (offsets in the TCP header, and below _LINK_LAYER in that of the frame): no SYN without ACK
# except from the router.
_LINK_LAYER = 0xFFE00000
_LISTENER_FILTER = (
    (0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 2, 0x02),
    (0x30, 0, 0, _LINK_LAYER + 6), (0x15, 0, 1, 0x02),
    (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0),
)  # fmt: skip


def create() -> tuple[socket.socket, socket.socket]:
    """Create the network. Returns the sockets that `connect` needs."""
    _check(_LIBC.unshare(_CLONE_NEWNET), "unshare network")
    return _set_up()


def connect(
    network: dict[str, Any], sockets: tuple[socket.socket, socket.socket], router: socket.socket
) -> list[socket.socket]:
    """Send the plan of the network, with what else `route` needs. Returns the listeners for the service."""
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    socket.send_fds(router, [json.dumps(network["forwards"]).encode()], [namespace, *(sock.fileno() for sock in sockets)])
    os.close(namespace)
    for sock in (*sockets, router):
        sock.close()
    if network["check"]:
        socket.create_connection(tuple(network["check"]), _CHECK_S).close()
    return [_listen(port) for port in network["ports"]]


class InsideThread:
    """A thread that enters the network namespace, while its process stays in the machine's network.

    Create it before the process unshares its process namespace: after that, a process can't start threads.
    """

    def __init__(self) -> None:
        self.namespace = -1
        self._task: Callable[[], None] = lambda: None
        self._go, self._done = _thread.allocate_lock(), _thread.allocate_lock()
        self._go.acquire()
        self._done.acquire()
        _thread.start_new_thread(self._work, ())

    def run(self, task: Callable[[], None]) -> None:
        """Call `task` in the thread. Raises the OSError that it raises."""
        failures: list[OSError] = []

        def run() -> None:
            try:
                _check(_LIBC.setns(self.namespace, _CLONE_NEWNET), "setns")
                task()
            except OSError as error:
                failures.append(error)

        self._task = run
        self._go.release()
        self._done.acquire()
        if failures:
            raise failures[0]

    def _work(self) -> None:
        while True:
            self._go.acquire()
            self._task()
            self._done.release()


def route(init: socket.socket, child: int, inside: InsideThread, load: Callable[[str], Any]) -> None:
    """Carry the connections of the namespace until the child, its process 1, has ended. `load` loads a module of ours."""
    message, fds, _, _ = socket.recv_fds(init, _MESSAGE_MAX, 3)
    init.close()
    if len(fds) != 3:
        return  # it has failed
    inside.namespace = fds[0]
    packets, netlink = socket.socket(fileno=fds[1]), socket.socket(fileno=fds[2])
    ended = os.pidfd_open(child)
    if ended in select.select([packets.fileno(), ended], [], [])[0]:  # most functions never connect to anything
        return
    forwards = {tuple(stand_in): tuple(address) for stand_in, address in json.loads(message)}
    router = load("namespace_router")
    router.Router(load("namespace_network"), (packets, netlink), forwards, inside.run).run(ended)


def _set_up() -> tuple[socket.socket, socket.socket]:
    """Set up the network of this new namespace. Returns the packet socket and a netlink socket, for `namespace_router.py`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP_LOOPBACK_RUNNING))
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    address = socket.inet_aton(ADDRESS)
    header = struct.pack("=BBBBI", socket.AF_INET, 32, 0, 0, _LO)
    _request(netlink, _RTM_NEWADDR, header + _attribute(_IFA_LOCAL, address) + _attribute(_IFA_ADDRESS, address))
    source = _attribute(_RTA_PREFSRC, address)
    _add_default_route(netlink, (_TABLE_MAIN, _SCOPE_LINK, _RTN_UNICAST), source)
    _add_default_route(netlink, (_TABLE_LOCAL_TO_US, _SCOPE_HOST, _RTN_LOCAL), source)
    setting = os.open("/proc/sys/net/ipv4/conf/lo/accept_local", os.O_WRONLY | os.O_CLOEXEC)
    os.write(setting, b"1")  # packets that the router puts back come from this address
    os.close(setting)
    return _packet_socket(), netlink


def _listen(port: int) -> socket.socket:
    """Return a socket that listens on the loopback address. The service accepts its connections."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", port))
    listener.listen(_BACKLOG)
    return listener


def transparent_socket() -> socket.socket:
    """Return a socket for a listener with a remote address.

    It takes a first packet only from the router: those that the function sends to this address have to wait for the router.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
    _attach_filter(sock, _LISTENER_FILTER)
    return sock


def change_rule(netlink: socket.socket, connection: tuple[int, bytes, int], *, add: bool) -> None:
    """Let the packets of one connection (its own port, remote address and port) reach sockets of this namespace, or no more."""
    own_port, destination, port = connection
    header = struct.pack("=BBBBBBBBI", socket.AF_INET, 32, 0, 0, _TABLE_LOCAL_TO_US, 0, 0, 1, 0)
    attributes = [
        (_FRA_DESTINATION, destination),
        (_FRA_PRIORITY, struct.pack("=I", 100)),
        (_FRA_PROTOCOL, bytes([socket.IPPROTO_TCP])),
        (_FRA_SOURCE_PORT, struct.pack("=HH", own_port, own_port)),
        (_FRA_PORT, struct.pack("=HH", port, port)),
    ]
    body = header + b"".join(_attribute(kind, value) for kind, value in attributes)
    _request(netlink, _RTM_NEWRULE if add else _RTM_DELRULE, body)


def _add_default_route(netlink: socket.socket, kind: tuple[int, int, int], source: bytes) -> None:
    table, scope, route_type = kind
    header = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, table, _PROTOCOL_STATIC, scope, route_type, 0)
    _request(netlink, _RTM_NEWROUTE, header + _attribute(_RTA_OIF, struct.pack("=I", _LO)) + source)


def _packet_socket() -> socket.socket:
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    packets.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)  # each packet on `lo` is seen twice otherwise
    _attach_filter(packets, _FILTER)
    packets.bind(("lo", _ETH_P_IP))
    packets.setblocking(False)
    return packets


def _attach_filter(sock: socket.socket, instructions: tuple[tuple[int, int, int, int], ...]) -> None:
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("@HP", len(instructions), ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", len(value) + 4, kind) + value + b"\0" * (-len(value) % 4)


def _request(netlink: socket.socket, kind: int, body: bytes) -> None:
    """Send a request to the kernel and check its answer. Raises OSError."""
    flags = _NLM_F_REQUEST_ACK | (0 if kind == _RTM_DELRULE else _NLM_F_CREATE | _NLM_F_EXCL)
    netlink.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
    error = -struct.unpack_from("=i", netlink.recv(65536), 16)[0]
    if error:
        raise OSError(error, f"netlink request {kind}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
