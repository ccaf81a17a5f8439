"""A plan while it is applied: what AWS has invented so far, such as the version's number and the URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from lambent.deployment.context import DeployContext
from lambent.errors import AwsError
from lambent.events import Event

T = TypeVar("T")


class PlanIsStale(Exception):
    """Someone else changed what the plan was made from, before this run wrote anything. Observe and plan again.

    So it is if applying the plan has shown what the next one must do differently: `event` says what.
    """

    def __init__(self, event: Event | None = None) -> None:
        super().__init__()
        self.event = event


class WritesNextToCode(Exception):
    """The app works, but failed to write something next to its code: it is deployed again, from a copy in /tmp."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Deployment:
    """The state that steps pass on to the steps after them.

    `version` and `url` are the live ones until a step creates new ones; `previous` is the version that was live at the start.
    `revision` is that of $LATEST, the condition of the next write, and `wrote_latest` says whether this run has written to it.
    `alias_revision` is set by a canary. `url_mode` is the URL's InvokeMode, and `previous_mode` is what it was at the start.
    `check_request_id` is the ID of the request that checked the new version.
    """

    def __init__(
        self, context: DeployContext, *, version: str = "", url: str = "", revision: str = "", url_mode: str = ""
    ) -> None:
        self.context = context
        self.aws, self.emit, self.timing = context.aws, context.emit, context.timing
        self.previous = self.version = version
        self.url = url
        self.revision = revision
        self.wrote_latest = False
        self.alias_revision = ""
        self.previous_mode = self.url_mode = url_mode
        self.check_request_id = ""


@contextmanager
def stale_if_exists(code: str) -> Iterator[None]:
    """Raise PlanIsStale if AWS refuses with `code`: what the plan found missing exists by now.

    Someone else created it, or we did, and the answer was lost.
    """
    try:
        yield
    except AwsError as error:
        if error.code == code:
            raise PlanIsStale from error
        raise


def look_up(read: Callable[[], T]) -> T | None:
    """Read what exists after a refusal, since a lost connection may hide that a call succeeded. None if it can't be read."""
    try:
        return read()
    except AwsError:
        return None
