"""Hosts that are added to Django's settings and to Starlette's middleware, and Flask's SERVER_NAME."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import flask
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from lambent.runtime.allowed_hosts import allow_hosts


@pytest.mark.parametrize("hosts", [["example.com"], ("example.com",)])
def test_hosts_are_added_to_those_of_the_settings(monkeypatch: pytest.MonkeyPatch, hosts: object) -> None:
    conf = ModuleType("django.conf")
    conf.settings = SimpleNamespace(ALLOWED_HOSTS=hosts)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "django.conf", conf)
    allow_hosts(None, ".on.aws,.localhost")
    assert conf.settings.ALLOWED_HOSTS == ["example.com", ".on.aws", ".localhost"]


def test_an_app_without_django_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "django.conf", raising=False)
    allow_hosts(None, ".on.aws")
    assert "django.conf" not in sys.modules


def _status(app: Any, host: str) -> int:
    """Return the status of the app's response to a request for a host."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"host", host.encode())]}
    asyncio.run(app(scope, receive, send))
    return int(sent[0]["status"])


def _added(app: Starlette) -> Any:
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=("example.com",))
    return app


@pytest.mark.parametrize(
    "protect",
    [
        _added,
        lambda app: Starlette(routes=app.routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["example.com"])]),
        lambda app: TrustedHostMiddleware(app, allowed_hosts=["example.com"]),
        lambda app: CORSMiddleware(_added(app)),
    ],
    ids=["added", "given", "around it", "within another"],
)
def test_starlette_s_middleware_answers_the_hosts_of_urls(protect: Callable[[Starlette], Any]) -> None:
    app = protect(Starlette(routes=[Route("/", lambda request: PlainTextResponse("hello"))]))
    allow_hosts(app, ".on.aws,.localhost")
    statuses = {host: _status(app, host) for host in ("abc.lambda-url.eu-west-1.on.aws", "example.com", "example.org")}
    assert statuses == {"abc.lambda-url.eu-west-1.on.aws": 200, "example.com": 200, "example.org": 400}


@pytest.mark.parametrize(("options", "name"), [({}, None), ({"subdomain_matching": True}, "shop.example")])
def test_flask_answers_any_host_unless_its_routes_depend_on_it(options: dict[str, Any], name: str | None) -> None:
    app = flask.Flask("shop", **options)
    app.config["SERVER_NAME"] = "shop.example"
    allow_hosts(SimpleNamespace(app=app), ".on.aws")
    assert app.config["SERVER_NAME"] == name
