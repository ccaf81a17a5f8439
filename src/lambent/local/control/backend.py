"""What the operations of the Lambda API work on: the store, the engine, and the other AWS services."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from datetime import date

from lambent.local.aws_services import AwsServices
from lambent.local.control.background import BackgroundTasks
from lambent.local.engine.engine import Engine
from lambent.local.engine.invocation import Function
from lambent.local.store import LATEST, Record, Store, settle

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""How long a transition waits for a disk that was full."""


class Backend:
    """The parts of the local Lambda that an operation may use, and the transitions of functions.

    `settle_s` is how long a function stays Pending or InProgress. `retry_delays` are AWS's waits in seconds before the second
    and third attempt of an asynchronous invocation. Unused code is removed `linger_s` seconds after the function's timeout.
    `provisioned` is what the engine was asked to keep ready, by function ARN.
    """

    def __init__(self, store: Store, engine: Engine, aws_services: AwsServices, service_url: str, as_of: date) -> None:
        self.store = store
        self.engine = engine
        self.aws_services = aws_services
        self.service_url = service_url
        self.as_of = as_of
        self.settle_s = 0.25
        self.retry_delays: tuple[float, ...] = (60.0, 120.0)
        self.linger_s = 1.0
        self.provisioned: dict[str, dict[Function, int]] = {}
        self.tasks = BackgroundTasks()

    def begin_transition(self, record: Record) -> None:
        """Let a saved Pending or InProgress function settle after a moment. Until then the old code serves."""
        self.tasks.start(self._transition(record))

    async def _transition(self, record: Record) -> None:
        await asyncio.sleep(self.settle_s)
        while self.store.get(record.region, record.name) is record and settle(record):
            try:
                self.store.save(record)
            except sqlite3.Error as error:  # the record says again that it is in transition
                log.warning("can't write the state of %s, trying again: %s", record.name, error)
                await asyncio.sleep(RETRY_S)
                continue
            await self.engine.retire(record.arn, LATEST)  # published versions don't change, so they stay warm
            self.tasks.start(self._sweep(record.latest["Timeout"]))
            return

    async def retire(self, record: Record, version: str | None) -> None:
        """End the environments of a deleted version (None: of the whole function), and remove its code later."""
        if version is None:
            self.provisioned.pop(record.arn, None)
        await self.engine.retire(record.arn, version)
        self.tasks.start(self._sweep(record.latest["Timeout"]))

    async def _sweep(self, timeout_s: int) -> None:
        """Remove unused code, but only once running events must be over: they may still import from its folder."""
        await asyncio.sleep(timeout_s + self.linger_s)
        await asyncio.to_thread(self.store.code.sweep)
