"""Secrets by reference: environment variables whose values are read from AWS with the function's role when it starts.

LAMBENT_SECRETS is JSON, {"DB": "ssm:/shop/db", "KEY": "secret:shop/keys#stripe"}: a parameter of SSM's Parameter Store, or a
secret of Secrets Manager, whole or one key of its JSON. This module is imported only if the variable is set. No message holds
a secret's value.
"""

from __future__ import annotations

import posix
import sys
from threading import Thread
from time import monotonic

from .aws_api import RequestFailed, call
from .environment import set_variable, variable
from .fault import Fault
from .json_text import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Values = dict[str, str | bytes]  # by reference without its key; bytes for a binary secret
    Request = Callable[[], Values]

_TIMEOUT_S = 8.0
"""For all requests together: the init phase has 10 s."""

_BATCH = 10
"""How many parameters one GetParameters takes."""

_SSM, _SECRET = "ssm:", "secret:"
_set_here: set[str] = set()
"""The variables that this module has set."""


def load() -> None:
    """Set the variables. One that already has a value keeps it, unless this module set it (before a snapshot).

    Raise Fault with each variable and reference that could not be read.
    """
    references = {
        name: reference for name, reference in _references().items() if name in _set_here or name.encode() not in posix.environ
    }
    values, errors = _fetch({reference.partition("#")[0] for reference in references.values()})
    problems = []
    for name, reference in sorted(references.items()):
        try:
            set_variable(name, _value(reference, values, errors))
            _set_here.add(name)
        except RequestFailed as error:
            problems.append(f"{name} = {reference}: {error}")
    if problems:
        raise Fault("Function.SecretUnavailable", "; ".join(problems))


def _references() -> dict[str, str]:
    try:
        references = parse(variable("LAMBENT_SECRETS").encode())
        if all(reference.startswith((_SSM, _SECRET)) for reference in references.values()):
            return dict(references)
    except (ValueError, AttributeError):
        pass
    raise Fault("Function.SecretUnavailable", 'LAMBENT_SECRETS is not JSON such as {"NAME": "ssm:/path"}')


def _fetch(locations: set[str]) -> tuple[Values, dict[str, RequestFailed]]:
    """Read all locations at once. Return the values, and the errors of those that could not be read."""
    values: Values = {}
    errors: dict[str, RequestFailed] = {}

    def run(batch: list[str], request: Request) -> None:
        try:
            values.update(request())
        except RequestFailed as error:
            errors.update(dict.fromkeys(batch, error))
        except Exception as error:
            errors.update(dict.fromkeys(batch, RequestFailed(f"the reply cannot be read ({type(error).__name__})")))

    until = monotonic() + _TIMEOUT_S
    threads = [Thread(target=run, args=request, daemon=True) for request in _requests(sorted(locations), until)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return values, errors


def _requests(locations: list[str], until: float) -> Iterable[tuple[list[str], Request]]:
    parameters = [location for location in locations if location.startswith(_SSM)]
    for start in range(0, len(parameters), _BATCH):
        batch = parameters[start : start + _BATCH]
        yield batch, lambda batch=batch: _parameters(batch, until)  # type: ignore[misc]
    for location in locations:
        if location.startswith(_SECRET):
            yield [location], lambda location=location: _secret(location, until)  # type: ignore[misc]


def _parameters(locations: list[str], until: float) -> Values:
    names = [location[len(_SSM) :] for location in locations]
    region = variable("AWS_REGION")
    result = call("ssm", "AmazonSSM.GetParameters", {"Names": names, "WithDecryption": True}, region, until)
    return {_SSM + parameter["Name"]: parameter["Value"] for parameter in result["Parameters"]}


def _secret(location: str, until: float) -> Values:
    identity = location[len(_SECRET) :]
    region = identity.split(":")[3] if identity.startswith("arn:") else variable("AWS_REGION")
    result = call("secretsmanager", "secretsmanager.GetSecretValue", {"SecretId": identity}, region, until)
    return {location: result.get("SecretString", b"")}


def _value(reference: str, values: Values, errors: dict[str, RequestFailed]) -> str:
    location, _, key = reference.partition("#")
    if location in errors:
        raise errors[location]
    if location not in values:
        raise RequestFailed(f"ParameterNotFound: there is no such parameter in {variable('AWS_REGION')}")
    value = values[location]
    if isinstance(value, bytes):
        raise RequestFailed("it is binary, and an environment variable is text")
    if key:
        value = _member(value, key)
    if "\0" in value:
        raise RequestFailed("it contains a zero byte, which an environment variable cannot")
    return value


def _member(value: str, key: str) -> str:
    """Return one key of a JSON secret; a value that isn't text is returned as JSON."""
    try:
        members: Any = parse(value.encode())
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise RequestFailed(f"it is not a JSON object, so it has no key {key!r}")
    if key not in members:
        raise RequestFailed(f"its JSON has no key {key!r}")
    member = members[key]
    return member if isinstance(member, str) else _json(member)


def _json(value: Any) -> str:
    from .json_text import dump

    return dump(value).decode()


def reload_after_restore() -> None:
    """Under AWS's client and SnapStart, read the secrets again in each environment restored from a snapshot."""
    if variable("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        hooks = sys.modules.get("snapshot_restore_py") or __import__("snapshot_restore_py")
        hooks.register_after_restore(load)
