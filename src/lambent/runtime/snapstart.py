"""SnapStart: runs the hooks that an app registered with `snapshot_restore_py` before the snapshot and after the restore.

The order, the exit statuses (64 before, 65 after) and the posts follow awslambdaric (bootstrap.py, on_init_complete).
"""

from __future__ import annotations

import sys

from .fault import describe
from .json_text import dump
from .log import flush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .api import RuntimeApi
    from .log import Log

BEFORE_FAILED = 64
AFTER_FAILED = 65


def pass_through(api: RuntimeApi, log: Log, stop: type[BaseException]) -> int:
    """Return once the environment is restored: 0, or the exit status if a hook failed. `stop` is raised to the caller."""
    # An app that registered a hook has imported the package; otherwise it may not be installed.
    hooks = sys.modules.get("snapshot_restore_py")
    try:
        if hooks is not None:
            pending = hooks.get_before_snapshot()
            while pending:
                function, args, kwargs = pending.pop()
                function(*args, **kwargs)
        flush()  # a buffer would be part of the snapshot and be printed by every restored environment
        api.restore_next()
    except stop:
        raise
    except BaseException as error:
        _report(log, error, lambda body: api.fail_init(body, "Runtime.BeforeSnapshotError"))
        return BEFORE_FAILED
    try:
        _reseed()
        secrets = sys.modules.get(f"{__package__}.secrets")
        if secrets is not None:  # the snapshot may be days old
            secrets.load()
        if hooks is not None:
            for function, args, kwargs in hooks.get_after_restore():
                function(*args, **kwargs)
    except stop:
        raise
    except BaseException as error:
        _report(log, error, lambda body: api.fail_restore(body, "Runtime.AfterRestoreError"))
        return AFTER_FAILED
    return 0


def _reseed() -> None:
    """Give each restored environment its own random numbers. Runs before the hooks, which may seed differently."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()


def _report(log: Log, error: BaseException, post: Callable[[bytes], Any]) -> None:
    record = describe(error, "")
    log.error(record)
    flush()
    post(dump(record))
