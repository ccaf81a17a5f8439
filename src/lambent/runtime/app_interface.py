"""Tells ASGI, WSGI and handler functions apart by inspecting the app, without calling it.

`inspect` takes 15 ms to import, so it is only used for apps that have no Python code object.
"""

from __future__ import annotations

from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_COROUTINE = 0x80  # inspect.CO_COROUTINE
_VARARGS = 0x04  # inspect.CO_VARARGS


def detect_interface(app: Any, override: str = "") -> str:
    """Return "asgi", "wsgi", "handler", or "asgi2" for an app of ASGI's first form, which is called twice.

    `override` decides if it isn't "". Raise Fault for anything else.
    """
    if override:
        if override.lower() not in ("asgi", "wsgi", "handler"):
            raise Fault("Runtime.BadInterface", f'LAMBENT_INTERFACE must be "asgi", "wsgi" or "handler", not {override!r}')
        return override.lower()
    if not callable(app):
        raise Fault("Runtime.NotAnApp", f"{_name(app)} cannot be called, so it is neither an ASGI nor a WSGI app")
    is_async, names, is_variadic = _signature(app)
    if len(names) == 3 or (is_async and is_variadic):
        return "asgi"
    if names == ["scope"] and not is_async:
        return "asgi2"
    if len(names) == 2 and not is_async:
        return "handler" if names[0] == "event" else "wsgi"
    for attribute, meaning in (("wsgi_app", "wsgi"), ("asgi_app", "asgi")):
        if hasattr(app, attribute):
            return meaning
    parameters = ", ".join(names + ["*args"] * is_variadic)
    raise Fault(
        "Runtime.UnknownInterface",
        f"{_name(app)} takes ({parameters}), which matches neither ASGI (scope, receive, send) nor WSGI"
        " (environ, start_response). If it is one of them, set the environment variable LAMBENT_INTERFACE=asgi (or wsgi).",
    )


def single_callable(app: Any) -> Any:
    """Return an app of ASGI's first form, of 2018, as one of today's: Starlette before 0.12, Channels before 3."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        await app(scope)(receive, send)

    return call


def _signature(app: Any) -> tuple[bool, list[str], bool]:
    """Return whether a call gives a coroutine, the required positional parameters, and whether it takes *args."""
    bound = 0
    filled: frozenset[str] = frozenset()
    marked = False
    while True:
        if isinstance(app, type):
            marked = marked or hasattr(app, "__await__")
            app, bound = app.__init__, bound + 1  # type: ignore[misc]
        elif hasattr(app, "__wrapped__") and callable(app.__wrapped__):
            # A decorator that names the function it wraps: that function's parameters count.
            bound += _is_bound(app)
            app = app.__wrapped__
        elif hasattr(app, "func") and hasattr(app, "keywords") and hasattr(app, "args"):  # functools.partial
            bound, filled = bound + len(app.args), filled | frozenset(app.keywords)
            app = app.func
        elif hasattr(app, "__func__"):
            app, bound = app.__func__, bound + 1
        elif hasattr(app, "__code__"):
            break
        elif hasattr(type(app).__call__, "__code__") or hasattr(type(app).__call__, "__wrapped__"):
            app, bound = type(app).__call__, bound + 1
        else:
            return _signature_without_code(app, bound, filled)
        marked = marked or hasattr(app, "_is_coroutine_marker")
    code = app.__code__
    names = list(code.co_varnames[: code.co_argcount])
    required = len(names) - len(app.__defaults__ or ())
    unfilled = [name for index, name in enumerate(names) if bound <= index < required and name not in filled]
    return marked or bool(code.co_flags & _COROUTINE), unfilled, bool(code.co_flags & _VARARGS)


def _is_bound(app: Any) -> int:
    return 1 if hasattr(app, "__func__") else 0


def _signature_without_code(app: Any, bound: int, filled: frozenset[str]) -> tuple[bool, list[str], bool]:
    """Do the same for what has no Python code object: compiled functions, callables written in C."""
    import inspect

    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return False, [], True
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = [p.name for p in positional if p.default is p.empty and p.name not in filled][bound:]
    is_async = inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None))  # noqa: B004
    return is_async, names, any(p.kind is p.VAR_POSITIONAL for p in parameters)


def _name(app: Any) -> str:
    return f"{type(app).__name__} {getattr(app, '__qualname__', '')}".strip()
