"""Streaming switched on and off on a live URL: what clients see during the switch, and the result of a failure."""

from __future__ import annotations

import threading
import zipfile
from base64 import b64encode
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.aws.values import BUFFERED, STREAMED, Invoked, Settings
from lambent.config.model import App, Config
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.fetch import Response, fetch
from lambent.deployment.url_check import check_url
from lambent.deployment.version_check import CheckRequest, judge, response_mode
from lambent.errors import AwsError, DeployError, UnconfirmedError
from lambent.package.artifact import Artifact
from support.deploy_cases import HookedAws
from support.local_service import RUNTIME, Service
from support.streaming_runtime import WRAPPER, function_files

QUICK = Timing(role_s=5, settle_s=30, answer_s=5)
EITHER = """
def answer(event, out):
    if os.environ.get("LAMBENT_RESPONSE") == "stream":
        out.head()
        out.prelude(headers={"content-type": "text/plain"}, cookies=["secret=1"])
        out.send(b"TEXT")
        out.end()
    else:
        told = {"statusCode": 200, "headers": {"content-type": "text/plain"}, "cookies": ["secret=1"], "isBase64Encoded": False}
        out.post(json.dumps(told | {"body": "TEXT"}).encode())
"""


@pytest.fixture
def aws(service: Service) -> Aws:
    return connect("eu-west-1", endpoint_url=service.url, keys=("lambent", "lambent"))


