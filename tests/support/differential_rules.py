"""The differences that are allowed between a real server and a Function URL. Each rule removes one of them.

docs/explanation/differential-tests.md lists them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from support.differential_sites import SERVER_ID, STREAMED, Sites
from support.raw_http import Client, Request, Response

OF_THE_CONNECTION = {
    *("date", "server", "connection", "transfer-encoding", "x-amzn-requestid", "x-amzn-trace-id"),
    *("x-amzn-remapped-date", "x-amzn-remapped-server"),
}
"""Response headers that the server and the Function URL set themselves, and the names that the app's own get."""

RENAMED = {"connection", "date", "host", "keep-alive", "server", "te", "trailer", "upgrade", "www-authenticate"}
"""The app's headers with these names arrive as x-amzn-remapped-<name>."""

ADDED = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
"""Request headers that Lambda adds."""

ENVIRON_OF_THE_SERVER = {"REMOTE_HOST", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT", "SERVER_SOFTWARE", "RAW_URI"}
"""The variables of an environ about the server and the connection to it."""

Plain = dict[str, Any]
View = Callable[[Response], Plain]


def with_server_id(response: Response, url: Client) -> Response:
    """Replace the id of the Function URL in a response by the server's."""
    url_id = url.host.partition(".")[0]
    headers = tuple((name, value.replace(url_id, SERVER_ID)) for name, value in response.headers)
    body = response.body.replace(url_id.encode(), SERVER_ID.encode())
    return Response(response.status, headers, body, response.complete)


def comparable(request: Request, server: Response, url: Response, variant: str) -> tuple[Plain, Plain]:
    """Return the two responses to a request in a comparable form: the expected and the actual one."""
    expected, actual = _plain(server), _plain(url)
    for headers in (expected["headers"], actual["headers"]):
        if "allow" in headers:  # frameworks create it from a set
            headers["allow"] = ",".join(sorted(headers["allow"].split(",")))
    if "content-type" not in expected["headers"] and "content-type" in actual["headers"]:
        default = "application/octet-stream" if variant == STREAMED else "application/json"
        assert actual["headers"].pop("content-type") == default
    _remove_length_of_stream(expected["headers"], actual["headers"], variant)
    if request.method != "HEAD" and (length := actual["headers"].get("content-length")) is not None:
        assert int(length) == len(url.body) or url.status == 304
    if "content-length" not in expected["headers"]:
        actual["headers"].pop("content-length", None)
    return expected, actual


def assert_same_response(sites: Sites, request: Request) -> None:
    """Check that a client gets the same response from the server and from each Function URL."""
    response = sites.server.send(request)
    for variant, client in sites.urls.items():
        expected, actual = comparable(request, response, with_server_id(client.send(request), client), variant)
        assert actual == expected, variant


def _remove_length_of_stream(expected: dict[str, str], actual: dict[str, str], variant: str) -> None:
    """Remove the length of a streamed response: it is sent without one, and the app's own gets another name."""
    if variant == STREAMED:
        length = expected.pop("content-length", None)
        renamed = actual.pop("x-amzn-remapped-content-length", None)
        assert renamed in (None, length)


def _plain(response: Response) -> Plain:
    """Return the response with its headers by name (repeated ones joined) and its cookies in a list."""
    headers: dict[str, str] = {}
    for name, value in response.headers:
        if name not in OF_THE_CONNECTION and name != "set-cookie":
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    joined = {name: re.sub(r"[ \t]*,[ \t]*", ",", value) for name, value in headers.items()}
    cookies = response.values("set-cookie")
    return {"status": response.status, "headers": joined, "cookies": cookies, "body": response.body, "ok": response.complete}


def scope(response: Response) -> Plain:
    """Return what the raw ASGI app saw."""
    view: Plain = json.loads(response.body)
    for key in ("server", "client", "asgi"):  # differ by nature
        del view[key]
    view["keys"] = [key for key in view["keys"] if not key.startswith("aws.")]
    view["headers"] = _request_headers(view["headers"], view["body"][0])
    return view


def environ(response: Response) -> Plain:
    """Return what the raw WSGI app saw."""
    view: Plain = json.loads(response.body)
    values = view["environ"]
    names = {"CONTENT_TYPE", "CONTENT_LENGTH"} | {key for key in values if key.startswith("HTTP_")}
    pairs = [[name.removeprefix("HTTP_").replace("_", "-").lower(), values.pop(name)] for name in sorted(names & set(values))]
    view["headers"] = _request_headers(pairs, view["body"][0])
    for key in ("PATH_INFO", "REQUEST_URI"):
        values[key] = re.sub("^/+", "/", values[key])  # waitress merges slashes at the beginning of a path
    if not values["QUERY_STRING"]:
        values["REQUEST_URI"] = values["REQUEST_URI"].removesuffix("?")  # "/?" and "/" make the same event
    view["environ"] = {key: value for key, value in values.items() if key not in ENVIRON_OF_THE_SERVER}
    return view


def _request_headers(pairs: list[list[str]], length: int) -> Plain:
    """Return the headers by name, with lists of values. The body's length is checked and left out."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in ADDED and name != "transfer-encoding":
            separator = ";" if name == "cookie" else ","
            values.setdefault(name, []).extend(part.strip() for part in value.split(separator))
    if values.pop("content-length", ["0"]) != [str(length)]:
        # A server that doesn't wait for the end of a chunked body has none.
        assert any(name == "transfer-encoding" for name, _ in pairs), pairs
    return values
