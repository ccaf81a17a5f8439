"""`lambent logs` on the local Lambda, where functions run, and on moto's server, which has no live log."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable

import boto3
import pytest

from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.aws.values import LogEvent
from lambent.deployment.follow_log import FollowTiming
from lambent.deployment.logs import LogQuery, check_request_id, find_log, show_live, show_past, show_text
from lambent.errors import AwsError, DeployError, LambentError, UsageError
from lambent.events import Event
from lambent.log_events import LoggedRequest, LogText
from support.deploy_cases import HookedAws
from support.local_service import RUNTIME, Service, zipped
from support.moto_server import endpoint
from support.waiting import eventually

__all__ = ["endpoint"]

FRESH = itertools.count()
QUICK = FollowTiming(pause_s=0.05)
ALL = LogQuery(0)
APP = """
import os
def handler(event, context):
    print("working with", os.environ["API_KEY"])
    if event == "loud":
        print("".join(f"line {number}\\n" for number in range(1500)), end="")
    if event == "raise":
        raise ValueError("no such colour")
    return event
"""


class Following:
    """`lambent logs -f` in a thread, until the end of the test."""

    def __init__(self, follow: Callable[[Callable[[Event], None]], None]) -> None:
        self.seen: list[Event] = []
        self._thread = threading.Thread(target=self._run, args=(follow,), daemon=True)
        self._thread.start()

    def _run(self, follow: Callable[[Callable[[Event], None]], None]) -> None:
        with contextlib.suppress(LambentError):  # the service has been stopped
            follow(self.seen.append)

    def requests(self) -> list[LoggedRequest]:
        return [event for event in self.seen if isinstance(event, LoggedRequest)]


@pytest.fixture
def name(service: Service) -> str:
    """A function that lambent didn't deploy."""
    name = f"logged{next(FRESH)}"
    client = service.client("lambda", region_name="eu-west-1")
    client.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=service.role(),
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": APP})},
        Environment={"Variables": {"API_KEY": "k3y-of-shop"}},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    return name


def past(aws: Aws, name: str, query: LogQuery = ALL) -> list[LoggedRequest]:
    seen: list[Event] = []
    shown = show_past(aws, find_log(aws, name), query, seen.append)
    assert shown == bool(seen)
    return [event for event in seen if isinstance(event, LoggedRequest)]


def test_the_log_of_a_function_that_lambent_did_not_deploy(aws: Aws, name: str) -> None:
    good, bad = aws.invoke(name, "", b'"fine"'), aws.invoke(name, "", b'"raise"')
    first, second = past(aws, name)
    assert [line.text for line in first.lines] == ["working with …"] and not first.failed and first.init_ms
    assert second.failed and not second.init_ms
    assert second.lines[1].text.splitlines()[0] == "Traceback (most recent call last):"
    assert second.lines[1].text.endswith("\nValueError: no such colour")
    assert [request.request_id for request in past(aws, name, LogQuery(0, errors_only=True))] == [bad.request_id]
    (by_id,) = past(aws, name, LogQuery(0, request=good.request_id))
    assert by_id == first and past(aws, name, LogQuery(0, request=bad.request_id[:8])) == [second]
    assert past(aws, name, LogQuery(time.time() + 60)) == []


def test_raw_is_what_is_stored(aws: Aws, name: str) -> None:
    aws.invoke(name, "", b'"fine"')
    seen: list[Event] = []
    show_text(aws, find_log(aws, name), ALL, seen.append, None)
    texts = [event.text.split(" ")[0].strip() for event in seen if isinstance(event, LogText)]
    assert texts == ["INIT_START", "START", "working", "END", "REPORT"] and "k3y-of-shop" in str(seen)


def test_requests_are_followed_live(aws: Aws, name: str) -> None:
    aws.invoke(name, "", b'"before"')
    watched = HookedAws(aws)
    since = LogQuery(time.time() + 0.001)  # the first request may have ended in this millisecond
    following = Following(lambda emit: show_live(watched, find_log(aws, name), since, emit, QUICK))  # type: ignore[arg-type]
    eventually(lambda: "live_tail" in watched.calls)
    ids = [aws.invoke(name, "", payload).request_id for payload in (b'"one"', b'"raise"')]
    eventually(lambda: len(following.requests()) == 2)
    assert [request.request_id for request in following.requests()] == ids and following.requests()[1].failed
    assert watched.calls.count("log_pages") == 1, "the log itself is read once"


