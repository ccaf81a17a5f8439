"""The web frameworks that `module_scan.py` knows: which call creates what.

Names are pairs of the top-level package and the last part of the dotted name.
"""

from __future__ import annotations

from lambent.config.model import Kind

ASGI = {
    ("fastapi", "FastAPI"), ("starlette", "Starlette"), ("quart", "Quart"), ("litestar", "Litestar"), ("starlite", "Starlite"),
    ("blacksheep", "Application"), ("sanic", "Sanic"), ("connexion", "AsyncApp"), ("connexion", "FlaskApp"),
    ("responder", "API"), ("fasthtml", "FastHTML"), ("fasthtml", "fast_app"), ("socketio", "ASGIApp"), ("engineio", "ASGIApp"),
    ("strawberry", "GraphQL"), ("falcon", "asgi.App"), ("microdot", "asgi.Microdot"), ("emmett", "App"), ("lilya", "Lilya"),
    ("esmerald", "Esmerald"), ("ravyn", "Ravyn"), ("muffin", "Application"), ("baize", "asgi.Router"), ("xpresso", "App"),
    ("asgiref", "WsgiToAsgi"), ("a2wsgi", "WSGIMiddleware"), ("django", "get_asgi_application"),
    ("channels", "ProtocolTypeRouter"),
    ("gradio", "mount_gradio_app"), ("panther", "Panther"), ("nicegui", "App"), ("robyn", "ASGIApp"),
}  # fmt: skip

WSGI = {
    ("flask", "Flask"), ("apiflask", "APIFlask"), ("flask_openapi3", "OpenAPI"), ("bottle", "Bottle"),
    ("bottle", "default_app"),
    ("bottle", "app"), ("falcon", "App"), ("falcon", "API"), ("falcon", "wsgi.App"), ("django", "get_wsgi_application"),
    ("a2wsgi", "ASGIMiddleware"), ("socketio", "WSGIApp"), ("engineio", "WSGIApp"), ("werkzeug", "DispatcherMiddleware"),
    ("whitenoise", "WhiteNoise"), ("werkzeug", "ProxyFix"), ("microdot", "wsgi.Microdot"), ("wsgidav", "WsgiDAVApp"),
    ("cherrypy", "Application"), ("cherrypy", "mount"), ("pypiserver", "app"), ("ariadne", "wsgi.GraphQL"),
    ("eve", "Eve"), ("morepath", "App"), ("nikola", "App"), ("pycnic", "WSGI"), ("masonite", "Application"),
    ("py4web", "wsgi"),
}  # fmt: skip

EITHER = {("connexion", "App"), ("ariadne", "GraphQL"), ("apistar", "App"), ("kore", "App")}

HANDLERS = {
    ("mangum", "Mangum"), ("apig_wsgi", "make_lambda_handler"), ("chalice", "Chalice"), ("magnum", "Magnum"),
    ("lambda_asgi", "Handler"), ("a2wsgi_lambda", "Handler"),
}  # fmt: skip

METHODS = {
    "make_wsgi_app": "wsgi",
    "wsgifunc": "wsgi",
    "http_app": "asgi",
    "streamable_http_app": "asgi",
    "sse_app": "asgi",
    "lambda_handler": "handler",
}
"""Methods that return an app, whatever the object is: Pyramid, web.py, MCP servers, Alexa's skill builders."""

HANDLER_METHODS = ("lambda_handler", "handler", "handle", "resolve", "handle_request")
"""Methods of an unknown object that a module offers as its handler: `handler = app.handler`."""

