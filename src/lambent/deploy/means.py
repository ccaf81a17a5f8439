"""What a deploy works with: AWS, somebody who listens, patience, and a way to ask a URL."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

from msgspec import Struct, field

from lambent.aws.interface import Aws
from lambent.deploy.probe import Ask, ask
from lambent.events import Emit


class Patience(Struct, frozen=True):
    """How long to wait for AWS, in seconds: a new role to be usable, a change to settle, SnapStart's snapshot of a new version,
    a new URL to answer. A canary's log is read every `look_s` seconds, by this clock and with these pauses. `today` is the day
    whose rules of AWS hold.
    """

    role_s: float = 60
    settle_s: float = 300
    snapshot_s: float = 1560  # as the waiter published_version_active does
    answer_s: float = 60
    look_s: float = 5
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    today: Callable[[], date] = date.today


class Means(Struct, frozen=True):
    aws: Aws
    emit: Emit
    patience: Patience = field(default_factory=Patience)
    ask: Ask = ask
