"""The kinds of faults: what happens to a call, and what must hold afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct

from support.faults import aws_errors
from support.faults.aws_errors import Refusal
from support.faults.calls import Call
from support.faults.proxy import CUT, TRUNCATED, Forward, Interceptor


class Killed(BaseException):
    """The process ends here. None of our code may catch it."""


class FaultKind(Struct, frozen=True):
    """One kind of fault.

    With `recovers`, the client's own retries must get over it, so that the run succeeds. With `dies`, the process ends. `word`
    must be in the error that the user sees, if there is one.
    """

    name: str
    recovers: bool = False
    dies: bool = False
    concurrent: bool = False
    word: str = ""
    code: int = 1


ONCE = (
    FaultKind("500 once", recovers=True),
    FaultKind("500 after it took effect, once", recovers=True),
    FaultKind("cut before, once", recovers=True),
    FaultKind("cut after, once", recovers=True),
    FaultKind("throttled once", recovers=True),
    FaultKind("answer torn, once", recovers=True),
)
LASTING = (
    FaultKind("500", word="AWS failed at"),
    FaultKind("cut before", word="got no answer"),
    FaultKind("cut after", word="got no answer"),
    FaultKind("network gone before", word="got no answer"),
    FaultKind("network gone after", word="got no answer"),
    FaultKind("throttled forever", word="throttling"),
    FaultKind("not AWS", word="isn't from AWS"),
    FaultKind("credentials expired", word="expired"),
    FaultKind("access denied", word="not allowed: "),
)
DEADLY = (FaultKind("killed before", dies=True), FaultKind("killed after", dies=True))
OTHERS = (FaultKind("another deploy", concurrent=True),)
KINDS = (*ONCE, *LASTING, *DEADLY, *OTHERS)

_ANSWERS: dict[str, Callable[[Call], Refusal]] = {
    "500 once": aws_errors.server_error,
    "500": aws_errors.server_error,
    "not AWS": aws_errors.login_page,
    "throttled once": aws_errors.throttled,
    "throttled forever": aws_errors.throttled,
    "credentials expired": aws_errors.expired,
    "access denied": aws_errors.denied,
}


class Fault:
    """One kind of fault at one call. `struck` is set once it has happened, and `dead` when the process has been killed."""

    def __init__(self, kind: FaultKind, label: str, rival: Callable[[], None] | None = None) -> None:
        self.kind, self.label = kind, label
        self.rival = rival
        self.struck: Call | None = None
        self.dead = threading.Event()
        self._lock = threading.Lock()

    @property
    def interceptor(self) -> Interceptor:
        return self._intercept

    def _intercept(self, call: Call, forward: Forward) -> Refusal | str | None:
        with self._lock:
            first = call.label == self.label and self.struck is None
            if first:
                self.struck = call
        if self.dead.is_set() or (not first and not self._lasts_for(call)):
            return CUT if self.dead.is_set() else None
        return self._strike(call, forward)

    def _lasts_for(self, call: Call) -> bool:
        """Return whether the fault also hits this call, which isn't the one that it struck first."""
        if self.struck is None or self.kind.recovers or self.kind.concurrent:
            return False
        if self.kind.name in ("credentials expired", "network gone before", "network gone after"):
            return True
        if self.kind.name in ("access denied", "throttled forever"):
            return call.operation == self.struck.operation
        return call.label == self.label

    def _strike(self, call: Call, forward: Forward) -> Refusal | str | None:
        name = self.kind.name
        if name == "answer torn, once":
            return TRUNCATED
        if self.kind.concurrent:
            assert self.rival
            self.rival()
            return None
        first = call.label == self.label and call.attempt == 1
        if "after" in name and (first or name == "cut after"):
            forward()
        if self.kind.dies:
            self.dead.set()
        if name == "500 after it took effect, once":
            return aws_errors.server_error(call)
        return _ANSWERS[name](call) if name in _ANSWERS else CUT
