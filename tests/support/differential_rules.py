"""What may differ between a real server and a Function URL, and nothing else. Each rule takes one listed difference away.

The list is in docs/explanation/differential-tests.md, for people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from support.differential_sites import SERVER_ID, STREAMED
from support.wire import Ask, Got, Wire

OF_THE_CONNECTION = {
    *("date", "server", "connection", "transfer-encoding", "x-amzn-requestid", "x-amzn-trace-id"),
    *("x-amzn-remapped-date", "x-amzn-remapped-server"),
}
"""Headers of an answer that the two senders make themselves, and what becomes of an app's own."""

RENAMED = {"connection", "date", "host", "keep-alive", "server", "te", "trailer", "upgrade", "www-authenticate"}
"""An app's own headers of these names come as x-amzn-remapped-<name>."""

ADDED = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
"""Headers of a request that Lambda adds."""

ENVIRON_OF_THE_SERVER = {"REMOTE_HOST", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT", "SERVER_SOFTWARE", "RAW_URI"}
"""What an environ says of the server and of the connection to it."""

Plain = dict[str, Any]
See = Callable[[Got], Plain]


def nameless(got: Got, url: Wire) -> Got:
    """An answer that names its Function URL, as if that had the server's name."""
    own = url.host.partition(".")[0]
    headers = tuple((name, value.replace(own, SERVER_ID)) for name, value in got.headers)
    return Got(got.status, headers, got.body.replace(own.encode(), SERVER_ID.encode()), got.complete)


def compared(one: Ask, server: Got, url: Got, variant: str) -> tuple[Plain, Plain]:
    """Two answers in the form to be compared."""
    mine, theirs = _answer(server), _answer(url)
    for headers in (mine["headers"], theirs["headers"]):
        if "allow" in headers:  # frameworks make it from a set
            headers["allow"] = ",".join(sorted(headers["allow"].split(",")))
    if "content-type" not in mine["headers"] and "content-type" in theirs["headers"]:
        default = "application/octet-stream" if variant == STREAMED else "application/json"
        assert theirs["headers"].pop("content-type") == default
    _settle_length(mine["headers"], theirs["headers"], variant)
    if one.method != "HEAD" and (told := theirs["headers"].get("content-length")) is not None:
        assert int(told) == len(url.body) or url.status == 304
    if "content-length" not in mine["headers"]:
        theirs["headers"].pop("content-length", None)
    return mine, theirs


def _settle_length(mine: dict[str, str], theirs: dict[str, str], variant: str) -> None:
    """A streamed answer is sent without its length, which comes under another name if the app told it."""
    if variant == STREAMED:
        length = mine.pop("content-length", None)
        renamed = theirs.pop("x-amzn-remapped-content-length", None)
        assert renamed in (None, length)


def _answer(got: Got) -> Plain:
    """Status and body as they are; headers by name, repeated ones joined; cookies one by one."""
    headers: dict[str, str] = {}
    for name, value in got.headers:
        if name not in OF_THE_CONNECTION and name != "set-cookie":
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    joined = {name: re.sub(r"[ \t]*,[ \t]*", ",", value) for name, value in headers.items()}
    return {"status": got.status, "headers": joined, "cookies": got.values("set-cookie"), "body": got.body, "ok": got.complete}


def scope(got: Got) -> Plain:
    """What the raw ASGI app saw."""
    seen: Plain = json.loads(got.body)
    for of_the_server in ("server", "client", "asgi"):
        del seen[of_the_server]
    seen["keys"] = [key for key in seen["keys"] if not key.startswith("aws.")]
    seen["headers"] = _request_headers(seen["headers"], seen["body"][0])
    return seen


def environ(got: Got) -> Plain:
    """What the raw WSGI app saw."""
    seen: Plain = json.loads(got.body)
    values = seen["environ"]
    names = {"CONTENT_TYPE", "CONTENT_LENGTH"} | {key for key in values if key.startswith("HTTP_")}
    pairs = [[name.removeprefix("HTTP_").replace("_", "-").lower(), values.pop(name)] for name in sorted(names & set(values))]
    seen["headers"] = _request_headers(pairs, seen["body"][0])
    for key in ("PATH_INFO", "REQUEST_URI"):
        values[key] = re.sub("^/+", "/", values[key])  # waitress folds the slashes a path begins with
    if not values["QUERY_STRING"]:
        values["REQUEST_URI"] = values["REQUEST_URI"].removesuffix("?")  # an event cannot tell "/?" from "/"
    seen["environ"] = {key: value for key, value in values.items() if key not in ENVIRON_OF_THE_SERVER}
    return seen


def _request_headers(pairs: list[list[str]], length: int) -> Plain:
    """By name; the values of repeated ones as one list; a body's length whether it was told beforehand or not."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in ADDED and name != "transfer-encoding":
            mark = ";" if name == "cookie" else ","
            found.setdefault(name, []).extend(part.strip() for part in value.split(mark))
    if found.pop("content-length", ["0"]) != [str(length)]:
        # A chunked body has none under a server that does not wait for its end.
        assert any(name == "transfer-encoding" for name, _ in pairs), pairs
    return found
