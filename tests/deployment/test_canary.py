"""Canaries on the local Lambda: random requests, real logs, and a clock that the test controls."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.aws.interface import Aws
from lambent.aws.values import LogEvent
from lambent.config.model import Canary, Hosting
from lambent.deployment.canary_log import (
    RequestCount,
    VersionLog,
    is_healthy,
    is_traceback,
    parse_invocation_end,
    same_invocation,
)
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy, prepare
from lambent.deployment.fetch import fetch
from lambent.deployment.rollback import rollback
from lambent.errors import AwsError, DeployError, UnconfirmedError
from support.deploy_cases import HookedAws, artifact, config
from support.local_service import RUNTIME
from support.waiting import eventually

FRESH = itertools.count()
HALF = Canary(0.5, 60)
SAYS = "def lambda_handler(event, context):\n    return {'statusCode': 200, 'body': 'TEXT'}\n"
FAILS = """\
def lambda_handler(event, context):
    if event['rawPath'] == '/x':
        raise ValueError('no TEXT today')
    return 'TEXT'
"""


@pytest.fixture
def name() -> str:
    return f"canary{next(FRESH)}"


class Clock:
    """Time that passes only in pauses, and what happens in each of them."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.now = 0.0
        self._meanwhile = meanwhile

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self._meanwhile()
        self.now += seconds


class Visitors:
    """Clients that send requests until each of these responses has come."""

    def __init__(self, url: str, *expected: tuple[int, bytes], path: str = "x") -> None:
        self._url, self._wanted = f"{url}{path}", set(expected)
        self.events: Counter[tuple[int, bytes]] = Counter()

    def __call__(self) -> None:
        missing = set(self._wanted)
        for _ in range(200):
            answer = fetch(self._url, 20)
            self.events[answer.status, answer.body] += 1
            missing.discard((answer.status, answer.body))
            if not missing:
                return
        raise AssertionError(f"never heard {missing}, only {self.events}")


class CanaryApp:
    def __init__(self, aws: Aws, folder: Path, name: str) -> None:
        self._aws, self._folder, self._name = aws, folder, name
        self.events: list[events.Event] = []

    def deploy(self, text: str, clock: Clock | None = None, canary: Canary | None = HALF, **changes: Any) -> events.Deployed:
        clock = clock or Clock()
        timing = Timing(role_s=5, settle_s=30, answer_s=5, look_s=20, clock=clock, pause=clock.pause)
        expected = config(self._folder, self._name, runtime=RUNTIME, hosting=Hosting(canary=canary, **changes))
        zipped = artifact(self._folder, text, runtime=RUNTIME)
        return deploy(expected, zipped, DeployContext(self._aws, self.events.append, timing))

    def shares(self) -> tuple[str, tuple[tuple[str, float], ...]]:
        alias = self._aws.alias(self._name, "live")
        assert alias is not None
        return alias.version, alias.weights

    def logged(self, version: str, requests: int) -> None:
        """Wait until the log has the ends of all requests to a version: they may come after the responses."""

        def complete() -> bool:
            lines = self._aws.log_events(f"/aws/lambda/{self._name}", "", 0)
            ends = [line for line in lines if f"[{version}]" in line.stream and line.text.startswith("REPORT")]
            return len(ends) > requests  # the check is one more

        eventually(complete, what="the log of all requests")


@pytest.fixture
def app(aws: Aws, name: str, tmp_path: Path) -> CanaryApp:
    return CanaryApp(aws, tmp_path, name)


def says(text: str) -> str:
    return SAYS.replace("TEXT", text)


def test_new_version_gets_a_share_and_then_all_traffic(app: CanaryApp) -> None:
    url = app.deploy(says("one")).url
    assert not [event for event in app.events if isinstance(event, events.CanaryProgress)], "a first deploy has none"
    visitors = Visitors(url, (200, b"one"), (200, b"two"))
    during = []

    def meanwhile() -> None:
        visitors()
        app.logged("2", visitors.events[200, b"two"])
        during.append(app.shares())

    deployed = app.deploy(says("two"), Clock(meanwhile))
    assert (deployed.version, deployed.url, during) == ("2", url, [("1", (("2", 0.5),))] * 3)
    assert app.shares() == ("2", ())
    assert set(visitors.events) == {(200, b"one"), (200, b"two")}
    looks = [event for event in app.events if isinstance(event, events.CanaryProgress)]
    assert [(look.version, look.share, look.left_s, look.errors) for look in looks] == [
        ("2", 0.5, left, 0) for left in (60, 40, 20, 0)
    ]
    assert looks[-1].requests == visitors.events[200, b"two"], "each once"


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_failing_version_is_taken_back(app: CanaryApp, log_format: Any) -> None:
    url = app.deploy(says("good"), log_format=log_format).url
    visitors = Visitors(url, (502, b"Internal Server Error"))
    with pytest.raises(DeployError) as failed:
        app.deploy(FAILS.replace("TEXT", "milk"), Clock(visitors), log_format=log_format)
    assert failed.value.exit_code == 1
    assert re.fullmatch(r"version 2 failed: 1 error in ([0-9]+ requests?) of its canary", failed.value.what)
    assert "version 1 has all the traffic again" in failed.value.hint
    assert "ValueError" in failed.value.detail and "no milk today" in failed.value.detail
    assert failed.value.detail.count("START RequestId") + failed.value.detail.count('"platform.start"') == 1
    assert app.shares() == ("1", ())


