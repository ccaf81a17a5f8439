"""`lambent invoke` and `lambent curl` on the local Lambda: results, failures, sample events, and signed requests."""

from __future__ import annotations

import http.client
import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lambent import events
from lambent.aws.interface import Aws
from lambent.cli.curl import curl_arguments
from lambent.config.model import Hosting
from lambent.deployment.app_url import find_url
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.invoke import build_event, find_callee, invoke, invoke_async, split_log
from lambent.deployment.sample_events import NAMES, Sender, merged, sample_event
from lambent.deployment.signing_proxy import TOKEN_HEADER, Proxy, signing_proxy
from lambent.errors import DeployError, UsageError
from lambent.events import Event
from lambent.log_events import Invoked, Queued
from lambent.runtime.request import NotHttp, read
from support.deploy_cases import artifact, config
from support.local_service import RUNTIME, Service
from support.waiting import eventually

FRESH = itertools.count()
QUICK = Timing(role_s=5, settle_s=30, answer_s=5)
ECHO = """
import json
def lambda_handler(event, context):
    print("got", event.get("rawPath"))
    if event.get("rawPath") == "/boom":
        raise ValueError("no such colour")
    if "requestContext" not in event:
        return event
    who = event["requestContext"].get("authorizer", {}).get("iam", {}).get("userArn")
    told = [who, event["rawPath"], event["rawQueryString"], event.get("body"), event["requestContext"]["http"]["method"]]
    return {"statusCode": 200, "body": json.dumps(told)}
"""


@pytest.fixture
def name() -> str:
    return f"called{next(FRESH)}"


def run(aws: Aws, folder: Path, name: str, text: str = ECHO, **hosting: Any) -> str:
    app_config = config(folder, name, runtime=RUNTIME, hosting=Hosting(**hosting))
    return deploy(app_config, artifact(folder, text, runtime=RUNTIME), DeployContext(aws, events.ignore, QUICK)).url


def call(aws: Aws, name: str, text: str | None = None, sample: str = "", version: str = "") -> Invoked:
    seen: list[Event] = []
    callee = find_callee(aws, name, version)
    try:
        invoke(aws, callee, build_event(aws, callee, text, sample), seen.append)
    finally:
        assert isinstance(seen[0], Invoked)
        shown = seen[0]
    return shown


def test_the_result_and_the_log(aws: Aws, tmp_path: Path, name: str) -> None:
    run(aws, tmp_path, name)
    result = call(aws, name, '{"rawPath": "/x"}')
    assert json.loads(result.payload) == {"rawPath": "/x"} and result.error == ""
    assert [line.text for line in result.request.lines] == ["got /x"] and result.request.duration_ms
    assert json.loads(call(aws, name).payload) == {}, "a handler gets an empty object"
    with pytest.raises(DeployError, match="the function failed: ValueError: no such colour"):
        call(aws, name, '{"rawPath": "/boom"}')


def test_a_failure_shows_the_traceback(aws: Aws, tmp_path: Path, name: str) -> None:
    run(aws, tmp_path, name)
    seen: list[Event] = []
    with pytest.raises(DeployError) as error:
        invoke(aws, find_callee(aws, name), b'{"rawPath": "/boom"}', seen.append)
    (result,) = seen
    assert isinstance(result, Invoked) and result.error == "Unhandled"
    assert result.request.lines[1].text.endswith("\nValueError: no such colour") and result.request.failed
    assert error.value.where == f"function {name}, version 1"


def test_a_version_and_a_function_of_others(aws: Aws, service: Service, tmp_path: Path, name: str) -> None:
    run(aws, tmp_path, name)
    run(aws, tmp_path, name, "def lambda_handler(event, context):\n    return 'two'\n")
    assert call(aws, name, "{}").payload == '"two"' and call(aws, name, "{}", version="1").payload == "{}"
    with pytest.raises(UsageError, match="has no version 7"):
        find_callee(aws, name, "7")
    with pytest.raises(DeployError, match="nonesuch is not deployed"):
        find_callee(aws, "nonesuch")


def test_what_is_no_event_is_refused(aws: Aws, tmp_path: Path, name: str) -> None:
    run(aws, tmp_path, name)
    with pytest.raises(UsageError, match="the event isn't JSON"):
        call_event = find_callee(aws, name)
        build_event(aws, call_event, "{no", "")
    with pytest.raises(UsageError, match="must be a JSON object"):
        build_event(aws, find_callee(aws, name), "[1]", "url")


def test_an_event_of_the_url(aws: Aws, tmp_path: Path, name: str) -> None:
    url = run(aws, tmp_path, name, auth="AWS_IAM")
    event = json.loads(build_event(aws, find_callee(aws, name), '{"rawPath": "/orders", "headers": {"x-a": "b"}}', "url"))
    assert event["headers"]["host"] in url and event["headers"]["x-a"] == "b"
    result = json.loads(json.loads(call(aws, name, '{"rawPath": "/orders"}', "url").payload)["body"])
    assert result == ["arn:aws:iam::123456789012:user/lambent-check", "/orders", "", None, "GET"]