def test_more_than_a_live_session_shows_is_read(aws: Aws, name: str) -> None:
    following = Following(lambda emit: show_live(aws, find_log(aws, name), ALL, emit, QUICK))
    aws.invoke(name, "", b'"one"')
    eventually(lambda: following.requests())
    aws.invoke(name, "", b'"loud"')
    eventually(lambda: len(following.requests()) >= 2)
    _, loud = following.requests()
    assert [line.text for line in loud.lines[1:]] == [f"line {number}" for number in range(1500)]
    aws.invoke(name, "", b'"three"')
    eventually(lambda: len(following.requests()) >= 3)
    assert len(following.requests()) == 3


def test_following_begins_with_the_past_and_repeats_nothing(aws: Aws, name: str) -> None:
    before = aws.invoke(name, "", b'"before"').request_id
    following = Following(lambda emit: show_live(aws, find_log(aws, name), ALL, emit, QUICK))
    eventually(lambda: following.requests())
    after = aws.invoke(name, "", b'"after"').request_id
    eventually(lambda: len(following.requests()) >= 2)
    assert [request.request_id for request in following.requests()] == [before, after]


def test_without_permission_for_live_tail_the_log_is_polled(aws: Aws, name: str) -> None:
    def refuse(call: str, number: int) -> None:
        if call == "live_tail":
            raise AwsError("not allowed", code="AccessDeniedException")

    watched = HookedAws(aws, before=refuse)
    following = Following(lambda emit: show_live(watched, find_log(aws, name), ALL, emit, QUICK))  # type: ignore[arg-type]
    ids = []
    for count in (1, 2):
        ids.append(aws.invoke(name, "", b'"x"').request_id)
        eventually(lambda count=count: len(following.requests()) == count)
    assert [request.request_id for request in following.requests()] == ids
    assert watched.calls.count("live_tail") == 1 and watched.calls.count("log_pages") >= 2


def test_a_session_that_ends_is_replaced(aws: Aws, name: str) -> None:
    aws.invoke(name, "", b'"x"')
    sessions = 0

    class Ending(HookedAws):
        def live_tail(self, group_arn: str) -> object:
            nonlocal sessions
            sessions += 1
            if sessions > 2:
                return aws.live_tail(group_arn)
            yield ()
            yield (LogEvent("", "2026/11/30/[1]x", 1, f"in session {sessions}"),)
            raise AwsError("SessionTimeoutException")

    following = Following(lambda emit: show_live(Ending(aws), find_log(aws, name), ALL, emit, QUICK))  # type: ignore[arg-type]
    eventually(lambda: sessions == 3)
    aws.invoke(name, "", b'"y"')
    eventually(lambda: len([request for request in following.requests() if request.request_id]) == 2)


def test_who_has_no_log_is_told_so(aws: Aws, name: str) -> None:
    with pytest.raises(DeployError, match="nonesuch is not deployed, and there is no log of it"):
        find_log(aws, "nonesuch")
    assert find_log(aws, name).group is None and past(aws, name) == []
    aws.invoke(name, "", b'"x"')
    aws.log_events(f"/aws/lambda/{name}", "", 0)  # the log group exists once something was logged
    aws.delete_function(name)
    assert len(past(aws, name)) == 1, "a log outlives its function"
    with pytest.raises(UsageError, match="not a request ID"):
        check_request_id("x; rm")


def test_moto_s_server_is_polled(endpoint: str) -> None:
    aws = connect("eu-west-1", endpoint_url=endpoint, keys=("lambent", "lambent"))
    logs = boto3.client("logs", "eu-west-1", endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x")
    group, stream = "/aws/lambda/other", "2026/11/30/[$LATEST]a"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)

    def put(request_id: str) -> None:
        texts = (
            f"START RequestId: {request_id} Version: $LATEST",
            "hi",
            f"REPORT RequestId: {request_id}\tDuration: 1.00 ms\t",
        )
        now = int(time.time() * 1000)
        lines = [{"timestamp": now, "message": text} for text in texts]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=lines)

    put("one")
    following = Following(lambda emit: show_live(aws, find_log(aws, "other"), ALL, emit, QUICK))
    eventually(lambda: following.requests())
    put("two")
    eventually(lambda: len(following.requests()) >= 2)
    assert [request.request_id for request in following.requests()] == ["one", "two"]
    assert [request.request_id for request in past(aws, "other")] == ["one", "two"]
