"""The faults: what happens to a call, and what a run is owed then."""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct

from support.faults import refusal
from support.faults.calls import Call
from support.faults.proxy import CUT, TORN, Forward, Meddler
from support.faults.refusal import Refusal


class Killed(BaseException):
    """The process ends here: nothing of ours may catch it."""


class Kind(Struct, frozen=True):
    """`mends` says that the real client's own retries must get over it, so that the run succeeds; `dies` that the process is
    no more. `word` must be in the error that the user sees, if there is one.
    """

    name: str
    mends: bool = False
    dies: bool = False
    concurrent: bool = False
    word: str = ""
    code: int = 1


ONCE = (
    Kind("500 once", mends=True),
    Kind("500 after it took effect, once", mends=True),
    Kind("cut before, once", mends=True),
    Kind("cut after, once", mends=True),
    Kind("throttled once", mends=True),
    Kind("answer torn, once", mends=True),
)
LASTING = (
    Kind("500", word="AWS failed at"),
    Kind("cut before", word="got no answer"),
    Kind("cut after", word="got no answer"),
    Kind("network gone before", word="got no answer"),
    Kind("network gone after", word="got no answer"),
    Kind("throttled for ever", word="throttling"),
    Kind("not AWS that answers", word="not AWS's"),
    Kind("credentials expired", word="expired"),
    Kind("access denied", word="not allowed: "),
)
DEADLY = (Kind("killed before", dies=True), Kind("killed after", dies=True))
OTHERS = (Kind("another deploy", concurrent=True),)
KINDS = (*ONCE, *LASTING, *DEADLY, *OTHERS)

_ANSWERS: dict[str, Callable[[Call], Refusal]] = {
    "500 once": refusal.broken,
    "500": refusal.broken,
    "not AWS that answers": refusal.portal,
    "throttled once": refusal.throttled,
    "throttled for ever": refusal.throttled,
    "credentials expired": refusal.expired,
    "access denied": refusal.denied,
}


class Fault:
    """One kind of fault at one call. `struck` is set once it happened; `dead` when the process has been killed."""

    def __init__(self, kind: Kind, label: str, other: Callable[[], None] | None = None) -> None:
        self.kind, self.label = kind, label
        self.other = other
        self.struck: Call | None = None
        self.dead = threading.Event()
        self._lock = threading.Lock()

    @property
    def meddler(self) -> Meddler:
        return self._meddle

    def _meddle(self, call: Call, forward: Forward) -> Refusal | str | None:
        with self._lock:
            first = call.label == self.label and self.struck is None
            if first:
                self.struck = call
        if self.dead.is_set() or (not first and not self._lasts_for(call)):
            return CUT if self.dead.is_set() else None
        return self._strike(call, forward)

    def _lasts_for(self, call: Call) -> bool:
        """Whether this call, not the struck one, is hit too."""
        if self.struck is None or self.kind.mends or self.kind.concurrent:
            return False
        if self.kind.name in ("credentials expired", "network gone before", "network gone after"):
            return True
        if self.kind.name in ("access denied", "throttled for ever"):
            return call.operation == self.struck.operation
        return call.label == self.label

    def _strike(self, call: Call, forward: Forward) -> Refusal | str | None:
        name = self.kind.name
        if name == "answer torn, once":
            return TORN
        if self.kind.concurrent:
            assert self.other
            self.other()
            return None
        first = call.label == self.label and call.attempt == 1
        if "after" in name and (first or name == "cut after"):
            forward()
        if self.kind.dies:
            self.dead.set()
        if name == "500 after it took effect, once":
            return refusal.broken(call)
        return _ANSWERS[name](call) if name in _ANSWERS else CUT
