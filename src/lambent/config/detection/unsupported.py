"""Frameworks that are neither ASGI nor WSGI, or need what Function URLs don't have: why, and what to do instead."""

from __future__ import annotations

from msgspec import Struct

_ASGI_WSGI = "use an ASGI or WSGI app (FastAPI, Starlette, Quart, Flask, Django ...), or def lambda_handler(event, context)"
_CONTAINER = "run it where processes stay (a container on App Runner, ECS or Fly.io), or write the pages with FastAPI or Flask"
_WEBHOOK = "receive the messages as a webhook: a FastAPI or Flask route that the service calls"


class Unsupported(Struct, frozen=True):
    """Why something can't run on Lambda, and what to do instead.

    In `cure`, {name} is the name of the object and {instruction} says where to write what follows.
    """

    reason: str
    cure: str


def _needs_websocket(name: str) -> Unsupported:
    reason = f"{name} needs a WebSocket to each browser, and Function URLs do not support WebSockets"
    return Unsupported(reason, _CONTAINER)


def _own_server(name: str, cure: str = _ASGI_WSGI) -> Unsupported:
    return Unsupported(f"{name}'s server is neither ASGI nor WSGI", cure)


def _bot(name: str) -> Unsupported:
    return Unsupported(f"{name} keeps a connection open all the time, and Lambda only runs during a request", _WEBHOOK)


_GRADIO = Unsupported(
    "a Gradio interface is no ASGI app by itself",
    "{instruction}:\nfrom fastapi import FastAPI\nfrom gradio import mount_gradio_app\n"
    'app = mount_gradio_app(FastAPI(), {name}, path="/")',
)
_GRADIO_INTERFACE = Unsupported(  # its logger of flags wants a semaphore and a folder; Lambda has no /dev/shm
    _GRADIO.reason,
    f'{_GRADIO.cure}\nand add to gr.Interface(...): flagging_callback=gr.SimpleCSVLogger(), flagging_dir="/tmp"',
)

ASYNC_HANDLER = Unsupported(
    "Lambda's Python client doesn't await a handler that is a coroutine function",
    "{instruction}:\nimport asyncio\n\n\ndef lambda_handler(event, context):\n    return asyncio.run({name}(event, context))",
)

OBJECTS = {
    ("aiohttp", "Application"): _own_server("aiohttp"),
    ("tornado", "Application"): _own_server("Tornado"),
    ("robyn", "Robyn"): _own_server("Robyn"),
    ("microdot", "Microdot"): _own_server("Microdot", "import its ASGI form instead: from microdot.asgi import Microdot"),
    ("gradio", "Blocks"): _GRADIO,
    ("gradio", "Interface"): _GRADIO_INTERFACE,
    ("gradio", "ChatInterface"): _GRADIO,
    ("gradio", "TabbedInterface"): _GRADIO,
    ("shiny", "App"): _needs_websocket("Shiny"),
    ("reflex", "App"): _needs_websocket("Reflex"),
    ("http", "server.HTTPServer"): _own_server("Python's http.server"),
    ("http", "server.ThreadingHTTPServer"): _own_server("Python's http.server"),
    ("socketserver", "TCPServer"): _own_server("Python's socketserver"),
    ("klein", "Klein"): _own_server("Klein (Twisted)"),
    ("sonic", "Sonic"): _own_server("Sonic"),
    ("discord", "Client"): _bot("a Discord bot"),
    ("discord", "Bot"): _bot("a Discord bot"),
    ("discord", "AutoShardedBot"): _bot("a Discord bot"),
    ("nextcord", "Bot"): _bot("a Discord bot"),
    ("disnake", "Bot"): _bot("a Discord bot"),
    ("hikari", "GatewayBot"): _bot("a Discord bot"),
    ("interactions", "Client"): _bot("a Discord bot"),
    ("telebot", "TeleBot"): _bot("a Telegram bot that polls"),
    ("aiogram", "Dispatcher"): _bot("a Telegram bot that polls"),
    ("pyrogram", "Client"): _bot("a Telegram client"),
    ("telethon", "TelegramClient"): _bot("a Telegram client"),
    ("slack_bolt", "SocketModeHandler"): _bot("a Slack app in socket mode"),
    ("websockets", "serve"): _needs_websocket("websockets"),
    ("grpc", "server"): Unsupported("gRPC needs HTTP/2 from end to end, and Function URLs speak HTTP/1.1", _ASGI_WSGI),
}
"""Calls whose result can't run on Lambda. The keys are like those in `frameworks.py`."""

PACKAGES = {
    "streamlit": Unsupported("Streamlit runs its own server, which is neither ASGI nor WSGI", _CONTAINER),
    "nicegui": _needs_websocket("NiceGUI"),
    "chainlit": _needs_websocket("Chainlit"),
    "shiny": _needs_websocket("Shiny"),
    "reflex": _needs_websocket("Reflex"),
    "panel": _needs_websocket("Panel"),
    "solara": _needs_websocket("Solara"),
    "flet": _needs_websocket("Flet"),
    "taipy": _needs_websocket("Taipy"),
    "pywebio": _needs_websocket("PyWebIO"),
    "justpy": _needs_websocket("JustPy"),
    "marimo": _needs_websocket("marimo"),
    "voila": _needs_websocket("Voilà"),
    "gradio": _GRADIO,
    "datasette.hookimpl": Unsupported(
        "this is a plug-in, and Datasette is the app",
        "write app.py, which serves Datasette with the plug-ins that are installed:\n"
        "from datasette.app import Datasette\napp = Datasette([]).app()",
    ),
    "aiohttp.web": OBJECTS["aiohttp", "Application"],
    "tornado.web": OBJECTS["tornado", "Application"],
    "http.server": OBJECTS["http", "server.HTTPServer"],
    "discord": _bot("a Discord bot"),
    "telegram": _bot("a Telegram bot that polls"),
    "aiogram": _bot("a Telegram bot that polls"),
}
"""Packages that explain why a file that imports them has no app."""


def explain_package(dotted: str) -> Unsupported | None:
    """Return why a file that imports a dotted name has no app, or None."""
    return PACKAGES.get(".".join(dotted.split(".")[:2])) or PACKAGES.get(dotted.partition(".")[0])
