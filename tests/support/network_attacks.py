"""A function that attacks the network of the machine it runs on, and uses its own. Run as a script, it prints the report.

The script runs as an ordinary user too, so it imports only lambent and the standard library.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lambent.local.sandbox.namespace_sandbox import NamespaceFactory
from lambent.local.sandbox.sandbox import SandboxSpec

REMOTE = "203.0.113.7"  # reserved for documentation; it stands for an address on the internet
API_PORT, SERVICE_PORT = 9001, 4580

FUNCTION = """
import errno, json, os, socket, sys, threading, time

host = json.loads(sys.argv[1])
REMOTE = "203.0.113.7"

def outcome(action):
    try:
        return action()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))

def connect(address, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as sock:
        sock.settimeout(5)
        sock.connect(address)
        if kind == socket.SOCK_DGRAM:
            sock.send(b"x")
            sock.settimeout(0.2)
            return sock.recv(10).decode()
        return "connected"

def in_child(action):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.write(writer, str(outcome(action)).encode())
        os._exit(0)
    os.wait()
    return os.read(reader, 100).decode()

def unconnected_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.2)
        sock.sendto(b"x", ("127.0.0.1", host["udp"]))
        return sock.recv(10).decode()

def own_server():
    # on a port that is in use on the machine
    port = host["tcp"]
    with socket.create_server(("0.0.0.0", port)) as server, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"own")
        return server.accept()[0].recv(10).decode()

def echo():
    data = os.urandom(1 << 21)
    with socket.create_connection((REMOTE, 80), 10) as sock:
        received, peer = bytearray(), sock.getpeername()
        def send():
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        while chunk := sock.recv(65536):
            received += chunk
        sender.join()
        return [*peer, bytes(received) == data]

def not_blocking():
    sock = socket.socket()
    sock.setblocking(False)
    started = errno.errorcode[sock.connect_ex((REMOTE, 80))]
    sock.settimeout(5)
    while True:
        try:
            sock.getpeername()
            break
        except OSError:
            pass
    sock.close()
    return started

def many():
    return all(many_at_once() for _ in range(5))

def many_at_once():
    socks = [socket.create_connection((REMOTE, 80), 10) for _ in range(50)]
    for number, sock in enumerate(socks):
        sock.sendall(b"%d" % number)
        sock.shutdown(socket.SHUT_WR)
    answers = [int(sock.recv(10)) for sock in socks]
    return answers == list(range(50))

def slow_reader():
    # The end of what was sent arrives although the other end has closed long before.
    data = os.urandom(3 << 20)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        sock.settimeout(10)
        sock.connect((REMOTE, 80))
        def send():
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        threading.Thread(target=send).start()
        first = sock.recv(1)
        time.sleep(0.5)
        received = bytearray(first)
        while chunk := sock.recv(65536):
            received += chunk
            time.sleep(0.005)
        return bytes(received) == data

def datagram_echo():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        answers = []
        for text in (b"one", b"two", b"x" * 9000):
            sock.sendto(text, (REMOTE, 53))
            data, sender = sock.recvfrom(65536)
            answers.append(data == text and list(sender) == [REMOTE, 53])
        return answers

def listen_where_the_remote_does():
    with socket.create_connection((REMOTE, 8080), 5) as sock:
        sock.sendall(b"x")
        sock.recv(1)  # by now, nothing of ours listens on that port any more
        with socket.create_server(("0.0.0.0", 8080)):
            return "both"

