"""What is done to an app while a fault happens: each operation with its start, its run, and the answers its URL may give."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from faults.asker import Seen
from faults.world import QUICK, Spec, World, with_hosting
from lambent import events
from lambent.deploy import destroy as ending
from lambent.deploy.rollback import rollback
from lambent.errors import DeployError

PLAIN = Spec("plain")
OTHER = "other"
"""What the concurrent deploy says."""

BETWEEN_MODES: Seen = (502, b"Internal Server Error")
"""AWS changes a URL's mode and an alias one after the other: between the two calls there is no whole answer to be had."""

PERMISSIONS = (json.dumps({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::some-bucket/*"}),)
HOSTED = with_hosting(
    PLAIN,
    permissions=PERMISSIONS,
    policies=("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",),
    tags=(("team", "shop"),),
    reserved_concurrency=5,
    log_retention_days=7,
)


@dataclass(frozen=True)
class Operation:
    """`run` may be run again after a fault; `start` brings the app to where the operation begins, `spec` is where it ends.

    `allowed` are the answers that a client may get meanwhile, beside those of before and after.
    """

    name: str
    spec: Spec
    start: Spec | None
    run: Callable[[World, str], object]
    allowed: tuple[Seen, ...] = ()
    live_only: bool = False
    forbidden: bool = False

    @property
    def bodies(self) -> set[Seen]:
        specs = [self.spec] if self.start is None else [self.spec, self.start]
        return {each.body for each in specs} | set(self.allowed)

    @property
    def other(self) -> Spec:
        """What somebody else deploys meanwhile."""
        spec = replace(self.start or self.spec, text=OTHER)
        return with_hosting(spec, keep_versions=1000) if self.live_only else spec


def update(name: str, before: Spec, after: Spec, **told: bool) -> Operation:
    between = (BETWEEN_MODES,) if before.stream != after.stream else ()
    return Operation(name, after, before, lambda world, app: world.deploy(app, after), between, **told)


def back(name: str, before: Spec, after: Spec, version: str) -> Operation:
    between = (BETWEEN_MODES,) if before.stream != after.stream else ()
    run = lambda world, app: rollback(app, version, world.aws, events.ignore, patience=QUICK)  # noqa: E731
    return Operation(name, after, before, run, between, live_only=True)


def destroy(world: World, app: str) -> None:
    """As the command does it; that nothing is left to delete is well."""
    try:
        doomed = ending.prepare(app, world.aws, logs=True, patience=QUICK)
    except DeployError as error:
        if "there is no app" not in error.what:
            raise
        return
    ending.destroy(doomed, world.aws, events.ignore)


NEW_CODE, SETTINGS = replace(PLAIN, text="new"), replace(PLAIN, memory_mb=256, environment=(("COLOUR", "blue"),))
STREAMED, SIGNED = replace(PLAIN, text="streamed", stream=True), with_hosting(PLAIN, auth="AWS_IAM")
LARGE = replace(PLAIN, s3=True)

UPDATES = (
    update("update code", PLAIN, NEW_CODE),
    update("update configuration", PLAIN, SETTINGS),
    update("update both", PLAIN, replace(SETTINGS, text="new")),
    update("streaming on", PLAIN, STREAMED),
    update("streaming off", STREAMED, PLAIN),
    update("hosting on", PLAIN, HOSTED),
    update("hosting off", HOSTED, PLAIN),
    update("auth on", PLAIN, SIGNED, forbidden=True),
    update("auth off", SIGNED, PLAIN, forbidden=True),
    update("update through S3", PLAIN, replace(LARGE, text="large")),
)
ROLLBACKS = (
    back("rollback", replace(SETTINGS, text="new"), PLAIN, "1"),
    back("rollback to streaming", PLAIN, STREAMED, "3"),
    back("rollback from streaming", STREAMED, PLAIN, "1"),
)
FIRST = Operation("first deploy", HOSTED, None, lambda world, app: world.deploy(app, HOSTED))
FIRST_LARGE = Operation("first deploy through S3", LARGE, None, lambda world, app: world.deploy(app, LARGE))
DESTROY = Operation("destroy", HOSTED, HOSTED, destroy, ((403, b'{"Message":null}'),))
DESTROY_LARGE = replace(DESTROY, name="destroy with uploads", spec=LARGE, start=LARGE)
OPERATIONS = (FIRST, FIRST_LARGE, *UPDATES, *ROLLBACKS, DESTROY, DESTROY_LARGE)
