"""Makes moto's ids and dates repeatable for one request, so that a request made again makes the same things.

moto draws every id from one random object and asks one module for the time; both are turned here, for the calling thread alone
and only inside `repeating`. (moto's own `seed` is for the whole process, and other threads draw from it too.)
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


class _Moment(threading.local):
    random: Random | None = None
    time: float | None = None


_moment = _Moment()
_own = Random()


class _Clock(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _Clock:
        if _moment.time is None:
            return super().now(tz)
        return super().fromtimestamp(_moment.time, tz)


def install() -> None:
    """Once per process, after moto was imported."""
    shared: Any = mock_random
    shared.random = lambda: (_moment.random or _own).random()
    shared.getrandbits = lambda bits: (_moment.random or _own).getrandbits(bits)
    clock = SimpleNamespace(datetime=_Clock, timedelta=datetime.timedelta, timezone=datetime.timezone)
    modules: tuple[Any, ...] = (moto.core.utils, moto.s3.models)
    for module in modules:
        module.datetime = clock


@contextmanager
def repeating(seed: int, at: float) -> Iterator[None]:
    """Inside, ids come from `seed` and it is `at` (seconds since the epoch)."""
    _moment.random, _moment.time = Random(seed), at
    try:
        yield
    finally:
        _moment.random = _moment.time = None
