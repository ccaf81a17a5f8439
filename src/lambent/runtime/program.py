"""Runs a file of the app as a program, and takes the app that it would serve ("server:__main__").

Some apps exist only below `if __name__ == "__main__"`, and some modules start a server as soon as they are imported. So the
functions that start a server are replaced, as soon as their module is imported, by one that ends the program with the app it
was given. The program runs as `python server.py` runs it: its name is `__main__`, and PORT is set as a hosting service sets it.
"""

from __future__ import annotations

import os
import sys

from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Served(BaseException):
    """Ends a program that starts its server. It is no Exception, so that the program's own handlers let it pass."""

    def __init__(self, app: Any, is_factory: bool) -> None:
        super().__init__()
        self.app, self.is_factory = app, is_factory


def served_app(module_name: str) -> tuple[Any, bool]:
    """Return the app that a module serves when it is run as a program, and whether it is a factory, to be called.

    The app may be a text that names it: "main:app". Raise Fault if the program ends without serving one.
    """
    from importlib.util import find_spec

    starts = _ServerStarts()
    starts.replace()  # before `find_spec`, which imports the packages that the module is in
    try:
        spec = find_spec(module_name)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"No module named '{module_name}'", name=module_name)
        _run(module_name, spec)
    except BaseException as error:
        served = _served_in(error)
        if served is None:
            raise
        return served.app, served.is_factory
    finally:
        starts.detach()
    raise Fault("Runtime.NoServer", f"{spec.origin} ended without starting a server that lambent knows, so it has no app")


def _served_in(error: BaseException) -> Served | None:
    """Return what ended a program, also out of a group of exceptions, which a group of tasks makes. None if nothing served."""
    if isinstance(error, Served):
        return error
    group = getattr(error, "exceptions", ())
    return next(filter(None, map(_served_in, group)), None) if isinstance(group, tuple) else None


def _run(module_name: str, spec: Any) -> None:
    """Run a module as `python` does, until it ends or raises."""
    code = spec.loader.get_code(module_name)
    program: Any = type(sys)("__main__")
    program.__file__, program.__loader__ = spec.origin, spec.loader
    program.__package__, program.__builtins__ = module_name.rpartition(".")[0], __builtins__
    program.lambent_main = sys.modules.get("__main__")  # its namespace must live on
    sys.modules["__main__"], sys.argv = program, [spec.origin or module_name]
    os.environ.setdefault("PORT", "8080")
    exec(code, program.__dict__)
    if "__name__" not in code.co_names:  # it doesn't ask whether it is the program
        _call_main(program)


def _call_main(program: Any) -> None:
    """Call `main` of a program that only defines it, as an installed script calls it. It may be a command of click or typer."""
    main = getattr(program, "main", None)
    if callable(main) and getattr(getattr(main, "callback", main), "__module__", "") == "__main__":
        main()


