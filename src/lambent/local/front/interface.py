"""What the front needs of its surroundings, and the values its modules hand to each other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from lambent.local.engine.invocation import Function, Invocation, Outcome, Stream

Headers = tuple[tuple[str, str], ...]


class Request(Struct, frozen=True):
    """One HTTP request as it came in. Header names are in lower case, in the order of arrival; values stand for bytes, as
    latin-1, so that the runtime can hand an app the very bytes the client sent.

    `raw_path` is still percent-encoded; `query` is without the "?". `wire_path` and `wire_host` are what the client signed when
    the request reached us over `/_url/<id>/`; otherwise they equal the path and the Host header.
    """

    method: str
    raw_path: str
    query: str
    headers: Headers
    body: bytes
    source_ip: str
    wire_path: str
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """The first value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


class Reply(Struct, frozen=True):
    """One HTTP answer. After `body` comes `rest`, if there is one: what the function is still to say."""

    status: int
    headers: Headers
    body: bytes
    rest: AsyncGenerator[bytes, None] | None = None


class Caller(Struct, frozen=True):
    """Whose access key signed a request. `permits(action, resource)` asks the identity's own policies."""

    access_key: str
    secret: str
    account: str
    arn: str
    user_id: str
    permits: Callable[[str, str], bool]


class Callers(Protocol):
    async def caller(self, access_key: str, session_token: str | None) -> Caller | None:
        """Whom this access key belongs to, or None when nobody made it (or the session token is not its own)."""
        ...


class Invoker(Protocol):
    """The engine, or what stands before it."""

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome: ...

    async def stream(self, function: Function, invocation: Invocation) -> Stream: ...


class Url(Protocol):
    """A Function URL's configuration. `qualifier` is "" or an alias; `cors` has AWS's own member names, or is empty."""

    @property
    def url_id(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def function(self) -> str: ...
    @property
    def qualifier(self) -> str: ...
    @property
    def auth_type(self) -> str: ...
    @property
    def invoke_mode(self) -> str: ...
    @property
    def cors(self) -> Mapping[str, Any] | None: ...


class Urls(Protocol):
    """What the store tells about URLs."""

    def url(self, url_id: str) -> Url | None: ...

    def policy(self, region: str, function_name: str, qualifier: str) -> Sequence[Mapping[str, Any]]: ...

    def route(self, region: str, function_name: str, qualifier: str) -> Function: ...