def test_events_are_queued(aws: Aws, tmp_path: Path, name: str) -> None:
    run(aws, tmp_path, name)
    seen: list[Event] = []
    invoke_async(aws, find_callee(aws, name), b'{"rawPath": "/later"}', seen.append)
    assert isinstance(seen[0], Queued) and seen[0].request_id
    logged = eventually(lambda: [each for each in aws.log_events(f"/aws/lambda/{name}", "", 0) if "got /later" in each.text])
    assert len(logged) == 1


@pytest.mark.parametrize("sample", NAMES)
def test_samples_are_what_the_runtime_reads(sample: str) -> None:
    event = json.loads(json.dumps(sample_event(sample, Sender("123456789012", "eu-west-1"))))
    if sample in ("url", "http-api", "rest-api", "alb"):
        request = read(event, None)
        assert (request.method, request.form) == ("GET", {"alb": "elb", "rest-api": "1.0"}.get(sample, "2.0"))
        assert request.path in ("/", "/prod/")
    else:
        with pytest.raises(NotHttp):
            read(event, None)
        assert "eu-west-1" in str(event) or sample == "s3"


def test_members_are_merged() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 4}, "e": 5}) == {"a": {"b": 4, "c": 2}, "d": 3, "e": 5}


def test_the_tail_of_a_log_is_split_into_its_events() -> None:
    traceback = "[ERROR] ValueError: no\nTraceback (most recent call last):\n\xa0\xa0File\n\xa0\xa0\xa0\xa0x"
    assert split_log(f"START RequestId: 1\n{traceback}\nafter\n") == ["START RequestId: 1", traceback, "after"]


def test_the_arguments_of_curl() -> None:
    url, local = "https://x.lambda-url.eu-west-1.on.aws/", "http://x.lambda-url.eu-west-1.localhost:4580/"
    assert curl_arguments(url, ()) == [url]
    assert curl_arguments(url, ("/a?b=c", "-X", "POST")) == ["-X", "POST", f"{url}a?b=c"]
    assert curl_arguments(url, ("-s",)) == ["-s", url]
    host = local.removeprefix("http://").removesuffix("/")
    through = ["--connect-to", f"{host}:127.0.0.1:4580", "--noproxy", host.removesuffix(":4580")]
    assert curl_arguments(local, ("orders",)) == [*through, f"{local}orders"]
    signed = curl_arguments(url, ("/",), Proxy(99, "t"))
    assert signed[1] == "x.lambda-url.eu-west-1.on.aws:80:127.0.0.1:99" and signed[-1] == url.replace("https", "http")
    with pytest.raises(UsageError, match="PATH is a path") as error:
        curl_arguments(url, ("https://example.com/x",))
    assert error.value.hint == "lambent curl /x"


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
@pytest.mark.parametrize(
    ("request_", "answer"),
    (
        (("/a%20b?x=2&a=1",), ["/a%20b", "x=2&a=1", None, "GET"]),
        (("/n%c3%b6?q=%20",), ["/n%C3%B6", "q=%20", None, "GET"]),
        (("/p", "--json", '{"a": 1}'), ["/p", "", '{"a": 1}', "POST"]),
        (("/p", "-T", "-", "-H", "content-type: text/plain"), ["/p", "", "uploaded", "PUT"]),
        (("/d", "-X", "DELETE"), ["/d", "", None, "DELETE"]),
    ),
)
def test_requests_of_curl_are_signed(
    aws: Aws, signed_url: tuple[str, str], request_: tuple[str, ...], answer: list[str | None]
) -> None:
    url = find_url(aws, signed_url[0])
    with signing_proxy(aws, url.address) as proxy:
        header = ["-s", "-H", f"{TOKEN_HEADER}: {proxy.token}"]
        command = ["curl", *header, *curl_arguments(url.address, request_, proxy)]
        done = subprocess.run(command, input="uploaded", capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["arn:aws:sts::123456789012:user/moto", *answer]


@pytest.fixture(scope="module")
def signed_url(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    name = "signed-curl"
    return name, run(aws, tmp_path_factory.mktemp("app"), name, auth="AWS_IAM")


def test_nobody_else_can_use_the_proxy(aws: Aws, signed_url: tuple[str, str]) -> None:
    with signing_proxy(aws, signed_url[1]) as proxy:
        for headers in ({}, {TOKEN_HEADER: "guess"}):
            connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
            connection.request("GET", "/", headers=headers)
            assert connection.getresponse().status == 403
            connection.close()
