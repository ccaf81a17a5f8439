"""Takes over a function that lambent didn't create: by hand, by SAM, by Zappa. Its settings become the project's.

The function gets two tags, by which lambent knows its own, and nothing else changes until the next deploy. Its environment
variables stay in the function, and later deploys keep them: `live_settings` lists them like those of flags.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from lambent.aws.interface import Aws
from lambent.aws.values import STREAMED, Function, LogGroup, Url
from lambent.config.live_environment import user_variables
from lambent.deployment.desired import PUBLIC
from lambent.deployment.plan import made_by_lambent
from lambent.errors import DeployError
from lambent.limits import TMP_MIN_MB
from lambent.names import ADOPTED, TAG_APP, TAG_MANAGED, Names

_PYTHON = "python3."


class Adoption(Struct, frozen=True):
    """A function to take over. `url` is that of $LATEST, None if it has none."""

    names: Names
    function: Function
    url: Url | None = None
    log_group: LogGroup | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of its environment variables."""
        return tuple(sorted(user_variables(dict(self.function.settings.environment))))

    @property
    def table(self) -> dict[str, Any]:
        """Its settings as those of [tool.lambent], without the app and the variables."""
        return dict(_table(self))


def find_function(aws: Aws, name: str) -> Adoption:
    """Read a function. Raises DeployError if there is none, if it is lambent's already, or if it isn't one of Python's zips."""
    names, function = Names(name, aws.account(), aws.region), aws.function(name)
    where = f"account {names.account} in {names.region}"
    if function is None:
        hint = "aws lambda list-functions --query 'Functions[].FunctionName'"
        raise DeployError(f"there is no function {name}", where=where, hint=hint)
    if made_by_lambent(names, function.tags):
        hint = f"lambent plan --name {name}"
        raise DeployError(f"lambent manages the function {name} already", where=where, hint=hint)
    if not function.settings.runtime.startswith(_PYTHON):
        kind = function.settings.runtime or "a container image"
        hint = f"deploy the app as a new function: lambent deploy --name {name[:50]}-2"
        raise DeployError(f"lambent can't take over {name}: it isn't a Python function, but {kind}", where=where, hint=hint)
    return Adoption(names, function, aws.url(name, ""), aws.log_group(function.log_group or names.log_group))


def take_over(aws: Aws, adoption: Adoption) -> None:
    """Set the tags by which lambent knows its own functions."""
    names = adoption.names
    aws.tag(names.function_arn, ((TAG_APP, names.app), (TAG_MANAGED, ADOPTED)))


def _table(adoption: Adoption) -> Iterator[tuple[str, Any]]:
    function, settings = adoption.function, adoption.function.settings
    yield "name", adoption.names.app
    yield "runtime", settings.runtime
    yield "architecture", function.architecture
    yield "memory", settings.memory_mb
    yield "timeout", settings.timeout_s
    yield "role", settings.role
    optional = {
        "tmp": settings.tmp_mb if settings.tmp_mb != TMP_MIN_MB else None,
        "reserved_concurrency": function.reserved,
        "log_format": "json" if settings.log_format == "JSON" else None,
        "tracing": settings.tracing or None,
        "snapstart": settings.snapstart or None,
        "layers": list(settings.layers) or None,
    }
    yield from ((key, value) for key, value in optional.items() if value is not None)
    if adoption.log_group is not None:
        yield "log_retention", adoption.log_group.retention_days or "forever"
    yield from _url(adoption.url)
    if settings.subnets:
        yield "vpc", {"subnets": list(settings.subnets), "security_groups": list(settings.security_groups)}
    if settings.mounts:
        yield "efs", {path: arn for arn, path in settings.mounts}
    if tags := {key: value for key, value in function.tags if not key.lower().startswith(("aws:", "lambent:"))}:
        yield "tags", tags


def _url(url: Url | None) -> Iterator[tuple[str, Any]]:
    if url is None:
        yield "url", False
        return
    yield "auth", "none" if url.auth == PUBLIC else "iam"
    if url.mode == STREAMED:
        yield "stream", True
    if url.cors is not None:
        members = {key.removesuffix("_s"): value for key, value in asdict(url.cors).items() if value}
        yield "cors", {key: list(value) if isinstance(value, tuple) else value for key, value in members.items()}
