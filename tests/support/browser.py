"""A small browser for tests. It sends a Function URL's host name, but connects to 127.0.0.1.

(`*.localhost` is this machine by RFC 6761, but Python's resolver may not know that.) It keeps cookies and doesn't follow
redirects.
"""

from __future__ import annotations

import http.client
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from msgspec import Struct


class Response(Struct, frozen=True):
    """A response. `headers` has lower-case names; cookies are in the browser."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Browser:
    """A browser for one site, at `url`. `timeout` (seconds) is for each wait on the socket."""

    def __init__(self, url: str, *, timeout: float = 60) -> None:
        parts = urlsplit(url)
        self.url = url
        self.host = parts.netloc
        self.port = parts.port or 80
        self.prefix = parts.path.rstrip("/")
        self.timeout = timeout
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Response:
        return self.send("GET", path, headers=headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Response:
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, body=urlencode(form).encode(), headers=content_type | headers)

    def send(self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> Response:
        all_headers = {"Host": self.host, **(headers or {})}
        if self.cookies:
            all_headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            connection.request(method, self.prefix + path, body=body, headers=all_headers)
            response = connection.getresponse()
            for value in response.headers.get_all("Set-Cookie", []):
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(value).items()}
            return Response(response.status, {name.lower(): value for name, value in response.headers.items()}, response.read())
        finally:
            connection.close()
