"""Whose end of a loopback connection it is, with real sockets and processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lambent.local.sandbox import process_tree, socket_owner
from lambent.local.sandbox.socket_owner import owns_client

pytestmark = pytest.mark.skipif(not process_tree.HAS_PROC, reason="only Linux has /proc")

CONNECT = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.recv(1)"


@pytest.mark.parametrize("source", ["netlink", "proc"])
def test_client_belongs_to_the_process_that_connected(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if source == "proc":
        monkeypatch.setattr(socket_owner, "_NETLINK_SOCK_DIAG", 255)  # as where the kernel has no sock_diag
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        other = subprocess.Popen([sys.executable, "-c", CONNECT, str(address[1])])
        accepted, client = server.accept()
        with accepted:
            assert owns_client([other.pid], client, address)
            assert owns_client([os.getpid(), other.pid], client, address)
            assert not owns_client([os.getpid()], client, address)
            assert not owns_client([], client, address)
            accepted.sendall(b"x")
            other.wait(10)
            assert not owns_client([other.pid], client, address)


def test_table_of_connections_is_read_as_the_kernel_writes_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        inode = os.fstat(client.fileno()).st_ino
        assert socket_owner._by_proc(Path("/proc/net/tcp"), client.getsockname(), server.getsockname()) == inode
