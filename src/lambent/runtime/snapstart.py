"""SnapStart: what an app registered with `snapshot_restore_py` runs around the snapshot.

The order, the exits (64 before, 65 after) and the posts follow awslambdaric (bootstrap.py, on_init_complete).
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


def pass_through(api: RuntimeApi, log: Log, stops: type[BaseException]) -> int:
    """Returns once the environment is restored: 0, or the status to exit with because a hook failed. `stops` is let through."""
    # Who registered something has imported it: where nobody did, it need not be there.
    hooks = sys.modules.get("snapshot_restore_py")
    try:
        if hooks is not None:
            waiting = hooks.get_before_snapshot()
            while waiting:
                function, args, named = waiting.pop()
                function(*args, **named)
        flush()  # a buffer would be in the snapshot, and come out of every environment restored from it
        api.restore_next()
    except stops:
        raise
    except BaseException as error:
        _tell(log, error, lambda body: api.fail_init(body, "Runtime.BeforeSnapshotError"))
        return BEFORE_FAILED
    try:
        _reseed()
        secrets = sys.modules.get(f"{__package__}.secrets")
        if secrets is not None:  # the snapshot may be days old
            secrets.load()
        if hooks is not None:
            for function, args, named in hooks.get_after_restore():
                function(*args, **named)
    except stops:
        raise
    except BaseException as error:
        _tell(log, error, lambda body: api.fail_restore(body, "Runtime.AfterRestoreError"))
        return AFTER_FAILED
    return 0


def _reseed() -> None:
    """Environments restored from one snapshot must not draw the same numbers. Before the hooks: they may seed it otherwise."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()


def _tell(log: Log, error: BaseException, post: Callable[[bytes], Any]) -> None:
    record = describe(error, "")
    log.error(record)
    flush()
    post(dump(record))
