"""Lambda Managed Instances: an environment that answers several events at once, each in a process of its own.

Lambda says how many with AWS_LAMBDA_MAX_CONCURRENCY. As AWS's client does, they are forked before the app is looked for: each
imports it, and nothing is shared. Each sends its output through a connection of its own, where Lambda offers one.
"""

from __future__ import annotations

import posix
from _signal import SIGTERM, signal  # type: ignore[import-not-found]  # `signal` itself brings enum

from .environment import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SOCKET = "_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET"


def divide(count: int) -> None:
    """Returns in each of the forked processes. This one passes SIGTERM on, waits for them all, and ends: 0 if all ended so."""
    children: list[int] = []
    ended: list[int] = []  # whose numbers may be other processes' soon

    def end(number: int, frame: Any) -> None:
        for child in children:
            if child not in ended:
                posix.kill(child, SIGTERM)

    signal(SIGTERM, end)
    for _ in range(count):
        child = posix.fork()
        if not child:
            _redirect(variable(_SOCKET))
            return
        children.append(child)
    failed = 0
    for _ in children:
        child, status = posix.wait()
        ended.append(child)
        failed |= status
    posix._exit(1 if failed else 0)


def _redirect(path: str) -> None:
    """Output goes where Lambda wants this process's."""
    if not path:
        return
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        posix.dup2(connection.fileno(), 1)
        posix.dup2(connection.fileno(), 2)
