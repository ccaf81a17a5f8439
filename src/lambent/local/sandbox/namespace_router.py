"""Carries the connections of an environment with a network of its own to the internet. Standard library only.

It runs in the process that created the namespaces, which is in the machine's network and outside of the sandbox. For a new
TCP connection it first connects to the same address itself. Only if that succeeds, it lets the first packet in: a rule makes
the packets of this connection local, and a listener with the remote address accepts it. From then on it copies bytes. So the
function sees addresses, refusals and time-outs as they are. Datagrams are carried one by one.

The machine's own addresses are refused, and so are link-local ones, such as a cloud's metadata service. `forwards` are
exceptions: stand-ins for the machine's name servers.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, NamedTuple

_ETHERNET = b"\0" * 6 + b"\x02" + b"\0" * 5 + b"\x08\x00"  # with a source, by which filters know our own packets
_FLOWS_MAX = 512
_LINK_LOCAL = b"\xa9\xfe"  # 169.254.0.0/16
_CHUNK = 1 << 18
_TICK_S = 1.0
_LET_IN_S = 5.0  # a connection that was let in and hasn't arrived by then isn't wanted any more
_IDLE_S = 60.0  # of datagrams, and of a function that doesn't read the end of a connection
_SIOCOUTQ = 0x5411  # linux/sockios.h
_HOST_UNREACHABLE, _PORT_UNREACHABLE = 1, 3  # codes of ICMP

Address = tuple[str, int]


class Flow(NamedTuple):
    """The packets between a port of the function and one of a remote address."""

    own_port: int
    remote: bytes
    port: int

    @property
    def address(self) -> Address:
        return socket.inet_ntoa(self.remote), self.port


class Events:
    """Calls back when a socket is ready."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}

    def watch(self, descriptor: int, callback: Callable[[], None], mask: int = select.EPOLLIN) -> None:
        """Replace what is watched of a socket. With `mask` 0 it is left alone."""
        known = self._callbacks.pop(descriptor, None) is not None
        if mask:
            self._callbacks[descriptor] = callback
            (self._epoll.modify if known else self._epoll.register)(descriptor, mask)
        elif known:
            self._epoll.unregister(descriptor)

    def close(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            self.watch(sock.fileno(), lambda: None, 0)
            sock.close()

    def wait(self, timeout_s: float | None) -> None:
        ready = [(descriptor, self._callbacks[descriptor]) for descriptor, _ in self._epoll.poll(timeout_s)]
        for descriptor, callback in ready:
            if self._callbacks.get(descriptor) is callback:  # else it was closed meanwhile, and may be another socket now
                callback()


class Relay:
    """Copies bytes between two connected sockets until both directions have ended, or one of them fails.

    Then it calls `on_end` with whether both have ended, and the sockets are no longer watched.
    """

    def __init__(self, events: Events, inner: socket.socket, outer: socket.socket, on_end: Callable[[bool], None]) -> None:
        self._events = events
        self._on_end = on_end
        self._others = {inner: outer, outer: inner}
        self._pending = {inner: b"", outer: b""}  # what is still to be sent to each
        self._ended: set[socket.socket] = set()  # these have sent everything
        self._shut: set[socket.socket] = set()  # these have got everything
        for sock in self._others:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._watch(sock)

    def _watch(self, sock: socket.socket) -> None:
        mask = (select.EPOLLIN if self._is_wanted(sock) else 0) | (select.EPOLLOUT if self._pending[sock] else 0)
        self._events.watch(sock.fileno(), lambda: self._on_ready(sock), mask)

    def _is_wanted(self, sock: socket.socket) -> bool:
        """Whether to read from a socket: not before the other one has got what was read so far."""
        return sock not in self._ended and not self._pending[self._others[sock]]

    def _on_ready(self, sock: socket.socket) -> None:
        try:
            self._send(sock, b"")
            if self._is_wanted(sock):
                self._read(sock)
            self._shut_down()
        except OSError:
            self._end(complete=False)
            return
        if len(self._shut) == len(self._others):
            self._end(complete=True)
        else:
            for each in self._others:
                self._watch(each)

    def _read(self, sock: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            chunk = sock.recv(_CHUNK)
            if chunk:
                self._send(self._others[sock], chunk)
            else:
                self._ended.add(sock)

    def _send(self, sock: socket.socket, chunk: bytes) -> None:
        data = self._pending[sock] + chunk
        if data:
            with contextlib.suppress(BlockingIOError):
                data = data[sock.send(data) :]
        self._pending[sock] = data

    def _shut_down(self) -> None:
        for sock, other in self._others.items():
            if other in self._ended and not self._pending[sock] and sock not in self._shut:
                self._shut.add(sock)
                sock.shutdown(socket.SHUT_WR)

    def _end(self, *, complete: bool) -> None:
        for sock in self._others:
            self._events.watch(sock.fileno(), lambda: None, 0)
            if not complete:  # closing them resets the connections
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._on_end(complete)


class Connection:
    """A TCP connection that the function opens: its first packet, and the sockets to the destination and to the function."""

    def __init__(self, packet: bytes, outer: socket.socket) -> None:
        self.packet, self.outer = packet, outer
        self.inner: socket.socket | None = None
        self.let_in_at: float | None = None
        self.complete_at: float | None = None


class Router:
    """`network` is the module `namespace_network`. `sockets` are its packet socket and its netlink socket.

    `run_inside` calls a function in a thread that is in the network namespace.
    """

    def __init__(
        self,
        network: Any,
        sockets: tuple[socket.socket, socket.socket],
        forwards: dict[Address, Address],
        run_inside: Callable[[Callable[[], None]], None],
    ) -> None:
        self._network, self._run_inside = network, run_inside
        self._own = socket.inet_aton(network.ADDRESS)
        self._packets, self._netlink = sockets
        self._forwards = forwards
        self._events = Events()
        self._connections: dict[Flow, Connection] = {}
        self._listeners: dict[Address, socket.socket] = {}
        self._datagrams: dict[Flow, tuple[socket.socket, float]] = {}  # in the order of their last use, with its time
        self._looked_at = 0.0

    def run(self, process: int) -> None:
        """Work until the process with this descriptor (pidfd_open) has ended."""
        ended: list[bool] = []
        self._events.watch(process, lambda: ended.append(True))
        self._events.watch(self._packets.fileno(), self._on_packets)
        while not ended:
            self._events.wait(_TICK_S if self._connections or self._datagrams else None)
            now = time.monotonic()
            if now - self._looked_at > _TICK_S:
                self._looked_at = now
                self._forget_old(now)

    def _on_packets(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self._packets.recv(1 << 17)[len(_ETHERNET) :]
                header = (packet[0] & 15) * 4
                own_port, port = struct.unpack_from("!HH", packet, header)
                flow = Flow(own_port, packet[16:20], port)
                if packet[12:16] != self._own or flow.remote == self._own:
                    continue
                try:
                    if packet[9] == socket.IPPROTO_UDP:
                        self._on_datagram(flow, packet, packet[header + 8 :])
                    elif flow not in self._connections:
                        self._connect(flow, packet)
                except OSError as error:
                    self._refuse(packet, error.errno)

    def _destination(self, flow: Flow) -> Address:
        """Return the address to connect to. Raises OSError if a function may not reach it."""
        address = flow.address
        if address in self._forwards:
            return self._forwards[address]
        if flow.remote[0] in (0, 127) or flow.remote[0] >= 224 or flow.remote.startswith(_LINK_LOCAL):
            raise OSError(errno.EHOSTUNREACH, "not on the internet")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
            if probe.getsockname()[0] == address[0]:  # the kernel talks to an address of this machine from that address
                raise OSError(errno.EHOSTUNREACH, "this machine's own address")
        return address

    # TCP

    def _connect(self, flow: Flow, packet: bytes) -> None:
        if len(self._connections) >= _FLOWS_MAX:
            raise OSError(errno.ECONNREFUSED, "too many connections")
        address = self._destination(flow)
        outer = _socket(address, socket.SOCK_STREAM)
        self._connections[flow] = Connection(packet, outer)
        error = outer.connect_ex(address)
        if error not in (0, errno.EINPROGRESS):
            self._fail(flow, error)
        else:
            self._events.watch(outer.fileno(), lambda: self._on_connected(flow), select.EPOLLOUT)

    def _on_connected(self, flow: Flow) -> None:
        connection = self._connections[flow]
        self._events.watch(connection.outer.fileno(), lambda: None, 0)
        number = connection.outer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._fail(flow, number)
            return
        try:
            if flow.address not in self._listeners:
                listener = self._listeners[flow.address] = self._listen(flow.address)
                self._events.watch(listener.fileno(), lambda: self._on_arrival(listener, flow))
            self._network.change_rule(self._netlink, flow, add=True)
            connection.let_in_at = time.monotonic()
            self._put(_with_checksum(connection.packet))
        except OSError as error:  # the function listens on the same port, or has used up this process's descriptors
            self._fail(flow, error.errno)

    def _fail(self, flow: Flow, error: int | None) -> None:
        self._refuse(self._connections[flow].packet, error)
        self._end(flow)

    def _listen(self, address: Address) -> socket.socket:
        """Return a listener in the namespace that has the remote address."""
        created: list[socket.socket] = []
        self._run_inside(lambda: created.append(self._network.transparent_socket()))
        listener = created[0]
        try:
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
        return listener

    def _on_arrival(self, listener: socket.socket, flow: Flow) -> None:
        try:
            inner, (_, own_port) = listener.accept()
        except OSError:
            return
        flow = flow._replace(own_port=own_port)
        connection = self._connections.get(flow)
        if connection is None or connection.inner is not None:
            inner.close()
            return
        connection.inner = inner
        self._close_listener(flow.address)
        Relay(self._events, inner, connection.outer, lambda complete: self._on_end(flow, complete))

    def _close_listener(self, address: Address) -> None:
        """Close it unless another connection is on the way: the function may want to listen on the same port."""
        waiting = any(one.inner is None and flow.address == address for flow, one in self._connections.items())
        if not waiting and address in self._listeners:
            self._events.close(self._listeners.pop(address))

    def _on_end(self, flow: Flow, complete: bool) -> None:
        connection = self._connections[flow]
        self._events.close(connection.outer)
        connection.complete_at = time.monotonic()
        if not complete or not _unsent(connection.inner):
            self._end(flow)

    def _end(self, flow: Flow) -> None:
        connection = self._connections.pop(flow)
        self._events.close(connection.outer)
        if connection.inner is not None:
            self._events.close(connection.inner)
        self._close_listener(flow.address)
        if connection.let_in_at is not None:
            with contextlib.suppress(OSError):
                self._network.change_rule(self._netlink, flow, add=False)

    # UDP

    def _on_datagram(self, flow: Flow, packet: bytes, payload: bytes) -> None:
        sock, _ = self._datagrams.pop(flow, (None, 0.0))
        if sock is None:
            if len(self._datagrams) >= _FLOWS_MAX:
                self._events.close(self._datagrams.pop(next(iter(self._datagrams)))[0])
            address = self._destination(flow)
            sock = _socket(address, socket.SOCK_DGRAM)
            sock.connect(address)
            self._events.watch(sock.fileno(), lambda: self._on_answer(flow, sock, packet))
        self._datagrams[flow] = (sock, time.monotonic())
        sock.send(payload)

    def _on_answer(self, flow: Flow, sock: socket.socket, packet: bytes) -> None:
        try:
            payload = sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError as error:
            self._refuse(packet, error.errno)
            return
        datagram = struct.pack("!HHHH", flow.port, flow.own_port, 8 + len(payload), 0) + payload  # 0: without a checksum
        self._put(_ip(socket.IPPROTO_UDP, flow.remote, self._own, datagram))

    # packets that the function gets

    def _refuse(self, packet: bytes, error: int | None) -> None:
        """Tell the function that its packet didn't arrive. Of a time-out, it hears nothing."""
        if error == errno.ETIMEDOUT:
            return
        header = (packet[0] & 15) * 4
        if packet[9] == socket.IPPROTO_TCP and error == errno.ECONNREFUSED:
            own_port, port, sequence = struct.unpack_from("!HHI", packet, header)
            reset = struct.pack("!HHIIBBHHH", port, own_port, 0, (sequence + 1) & 0xFFFFFFFF, 5 << 4, 0x14, 0, 0, 0)
            self._put(_with_checksum(_ip(socket.IPPROTO_TCP, packet[16:20], self._own, reset)))
            return
        code = _PORT_UNREACHABLE if error == errno.ECONNREFUSED else _HOST_UNREACHABLE
        body = bytes((3, code, 0, 0, 0, 0, 0, 0)) + packet[: header + 8]
        body = body[:2] + struct.pack("!H", _checksum(body)) + body[4:]
        self._put(_ip(socket.IPPROTO_ICMP, packet[16:20], self._own, body))

    def _put(self, packet: bytes) -> None:
        with contextlib.suppress(OSError):  # a full queue: as if it was lost on the way
            self._packets.send(_ETHERNET + packet)

    def _forget_old(self, now: float) -> None:
        for flow, connection in list(self._connections.items()):
            is_lost = connection.inner is None and connection.let_in_at is not None and now - connection.let_in_at > _LET_IN_S
            # The function's acknowledgements of the last bytes need the rule.
            is_over = connection.complete_at is not None and (
                not _unsent(connection.inner) or now - connection.complete_at > _IDLE_S
            )
            if is_lost or is_over:
                self._end(flow)
        for flow, (sock, used) in list(self._datagrams.items()):
            if now - used > _IDLE_S:
                del self._datagrams[flow]
                self._events.close(sock)


def _socket(address: Address, kind: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    return socket.socket(family, kind | socket.SOCK_NONBLOCK)


def _unsent(sock: socket.socket | None) -> int:
    """Return how many bytes, with the end counted as one, the peer hasn't acknowledged."""
    return 0 if sock is None else int(struct.unpack("i", fcntl.ioctl(sock, _SIOCOUTQ, b"\0" * 4))[0])


def _ip(protocol: int, source: bytes, destination: bytes, body: bytes) -> bytes:
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + source + destination
    return header[:10] + struct.pack("!H", _checksum(header)) + header[12:] + body


def _with_checksum(packet: bytes) -> bytes:
    """Return a TCP packet with its checksum, which the kernel leaves out on `lo`."""
    header = (packet[0] & 15) * 4
    segment = packet[header : header + 16] + b"\0\0" + packet[header + 18 :]
    pseudo_header = packet[12:20] + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(segment))
    return packet[:header] + segment[:16] + struct.pack("!H", _checksum(pseudo_header + segment)) + segment[18:]


def _checksum(data: bytes) -> int:
    """Return the internet checksum (RFC 1071): the complement of a sum modulo 65535."""
    return ~(int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF) & 0xFFFF
