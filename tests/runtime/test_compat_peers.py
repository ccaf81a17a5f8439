"""The stand-ins next to Mangum and apig-wsgi: the same events through both, equal answers but for the differences we mean.

Each of these is a rule below, under the words docs/reference/runtime.md lists it with.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_plus

import pytest
from msgspec import Struct
from uv import find_uv_bin

from support.gateway_events import HTTP_API, make_elb, make_rest
from support.paths import DOCS, TESTS
from support.runtime_api_stub import make_event

PEERS = ("mangum==0.22.0", "apig-wsgi==2.20.0")
SIDE = TESTS / "support" / "compat_process.py"
PAGE = DOCS / "reference/runtime.md"


def from_url(path: str, decoded: str, **over: Any) -> dict[str, Any]:
    """A Function URL's event has the path twice: as it was sent, and decoded."""
    event = make_event(path=path, **over)
    event["requestContext"]["http"]["path"] = decoded
    return event


FULL = {"accept": "text/html", "content-type": "text/plain", "user-agent": "curl/8", "x-amzn-trace-id": "Root=1-x"}
MULTI = {"host": ["lb"], "x-forwarded-for": ["203.0.113.7"], "x-forwarded-port": ["443"], "x-forwarded-proto": ["https"]}
EVENTS: dict[str, Any] = {
    "url": make_event(path="/a/b", query="x=1&y=2&x=3", headers=FULL),
    "url, post": make_event("POST", "/", body="ü=1", headers={"content-type": "text/plain", "content-length": "4"}),
    "url, binary": make_event("PUT", "/", body=b"\x00\xff", headers={"content-length": "2"}),
    "url, cookies": make_event(cookies=["a=1", "b=2"]),
    "url, encoded": from_url("/a%20b/%C3%BC%2Fc", "/a b/ü/c", query="q=%C3%BC%20x"),
    "url, twice encoded": from_url("/100%2525", "/100%25"),
    "url, head": make_event("HEAD"),
    "url, http/2": make_event(protocol="HTTP/2.0"),
    "url, two ports": make_event(headers={"x-forwarded-port": "443, 443"}),
    "url, odd host": make_event(headers={"host": "[::1]:3000"}),
    "url, no headers": {**make_event(), "headers": None},
    "http api": make_event(path="/a/b", query="x=1", domain=HTTP_API, headers=FULL),
    "http api, stage": make_event(path="/dev/a", domain=HTTP_API, stage="dev"),
    "http api, percent": make_event(path="/a%25 ü", domain=HTTP_API),
    "rest": make_rest("/a/b", multiValueQueryStringParameters={"a": ["1", "2 3"], "b": ["/ü&"]}),
    "rest, post": make_rest("/", httpMethod="POST", body="x=1"),
    "rest, encoded": make_rest("/a%20b/%C3%BC"),
    "rest, repeated header": make_rest("/", multiValueHeaders={"Host": ["h"], "X-A": ["1", "2"]}),
    "rest, console": make_rest("/", headers=None, multiValueHeaders=None, queryStringParameters=None),
    "balancer": make_elb("/a/b", queryStringParameters={"a": "1", "b": "x%20y"}),
    "balancer, one hop": make_elb("/", headers={**make_elb()["headers"], "x-forwarded-for": "203.0.113.7"}),
    "balancer, several values": make_elb(
        "/", headers=None, multiValueHeaders=MULTI, multiValueQueryStringParameters={"a": ["1", "2"]}
    ),
    "balancer, health check": make_elb("/", headers={"user-agent": "ELB-HealthChecker/2.0"}),
    "schedule": {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
    "nothing": {},
}


class Found(Struct, frozen=True):
    """One difference: of an app's answer to an event, in one field. "told.x" is what the app was told of the request."""

    peer: str
    app: str
    event: str
    field: str
    theirs: Any
    ours: Any


Rule = Callable[[Found], bool]
BODY = ("body", "isBase64Encoded")
SERVER = ("told.server", "told.SERVER_NAME", "told.SERVER_PORT", "told.wsgi.url_scheme")
CLIENT = ("told.client", "told.REMOTE_ADDR")

MEANT: dict[str, Rule] = {
    "HEAD": lambda it: it.event == "url, head" and it.field in BODY,
    "204 and 304": lambda it: it.app in ("no content", "not modified") and it.field == "headers.content-type",
    "Text": lambda it: it.app in ("problem", "svg") and it.field in BODY,
    "Not UTF-8": lambda it: it.theirs == "raises UnicodeDecodeError",
    "exclude_headers": lambda it: it.field == "headers.x-secret" and it.ours is None,
    "Repeated headers": lambda it: it.app == "repeated" and it.field.lower() == "headers.link",
    "Cookies behind a load balancer": lambda it: it.app == "cookies" and it.field.lower() == "headers.set-cookie",
    "Cookies of a Function URL": lambda it: it.field == "told.HTTP_COOKIE" and it.theirs in ("", "a=1;b=2;a=1; b=2"),
    "An app that sends nothing": lambda it: it.app == "silent" and it.theirs == "raises AttributeError",
    "start_response with exc_info": lambda it: it.app == "late" and it.theirs == "raises LookupError",
    "Missing and null fields": lambda it: it.event == "url, no headers" and it.theirs == "raises AttributeError",
    "Events that aren't HTTP": lambda it: it.event == "nothing" and it.ours == "raises ValueError",
    "Odd hosts and ports": lambda it: (
        it.event in ("url, two ports", "url, odd host") and (it.theirs == "raises ValueError" or it.field in SERVER)
    ),
    "Server name and port": lambda it: it.field in SERVER and not it.event.startswith("url"),
    "Client address": lambda it: it.field in CLIENT,
    "http_version": lambda it: it.field == "told.http_version" and it.event == "url, http/2",
    "Paths": lambda it: it.field in ("told.path", "told.PATH_INFO") and it.event in ("url, twice encoded", "http api, percent"),
    "Stage": lambda it: it.field in ("told.root_path", "told.SCRIPT_NAME") and (it.theirs, it.ours) == ("", "/prod"),
    "Queries behind a load balancer": lambda it: (
        it.field == "told.query" and it.event == "balancer" and unquote_plus(it.theirs) == unquote_plus(it.ours)
    ),
    "Repeated request headers": lambda it: (
        it.field in ("told.headers.x-a", "told.HTTP_X_FORWARDED_PROTO") and it.event == "rest, repeated header"
    ),
    "content-length": lambda it: it.field.lower().endswith("content-length") or it.field == "told.HTTP_CONTENT_LENGTH",
    "Additional keys": lambda it: it.field in ("told.REQUEST_URI", "told.RAW_URI", "told.aws.context"),
}


def fields(answer: Any) -> dict[str, Any]:
    """An answer, flat."""
    if not isinstance(answer, dict):
        return {"raises": answer}
    flat = {key: value for key, value in answer.items() if key not in ("headers", "multiValueHeaders")}
    for field in ("headers", "multiValueHeaders"):
        flat |= {f"headers.{name}": value for name, value in answer.get(field, {}).items()}
    told = flat.pop("headers.x-told", None)
    if told is not None:
        flat |= {f"told.{name}": value for name, value in json.loads(told[0] if isinstance(told, list) else told).items()}
    for name, value in flat.pop("told.headers", ()):
        flat[f"told.headers.{name}"] = [*flat.get(f"told.headers.{name}", ()), value]
    return flat


def differences(results: Any) -> Iterator[Found]:
    for peer, apps in results.items():
        for app, events in apps.items():
            for event, both in events.items():
                theirs, ours = fields(both["theirs"]), fields(both["ours"])
                if "raises" in theirs or "raises" in ours:
                    if theirs.get("raises") != ours.get("raises"):
                        yield Found(peer, app, event, "raises", theirs.get("raises"), ours.get("raises"))
                    continue
                for field in sorted({*theirs, *ours}):
                    if theirs.get(field) != ours.get(field):
                        yield Found(peer, app, event, field, theirs.get(field), ours.get(field))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What both gave for each app and event."""
    folder = tmp_path_factory.mktemp("peers")
    install = [find_uv_bin(), "pip", "install", "-q", "--target", folder, "--python", sys.executable, *PEERS]
    subprocess.run(install, check=True, timeout=300)
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    text = json.dumps(EVENTS)
    done = subprocess.run(
        [sys.executable, SIDE], input=text, env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_equal_but_for_what_we_mean(results: Any) -> None:
    unexplained = [it for it in differences(results) if not any(rule(it) for rule in MEANT.values())]
    assert not unexplained


def test_each_difference_we_mean_is_there_and_on_the_page(results: Any) -> None:
    found = list(differences(results))
    page = PAGE.read_text("utf-8")
    for name, rule in MEANT.items():
        assert any(rule(it) for it in found), f"nothing differs any more: {name}"
        assert f"**{name}**" in page, name


def test_most_is_equal(results: Any) -> None:
    """A guard against a comparison that compares nothing."""
    pairs = [both for apps in results.values() for events in apps.values() for both in events.values()]
    equal = [both for both in pairs if both["theirs"] == both["ours"]]
    answered = [both for both in equal if isinstance(both["ours"], dict)]
    assert len(pairs) > 1000 and len(answered) > 600