HOLDERS: dict[tuple[str, str], tuple[str, Kind, str]] = {
    ("datasette", "Datasette"): ("app", "asgi", "()"),
    ("dash", "Dash"): ("server", "wsgi", ""),
    ("web", "application"): ("wsgifunc", "wsgi", "()"),
    ("fastmcp", "FastMCP"): ("http_app", "asgi", "()"),
    ("mcp", "FastMCP"): ("streamable_http_app", "asgi", "()"),
    ("mcp", "MCPServer"): ("streamable_http_app", "asgi", "(host='lambda',stateless_http=True)"),
    ("mcp", "Server"): ("", "asgi", ""),
}
"""Objects that hold the app: its attribute, its kind, and how the attribute is called, "" if it isn't.

An object without an attribute for it serves an app only when it is run (`runtime/program.py`).

mcp 2 answers only to localhost unless it is given another host, and Lambda keeps no sessions between environments.
"""

CALLABLE_PACKAGES: dict[str, Kind] = {"mesop": "wsgi"}
"""Packages that are the app themselves: files add pages to them."""

WRAPPERS = (
    *("Middleware", "WhiteNoise", "ProxyFix", "ASGIApp", "WSGIApp", "DispatcherMiddleware", "Sentry", "SharedDataMiddleware"),
)
"""Name endings of callables that wrap an app and return one of the same kind."""

APP_NAMES = ("app", "application", "asgi", "wsgi", "asgi_app", "wsgi_app", "api", "server", "web", "site", "webapp", "web_app")
"""Common names for an app, the most likely first."""

PROGRAM = "__main__"
"""The attribute that stands for the app that a module serves when it is run as a program."""

HUG_APP = "__hug_wsgi__"
"""The name that hug gives to the app in each module with routes."""

HANDLER_NAMES = ("lambda_handler", "handler")

PYRAMID_CALL = "({})"
"""How Pyramid's factory, `main(global_config, **settings)`, is called without settings."""

PASTE = "pyramid.paster.get_app"
"""What makes the app that an .ini file describes."""

FACTORY_NAMES = ("create_app", "make_app", "get_app", "build_app", "app_factory", "create_application", "get_application")

RUNNERS = {
    ("uvicorn", "run"), ("uvicorn", "Server.run"), ("uvicorn", "Server.serve"),
    ("aiohttp", "web.run_app"), ("aiohttp", "run_app"), ("bottle", "run"),
    ("waitress", "serve"), ("hypercorn", "serve"), ("cherrypy", "quickstart"), ("cherrypy", "engine.block"),
    ("werkzeug", "run_simple"), ("nicegui", "ui.run"), ("streamlit", "web.bootstrap.run"), ("granian", "serve"),
    ("web", "httpserver.runsimple"), ("gradio", "launch"), ("daphne", "run"), ("bjoern", "run"), ("meinheld", "server.run"),
}  # fmt: skip
"""Functions that start a server and don't return."""

UNSERVED = {
    ("aiohttp", "web.run_app"), ("aiohttp", "run_app"), ("nicegui", "ui.run"), ("streamlit", "web.bootstrap.run"),
    ("granian", "serve"), ("gradio", "launch"), ("daphne", "run"), ("bjoern", "run"), ("meinheld", "server.run"),
}  # fmt: skip
"""Those of `RUNNERS` whose app `runtime/program.py` can't take."""

SERVED_HOLDERS = {
    ("dash", "Dash"), ("web", "application"), ("fastmcp", "FastMCP"), ("mcp", "FastMCP"), ("mcp", "MCPServer"),
    ("mcp", "Server"),
}  # fmt: skip
"""Objects that hold an app, and whose methods for starting a server `runtime/program.py` knows."""

SERVERS = ("wsgiref", "gevent", "geventwebsocket", "werkzeug", "cheroot", "flask_socketio", "livereload")
"""Packages of servers, and of what wraps one, whose methods `runtime/program.py` knows."""

RUN_METHODS = (
    *("run", "run_server", "run_debug", "run_simple", "listen", "launch", "serve", "run_task"),
    *("run_async", "run_stdio_async", "run_http_async", "run_sse_async", "run_streamable_http_async"),
)
"""Methods of an app, or of what holds one, that start a server and don't return."""

LOOPS = ("serve_forever", "run_forever", "run_polling", "infinity_polling", "start_polling", "run_until_disconnected")
"""Methods that don't return, whatever the object is."""
