"""ASGI or WSGI, by looking."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable
from typing import Any

import pytest

from lambent.runtime.app_interface import detect_interface, single_callable
from lambent.runtime.fault import Fault


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


def asgi_without_async(scope: Any, receive: Any, send: Any) -> Any: ...


async def asgi_with_options(scope: Any, receive: Any, send: Any, *, flag: bool = False) -> None: ...


async def asgi_variadic(*args: Any) -> None: ...


def wsgi(environ: Any, start_response: Any) -> Any: ...


def wsgi_with_default(environ: Any, start_response: Any, debug: bool = False) -> Any: ...


def wsgi_generator(env: Any, start: Any) -> Any:
    yield b""


def configured(option: Any, environ: Any, start_response: Any) -> Any: ...


async def configured_asgi(option: Any, scope: Any, receive: Any, send: Any) -> None: ...


def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


class Asgi:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    async def method(self, scope: Any, receive: Any, send: Any) -> None: ...

    @decorate
    async def decorated(self, scope: Any, receive: Any, send: Any) -> None: ...

    @classmethod
    async def of_class(cls, scope: Any, receive: Any, send: Any) -> None: ...

    @staticmethod
    async def static(scope: Any, receive: Any, send: Any) -> None: ...


class AsgiDecoratedCall:
    @decorate
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class AsgiClass:
    """Starlette's endpoints: called with everything, then awaited."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None: ...

    def __await__(self) -> Any: ...


class OldAsgi:
    def __init__(self, scope: Any) -> None: ...

    async def __call__(self, receive: Any, send: Any) -> None: ...


class Wsgi:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...

    def method(self, environ: Any, start_response: Any) -> Any: ...


class WsgiClass:
    """PEP 3333's own example of an app that is a class."""

    def __init__(self, environ: Any, start_response: Any) -> None: ...

    def __iter__(self) -> Any: ...


class Flaskish:
    def wsgi_app(self, environ: Any, start_response: Any) -> Any: ...

    def __call__(self, *args: Any) -> Any:
        return self.wsgi_app(*args)


@pytest.mark.parametrize(
    "app",
    [
        asgi,
        asgi_without_async,
        asgi_with_options,
        asgi_variadic,
        decorate(asgi),
        functools.partial(asgi),
        functools.partial(asgi_with_options, flag=True),
        functools.partial(configured_asgi, "option"),
        functools.partial(configured_asgi, option="option"),
        Asgi(),
        Asgi().method,
        Asgi().decorated,
        Asgi().of_class,
        Asgi.of_class,
        Asgi.static,
        AsgiDecoratedCall(),
        AsgiClass,
    ],
)
def test_asgi(app: Any) -> None:
    assert detect_interface(app) == "asgi"


@pytest.mark.parametrize("app", [OldAsgi, lambda scope: None])
def test_first_form_of_asgi(app: Any) -> None:
    assert detect_interface(app) == "asgi2"
    assert detect_interface(single_callable(app)) == "asgi"


def test_app_of_the_first_form_gets_both_calls() -> None:
    seen: list[Any] = []

    def old(scope: Any) -> Any:
        async def instance(receive: Any, send: Any) -> None:
            seen.extend((scope, receive, send))

        return instance

    asyncio.run(single_callable(old)(1, 2, 3))
    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    "app",
    [
        wsgi,
        wsgi_with_default,
        wsgi_generator,
        decorate(wsgi),
        functools.partial(configured, "option"),
        lambda e, s: [],
        Wsgi(),
        Wsgi().method,
        WsgiClass,
        Flaskish(),
    ],
)
def test_wsgi(app: Any) -> None:
    assert detect_interface(app) == "wsgi"


@pytest.mark.parametrize(
    ("app", "kind", "message"),
    [
        (lambda: None, "Runtime.UnknownInterface", "LAMBENT_INTERFACE"),
        (lambda *args: None, "Runtime.UnknownInterface", r"takes \(\*args\)"),
        (Asgi, "Runtime.UnknownInterface", "LAMBENT_INTERFACE"),
        ("text", "Runtime.NotAnApp", "cannot be called"),
        (None, "Runtime.NotAnApp", "cannot be called"),
    ],
)
def test_what_is_neither(app: Any, kind: str, message: str) -> None:
    with pytest.raises(Fault, match=message) as caught:
        detect_interface(app)
    assert caught.value.kind == kind


def test_a_bare_handler_says_so_by_the_name_of_its_event() -> None:
    assert detect_interface(lambda event, context: None) == "handler"
    assert detect_interface(lambda e, c: None, "handler") == "handler"


def test_the_wish_settles_it() -> None:
    assert detect_interface(lambda *args: None, "ASGI") == "asgi"
    assert detect_interface(asgi, "wsgi") == "wsgi"
    with pytest.raises(Fault, match="must be"):
        detect_interface(asgi, "http")


def test_callables_written_in_c_do_not_crash_it() -> None:
    for app in (print, len, dict, sys.exit):
        with pytest.raises(Fault):
            detect_interface(app)
