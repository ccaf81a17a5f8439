"""Who gets what from the console, over HTTP."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from lambent.local import daemon
from support.browser import Browser, Response
from support.local_service import Service
from support.waiting import eventually

TALKS = "def handler(event, context):\n    print('got', event)\n    return 1 / event['n']\n"


def post(browser: Browser, path: str, content: object, **headers: str) -> Response:
    all_headers = {"content-type": "application/json", "origin": browser.url} | headers
    return browser.send("POST", path, body=json.dumps(content).encode(), headers=all_headers)


def read(browser: Browser, path: str) -> Any:
    response = browser.get(f"/api/{path}")
    assert response.status == 200, response.text
    return json.loads(response.body)


def ended(browser: Browser, number: int) -> list[Any]:
    """Return the newest invocations, once this many have ended."""

    def look() -> list[Any]:
        rows = [row for row in read(browser, "invocations") if row.get("ended_ms")]
        return rows[:number] if len(rows) >= number else []

    return eventually(look)


def test_page_without_a_session_says_how_to_open_it(service: Service) -> None:
    stranger = Browser(daemon.console_address(service.state).partition("/?")[0])
    page = stranger.get("/")
    assert "lambent open --console" in page.text and "main.js" not in page.text
    assert stranger.get("/?token=wrong").status == 303 and not stranger.cookies
    assert stranger.get("/api/invocations").status == 401
    assert post(stranger, "/api/invocations/1/replay", {"qualifier": ""}).status == 401


def test_an_address_works_once(service: Service) -> None:
    address = daemon.console_address(service.state)
    path = "/?" + address.partition("?")[2]
    first, second = Browser(address.partition("/?")[0]), Browser(address.partition("/?")[0])
    response = first.get(path)
    assert response.headers["location"] == "/" and "main.js" in first.get("/").text
    assert response.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Strict")
    second.get(path)
    assert not second.cookies


def test_tokens_need_the_secret(service: Service) -> None:
    answer = service.fetch(f"{service.url}/_lambent/console", "POST")
    assert answer.status == 403 and b"token" not in answer.body


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "http://lambent-console.localhost:3000"},
        {"origin": "null"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"content-type": "text/plain"},
    ],
)
def test_other_pages_are_refused(browser: Browser, headers: dict[str, str]) -> None:
    assert post(browser, "/api/invocations/1/replay", {"qualifier": ""}, **headers).status == 403
    if "content-type" not in headers:
        assert browser.send("GET", "/api/invocations", headers=headers).status == 403


def test_post_without_an_origin_is_refused(browser: Browser) -> None:
    content_type = {"content-type": "application/json"}
    assert browser.send("POST", "/api/invocations/1/replay", body=b"{}", headers=content_type).status == 403


def test_session_counts_under_the_consoles_name_only(service: Service, browser: Browser) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    for host in ("127.0.0.1", "localhost", "evil.example", "lambent-console.localhost.evil.example"):
        answer = service.fetch(f"http://{host}:{service.port}/api/invocations", cookie=cookie)
        assert not answer.body.startswith(b"["), host


def test_nothing_else_is_served_under_the_consoles_name(browser: Browser) -> None:
    for path in ("/_lambent/status", "/2015-03-31/functions/", "/_url/abc/", "/moto-api/", "/..%2fsite.py", "/__init__.py"):
        assert browser.get(path).status == 404, path
    assert browser.send("DELETE", "/").status == 405


def test_headers_of_every_response(browser: Browser) -> None:
    for path in ("/", "/main.js", "/api/functions", "/nothing"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy, path
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"


def test_an_invocation_with_its_event_and_log(service: Service, browser: Browser) -> None:
    service.function("talks", TALKS)
    client = service.client("lambda")
    client.invoke(FunctionName="talks", Payload=b'{"n": 2}')
    client.invoke(FunctionName="talks", Payload=b'{"n": 0}')
    failed, fine = ended(browser, 2)
    assert (fine["state"], failed["state"], failed["error"]) == ("ok", "failed", "ZeroDivisionError: division by zero")
    assert "init_ms" in fine and "init_ms" not in failed
    details = read(browser, f"invocations/{failed['id']}")
    assert details["event"] == '{"n": 0}' and "ZeroDivisionError" in details["response"]
    lines = [line["text"] for line in details["log"]["lines"]]
    assert lines[0].startswith(f"START RequestId: {failed['request_id']}") and lines[1] == "got {'n': 0}"
    assert lines[-1].startswith("REPORT") and any("Traceback" in line for line in lines)
    cold = [line["text"] for line in read(browser, f"invocations/{fine['id']}")["log"]["lines"]]
    assert cold[0].startswith("INIT_START") and cold[-1].startswith(f"REPORT RequestId: {fine['request_id']}")


def test_log_of_a_running_invocation(service: Service, browser: Browser) -> None:
    service.function("waits", "import time\ndef handler(event, context):\n    print('waiting')\n    time.sleep(2)\n")
    service.client("lambda").invoke(FunctionName="waits", InvocationType="Event")

    def look() -> Any:
        row = next((row for row in read(browser, "invocations") if row["function"] == "waits"), {"ended_ms": 0, "id": 0})
        details = read(browser, f"invocations/{row['id']}") if row["id"] else {"log": {"lines": []}}
        return details if any(line["text"] == "waiting" for line in details["log"]["lines"]) else None

    details = eventually(look)
    assert "ended_ms" not in details["summary"] and details["log"]["lines"][0]["text"].startswith("INIT_START")


def test_replay(service: Service, browser: Browser) -> None:
    service.function("again", TALKS)
    service.client("lambda").invoke(FunctionName="again", Payload=b'{"n": 0}')
    (original,) = ended(browser, 1)
    path = f"/api/invocations/{original['id']}/replay"
    assert post(browser, path, {"qualifier": ""}).status == 202
    again = eventually(lambda: next((row for row in ended(browser, 2) if row.get("replay_of") == original["id"]), None))
    assert again["request_id"] != original["request_id"] and again["error"].startswith("ZeroDivisionError")
    assert post(browser, path, {"qualifier": "", "event": '{"n": 4}'}).status == 202
    edited = eventually(lambda: next((row for row in ended(browser, 1) if row["state"] == "ok"), None))
    assert read(browser, f"invocations/{edited['id']}")["response"] == "0.25"
    for content, status in (
        ({"qualifier": "7"}, 404),
        ({"qualifier": "", "event": "{"}, 400),
        ({"qualifier": "", "other": 1}, 400),
        ([], 400),
    ):
        assert post(browser, path, content).status == status, content
    assert post(browser, "/api/invocations/999999/replay", {"qualifier": ""}).status == 404


def test_functions_sizes_and_imports(service: Service, browser: Browser) -> None:
    service.function("parts", "import json.tool\ndef handler(event, context):\n    return 1\n")
    client = service.client("lambda")
    version = client.publish_version(FunctionName="parts")["Version"]
    client.create_alias(FunctionName="parts", Name="live", FunctionVersion=version)
    function = next(each for each in read(browser, "functions")["functions"] if each["name"] == "parts")
    assert [each["version"] for each in function["versions"]] == ["$LATEST", version]
    assert function["aliases"][0]["version"] == version
    assert read(browser, f"sizes/us-east-1/parts/{version}")["children"][0]["name"] == "app.py"
    assert browser.get("/api/sizes/us-east-1/parts/99").status == 404
    answer = json.loads(post(browser, "/api/imports/us-east-1/parts/%24LATEST", {}).body)
    assert answer["succeeded"] and '"json.tool"' in json.dumps(answer["imports"])


def test_event_stream_tells_of_invocations_and_functions(service: Service, browser: Browser) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    connection.request("GET", "/api/stream", headers={"Host": browser.host, "Cookie": cookie})
    stream = connection.getresponse()
    assert stream.headers["content-type"] == "text/event-stream" and stream.readline() == b"retry: 1000\n"
    service.function("streamed", TALKS)
    service.client("lambda").invoke(FunctionName="streamed", Payload=b'{"n": 1}')
    rows: list[Any] = []
    kinds = set()
    while not any(row["function"] == "streamed" and row.get("ended_ms") for row in rows) or "functions" not in kinds:
        line = stream.readline().decode().rstrip()
        if line.startswith("event: "):
            kinds.add(line.removeprefix("event: "))
        elif line.startswith("data: ["):
            rows += json.loads(line.removeprefix("data: "))
    connection.close()
