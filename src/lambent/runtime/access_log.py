"""The two lines of a request in the log, by which `lambent logs` knows what was requested and what was answered.

The first is written before the app runs, so that it is there even if the app never answers. The second is left out for status
200, which nearly all responses have: AWS charges for each byte of a log. The query isn't logged, since it may hold secrets.
"""

from __future__ import annotations

from .environment import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .log import Log
    from .request import Request

_PATH_MAX = 500


class AccessLog:
    """LAMBENT_ACCESS_LOG may say "off"."""

    def __init__(self) -> None:
        self._enabled = variable("LAMBENT_ACCESS_LOG").lower() != "off"

    def request(self, log: Log, request: Request) -> None:
        """Write "lambent: GET /path". The path is percent-encoded, so that it is one line."""
        if self._enabled:
            method = request.method if request.method.isalpha() else "?"
            log.note(f"{method} {request.path[:_PATH_MAX]}")

    def status(self, log: Log, status: int) -> None:
        """Write "lambent: status 404". Call this before the response is complete: what comes later is logged after END."""
        if self._enabled and status != 200:
            log.note(f"status {status}")
