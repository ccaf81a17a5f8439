"""Tells an ASGI app from a WSGI app by looking at it, without calling it and, as a rule, without `inspect` (15 ms)."""

from __future__ import annotations

from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_COROUTINE = 0x80  # inspect.CO_COROUTINE
_VARIADIC = 0x04  # inspect.CO_VARARGS


def interface(app: Any, wish: str = "") -> str:
    """ "asgi", "wsgi" or "handler". `wish`, if given, settles it. Raises Fault, with what to do, for anything else."""
    if wish:
        if wish.lower() not in ("asgi", "wsgi", "handler"):
            raise Fault("Runtime.BadInterface", f'LAMBENT_INTERFACE must be "asgi", "wsgi" or "handler", not {wish!r}')
        return wish.lower()
    if not callable(app):
        raise Fault("Runtime.NotAnApp", f"{_name(app)} cannot be called, so it is neither an ASGI nor a WSGI app")
    waits, names, variadic = _look(app)
    if len(names) == 3 or (waits and variadic):
        return "asgi"
    if names[:1] == ["scope"] or (waits and len(names) == 1):
        raise Fault(
            "Runtime.OldAsgi",
            f"{_name(app)} speaks ASGI 2, given up in 2019; wrap it in asgiref.compatibility.guarantee_single_callable",
        )
    if len(names) == 2 and not waits:
        return "handler" if names[0] == "event" else "wsgi"
    for attribute, meaning in (("wsgi_app", "wsgi"), ("asgi_app", "asgi")):
        if hasattr(app, attribute):
            return meaning
    takes = ", ".join(names + ["*args"] * variadic)
    raise Fault(
        "Runtime.UnknownInterface",
        f"{_name(app)} takes ({takes}): that is neither ASGI's (scope, receive, send) nor WSGI's (environ, start_response)."
        " If it is one of them all the same, say so with the environment variable LAMBENT_INTERFACE=asgi (or wsgi).",
    )


def _look(app: Any) -> tuple[bool, list[str], bool]:
    """Does calling it give a coroutine; the positional parameters one has to give; does it take any number of them."""
    bound, taken = 0, frozenset[str]()
    marked = False
    while True:
        if isinstance(app, type):
            marked = marked or hasattr(app, "__await__")
            app, bound = app.__init__, bound + 1  # type: ignore[misc]
        elif hasattr(app, "__wrapped__") and callable(app.__wrapped__):
            # A decorator that says what it stands for; what it stands for also says how many it takes.
            bound += _is_bound(app)
            app = app.__wrapped__
        elif hasattr(app, "func") and hasattr(app, "keywords") and hasattr(app, "args"):  # functools.partial
            bound, taken = bound + len(app.args), taken | frozenset(app.keywords)
            app = app.func
        elif hasattr(app, "__func__"):
            app, bound = app.__func__, bound + 1
        elif hasattr(app, "__code__"):
            break
        elif hasattr(type(app).__call__, "__code__") or hasattr(type(app).__call__, "__wrapped__"):
            app, bound = type(app).__call__, bound + 1
        else:
            return _look_slowly(app, bound, taken)
        marked = marked or hasattr(app, "_is_coroutine_marker")
    code = app.__code__
    names = list(code.co_varnames[: code.co_argcount])
    required = len(names) - len(app.__defaults__ or ())
    left = [name for place, name in enumerate(names) if place >= bound and place < required and name not in taken]
    return marked or bool(code.co_flags & _COROUTINE), left, bool(code.co_flags & _VARIADIC)


def _is_bound(app: Any) -> int:
    return 1 if hasattr(app, "__func__") else 0


def _look_slowly(app: Any, bound: int, taken: frozenset[str]) -> tuple[bool, list[str], bool]:
    """For what has no Python code object: compiled functions, callables written in C."""
    import inspect

    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return False, [], True
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = [p.name for p in positional if p.default is p.empty and p.name not in taken][bound:]
    waits = inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None))  # noqa: B004
    return waits, names, any(p.kind is p.VAR_POSITIONAL for p in parameters)


def _name(app: Any) -> str:
    return f"{type(app).__name__} {getattr(app, '__qualname__', '')}".strip()