def test_canary_continues_if_the_old_version_fails_as_often(app: CanaryApp) -> None:
    url = app.deploy(FAILS.replace("TEXT", "milk")).url
    old = Visitors(url, (502, b"Internal Server Error"))
    old()
    both = Visitors(url, (200, b"milk"), (200, b"tea"), path="")

    def meanwhile() -> None:
        both()  # both versions get requests, and then /x fails for either of them
        for _ in range(20):
            old()

    assert app.deploy(FAILS.replace("TEXT", "tea"), Clock(meanwhile)).version == "2"
    assert [event for event in app.events if isinstance(event, events.CanaryProgress)][-1].errors > 0


def interrupt() -> None:
    raise KeyboardInterrupt


def broken_off(app: CanaryApp) -> str:
    url = app.deploy(says("one")).url
    with pytest.raises(KeyboardInterrupt):
        app.deploy(says("two"), Clock(interrupt))
    assert app.shares() == ("1", (("2", 0.5),))
    assert "50 % of the requests still go to version 2" in [e.text for e in app.events if isinstance(e, events.Warned)]
    return url


def test_interrupted_canary_keeps_its_share_and_a_rerun_watches_it_again(
    app: CanaryApp, aws: Aws, tmp_path: Path, name: str
) -> None:
    url = broken_off(app)
    expected = config(tmp_path, name, runtime=RUNTIME)
    plan = prepare(expected, artifact(tmp_path, says("two"), runtime=RUNTIME), aws)
    (line,) = [line for line in plan.lines if line.what == "alias live"]
    assert "50 % to version 2 by a canary that is in progress or was interrupted" in line.detail
    visitors = Visitors(url, (200, b"two"))
    assert app.deploy(says("two"), Clock(visitors)).version == "2"
    assert app.shares() == ("2", ()) and visitors.events


def test_deploying_the_old_version_ends_an_interrupted_canary(app: CanaryApp) -> None:
    broken_off(app)
    assert app.deploy(says("one")).version == "1"
    assert app.shares() == ("1", ())


def test_deploy_without_a_canary_ends_an_interrupted_one(app: CanaryApp) -> None:
    broken_off(app)
    assert app.deploy(says("three"), canary=None).version == "3"
    assert app.shares() == ("3", ())


def test_rollback_ends_an_interrupted_canary(app: CanaryApp, aws: Aws, name: str) -> None:
    broken_off(app)
    deployed = rollback(name, "", DeployContext(aws, events.ignore))
    assert (deployed.version, deployed.changed, app.shares()) == ("1", True, ("1", ()))


def test_another_deploy_during_a_canary_is_reported(app: CanaryApp, aws: Aws, tmp_path: Path, name: str) -> None:
    app.deploy(says("one"))
    rival = CanaryApp(aws, tmp_path, name)
    with pytest.raises(DeployError, match=r"another deploy of .* moved live to version 3 during the canary"):
        app.deploy(says("two"), Clock(lambda: rival.deploy(says("three"), canary=None)))
    assert app.shares() == ("3", ())


def test_another_canary_of_the_same_version_may_end_it_sooner(app: CanaryApp, aws: Aws, tmp_path: Path, name: str) -> None:
    app.deploy(says("one"))
    rival = CanaryApp(aws, tmp_path, name)
    assert app.deploy(says("two"), Clock(lambda: rival.deploy(says("two"), canary=Canary(0.5, 1)))).version == "2"
    assert app.shares() == ("2", ())


