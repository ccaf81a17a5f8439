"""Which host an app needs. Each brings modules of its own, so that only the needed one is imported."""

from __future__ import annotations

from .environment import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from .function import FunctionHost
    from .reply import Answer
    from .request import Request

    class Host(Protocol):
        """What asgi.py and wsgi.py have in common."""

        def start(self) -> None: ...
        def handle(self, request: Request, answer: Answer) -> None: ...
        def close(self) -> None: ...


def make_host(app: Any) -> Host | FunctionHost:
    """The host for an app. What it is, and whether it wants lifespan, may be said by LAMBENT_INTERFACE and LAMBENT_LIFESPAN."""
    kind = variable("LAMBENT_INTERFACE").lower()
    if kind != "handler":
        from .interface import interface

        kind = interface(app, kind)
    if kind == "handler":
        from .function import FunctionHost

        return FunctionHost(app)
    others = variable("LAMBENT_EVENTS")
    if not others:
        return _web_host(app, kind)
    from .events import WithEvents

    return WithEvents(_web_host(app, kind), others)


def _web_host(app: Any, kind: str) -> Host:
    if kind == "asgi":
        from .asgi import AsgiHost

        return AsgiHost(app, variable("LAMBENT_LIFESPAN", "auto"))
    from .wsgi import WsgiHost

    return WsgiHost(app)
