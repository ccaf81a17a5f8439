"""Secrets by reference: environment variables whose values are read from AWS, with the function's own role, when it starts.

LAMBENT_SECRETS is JSON, {"DB": "ssm:/shop/db", "KEY": "secret:shop/keys#stripe"}: a parameter of SSM's Parameter Store, or a
secret of Secrets Manager, whole or one key of its JSON. This module is imported only where that is set. A value is never
in anything said here.
"""

from __future__ import annotations

import posix
import sys
from threading import Thread
from time import monotonic

from .ask import Refused, ask
from .environment import set_variable, variable
from .fault import Fault
from .json_text import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Found = dict[str, str | bytes]  # texts by reference without its key; bytes of a secret that is binary
    Job = Callable[[], Found]

_WITHIN_S = 8.0
"""For all of them together: the init phase has 10 s."""

_BATCH = 10
"""Parameters that one GetParameters takes."""

_SSM, _SECRET = "ssm:", "secret:"
_ours: set[str] = set()


def load() -> None:
    """Sets the variables; one that is set already stays as it is, unless it was set here (before a snapshot was taken).

    Raises Fault that names each variable and reference that could not be had.
    """
    named = _references()
    wanted = {name: text for name, text in named.items() if name in _ours or name.encode() not in posix.environ}
    found, failed = _fetch({text.partition("#")[0] for text in wanted.values()})
    problems = []
    for name, text in sorted(wanted.items()):
        try:
            set_variable(name, _value(text, found, failed))
            _ours.add(name)
        except Refused as refused:
            problems.append(f"{name} = {text}: {refused}")
    if problems:
        raise Fault("Function.SecretUnavailable", "; ".join(problems))


def _references() -> dict[str, str]:
    try:
        named = parse(variable("LAMBENT_SECRETS").encode())
        if all(text.startswith((_SSM, _SECRET)) for text in named.values()):
            return dict(named)
    except (ValueError, AttributeError):
        pass
    raise Fault("Function.SecretUnavailable", 'LAMBENT_SECRETS is not JSON such as {"NAME": "ssm:/path"}')


def _fetch(places: set[str]) -> tuple[Found, dict[str, Refused]]:
    """What is at these places, all asked for at once; and why the others could not be read."""
    found: Found = {}
    failed: dict[str, Refused] = {}

    def run(asked: list[str], job: Job) -> None:
        try:
            found.update(job())
        except Refused as refused:
            failed.update(dict.fromkeys(asked, refused))
        except Exception as error:
            failed.update(dict.fromkeys(asked, Refused(f"the answer cannot be read ({type(error).__name__})")))

    until = monotonic() + _WITHIN_S
    threads = [Thread(target=run, args=each, daemon=True) for each in _jobs(sorted(places), until)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, failed


def _jobs(places: list[str], until: float) -> Iterable[tuple[list[str], Job]]:
    parameters = [place for place in places if place.startswith(_SSM)]
    for start in range(0, len(parameters), _BATCH):
        batch = parameters[start : start + _BATCH]
        yield batch, lambda batch=batch: _parameters(batch, until)  # type: ignore[misc]
    for place in places:
        if place.startswith(_SECRET):
            yield [place], lambda place=place: _secret(place, until)  # type: ignore[misc]


def _parameters(places: list[str], until: float) -> Found:
    names = [place.removeprefix(_SSM) for place in places]
    region = variable("AWS_REGION")
    answer = ask("ssm", "AmazonSSM.GetParameters", {"Names": names, "WithDecryption": True}, region, until)
    return {_SSM + each["Name"]: each["Value"] for each in answer["Parameters"]}


def _secret(place: str, until: float) -> Found:
    identity = place.removeprefix(_SECRET)
    region = identity.split(":")[3] if identity.startswith("arn:") else variable("AWS_REGION")
    answer = ask("secretsmanager", "secretsmanager.GetSecretValue", {"SecretId": identity}, region, until)
    return {place: answer.get("SecretString", b"")}


def _value(text: str, found: Found, failed: dict[str, Refused]) -> str:
    place, _, key = text.partition("#")
    if place in failed:
        raise failed[place]
    if place not in found:
        raise Refused(f"ParameterNotFound: there is no such parameter in {variable('AWS_REGION')}")
    value = found[place]
    if isinstance(value, bytes):
        raise Refused("it is binary, and an environment variable is text")
    if key:
        value = _member(value, key)
    if "\0" in value:
        raise Refused("it holds a zero byte, which no environment variable can")
    return value


def _member(value: str, key: str) -> str:
    """One key of a secret that is JSON. What is no text there is given as JSON."""
    try:
        members: Any = parse(value.encode())
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise Refused(f"it is no JSON object, so it has no key {key!r}")
    if key not in members:
        raise Refused(f"its JSON has no key {key!r}")
    member = members[key]
    return member if isinstance(member, str) else _json(member)


def _json(value: Any) -> str:
    from .json_text import dump

    return dump(value).decode()


def reload_after_restore() -> None:
    """With AWS's client under SnapStart: reads them again in each environment that is restored from a snapshot."""
    if variable("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        hooks = sys.modules.get("snapshot_restore_py") or __import__("snapshot_restore_py")
        hooks.register_after_restore(load)
