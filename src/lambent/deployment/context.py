"""What a deploy works with: AWS, a listener, time limits, and a way to request a URL."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct, field

from lambent.aws.interface import Aws
from lambent.deployment.fetch import Fetch, fetch
from lambent.events import Emit
from lambent.module_packages import ADD


class Timing(Struct, frozen=True):
    """How long to wait for AWS, in seconds, and the clocks to wait by.

    `role_s` is for a new role to become usable, `settle_s` for a change to settle, `snapshot_s` for SnapStart's snapshot of a
    new version, and `answer_s` for a new URL to respond. A canary's log is read every `look_s` seconds of `clock`, which pass
    in `pause`.
    """

    role_s: float = 60
    settle_s: float = 300
    snapshot_s: float = 1560  # as the waiter published_version_active does
    answer_s: float = 60
    look_s: float = 5
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


OWN_PATH = "--check-path with one of the app's own paths"


class DeployContext(Struct, frozen=True):
    """The outside world of a deploy or rollback. Tests replace parts of it.

    `add_command` says how to add a package to the app's requirements. `own_names` are the app's own folders and modules at the
    top of the zip, and `packages` the names of the packages that it has.
    `hint_for_no_page` returns what may help an app that has no page for the path of the check.
    `may_copy` says that the app may run from a copy in /tmp if it turns out to write next to its code.
    """

    aws: Aws
    emit: Emit
    timing: Timing = field(default_factory=Timing)
    fetch: Fetch = fetch
    add_command: str = ADD
    own_names: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    may_copy: bool = False
    hint_for_no_page: Callable[[], str] = lambda: OWN_PATH
