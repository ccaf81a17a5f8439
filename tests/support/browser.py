"""A browser small enough for tests: a Function URL's host is sent, but the connection goes to 127.0.0.1.

(`*.localhost` is the machine itself by RFC 6761, but Python's resolver need not know that.) It keeps cookies and follows
no redirect.
"""

from __future__ import annotations

import http.client
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from msgspec import Struct


class Reply(Struct, frozen=True):
    """An answer. `headers` has lower-case names; cookies are in the browser."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Browser:
    """Asks one site, at `url`. `timeout` in seconds holds for each wait on the socket."""

    def __init__(self, url: str, *, timeout: float = 60) -> None:
        parts = urlsplit(url)
        self.url = url
        self.host = parts.netloc
        self.port = parts.port or 80
        self.prefix = parts.path.rstrip("/")
        self.timeout = timeout
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Reply:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, body=urlencode(form).encode(), headers=kind | headers)

    def ask(self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        sent = {"Host": self.host, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            connection.request(method, self.prefix + path, body=body, headers=sent)
            answer = connection.getresponse()
            for value in answer.headers.get_all("Set-Cookie", []):
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(value).items()}
            return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
        finally:
            connection.close()
