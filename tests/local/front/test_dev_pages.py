"""What a browser gets while `lambent dev` runs, and that nobody else gets anything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from lambent.local.front.dev_pages import Problem, error_response, uncompressed, with_reload
from lambent.local.http import Request, Response

PAGE = b"<!doctype html><title>t</title><body><p>hi</body></html>"
SCRIPT = b'<script src="/_lambent/reload.js?1-2" async></script>'
HTML = ("content-type", "text/html; charset=utf-8")


def request(method: str = "GET", **headers: str) -> Request:
    pairs = {"sec-fetch-dest": "document"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, "/", "", tuple(pairs.items()), b"")


def test_page_gets_the_script_and_loses_what_described_its_bytes() -> None:
    headers = (HTML, ("content-length", "55"), ("ETag", '"1"'), ("last-modified", "x"), ("x-own", "1"))
    response = with_reload(Response(200, headers, PAGE), request(), "1-2")
    assert response.body == PAGE.replace(b"</body>", SCRIPT + b"</body>")
    assert response.headers == (HTML, ("x-own", "1"))


def test_page_without_end_tags_and_an_error_page_get_it_too() -> None:
    assert with_reload(Response(200, (HTML,), b"\n<!DOCTYPE HTML>hi"), request(), "1-2").body.endswith(SCRIPT)
    assert SCRIPT in with_reload(Response(404, (HTML,), PAGE), request(), "1-2").body


def test_script_has_the_nonce_of_the_policy() -> None:
    policy = ("content-security-policy", "script-src 'nonce-abc123=' 'strict-dynamic'")
    assert b' nonce="abc123="' in with_reload(Response(200, (HTML, policy), PAGE), request(), "1").body


@pytest.mark.parametrize(
    ("response", "asked"),
    [
        (Response(200, (HTML,), b"<li>a fragment"), request()),
        (Response(200, (("content-type", "application/json"),), b'"<!doctype html>"'), request()),
        (Response(200, (("content-type", "application/xhtml+xml"),), PAGE), request()),
        (Response(200, (HTML, ("content-encoding", "gzip")), PAGE), request()),
        (Response(206, (HTML,), PAGE), request()),
        (Response(304, (HTML,), b""), request()),
        (Response(200, (HTML,), PAGE), request("HEAD")),
        (Response(200, (HTML,), PAGE), request(sec_fetch_dest="empty")),  # fetch(), htmx
        (Response(200, (HTML,), PAGE), Request("GET", "/", "", (("accept", "*/*"),), b"")),  # curl
        (Response(200, (("content-type", "text/html; charset=utf-16"),), PAGE), request()),
    ],
)
def test_everything_else_stays_as_it_is(response: Response, asked: Request) -> None:
    assert with_reload(response, asked, "1") is response


def test_streamed_page_gets_the_script_at_its_end() -> None:
    async def streamed(*chunks: bytes) -> bytes:
        async def stream() -> AsyncGenerator[bytes, None]:
            for chunk in chunks:
                yield chunk

        response = with_reload(Response(200, (HTML,), b"", stream()), request(), "1-2")
        assert response.stream is not None
        return b"".join([chunk async for chunk in response.stream])

    assert asyncio.run(streamed(PAGE[:9], PAGE[9:])) == PAGE[:9] + PAGE[9:] + SCRIPT
    assert asyncio.run(streamed(b"<li>", b"part")) == b"<li>part"


def test_only_a_request_for_a_page_loses_accept_encoding() -> None:
    page, other = request(accept_encoding="gzip"), request(sec_fetch_dest="image", accept_encoding="gzip")
    assert uncompressed(page).header("accept-encoding") is None
    assert uncompressed(other) is other


def test_error_is_a_page_for_browsers_and_text_for_others() -> None:
    problem = Problem("ValueError: <b>", "Traceback <script>alert(1)</script>")
    page = error_response(problem, request(), "1-2")
    assert page.status == 500 and SCRIPT in page.body
    assert b"<b>" not in page.body and b"alert(1)</script>" not in page.body
    assert "script-src 'self'" in dict(page.headers)["content-security-policy"]
    text = error_response(problem, Request("GET", "/", "", (("accept", "*/*"),), b""), "1-2")
    assert text.body.decode() == "ValueError: <b>\n\nTraceback <script>alert(1)</script>\n"