def run(
    aws: Aws,
    folder: Path,
    name: str,
    text: str,
    *,
    stream: bool,
    environment: tuple[tuple[str, str], ...] = (),
    code: str = EITHER,
) -> Any:
    """Deploy an app that responds with `text`, as a build with or without `stream` makes it."""
    path = folder / f"{text}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file, source in function_files(code.replace("TEXT", text)).items():
            info = zipfile.ZipInfo(file, date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o755 << 16
            archive.writestr(info, source)
    data = path.read_bytes()
    own = (WRAPPER, ("LAMBENT_RESPONSE", "stream")) if stream else (WRAPPER,)
    digest = b64encode(sha256(data).digest()).decode()
    artifact = Artifact(path, digest, len(data), len(data), 2, RUNTIME, "x86_64", "main.app", own)
    config = Config(folder, name, App("main", "app", "asgi"), RUNTIME, timeout_s=5, stream=stream, environment=environment)
    emitted: list[events.Event] = []
    return deploy(config, artifact, DeployContext(aws, emitted.append, QUICK))


class Client:
    """Sends requests to a URL while something else happens."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.response: Counter[tuple[int, bytes]] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._stop.is_set():
            answer = fetch(self._url, 20)
            self.response[answer.status, answer.body] += 1

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def mode(aws: Aws, name: str) -> str:
    url = aws.url(name, "live")
    assert url is not None
    return url.mode


def test_no_client_sees_raw_json_when_streaming_is_switched(aws: Aws, tmp_path: Path) -> None:
    url = run(aws, tmp_path, "switch", "one", stream=False).url
    assert (mode(aws, "switch"), fetch(url, 10).body) == (BUFFERED, b"one")
    with Client(url) as client:
        for text, stream in (("two", True), ("three", False), ("four", True), ("four", False)):
            deployed = run(aws, tmp_path, "switch", text, stream=stream)
            assert deployed.url == url
            assert mode(aws, "switch") == (STREAMED if stream else BUFFERED)
            assert fetch(url, 10).body == text.encode()
            assert run(aws, tmp_path, "switch", text, stream=stream).changed is False
    good = {(200, text) for text in (b"one", b"two", b"three", b"four")}
    assert set(client.response) <= good | {(502, b"Internal Server Error")}, client.response
    assert (200, b"two") in client.response


@pytest.mark.parametrize("stream", [True, False])
def test_interrupted_switch_is_completed_by_a_rerun(aws: Aws, tmp_path: Path, stream: bool) -> None:
    """At each of the two calls that change what clients see, neither the interruption nor the rerun shows raw JSON."""
    name = f"broken{stream}"
    url = run(aws, tmp_path, name, "before", stream=not stream).url
    for turn, call in enumerate(("move_alias", "update_url")):
        for after in (False, True):

            def fail(call_name: str, number: int, call: str = call) -> None:
                if call_name == call:
                    raise KeyboardInterrupt

            run(aws, tmp_path, name, "before", stream=not stream)
            meddled = HookedAws(aws, after=fail) if after else HookedAws(aws, before=fail)
            with pytest.raises(KeyboardInterrupt):
                run(meddled, tmp_path, name, f"after{turn}", stream=stream)  # type: ignore[arg-type]
            response = fetch(url, 10)
            assert not response.raw and response.status in (200, 502)
            run(aws, tmp_path, name, f"after{turn}", stream=stream)
            assert fetch(url, 10).body == f"after{turn}".encode()


@pytest.mark.parametrize("stream", [True, False])
def test_refused_mode_leaves_the_old_version_and_its_mode(aws: Aws, tmp_path: Path, stream: bool) -> None:
    name = f"refused{stream}"
    url = run(aws, tmp_path, name, "before", stream=not stream).url

    def refuse(call_name: str, number: int) -> None:
        if call_name == "update_url":
            raise AwsError("not authorized to perform: lambda:UpdateFunctionUrlConfig", code="AccessDeniedException")

    with pytest.raises(AwsError, match="UpdateFunctionUrlConfig"):
        run(HookedAws(aws, before=refuse), tmp_path, name, "after", stream=stream)  # type: ignore[arg-type]
    assert fetch(url, 10).body == b"before"


def test_version_with_the_wrong_response_form_does_not_go_live(aws: Aws, tmp_path: Path) -> None:
    url = run(aws, tmp_path, "form", "good", stream=False).url
    for stream, response in ((False, "stream"), (True, "buffered")):
        with pytest.raises(DeployError, match="the app responds for a"):
            run(aws, tmp_path, "form", "bad", stream=stream, environment=(("LAMBENT_RESPONSE", response),))
        assert fetch(url, 10).body == b"good"


ENDLESS = """
def answer(event, out):
    out.head()
    out.prelude()
    out.send(b"TEXT")
    while True:
        time.sleep(0.1)
        out.send(b".")
"""
FAILING = """
def answer(event, out):
    {how}
"""
HOWS = {
    "raises late": (
        """
    import base64
    told = base64.b64encode(b'{"errorType":"ValueError","errorMessage":"TEXT"}').decode()
    out.head()
    out.end(f"Lambda-Runtime-Function-Error-Type: Function.ValueError\\r\\nLambda-Runtime-Function-Error-Body: {told}\\r\\n")
    """,
        "ValueError: TEXT",
    ),
    "answers 500": (
        "print('the TEXT', flush=True); out.head(); out.prelude(statusCode=500); out.send(b'oh'); out.end()",
        "500",
    ),
    "exits": ("print('the TEXT', flush=True); os._exit(4)", "exit status 4"),
}


def test_app_with_an_endless_response_goes_live(aws: Aws, tmp_path: Path) -> None:
    """A clock at `/`: its beginning is enough for the check, and for the request of the URL."""
    deployed = run(aws, tmp_path, "endless", "tick", stream=True, code=ENDLESS)
    assert fetch(deployed.url, 10).body.startswith(b"tick")


@pytest.mark.parametrize("how", HOWS)
def test_failing_streamed_version_does_not_go_live(aws: Aws, tmp_path: Path, how: str) -> None:
    name = how.replace(" ", "")
    url = run(aws, tmp_path, name, "good", stream=True).url
    code, message = HOWS[how]
    with pytest.raises(DeployError) as failed:
        run(aws, tmp_path, name, "reason", stream=True, code=FAILING.replace("{how}", code.strip()))
    assert message.replace("TEXT", "reason") in failed.value.what
    assert how == "raises late" or "the reason" in failed.value.detail
    assert fetch(url, 10).body == b"good"


def test_both_response_forms_are_judged() -> None:
    settings = Settings("role", RUNTIME, "main.app", 128, 3, 512)
    broken = b'{"statusCode": 500}' + b"\0" * 8 + b"the reason"
    failure = judge(Invoked(broken, "", ""), settings)
    assert failure is not None and (failure.status, failure.body) == (500, "the reason")
    good = b'{"statusCode": 200}' + b"\0" * 8 + b"\0\xff"
    assert judge(Invoked(good, "", ""), settings) is None
    assert [response_mode(payload) for payload in (good, b'{"statusCode": 200}', b'"hi"', b"\xff")] == [
        STREAMED,
        BUFFERED,
        "",
        "",
    ]


def test_raw_json_from_the_url_is_reported(aws: Aws) -> None:
    """After a change by hand, or while AWS is slow, a good status isn't enough."""
    shown = Response(200, b'{"statusCode":200,"headers":{},"body":"x","isBase64Encoded":false}')
    settings = Settings("role", RUNTIME, "main.app", 128, 1, 512)
    request = CheckRequest("f", "1", settings, strict=True, url="http://x/", mode=BUFFERED)
    context = DeployContext(aws, events.ignore, replace(QUICK, answer_s=0), lambda *request: shown)
    with pytest.raises(UnconfirmedError, match="raw JSON"):
        check_url(context, request, "live")
