"""The pytest plugin: a project's app, deployed from its real zip to a local Lambda for the time of the tests.

Nothing is imported or started for tests that don't use its fixtures.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import lambent
from lambent.errors import UsageError
from lambent.lazy import LazyModule

if TYPE_CHECKING:
    from lambent.ui import errors
else:
    errors = LazyModule("lambent.ui.errors")

_SETTINGS = {
    "path": "folder or Python file of the app, relative to pytest's rootdir. Default: the rootdir",
    "app": "the app, if lambent can't find it: main:app",
    "stage": "stage whose settings and environment variables the app gets",
    "port": "port of the local Lambda, and the next ones for further workers of pytest-xdist. Default: a free one",
}

_AS_OPTION = re.compile(r"(?<![\w-])--(app|stage)( |$)", re.MULTILINE)
_PATH = re.compile(r"^lambent deploy --local ([^-\s]\S*)(?=,|$)", re.MULTILINE)
"""What hints name that pytest has under another name."""

_LOCAL = pytest.StashKey["lambent.LocalLambda"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lambent", "an app on a local Lambda (lambent)")
    for name, text in _SETTINGS.items():
        group.addoption(f"--lambent-{name}", metavar=name.upper(), help=text)
        parser.addini(f"lambent_{name}", text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what functions logged during a test that fails: a 500 says nothing of its reason."""
    report = yield
    local = item.config.stash.get(_LOCAL, None)
    if local is not None and call.when == "call" and report.failed and (log := _log_since(local, call.start)):
        report.sections.append(("Lambda log", log))
    return report


@pytest.fixture(scope="session")
def lambent_local(pytestconfig: pytest.Config) -> Iterator[lambent.LocalLambda]:
    """A local Lambda with nothing in it, for this session alone. It is stopped and deleted at the end."""
    with _reported(), lambent.LocalLambda(port=_port(pytestconfig)) as local:
        pytestconfig.stash[_LOCAL] = local
        yield local
        del pytestconfig.stash[_LOCAL]


@pytest.fixture(scope="session")
def lambent_url(_lambent_deployed: lambent.events.Deployed) -> str:
    """The URL of the project's app, which runs from its zip on a local Lambda. It ends with a slash."""
    if not _lambent_deployed.url:
        pytest.fail("the app has no URL, since only other events than HTTP requests call it: use lambda_client", pytrace=False)
    return _lambent_deployed.url


@pytest.fixture(scope="session")
def lambda_client(lambent_local: lambent.LocalLambda, _lambent_deployed: lambent.events.Deployed) -> Any:
    """boto3's Lambda client for the local Lambda, on which the project's app is deployed."""
    return lambent_local.client("lambda")


@pytest.fixture(scope="session")
def _lambent_deployed(pytestconfig: pytest.Config, lambent_local: lambent.LocalLambda) -> lambent.events.Deployed:
    path = pytestconfig.rootpath / (_setting(pytestconfig, "path") or ".")
    flags = lambent.Flags(app=_setting(pytestconfig, "app"), stage=_setting(pytestconfig, "stage"))
    with _reported():
        return lambent.deploy(path, lambent_local, flags)


def _log_since(local: lambent.LocalLambda, start: float) -> str:
    """Return what all functions have logged since a time, in seconds since the epoch; or why that can't be read."""
    try:
        logs = local.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        pages = [logs.filter_log_events(logGroupName=group, startTime=int(start * 1000)) for group in groups]
    except Exception as error:  # the test may have stopped the local Lambda, and an error here would end the whole run
        return f"can't be read: {error}"
    return "".join(f"{event['message'].rstrip()}\n" for page in pages for event in page["events"])


def _setting(config: pytest.Config, name: str) -> str | None:
    return config.getoption(f"lambent_{name}") or config.getini(f"lambent_{name}") or None


def _port(config: pytest.Config) -> int:
    """Return the port for this process: each worker of pytest-xdist ("gw2") has a local Lambda of its own."""
    port, worker = _setting(config, "port") or "0", getattr(config, "workerinput", {}).get("workerid", "gw0")
    if not port.isdecimal():
        raise UsageError(f"lambent_port must be a number, got {port}", where="--lambent-port, or pytest's configuration")
    return int(port) and int(port) + int(worker.removeprefix("gw"))


@contextmanager
def _reported() -> Iterator[None]:
    """Show an error of lambent as `lambent deploy` does, and not where in lambent it was raised."""
    try:
        yield
    except lambent.LambentError as error:
        error.hint = _AS_OPTION.sub(r"--lambent-\1\2", _PATH.sub(r"--lambent-path \1", error.hint))
        raise pytest.fail.Exception(errors.format_error(error), pytrace=False) from None
