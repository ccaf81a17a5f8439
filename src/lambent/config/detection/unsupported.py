"""Frameworks that are neither ASGI nor WSGI, or need what Function URLs don't have: why, and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from lambent.config.detection.project_text import read_text

_ASGI_WSGI = "use an ASGI or WSGI app (FastAPI, Starlette, Quart, Flask, Django ...), or def lambda_handler(event, context)"
_CONTAINER = (
    "run it where processes stay (a container on ECS, Fly.io or a server of yours), or write the pages with FastAPI or Flask"
)
_WEBHOOK = "receive the messages as a webhook: a FastAPI or Flask route that the service calls"


class Unsupported(Struct, frozen=True):
    """Why something can't run on Lambda, and what to do instead.

    In `cure`, {name} is the name of the object and {instruction} says where to write what follows. `is_common` means that
    other files of a web app have it too, so an app elsewhere is looked for first.
    """

    reason: str
    cure: str
    is_common: bool = False


def _needs_websocket(name: str) -> Unsupported:
    reason = f"{name} needs a WebSocket to each browser, and Function URLs do not support WebSockets"
    return Unsupported(reason, _CONTAINER)


def _own_server(name: str, cure: str = _ASGI_WSGI) -> Unsupported:
    return Unsupported(f"{name}'s server is neither ASGI nor WSGI", cure)


def _bot(name: str) -> Unsupported:
    return Unsupported(f"{name} keeps a connection open all the time, and Lambda only runs during a request", _WEBHOOK)


def _waits(name: str, what: str = "for work") -> Unsupported:
    cure = (
        "let SQS, SNS, EventBridge or another trigger call it: write def lambda_handler(event, context), which does one piece"
    )
    return Unsupported(
        f"{name} waits {what} all the time, and Lambda only runs while a request or an event is handled", cure, True
    )


def _window(name: str) -> Unsupported:
    return Unsupported(f"{name} opens a window on the machine where it runs, and Lambda has no screen", _ASGI_WSGI, True)


_POLLING_BOT = _bot("a Telegram bot that polls")
_TELEGRAM_BOT = Unsupported("a Telegram bot is no ASGI or WSGI app by itself", _WEBHOOK)
_POLLS = re.compile(r"(?:\b|_)polling\(")
"""The calls of python-telegram-bot, aiogram and pyTelegramBotAPI: run_polling, start_polling, infinity_polling, polling."""
CLOUD_FUNCTION = Unsupported(
    "a Google Cloud Function gets a request of Flask's, and Lambda calls a handler with an event",
    "{instruction} (with flask among the requirements):\nfrom flask import Flask, request\napi = Flask(__name__)\n"
    'api.route("/", methods=["GET", "POST"])(lambda: {name}(request))',
    True,
)

_GRADIO = Unsupported(
    "a Gradio interface is no ASGI app by itself",
    "{instruction}:\nfrom fastapi import FastAPI\nfrom gradio import mount_gradio_app\n"
    'app = mount_gradio_app(FastAPI(), {name}, path="/")',
)
_GRADIO_INTERFACE = Unsupported(  # its logger of flags wants a semaphore and a folder; Lambda has no /dev/shm
    _GRADIO.reason,
    f'{_GRADIO.cure}\nand add to gr.Interface(...): flagging_callback=gr.SimpleCSVLogger(), flagging_dir="/tmp"',
)

_GRPC = Unsupported("gRPC needs HTTP/2 from end to end, and Function URLs speak HTTP/1.1", _ASGI_WSGI)
_SLACK = Unsupported(
    "a Slack app of Bolt is no WSGI app by itself",
    "{instruction}:\nfrom slack_bolt.adapter.wsgi import SlackRequestHandler\napi = SlackRequestHandler({name})",
)
_SLACK_ASYNC = Unsupported(
    "a Slack app of Bolt is no ASGI app by itself",
    "{instruction}:\nfrom slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler\n"
    "api = AsyncSlackRequestHandler({name})",
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
    ("telebot", "TeleBot"): _POLLING_BOT,
    ("aiogram", "Dispatcher"): _POLLING_BOT,
    ("pyrogram", "Client"): _bot("a Telegram client"),
    ("telethon", "TelegramClient"): _bot("a Telegram client"),
    ("slack_bolt", "SocketModeHandler"): _bot("a Slack app in socket mode"),
    ("websockets", "serve"): _needs_websocket("websockets"),
    ("grpc", "server"): _GRPC,
    ("grpc", "aio.server"): _GRPC,
    ("slack_bolt", "App"): _SLACK,
    ("slack_bolt", "AsyncApp"): _SLACK_ASYNC,
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
    "py4web": Unsupported(
        "py4web makes its app from a folder of apps",
        'write app.py, with the folder that your apps are in:\nfrom py4web.core import wsgi\napp = wsgi(apps_folder="apps")',
    ),
    "gluon": _own_server("web2py"),
    "aiohttp.web": OBJECTS["aiohttp", "Application"],
    "tornado": OBJECTS["tornado", "Application"],
    "http.server": OBJECTS["http", "server.HTTPServer"],
    "socketserver": OBJECTS["socketserver", "TCPServer"],
    "discord": _bot("a Discord bot"),
    "telegram": _POLLING_BOT,
    "aiogram": _POLLING_BOT,
    "bokeh": _needs_websocket("Bokeh"),
    "rio": _needs_websocket("Rio"),
    "trame": _needs_websocket("trame"),
    "lona": _needs_websocket("Lona"),
    "h2o_wave": _needs_websocket("H2O Wave"),
    "remi": _needs_websocket("REMI"),
    "anvil": _own_server("Anvil"),
    "twisted.web": _own_server("Twisted"),
    "twisted.internet": _own_server("Twisted"),
    "azure.functions": _own_server("Azure Functions"),
    "modal": _own_server("Modal"),
    "vibora": _own_server("Vibora"),
    "japronto": _own_server("Japronto"),
    "grpc": _GRPC,
    "websockets": OBJECTS["websockets", "serve"],
    "scrapy": Unsupported(
        "a Scrapy spider is a program that ends, and serves no requests",
        "run it on a schedule: write def lambda_handler(event, context), which crawls",
        True,
    ),
    "celery": _waits("a Celery worker"),
    "dramatiq": _waits("a Dramatiq worker"),
    "rq": _waits("an RQ worker"),
    "huey": _waits("a Huey worker"),
    "arq": _waits("an arq worker"),
    "apscheduler": _waits("APScheduler", "for the time of a job"),
    "kafka": _waits("a Kafka consumer", "for messages"),
    "confluent_kafka": _waits("a Kafka consumer", "for messages"),
    "pika": _waits("a RabbitMQ consumer", "for messages"),
    "paho": _waits("an MQTT client", "for messages"),
    "tkinter": _window("Tkinter"),
    "pygame": _window("Pygame"),
    "kivy": _window("Kivy"),
    "dearpygui": _window("Dear PyGui"),
    "PyQt5": _window("Qt"),
    "PyQt6": _window("Qt"),
    "PySide6": _window("Qt"),
}
"""Packages that explain why a file that imports them has no app, the surest reason first."""


def explain_packages(dotted: Iterable[str]) -> Unsupported | None:
    """Return why a file that imports these dotted names has no app, or None."""
    imported = {name for each in dotted for name in (".".join(each.split(".")[:2]), each.partition(".")[0])}
    return next((explanation for package, explanation in PACKAGES.items() if package in imported), None)


def with_polling_seen(explanation: Unsupported, folder: Path) -> Unsupported:
    """Return the explanation that the code in a folder bears out: a Telegram bot may get its messages by a webhook."""
    if explanation != _POLLING_BOT:
        return explanation
    sources = (path for pattern in ("*.py", "*/*.py", "*/*/*.py", "*.ipynb") for path in folder.glob(pattern))
    return explanation if any(_POLLS.search(read_text(path)) for path in sources) else _TELEGRAM_BOT