def test_denied_log_is_reported_before_the_alias_moves(app: CanaryApp, aws: Aws, tmp_path: Path, name: str) -> None:
    app.deploy(says("one"))
    with pytest.raises(AwsError, match="FilterLogEvents"):
        CanaryApp(HookedAws(aws, before=refused_from(1)), tmp_path, name).deploy(says("two"))  # type: ignore[arg-type]
    assert app.shares() == ("1", ())


def test_unreadable_log_leaves_the_result_unknown(app: CanaryApp, aws: Aws, tmp_path: Path, name: str) -> None:
    app.deploy(says("one"))
    with pytest.raises(UnconfirmedError, match="could not be read") as unsure:
        CanaryApp(HookedAws(aws, before=refused_from(3)), tmp_path, name).deploy(says("two"))  # type: ignore[arg-type]
    assert "50 % of the requests still go to version 2" in unsure.value.hint
    assert app.shares() == ("1", (("2", 0.5),))


def refused_from(first: int) -> Callable[[str, int], None]:
    count = itertools.count(1)

    def hook(call: str, number: int) -> None:
        if call == "log_events" and next(count) >= first:
            raise AwsError("not authorized to perform: logs:FilterLogEvents", code="AccessDeniedException")

    return hook


@pytest.mark.parametrize(
    ("new", "old", "good"),
    [
        (RequestCount(0, 0), RequestCount(0, 0), True),
        (RequestCount(10, 0), RequestCount(90, 9), True),
        (RequestCount(1, 1), RequestCount(90, 0), False),
        (RequestCount(10, 2), RequestCount(90, 1), True),
        (RequestCount(10, 3), RequestCount(100, 10), False),
        (RequestCount(100, 20), RequestCount(100, 10), True),
        (RequestCount(0, 3), RequestCount(0, 3), True),
    ],
)
def test_canary_continues_only_if_healthy(new: RequestCount, old: RequestCount, good: bool) -> None:
    assert is_healthy(new, old) is good


REPORT = "REPORT RequestId: 4f\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"
RECORD = '{"time":"t","type":"platform.report","record":{"requestId":"4f","status":"STATUS"}}'


@pytest.mark.parametrize(
    ("text", "ended", "wrong"),
    [
        (f"{REPORT}\n", True, False),
        (f"{REPORT}Status: timeout\n", True, True),
        (f"{REPORT}Status: error\tError Type: Runtime.ExitError\n", True, True),
        (RECORD.replace("STATUS", "success"), True, False),
        (RECORD.replace("STATUS", "failure"), True, True),
        ('{"type":"platform.report" and no more', True, False),
        ("[ERROR] ValueError: no\nTraceback (most recent call last):\n", False, True),
        ("2026-11-23T06:19:00Z 4f Task timed out after 3.00 seconds", False, True),
        ('{"level":"ERROR","errorType":"ValueError","stackTrace":["x"]}', False, True),
        ("START RequestId: 4f Version: 2", False, False),
        ("[ERROR]\tan error that the app only mentions", False, False),
    ],
)
def test_log_lines_are_classified(text: str, ended: bool, wrong: bool) -> None:
    deployed, failed = parse_invocation_end(text)
    assert (deployed, failed if deployed else is_traceback(text)) == (ended, wrong)


def test_error_is_shown_with_the_lines_of_its_invocation() -> None:
    texts = (
        "START RequestId: 1",
        "fine",
        REPORT,
        "START RequestId: 2",
        "oh",
        "Traceback (most recent",
        "  line",
        REPORT,
        "START RequestId: 3",
    )
    lines = [LogEvent(str(number), "s", number, text) for number, text in enumerate(texts)]
    assert [line.text for line in same_invocation(lines, lines[5])] == list(texts[3:8])
    assert [line.text for line in same_invocation(lines[4:7], lines[5])] == list(texts[4:7]), "not all is there yet"


def test_failures_and_lines_are_counted_once() -> None:
    lines = [LogEvent("1", "s", 1, "Traceback (most recent call last):"), LogEvent("2", "s", 2, f"{REPORT}Status: error")]
    log = VersionLog("2")
    log.add(lines)
    log.add(lines)
    assert log.count == RequestCount(1, 1) and log.first_error == lines[0]
    log.add([replace(lines[0], id="3")])
    assert log.count == RequestCount(1, 2)


def test_request_that_checked_the_version_is_not_counted() -> None:
    """Its end may be logged after the canary has begun."""
    log = VersionLog("2", "4f")
    log.add([LogEvent("1", "s", 1, REPORT), LogEvent("2", "s", 2, REPORT.replace("4f", "50"))])
    assert log.count == RequestCount(1, 0)
