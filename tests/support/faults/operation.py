"""Operations: where they begin and end, how they run, and the responses that a URL may give in between."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from lambent import events
from lambent.deployment import destroy as ending
from lambent.deployment.context import DeployContext
from lambent.deployment.rollback import rollback
from lambent.errors import DeployError, LambentError
from support.faults.url_poller import StatusAndBody
from support.faults.world import QUICK, Spec, World, with_hosting

PLAIN = Spec("plain")
NEW_CODE = replace(PLAIN, text="new")
OTHER = "other"
"""The response of what the concurrent deploy deploys."""

BETWEEN_MODES: StatusAndBody = (502, b"Internal Server Error")
"""AWS changes a URL's mode and an alias one after the other. Between the two calls no complete response is possible."""


def differences(state: dict[str, str], expected: dict[str, str], ignored: set[str]) -> list[str]:
    """Return where a state, of the app or its stage, isn't as expected. What is in `ignored` doesn't count."""
    return [
        f"{key} is {state[key]}, not {expected[key]}"
        for key in expected
        if state[key] != expected[key] and key.removesuffix(" of the stage") not in ignored
    ]


def nothing(world: World, app: str) -> None:
    pass


class Operation(Struct, frozen=True):
    """One operation. `start` brings the app to where it begins, and `spec` is where it ends. `run` can be repeated.

    `prepare` does what no deploy does, after `start`. `allowed_between` are further responses that a client may get in between.
    An operation that must be refused has in `refused` a part of the message. With `stage_suffix` it is about another stage's
    app, whose name ends with it. `new_bucket` says that it creates lambent's bucket, `is_destroy` that it is a destroy.
    """

    name: str
    spec: Spec
    start: Spec | None
    run: Callable[[World, str], object]
    allowed_between: tuple[StatusAndBody, ...] = ()
    prepare: Callable[[World, str], object] = nothing
    refused: str = ""
    stage_suffix: str = ""
    live_only: bool = False
    is_rollback: bool = False
    may_be_forbidden: bool = False
    new_bucket: bool = False
    is_destroy: bool = False

    @property
    def canary(self) -> bool:
        return self.spec.hosting.canary is not None or (self.live_only and not self.is_rollback)

    @property
    def allows_forbidden(self) -> bool:
        """Return whether a client may be refused in between: the URL of a first deploy exists before it is open."""
        return self.may_be_forbidden or self.start is None

    @property
    def bodies(self) -> set[StatusAndBody]:
        specs = [self.spec] if self.start is None else [self.spec, self.start]
        return {each.body for each in specs} | set(self.allowed_between)

    @property
    def rival_spec(self) -> Spec:
        """What someone else deploys at the same time."""
        spec = replace(self.start or self.spec, text=OTHER)
        return with_hosting(spec, keep_versions=1000) if self.is_rollback else spec

    def once(self, world: World, app: str) -> None:
        """Run it, and expect its usual end. Raises LambentError for any other."""
        try:
            self.run(world, app)
        except LambentError as error:
            if not self.refused or self.refused not in error.what:
                raise
        else:
            if self.refused:
                raise AssertionError(f"{self.name} was not refused")


def first(name: str, spec: Spec, **flags: bool) -> Operation:
    return Operation(name, spec, None, lambda world, app: world.deploy(app, spec), **flags)


def update(name: str, before: Spec, after: Spec, **flags: bool) -> Operation:
    between = (BETWEEN_MODES,) if before.stream != after.stream else ()
    return Operation(name, after, before, lambda world, app: world.deploy(app, after), between, **flags)


def roll_back(name: str, before: Spec, after: Spec, version: str) -> Operation:
    between = (BETWEEN_MODES,) if before.stream != after.stream else ()
    run = lambda world, app: rollback(app, version, DeployContext(world.aws, events.ignore, QUICK, world.fetch))  # noqa: E731
    return Operation(name, after, before, run, between, live_only=True, is_rollback=True)


def destroyed(name: str, spec: Spec) -> Operation:
    return Operation(name, spec, spec, destroy, ((403, b'{"Message":null}'),), is_destroy=True)


def destroy(world: World, app: str) -> None:
    """Destroy the app as the command does. It is fine if nothing is left to delete."""
    try:
        prepare_destroy = ending.prepare(app, world.aws, logs=True, timing=QUICK)
    except DeployError as error:
        if "there is no app" not in error.what:
            raise
        return
    ending.destroy(prepare_destroy, world.aws, events.ignore)
