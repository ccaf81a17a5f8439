"""What every operation is given: the parts of the local Lambda, and this one request."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime
from typing import Any

from msgspec import Struct, field

from lambent.local.control.faults import conflict, missing, stale_revision
from lambent.local.control.interface import Neighbours, Request
from lambent.local.control.reference import Target, parse
from lambent.local.engine.invocation import Engine, Function
from lambent.local.store import LATEST, Document, Record, Store, settle

log = logging.getLogger(__name__)


class Parts(Struct):
    """The parts an operation may use. `settle_s` is how long a function stays Pending or InProgress.

    `retry_delays` are AWS's waits before the second and third try of an asynchronous invocation, in seconds.
    Unused code goes
    `linger_s` after the function's time-out. `running` counts invocations under way by function ARN; `provisioned` is what the
    engine was told to keep ready, by function ARN.
    """

    store: Store
    engine: Engine
    neighbours: Neighbours
    service_url: Callable[[], str]
    as_of: date
    settle_s: float = 0.25
    retry_delays: tuple[float, ...] = (60.0, 120.0)
    linger_s: float = 1.0
    running: Counter[str] = field(default_factory=Counter)
    provisioned: dict[str, dict[Function, int]] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs work in the background, keeping hold of it (asyncio itself does not)."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("background work of the Lambda API failed", exc_info=task.exception())

    async def stop(self) -> None:
        """Ends background work: transitions end at the next start, queued asynchronous events are lost (as documented)."""
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def begin_transition(self, record: Record) -> None:
        """Lets a saved Pending or InProgress function settle after a moment; the old code serves until then."""
        self.start(self._transition(record))

    async def _transition(self, record: Record) -> None:
        await asyncio.sleep(self.settle_s)
        if self.store.get(record.region, record.name) is record and settle(record):
            self.store.save(record)
            await self.engine.retire(record.arn, LATEST)  # published versions stay as they are, and warm
            self.start(self._sweep(record.latest["Timeout"]))

    async def retire(self, record: Record, version: str | None) -> None:
        """After a version (None: the function) was deleted: ends its environments, and drops its code once events under way
        must be over.
        """
        if version is None:
            self.provisioned.pop(record.arn, None)
        await self.engine.retire(record.arn, version)
        self.start(self._sweep(record.latest["Timeout"]))

    async def _sweep(self, timeout_s: int) -> None:
        """Removes unused code, but not before events under way must be over: they may still import from its folder."""
        await asyncio.sleep(timeout_s + self.linger_s)
        await asyncio.to_thread(self.store.sweep)


class Call(Struct, frozen=True):
    """One request to one operation, its parameters already checked against the model.

    `headers` takes what goes out beside the modelled answer.
    """

    parts: Parts
    request: Request
    params: dict[str, Any]
    request_id: str
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.parts.store

    def target(self) -> Target:
        """The function meant by FunctionName (and Qualifier, if the operation has one)."""
        return parse(self.params["FunctionName"], self.params.get("Qualifier"), self.request.region, self.request.account)

    def find(self, target: Target) -> Record | None:
        return self.store.get(self.request.region, target.name)

    def record(self, target: Target, suffix: str = "") -> Record:
        """The function's record. Raises Fault "Function not found", with `suffix` after the ARN."""
        record = self.find(target)
        if record is None:
            raise missing(f"Function not found: {target.arn}{suffix}")
        return record

    def check_revision(self, current: Document, call: str = "GetFunction/GetAlias") -> None:
        """Refuses a RevisionId that is not the current one."""
        given = self.params.get("RevisionId")
        if given and given != current["RevisionId"]:
            raise stale_revision(call)


def refuse_while_busy(record: Record) -> None:
    """AWS takes no change of $LATEST while an earlier one settles."""
    if record.latest.get("LastUpdateStatus") == "InProgress":
        text = f"The operation cannot be performed at this time. An update is in progress for resource: {record.arn}"
        raise conflict(text)
    if record.latest["State"] == "Pending":
        state = "The function is currently in the following state: Pending"
        raise conflict(f"The operation cannot be performed at this time. {state}")


def aws_time() -> str:
    """Now, as AWS writes LastModified."""
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000"


def resolve(record: Record, target: Target) -> Document:
    """The configuration a target means. Raises Fault "Function not found"."""
    qualifier = target.qualifier
    if qualifier in (None, LATEST):
        return record.latest
    if qualifier not in record.aliases and qualifier not in record.versions:
        raise missing(f"Function not found: {target.full_arn}")
    return record.configuration(str(qualifier))