print(json.dumps({
    "attacks": {name: outcome(action) for name, action in {
        "loopback": lambda: connect(("127.0.0.1", host["tcp"])),
        "other loopback": lambda: connect(("127.9.9.9", host["tcp"])),
        "unspecified": lambda: connect(("0.0.0.0", host["tcp"])),
        "IPv6": lambda: connect(("::1", host["tcp"]), socket.AF_INET6),
        "mapped": lambda: connect(("::ffff:127.0.0.1", host["tcp"]), socket.AF_INET6),
        "own address": lambda: connect((host["address"], host["tcp"])),
        "metadata service": lambda: connect(("169.254.169.254", 80)),
        "broadcast": lambda: connect(("255.255.255.255", host["tcp"])),
        "multicast": lambda: connect(("224.0.0.1", host["tcp"])),
        "by a child": lambda: in_child(lambda: connect(("127.0.0.1", host["tcp"]))),
        "datagram": lambda: connect(("127.0.0.1", host["udp"]), kind=socket.SOCK_DGRAM),
        "unconnected datagram": unconnected_datagram,
        "datagram to own address": lambda: connect((host["address"], host["udp"]), kind=socket.SOCK_DGRAM),
        "abstract socket": lambda: connect("\\0" + host["abstract"], socket.AF_UNIX),
        "raw packets": lambda: str(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)),
        "raw IP": lambda: str(socket.socket(socket.AF_INET, socket.SOCK_RAW, 6)),
        "transparent": lambda: str(socket.socket().setsockopt(0, 19, 1)),
        "network of process 1": lambda: str(os.open("/proc/1/ns/net", os.O_RDONLY)),
    }.items()},
    "uses": {name: outcome(action) for name, action in {
        "service": lambda: connect(("127.0.0.1", 4580)),
        "Runtime API": lambda: connect(("127.0.0.1", 9001)),
        "own server": own_server,
        "echo": echo,
        "not blocking": not_blocking,
        "slow reader": slow_reader,
        "many": many,
        "refused": lambda: connect((REMOTE, 81)),
        "datagrams": datagram_echo,
        "same port": listen_where_the_remote_does,
        "IPv6": lambda: connect(("2001:db8::1", 80), socket.AF_INET6),
    }.items()},
}))
"""


class _Factory(NamespaceFactory):
    """Leads connections to `REMOTE` to servers of this machine."""

    def __init__(self, cache: Path, forwards: list[tuple[tuple[str, int], tuple[str, int]]]) -> None:
        super().__init__(cache, own_network=True)
        self._forwards = forwards

    def _plan_network(self, *arguments: Any) -> dict[str, Any] | None:
        plan = super()._plan_network(*arguments)
        assert plan is not None
        return plan | {"forwards": [*plan["forwards"], *self._forwards]}


def _echo(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_echo_one, args=(connection,), daemon=True).start()


def _echo_one(connection: socket.socket) -> None:
    with connection:
        while chunk := connection.recv(65536):
            connection.sendall(chunk)


def _echo_datagrams(sock: socket.socket) -> None:
    while True:
        data, sender = sock.recvfrom(65536)
        sock.sendto(data, sender)


def _start(work: Callable[[socket.socket], None], sock: socket.socket) -> int:
    threading.Thread(target=work, args=(sock,), daemon=True).start()
    return int(sock.getsockname()[1])


def _own_address() -> str:
    """Return an address of this machine that isn't loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((REMOTE, 9))
        except OSError:
            return "127.0.0.1"
        return str(sock.getsockname()[0])


async def run(folder: Path, interpreter: Path, cache: Path) -> dict[str, Any]:
    """Return the report of the function, and which of its listeners the service got."""
    tcp = _start(_echo, socket.create_server(("", 0), backlog=100))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("", 0))
    udp = _start(_echo_datagrams, datagrams)
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0lambent-test-{tcp}")
    abstract.listen()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refused = int(closed.getsockname()[1])
    here = "127.0.0.1"
    factory = _Factory(
        cache,
        [
            ((REMOTE, 80), (here, tcp)),
            ((REMOTE, 8080), (here, tcp)),
            ((REMOTE, 81), (here, refused)),
            ((REMOTE, 53), (here, udp)),
        ],
    )
    host = {"tcp": tcp, "udp": udp, "abstract": f"lambent-test-{tcp}", "address": _own_address()}
    (folder / "main.py").write_text(FUNCTION)
    (folder / "main.py").chmod(0o644)
    folder.chmod(0o755)
    spec = SandboxSpec(
        interpreter=interpreter, task=folder, runtime=folder, tmp=folder / "tmp", tmp_mb=16, memory_mb=256,
        environment=(("PATH", "/bin"),), command=("{python}", "/var/task/main.py", json.dumps(host)),
        ports=(API_PORT, SERVICE_PORT),
    )  # fmt: skip
    try:
        sandbox = await factory.start(spec)
        output: list[bytes] = []
        sandbox.listen(output.append)
        await asyncio.wait_for(sandbox.wait(), 50)
        accepted = [listener.accept()[1][0] for listener in sandbox.listeners]
        for listener in sandbox.listeners:
            listener.close()
        await sandbox.close()
    finally:
        await factory.stop()
    text = b"".join(output).decode()
    assert text.startswith("{"), text
    return json.loads(text) | {"accepted": accepted}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(Path(sys.argv[1]), Path("/usr/bin/python3").resolve(), Path(sys.argv[1], "cache")))))
