"""Lambda Managed Instances: an environment that answers several events at once, each in its own process.

AWS_LAMBDA_MAX_CONCURRENCY is their number. As in AWS's client, they are forked before the app is imported: each imports it and
shares nothing. Each sends its output over its own connection if Lambda provides one.
"""

from __future__ import annotations

import posix
from _signal import SIGTERM, signal  # type: ignore[import-not-found]  # `signal` itself brings enum

from .environment import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SOCKET_VARIABLE = "_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET"


def fork_workers(count: int) -> None:
    """Fork the workers and return in each of them.

    The parent passes SIGTERM on, waits for all of them and exits: 0 if all of them did.
    """
    children: list[int] = []
    ended: list[int] = []  # their numbers may soon belong to other processes

    def terminate(number: int, frame: Any) -> None:
        for child in children:
            if child not in ended:
                posix.kill(child, SIGTERM)

    signal(SIGTERM, terminate)
    for _ in range(count):
        child = posix.fork()
        if not child:
            _redirect(variable(_SOCKET_VARIABLE))
            return
        children.append(child)
    failed = 0
    for _ in children:
        child, status = posix.wait()
        ended.append(child)
        failed |= status
    posix._exit(1 if failed else 0)


def _redirect(path: str) -> None:
    """Send this process's output to the socket that Lambda provides for it."""
    if not path:
        return
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        posix.dup2(connection.fileno(), 1)
        posix.dup2(connection.fileno(), 2)
