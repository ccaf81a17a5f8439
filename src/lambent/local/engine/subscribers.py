"""Functions that are called when something happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Subscribers(Generic[P]):
    """Safe in several threads. A subscriber must neither block nor raise."""

    def __init__(self) -> None:
        self._subscribers: tuple[Callable[P, None], ...] = ()

    def add(self, subscriber: Callable[P, None]) -> Callable[[], None]:
        """Call `subscriber` from now on. Return what ends that."""
        self._subscribers = (*self._subscribers, subscriber)

        def unsubscribe() -> None:
            self._subscribers = tuple(each for each in self._subscribers if each is not subscriber)

        return unsubscribe

    def notify(self, *args: P.args, **kwargs: P.kwargs) -> None:
        for subscriber in self._subscribers:
            subscriber(*args, **kwargs)
