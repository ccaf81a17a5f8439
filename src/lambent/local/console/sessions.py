"""Who may use the console: a browser that has come with a token, which `lambent open --console` gets for one use."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable

_TOKEN_S = 600.0
_OPEN_MAX = 32
"""Tokens, and sessions, that count. The oldest are forgotten."""


class Sessions:
    """`clock` returns seconds. Sessions end with the service."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: deque[tuple[str, float]] = deque(maxlen=_OPEN_MAX)
        self._sessions: deque[str] = deque(maxlen=_OPEN_MAX)

    def create_token(self) -> str:
        token = secrets.token_urlsafe()
        self._tokens.append((token, self._clock() + _TOKEN_S))
        return token

    def exchange(self, token: str) -> str | None:
        """Return a new session for a token, or None if it isn't valid. A token counts once."""
        for entry in list(self._tokens):
            if _equal(entry[0], token):
                self._tokens.remove(entry)
                if entry[1] < self._clock():
                    return None
                session = secrets.token_urlsafe()
                self._sessions.append(session)
                return session
        return None

    def is_open(self, session: str) -> bool:
        return any(_equal(each, session) for each in self._sessions)


def _equal(expected: str, value: str) -> bool:
    return hmac.compare_digest(expected.encode(), value.encode())
