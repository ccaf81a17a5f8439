"""What a browser gets while `lambent dev` runs: a script that reloads the page after a change, and a page for errors. Pure.

Only answers to requests for a page are touched, and only if they are complete HTML documents. The script is a file of the
URL's own origin, so a Content-Security-Policy with 'self' allows it; if the policy has a nonce, the script gets it.
"""

from __future__ import annotations

import html
import re
from collections.abc import AsyncGenerator

from msgspec import Struct
from msgspec.structs import replace

from lambent.local.host_check import is_navigation
from lambent.local.http import Request, Response

SCRIPT_PATH = "/_lambent/reload.js"
EVENTS_PATH = "/_lambent/changes"

_VALIDATORS = frozenset({"content-length", "etag", "last-modified", "content-md5", "digest", "accept-ranges"})
"""Headers about the exact bytes of a body, or by which a browser would keep it."""

_DOCUMENT = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html)\b", re.IGNORECASE | re.DOTALL)
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")
_START = 512  # bytes that tell whether a stream is a document
_WITHOUT_BODY = (204, 206, 304)

SCRIPT = b"""\
(() => {
  const loaded = new URL(document.currentScript.src).search.slice(1);
  let source;
  const listen = () => {
    if (source || document.hidden) return;
    source = new EventSource("/_lambent/changes");
    source.onmessage = (event) => { if (event.data !== loaded) location.reload(); };
  };
  const stop = () => { if (source) source.close(); source = undefined; };
  document.addEventListener("visibilitychange", () => document.hidden ? stop() : listen());
  addEventListener("pagehide", stop);
  addEventListener("pageshow", listen);
  listen();
})();
"""
"""Compares the state of the app's code when the page was loaded with that of now. Hidden pages hold no connection."""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 2rem 1rem; }}
h1 {{ color: light-dark(#b00020, #ff8a80); font-size: 1.25rem; overflow-wrap: anywhere; }}
pre {{ background: light-dark(#f4f4f4, #1e1e1e); border-radius: 6px; overflow-x: auto; padding: 1rem; font-size: .85rem; }}
p {{ opacity: .8; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<pre tabindex="0">{text}</pre>
<p>{note}</p>
</main>
{script}
</body>
</html>
"""


class Problem(Struct, frozen=True):
    """What keeps the app from being served: a sentence, and its details, such as a traceback."""

    title: str
    text: str = ""


def script_response() -> Response:
    return Response(200, (("content-type", "text/javascript; charset=utf-8"), ("cache-control", "no-store")), SCRIPT)


def events_response(changes: AsyncGenerator[bytes, None]) -> Response:
    return Response(200, (("content-type", "text/event-stream"), ("cache-control", "no-store")), b"", changes, endless=True)


def error_response(problem: Problem, request: Request, state: str, status: int = 500) -> Response:
    """Return a page for browsers, and plain text for others."""
    if not is_navigation(request):
        text = f"{problem.title}\n\n{problem.text}" if problem.text else problem.title
        return Response(
            status, (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store")), f"{text}\n".encode()
        )
    note = "This page reloads when you save a change. lambent dev shows it; it is never part of a deploy."
    page = _PAGE.format(title=html.escape(problem.title), text=html.escape(problem.text), note=note, script=_script(state, ""))
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'"
    headers = (
        ("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store"), ("content-security-policy", policy),
    )  # fmt: skip
    return Response(status, headers, page.encode("utf-8", "replace"))


def uncompressed(request: Request) -> Request:
    """Return a request for a page without Accept-Encoding, since a script can't be added to compressed HTML."""
    if not is_navigation(request):
        return request
    return replace(request, headers=tuple(pair for pair in request.headers if pair[0] != "accept-encoding"))


def with_reload(response: Response, request: Request, state: str) -> Response:
    """Return the response with the script that reloads the page when the code's `state` is another."""
    if not _is_page(response, request):
        return response
    headers = tuple(pair for pair in response.headers if pair[0].lower() not in _VALIDATORS)
    policies = " ".join(value for name, value in response.headers if name.lower() == "content-security-policy")
    nonce = _NONCE.search(policies)
    script = _script(state, nonce[1] if nonce else "").encode()
    if response.stream is not None:
        return replace(response, headers=headers, stream=_followed_by(response.stream, response.body, script))
    return replace(response, headers=headers, body=_insert(response.body, script))


def _is_page(response: Response, request: Request) -> bool:
    kinds = [value.lower() for name, value in response.headers if name.lower() == "content-type"]
    is_encoded = any(name.lower() == "content-encoding" and value.lower() != "identity" for name, value in response.headers)
    if request.method == "HEAD" or response.status in _WITHOUT_BODY or is_encoded or not is_navigation(request):
        return False
    is_html = bool(kinds) and kinds[0].partition(";")[0].strip() == "text/html"
    charset = kinds[0].partition("charset=")[2].strip(" \"'") if kinds else ""
    if not is_html or charset.startswith(("utf-16", "utf-32")):
        return False
    return response.stream is not None or _DOCUMENT.match(response.body.removeprefix(b"\xef\xbb\xbf")) is not None


def _insert(body: bytes, script: bytes) -> bytes:
    """Insert the script before the end of the document's body, or append it: HTML lets the end tags be left out."""
    position = body.lower().rfind(b"</body>")
    return body[:position] + script + body[position:] if position >= 0 else body + script


async def _followed_by(stream: AsyncGenerator[bytes, None], first: bytes, script: bytes) -> AsyncGenerator[bytes, None]:
    start = first
    try:
        async for chunk in stream:
            start += chunk if len(start) < _START else b""
            yield chunk
        if _DOCUMENT.match(start.removeprefix(b"\xef\xbb\xbf")):
            yield script
    finally:
        await stream.aclose()


def _script(state: str, nonce: str) -> str:
    attribute = f' nonce="{nonce}"' if nonce else ""
    return f'<script src="{SCRIPT_PATH}?{state}"{attribute} async></script>'
