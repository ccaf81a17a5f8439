"""CORS of Function URLs."""

from __future__ import annotations

from msgspec.structs import replace

from lambent.local.front import cors
from lambent.local.http import Request

GET = Request("GET", "/", "", (("host", "h"),), b"")
CORS = {
    "AllowOrigins": ["https://a.example", "https://*.b.example"],
    "AllowMethods": ["GET"],
    "MaxAge": 60,
    "AllowHeaders": ["x"],
}


def preflight_request(origin: str, method: str = "GET") -> Request:
    return replace(GET, method="OPTIONS", headers=(("origin", origin), ("access-control-request-method", method)))


def test_preflight_is_allowed_by_origin_and_method() -> None:
    assert cors.is_preflight(preflight_request("https://a.example")) and not cors.is_preflight(replace(GET, method="OPTIONS"))
    allowed = dict(cors.preflight(CORS, preflight_request("https://x.b.example")).headers)
    assert allowed["access-control-allow-origin"] == "https://x.b.example"
    assert allowed["access-control-allow-methods"] == "GET" and allowed["access-control-max-age"] == "60"
    assert cors.preflight(CORS, preflight_request("https://evil.example")).headers == ()
    assert cors.preflight(CORS, preflight_request("https://a.example", "PUT")).headers == ()


def test_other_responses_get_cors_headers() -> None:
    request = replace(GET, headers=(("origin", "https://o.example"),))
    assert cors.added_headers({"AllowOrigins": ["*"], "ExposeHeaders": ["y"]}, request) == (
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "y"),
    )
    assert cors.added_headers({"AllowOrigins": ["*"]}, GET) == ()