class _ServerStarts:
    """Finds the modules of `_STARTS` in the usual way, and replaces their functions once they have run."""

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any]] = []

    def replace(self) -> None:
        for name in (*_STARTS, *_SKIPPED):
            if name in sys.modules:
                self._replace(sys.modules[name])
        sys.meta_path.insert(0, self)

    def detach(self) -> None:
        """Put the functions back: what serves an app may use them itself, as mcp's transports do."""
        sys.meta_path.remove(self)
        while self._replaced:
            setattr(*self._replaced.pop())

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in _STARTS and name not in _SKIPPED:
            return None
        finders = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in finders)), None)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                run(module)
                self._replace(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def _replace(self, module: Any) -> None:
        replacements = {dotted: _ending(app_of) for dotted, app_of in _STARTS.get(module.__name__, {}).items()}
        replacements.update(dict.fromkeys(_SKIPPED.get(module.__name__, ()), _skip))
        for dotted, replacement in replacements.items():
            holder, _, name = dotted.rpartition(".")
            owner = getattr(module, holder, None) if holder else module
            if owner is not None and hasattr(owner, name):
                self._replaced.append((owner, name, getattr(owner, name)))
                setattr(owner, name, replacement)


def _skip(*arguments: Any, **options: Any) -> Any:
    """Do nothing, in place of a part of a server. As a context manager: have no streams."""
    return _NoStreams()


class _NoStreams:
    async def __aenter__(self) -> tuple[None, None]:
        return None, None

    async def __aexit__(self, *error: object) -> None: ...


def _ending(app_of: Callable[..., Any]) -> Callable[..., Any]:
    def start(*arguments: Any, **options: Any) -> Any:
        app = app_of(*arguments, **options)
        raise Served(*app) if isinstance(app, tuple) else Served(app, False)

    return start


def _argument(position: int, name: str = "app") -> Callable[..., Any]:
    """Return a function that takes the app from the arguments of a call."""

    def app_of(*arguments: Any, **options: Any) -> Any:
        app = arguments[position] if len(arguments) > position else options.get(name)
        return app, bool(options.get("factory"))

    return app_of


def _method(name: str) -> Callable[..., Any]:
    """Return a function that calls a method of the object whose method was called."""
    return lambda holder, *arguments, **options: getattr(holder, name)()


def _attribute(name: str) -> Callable[..., Any]:
    return lambda holder, *arguments, **options: getattr(holder, name)


def _uvicorn_server(server: Any, *arguments: Any, **options: Any) -> Any:
    return server.config.app, server.config.factory


def _bottle(app: Any = None, *arguments: Any, **options: Any) -> Any:
    return app or sys.modules["bottle"].default_app()


def _cherrypy(root: Any = None, script_name: str = "", config: Any = None) -> Any:
    """Mount what `quickstart` gets, and start everything but the server: the plug-ins of the app are part of the bus."""
    cherrypy: Any = sys.modules["cherrypy"]
    if config:
        cherrypy.config.update(config)
    if root is not None:
        cherrypy.tree.mount(root, script_name, config)
    if cherrypy.engine.state != cherrypy.engine.states.STARTED:
        cherrypy.engine.start()
    return cherrypy.tree


def _cherrypy_bus(*arguments: Any, **options: Any) -> Any:
    return _cherrypy()


def _tornado(server: Any, *arguments: Any, **options: Any) -> Any:
    app = server.request_callback
    wsgi = getattr(app, "wsgi_application", None)
    if wsgi is None:
        raise Fault("Runtime.NotAnApp", "Tornado's own server is neither ASGI nor WSGI; on Lambda only a WSGIContainer works")
    return wsgi


def _mcp_server(server: Any, *arguments: Any, **options: Any) -> Any:
    """Return the app of an MCP server whose program speaks over stdin and stdout. Lambda keeps no sessions."""
    if hasattr(server, "streamable_http_app"):  # since mcp 2, which answers only to localhost unless it is given another host
        return server.streamable_http_app(host="lambda", stateless_http=True)
    from importlib import import_module

    transport: Any = import_module("mcp.server.streamable_http_manager")
    starlette: Any = import_module("starlette.applications")
    routing: Any = import_module("starlette.routing")
    manager = transport.StreamableHTTPSessionManager(app=server, stateless=True)

    class Endpoint:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await manager.handle_request(scope, receive, send)

    return starlette.Starlette(routes=[routing.Route("/mcp", endpoint=Endpoint())], lifespan=lambda app: manager.run())


_SELF = _argument(0)
_MCP_RUNS = ("run", "run_async", "run_stdio_async", "run_http_async", "run_sse_async", "run_streamable_http_async")

_STARTS: dict[str, dict[str, Callable[..., Any]]] = {
    "bottle": {"run": _bottle},
    "cheroot.server": {"HTTPServer.start": _attribute("wsgi_app"), "HTTPServer.safe_start": _attribute("wsgi_app")},
    "cherrypy": {"quickstart": _cherrypy},
    "cherrypy.process.wspbus": {"Bus.block": _cherrypy_bus},
    "connexion.apps.abstract": {"AbstractApp.run": _SELF},
    "eventlet.wsgi": {"server": _argument(1, "site")},
    "fastmcp.server.server": {f"FastMCP.{name}": _method("http_app") for name in _MCP_RUNS},
    "flask.app": {"Flask.run": _SELF},
    "flask_socketio": {"SocketIO.run": _argument(1)},
    "gevent.baseserver": {"BaseServer.serve_forever": _attribute("application")},
    "gunicorn.app.base": {"BaseApplication.run": _method("load")},
    "hug.api": {"HTTPInterfaceAPI.serve": _method("server")},
    "hypercorn.asyncio": {"serve": _argument(0)},
    "hypercorn.trio": {"serve": _argument(0)},
    "livereload.server": {"Server.serve": _attribute("app")},
    "mcp.server.fastmcp.server": {f"FastMCP.{name}": _method("streamable_http_app") for name in _MCP_RUNS},
    "mcp.server.lowlevel.server": {"Server.run": _mcp_server},
    "mcp.server.mcpserver.server": {f"MCPServer.{name}": _mcp_server for name in _MCP_RUNS},
    "microdot": {"Microdot.run": _SELF},
    "paste.httpserver": {"serve": _argument(0, "application")},
    "quart.app": {"Quart.run": _SELF, "Quart.run_task": _SELF},
    "sanic.app": {"Sanic.run": _SELF},
    "tornado.httpserver": {"HTTPServer.listen": _tornado, "HTTPServer.bind": _tornado, "HTTPServer.start": _tornado},
    "uvicorn.main": {"run": _argument(0)},
    "uvicorn.server": {"Server.run": _uvicorn_server, "Server.serve": _uvicorn_server},
    "waitress": {"serve": _argument(0)},
    "web.application": {"application.run": lambda app, *middleware: app.wsgifunc(*middleware)},
    "web.httpserver": {"runsimple": _argument(0, "func"), "runbasic": _argument(0, "func")},
    "werkzeug.serving": {"run_simple": _argument(2, "application"), "make_server": _argument(2)},
    "wsgiref.simple_server": {"make_server": _argument(2), "WSGIServer.serve_forever": _attribute("application")},
}
"""For each module, the functions that start a server, and how their arguments lead to the app."""

_SKIPPED = {
    "cherrypy.process.plugins": ("Autoreloader.start",),
    "cherrypy.process.servers": ("ServerAdapter.start",),
    "mcp.server.stdio": ("stdio_server",),
}
"""Functions that do nothing: CherryPy starts its server and its watch over files before the call that blocks, and an MCP
server opens its streams before it runs."""
