"""Make moto's ids and dates deterministic for one request, so that a replayed request creates the same things.

moto draws every id from one random object and asks one module for the time. Both are replaced here, but only for the calling
thread and only inside `deterministic`. (moto's own `seed` is for the whole process, and other threads draw from it too.)
"""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any

import moto.core.utils
import moto.s3.models
from moto.moto_api._internal import mock_random


class _Replay(threading.local):
    """The thread's source of ids and its time, inside `deterministic`."""

    random: Random | None = None
    time: float | None = None


_replay = _Replay()
_default_random = Random()


class _Clock(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _Clock:
        if _replay.time is None:
            return super().now(tz)
        return super().fromtimestamp(_replay.time, tz)


def install() -> None:
    """Replace moto's random numbers and clock. Call it once per process, after importing moto."""
    moto_random: Any = mock_random
    moto_random.random = lambda: (_replay.random or _default_random).random()
    moto_random.getrandbits = lambda bits: (_replay.random or _default_random).getrandbits(bits)
    clock = SimpleNamespace(datetime=_Clock, timedelta=datetime.timedelta, timezone=datetime.timezone)
    modules: tuple[Any, ...] = (moto.core.utils, moto.s3.models)
    for module in modules:
        module.datetime = clock


@contextmanager
def deterministic(seed: int, time: float) -> Iterator[None]:
    """Inside, ids come from `seed` and it is `time` (seconds since the epoch)."""
    _replay.random, _replay.time = Random(seed), time
    try:
        yield
    finally:
        _replay.random = _replay.time = None
