"""What the calls of the web frameworks give: data for `scan.py`. Names are (top package, last part of the dotted name)."""

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
    ("gradio", "mount_gradio_app"), ("panther", "Panther"), ("shiny", "App"), ("nicegui", "App"), ("robyn", "ASGIApp"),
}  # fmt: skip

WSGI = {
    ("flask", "Flask"), ("apiflask", "APIFlask"), ("flask_openapi3", "OpenAPI"), ("bottle", "Bottle"),
    ("bottle", "default_app"),
    ("bottle", "app"), ("falcon", "App"), ("falcon", "API"), ("falcon", "wsgi.App"), ("django", "get_wsgi_application"),
    ("a2wsgi", "ASGIMiddleware"), ("socketio", "WSGIApp"), ("engineio", "WSGIApp"), ("werkzeug", "DispatcherMiddleware"),
    ("whitenoise", "WhiteNoise"), ("werkzeug", "ProxyFix"), ("microdot", "wsgi.Microdot"), ("wsgidav", "WsgiDAVApp"),
    ("cherrypy", "Application"), ("cherrypy", "mount"), ("pypiserver", "app"), ("ariadne", "wsgi.GraphQL"),
    ("eve", "Eve"), ("morepath", "App"), ("nikola", "App"), ("pycnic", "WSGI"), ("masonite", "Application"),
}  # fmt: skip

EITHER = {("connexion", "App"), ("ariadne", "GraphQL"), ("apistar", "App"), ("kore", "App")}

HANDLERS = {
    ("mangum", "Mangum"), ("apig_wsgi", "make_lambda_handler"), ("chalice", "Chalice"), ("magnum", "Magnum"),
    ("lambda_asgi", "Handler"), ("a2wsgi_lambda", "Handler"),
}  # fmt: skip

METHODS = {"make_wsgi_app": "wsgi", "wsgifunc": "wsgi", "http_app": "asgi", "streamable_http_app": "asgi", "sse_app": "asgi"}
"""Method calls that give an app whatever they are called on: Pyramid, web.py, MCP servers."""

INDIRECT: dict[tuple[str, str], tuple[str, Kind, bool]] = {
    ("datasette", "Datasette"): ("app", "asgi", True),
    ("dash", "Dash"): ("server", "wsgi", False),
}
"""Objects that hold the app: the attribute, what it is, and whether it must be called."""

UNSUPPORTED = {
    ("aiohttp", "Application"): "aiohttp's server is neither ASGI nor WSGI",
    ("tornado", "Application"): "Tornado's server is neither ASGI nor WSGI",
    ("robyn", "Robyn"): "Robyn's server is neither ASGI nor WSGI",
}

PROGRAMS = {
    "streamlit": "Streamlit apps are programs of their own, neither ASGI nor WSGI",
    "nicegui": "NiceGUI keeps a WebSocket to each browser, which no Function URL takes",
    "chainlit": "Chainlit keeps a WebSocket to each browser, which no Function URL takes",
}
"""Packages whose import says that a file without an app is no app."""

WRAPPERS = (
    "Middleware",
    "WhiteNoise",
    "ProxyFix",
    "ASGIApp",
    "WSGIApp",
    "DispatcherMiddleware",
    "Sentry",
    "SharedDataMiddleware",
)
"""Endings of the names of callables that wrap an app and give an app of the same kind."""

APP_NAMES = ("app", "application", "asgi", "wsgi", "asgi_app", "wsgi_app", "api", "server", "web", "site", "webapp", "web_app")
"""The names one gives to an app, the likeliest first."""

HANDLER_NAMES = ("lambda_handler", "handler")

FACTORY_NAMES = ("create_app", "make_app", "get_app", "build_app", "app_factory", "create_application", "get_application")
