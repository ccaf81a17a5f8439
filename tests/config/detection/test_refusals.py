"""Projects without an app that can be deployed: the reason, and a cure that works when it is followed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from lambent.config.load import Flags, load
from lambent.errors import DetectionError, UsageError
from support.configs import TODAY, machine_with
from support.detection import FASTAPI, FLASK, GUARD, detect, guard_line, write_project

ENDLESS = [
    FASTAPI + "import asyncio\nasync def main():\n    while True:\n        pass\nasyncio.run(main())\n",
    FLASK + "import telebot\nbot = telebot.TeleBot('x')\nbot.infinity_polling()\n",
    FLASK + "from aiohttp import web\nweb.run_app(None)\n",
]


@pytest.mark.parametrize("text", ENDLESS)
def test_import_that_never_ends_is_refused_and_the_cure_works(tmp_path: Path, text: str) -> None:
    with pytest.raises(DetectionError, match=r"main.py starts a server at import: .*\(") as error:
        detect(write_project(tmp_path, {"main.py": text}))
    assert error.value.hint.endswith(GUARD.strip())
    guard_line(tmp_path, error.value.where)
    assert detect(tmp_path).module == "main"


@pytest.mark.parametrize(
    "text",
    [
        FLASK + GUARD + "    app.run()\n",
        FLASK + "import os\nif os.environ.get('DEV'):\n    app.run()\n",
        FLASK + "def main():\n    app.run()\n",
        FASTAPI + "import asyncio\nasync def setup():\n    pass\nasyncio.run(setup())\n",
        "from fasthtml.common import *\napp, rt = fast_app()\nserve()\n",
        FLASK + "import subprocess\nsubprocess.run(['true'])\n",
    ],
)
def test_other_calls_are_no_servers(tmp_path: Path, text: str) -> None:
    assert detect(write_project(tmp_path, {"main.py": text})).attribute == "app"


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        (GUARD + "    app = Flask('x')\n", 'only under `if __name__ == "__main__"`', 3),
        ("def make(config):\n    app = Flask(config)\n    app.run()\n", r"only inside make\(\)", 3),
        ("def main():\n    def stop():\n        pass\n    app = Flask('x')\n", r"only inside main\(\)", 5),
    ],
)
def test_app_that_an_import_does_not_make_is_shown(tmp_path: Path, text: str, place: str, line: int) -> None:
    with pytest.raises(DetectionError, match=place) as error:
        detect(write_project(tmp_path, {"main.py": "from flask import Flask\n" + text}))
    assert error.value.where == f"main.py:{line}"
    lines = (tmp_path / "main.py").read_text().splitlines()
    (tmp_path / "main.py").write_text("\n".join([lines[0], "config = 'x'", lines[line - 1].strip()]))
    assert detect(tmp_path).spec == "main:app"


@pytest.mark.parametrize("package", ["fastmcp", "mcp.server.fastmcp"])
def test_factory_of_an_mcp_server_is_told_the_line_that_makes_its_app(tmp_path: Path, package: str) -> None:
    text = f"from {package} import FastMCP\ndef create_server() -> FastMCP:\n    server = FastMCP('x')\n    return server\n"
    project = write_project(tmp_path, {"main.py": text})
    with pytest.raises(DetectionError, match=r"server is made only inside create_server\(\)") as error:
        detect(project)
    line = error.value.hint.splitlines()[1]
    (tmp_path / "main.py").write_text(f"{text}{line}\n")
    assert detect(tmp_path).spec == "main:app"


UNSUPPORTED = [
    ("from aiohttp import web\napp = web.Application()", "aiohttp's server is neither ASGI nor WSGI"),
    ("from microdot import Microdot\napp = Microdot()", "Microdot's server is neither ASGI nor WSGI"),
    ("from aiohttp import web\nasync def app():\n    made = web.Application()\n    return made", "aiohttp's server"),
    ("from aiohttp import web\ndef create_app():\n    return web.Application()", "aiohttp's server"),
    ("from aiohttp import web\ndef main():\n    app = web.Application()\n    web.run_app(app)", "aiohttp's server"),
    ("import streamlit as st\nst.title('x')", "Streamlit runs its own server"),
    ("from nicegui import ui\nui.run()", "NiceGUI needs a WebSocket"),
    ("import gradio as gr\ndemo = gr.Interface(str, 'text', 'text')\ndemo.launch()", "a Gradio interface is no ASGI app"),
    ("import reflex as rx\napp = rx.App()", "Reflex needs a WebSocket"),
    ("from shiny import App\napp = App(None, None)", "Shiny needs a WebSocket"),
    ("from shiny.express import input, ui\nui.h1('x')", "Shiny needs a WebSocket"),
    ("import panel as pn\npn.panel('x').servable()", "Panel needs a WebSocket"),
    ("import chainlit as cl\n@cl.on_message\nasync def main(m): pass", "Chainlit needs a WebSocket"),
    ("import discord\nbot = discord.Client()\nbot.run('x')", "a Discord bot keeps a connection open"),
    ("from discord.ext import commands\nbot = commands.Bot('!')", "a Discord bot keeps a connection open"),
    ("from telegram.ext import Application\napp = Application.builder().token('x').build()", "a Telegram bot is no ASGI or"),
    ("from telegram.ext import Updater\nUpdater('x').start_polling()", "a Telegram bot that polls keeps a connection"),
    ("import telebot\nbot = telebot.TeleBot('x')\ndef main():\n    bot.infinity_polling()", "a Telegram bot that polls"),
    ("import telebot\nbot = telebot.TeleBot('x')\nbot.set_webhook('y')", "a Telegram bot is no ASGI or WSGI app"),
    ("import telegram\nbot = telegram.Bot('x')\ndef hello(request):\n    return 'ok'", "a Google Cloud Function gets"),
    ("def show(request): pass\nshow(None)", "no lambda_handler and no ASGI"),
    (
        "import tornado.ioloop, tornado.web\ndef make_app():\n    return tornado.web.Application([])\n"
        "if __name__ == '__main__':\n    make_app().listen(80)\n    tornado.ioloop.IOLoop.current().start()\n",
        "Tornado's server",
    ),
    (
        "import asyncio, tornado.web\nasync def main():\n    tornado.web.Application([]).listen(80)\n"
        "if __name__ == '__main__':\n    asyncio.run(main())\n",
        "Tornado's server",
    ),
    ("import tornado.web\napp = tornado.web.Application([])", "Tornado's server"),
    ("import grpc\ndef serve():\n    grpc.server(None).start()\n", "gRPC needs HTTP/2"),
    ("from http.server import *\nHTTPServer(('', 80), None).serve_forever()", "Python's http.server"),
    ("from bokeh.plotting import curdoc\ncurdoc().add_root(None)", "Bokeh needs a WebSocket"),
    ("from celery import Celery\napp = Celery('tasks')", "a Celery worker waits for work"),
    ("import scrapy\nclass Spider(scrapy.Spider): name = 'x'", "a Scrapy spider is a program"),
    ("import rio\napp = rio.App(build=None)", "Rio needs a WebSocket"),
    ("from slack_bolt import App\napp = App()", "a Slack app of Bolt is no WSGI app"),
    ("from http.server import HTTPServer\nHTTPServer(('', 80), None).serve_forever()", "Python's http.server"),
]


def test_file_that_serves_the_apps_of_py4web_is_found(tmp_path: Path) -> None:
    with pytest.raises(DetectionError, match="py4web makes its app from a folder of apps") as caught:
        detect(write_project(tmp_path, {"apps/shop/__init__.py": "from py4web import action\n"}))
    (tmp_path / "app.py").write_text("\n".join(caught.value.hint.splitlines()[1:]))
    assert (detect(tmp_path).spec, detect(tmp_path).kind) == ("app:app", "wsgi")


@pytest.mark.parametrize(("text", "message"), UNSUPPORTED)
def test_what_is_no_web_app_is_named_with_an_alternative(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DetectionError, match=message) as error:
        detect(write_project(tmp_path, {"main.py": text}))
    assert error.value.hint and "--app" not in error.value.hint


def test_google_cloud_function_gets_an_app_that_calls_it(tmp_path: Path) -> None:
    text = "import functions_framework\n@functions_framework.http\ndef hello(request):\n    return request.args['name']\n"
    with pytest.raises(DetectionError) as caught:
        detect(write_project(tmp_path, {"main.py": text}))
    instruction, _, code = caught.value.hint.partition("\n")
    assert instruction == "add to main.py (with flask among the requirements):"
    namespace: dict[str, Any] = {"__name__": __name__, "hello": lambda request: request.args["name"]}
    exec(code, namespace)
    assert namespace["api"].test_client().get("/?name=Ann").text == "Ann"
    (tmp_path / "main.py").write_text(text + code)
    assert detect(tmp_path).spec == "main:api"


@pytest.mark.parametrize(
    ("text", "interface"),
    [
        ("chat = gr.ChatInterface(print)\n", "chat"),
        ("with gr.Blocks() as page:\n    pass\nif __name__ == '__main__':\n    page.launch()\n", "page"),
        ("def build():\n    with gr.Blocks() as page:\n        pass\n    return page\n", "build()"),
        ("gr.TabbedInterface([]).launch()\n", "gr.TabbedInterface([])"),
    ],
)
def test_cure_for_gradio_gives_an_app(tmp_path: Path, text: str, interface: str) -> None:
    text = f"import gradio as gr\n{text}"
    with pytest.raises(DetectionError) as error:
        detect(write_project(tmp_path, {"main.py": text}))
    first, *lines = error.value.hint.splitlines()
    assert f"mount_gradio_app(FastAPI(), {interface}," in lines[-1]
    kept = text.splitlines()[:-1] if first.startswith("in place of line") else [text]
    (tmp_path / "main.py").write_text("\n".join([*kept, *lines]))
    assert detect(tmp_path).spec == "main:app"


@pytest.mark.parametrize("requirement", ["", "flask", "fastapi[standard]"])
@pytest.mark.parametrize("existing", ["", "app.py", "main.py"])
def test_smallest_app_that_is_shown_works(tmp_path: Path, requirement: str, existing: str) -> None:
    files = {"requirements.txt": requirement} | ({existing: "print(1)\n"} if existing else {})
    with pytest.raises(DetectionError, match="no app found") as error:
        detect(write_project(tmp_path, files))
    match = re.search(r"smallest (\S+):\n(.*)", error.value.hint, re.DOTALL)
    assert match
    assert not (tmp_path / match[1]).exists()
    (tmp_path / match[1]).write_text(match[2])
    assert detect(tmp_path).module == match[1].removesuffix(".py")
    assert "--app" not in error.value.hint


@pytest.mark.parametrize(
    ("files", "spec"),
    [
        ({"manage.py": "", "example/settings.py": ""}, "example.wsgi:application"),
        (
            {"manage.py": "", "example/settings/__init__.py": "", "example/settings/dev.py": ""},
            "example.wsgi:application",
        ),
        ({"src/manage.py": "", "src/example/__init__.py": "", "src/example/settings.py": ""}, "example.wsgi:application"),
    ],
)
def test_wsgi_file_that_a_django_project_lacks_is_shown_and_works(tmp_path: Path, files: dict[str, str], spec: str) -> None:
    settings = "example.settings.dev" if any("dev" in name for name in files) else "example.settings"
    manage = f"import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', '{settings}')\n"
    texts = {name: manage if name.endswith("manage.py") else text for name, text in files.items()}
    with pytest.raises(DetectionError, match=r"manage\.py starts a Django project that has no \S+wsgi\.py") as error:
        detect(write_project(tmp_path, texts))
    match = re.fullmatch(r"write (\S+):\n(.*)", error.value.hint, re.DOTALL)
    assert match
    write_project(tmp_path, {match[1]: match[2]})
    assert detect(tmp_path).spec == spec


def commands(hint: str) -> list[str]:
    return [line.removeprefix("lambent deploy ") for line in hint.splitlines()]


@pytest.mark.parametrize("marker", ["requirements.txt", ""])
def test_folder_of_many_projects_is_refused_with_their_list(tmp_path: Path, marker: str) -> None:
    names = [f"project_{number}" for number in range(10)] + [f"{number}-more" for number in range(10)]
    files = {f"{name}/app.py": FLASK for name in names} | {f"{name}/{marker}": "flask" for name in names if marker}
    with pytest.raises(DetectionError, match="folders have one each") as error:
        detect(write_project(tmp_path, files))
    assert len(commands(error.value.hint)) >= 10
    for command in commands(error.value.hint):
        assert detect(Path(command)).spec == "app:app"


@pytest.mark.parametrize("folder", ["api", "apps/api", "my-api"])
def test_app_one_folder_down_is_named(tmp_path: Path, folder: str) -> None:
    files = {
        f"{folder}/main.py": FASTAPI,
        f"{folder}/requirements.txt": "fastapi",
        "web/package.json": "{}",
        "tool.py": "x = 1",
    }
    with pytest.raises(DetectionError, match=f"the app is in {folder}/") as error:
        detect(write_project(tmp_path, files))
    [command] = commands(error.value.hint)
    assert detect(Path(command)).spec == "main:app"


def test_folder_that_has_several_apps_is_named_with_commands_that_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"shop/__init__.py": "", "examples/one.py": FLASK, "examples/two.py": FASTAPI.replace("app", "site")}
    with pytest.raises(DetectionError, match="found 2 apps") as error:
        detect(write_project(tmp_path, files))
    first = error.value.hint.splitlines()[0]
    folder, _, spec = first.removeprefix("lambent deploy ").partition(" --app ")
    assert folder == "examples" and detect(tmp_path / folder, spec).spec == spec


def test_app_in_the_folder_above_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path, {".git/HEAD": "", "main.py": FASTAPI, "static/site.css": ""})
    monkeypatch.chdir(tmp_path / "static")
    with pytest.raises(DetectionError, match="the folder above") as error:
        detect(tmp_path / "static")
    assert error.value.hint == "lambent deploy .."
    assert detect(Path("..")).spec == "main:app"


def test_examples_in_other_folders_are_no_app_of_the_folder_above(tmp_path: Path) -> None:
    write_project(tmp_path, {".git/HEAD": "", "one/app.py": FASTAPI, "two/app.py": FASTAPI, "three/index.js": ""})
    with pytest.raises(DetectionError, match="no Python files here"):
        detect(tmp_path / "three")


@pytest.mark.parametrize(
    "path", ["shop.app:app", "shop.app", "shop/app.py:app", "shop.app:ap", "shp.app:app", "shop.app:create"]
)
def test_path_that_names_an_app_suggests_the_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    write_project(tmp_path, {"shop/__init__.py": "", "shop/app.py": FLASK, "other.py": FASTAPI})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no such file or folder") as error:
        load(Path(path), Flags(), machine_with(tmp_path / "home", "3.13"), TODAY)
    assert error.value.hint == "--app shop.app:app"
    assert detect(tmp_path, error.value.hint.removeprefix("--app ")).spec == "shop.app:app"


@pytest.mark.parametrize("spec", ["mian:app", "main:ap", "nowhere:x", "main:application", "main.app", "pkg:app"])
def test_every_suggested_app_exists(tmp_path: Path, spec: str) -> None:
    write_project(tmp_path, {"main.py": FLASK.replace("app =", "site ="), "pkg/__init__.py": "", "test_main.py": FASTAPI})
    with pytest.raises(DetectionError) as error:
        detect(tmp_path, spec)
    for suggested in re.findall(r"--app (\S+)", f"{error.value.hint}\n{error.value.detail}"):
        assert detect(tmp_path, suggested).spec == suggested


def test_listed_apps_exist(tmp_path: Path) -> None:
    with pytest.raises(DetectionError) as error:
        detect(write_project(tmp_path, {"app.py": FLASK, "main.py": FASTAPI, "src/shop.py": FLASK}))
    suggested = re.findall(r"--app (\S+)", f"{error.value.hint}\n{error.value.detail}")
    assert sorted(set(suggested)) == ["app:app", "main:app"]
    for spec in suggested:
        assert detect(tmp_path, spec).spec == spec


def test_aiohttp_factory_of_a_dockerfile_is_named(tmp_path: Path) -> None:
    text = "from aiohttp import web\nasync def myapp():\n    app = web.Application()\n    return app\n"
    command = "CMD gunicorn app:myapp --worker-class aiohttp.GunicornWebWorker\n"
    with pytest.raises(DetectionError, match="aiohttp's server is neither ASGI nor WSGI"):
        detect(write_project(tmp_path, {"app.py": text, "Dockerfile": f"FROM python:3.13\n{command}"}))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("__init__.py", "from flask import Flask\ndef create_app():\n    from . import views\n    return Flask(__name__)\n"),
        ("main.py", "from .views import x\n" + FASTAPI),
    ],
)
def test_folder_of_a_package_is_deployed_from_the_folder_above(tmp_path: Path, file: str, text: str) -> None:
    site = write_project(tmp_path / "site", {"shop/__init__.py": "", "shop/views.py": "x = 1", f"shop/{file}": text})
    with pytest.raises(DetectionError, match=r"shop/ is a package") as error:
        detect(site / "shop")
    folder, spec = re.fullmatch(r"lambent deploy (\S+) --app '?([^' ]+)'? --name shop", error.value.hint).groups()
    assert detect(Path(folder), spec).spec == spec


def test_relative_import_with_an_alternative_is_no_obstacle(tmp_path: Path) -> None:
    text = "try:\n    from .views import x\nexcept ImportError:\n    from views import x\n" + FASTAPI
    write_project(tmp_path / "shop", {"__init__.py": "", "views.py": "x = 1", "main.py": text})
    assert detect(tmp_path / "shop").spec == "main:app"


def test_app_flags_are_quoted_for_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n"
    write_project(tmp_path, {"servers/__init__.py": "", "servers/one.py": text, "servers/two.py": text})
    with pytest.raises(DetectionError, match="found 2 apps") as error:
        detect(tmp_path)
    words = shlex.split(error.value.hint.splitlines()[0])
    assert words == ["lambent", "deploy", "--app", "servers.one:mcp.streamable_http_app()"]
    assert "(" not in re.sub(r"'[^']*'", "", error.value.detail.split("\n\n")[1])


def test_server_start_that_one_branch_of_an_if_skips_is_allowed(tmp_path: Path) -> None:
    text = FLASK + "import os\nif os.environ.get('LOCAL'):\n    app.run()\nelse:\n    print('served by another')\n"
    assert detect(write_project(tmp_path, {"app.py": text})).spec == "app:app"


FACTORY = FLASK.replace(
    "app = Flask(__name__)", "def create_app(config):\n    app = Flask(__name__)\n    {use}\n    return app"
)


@pytest.mark.parametrize(
    ("files", "value"),
    [
        ({"config.py": "class DevConfig: ...\nclass ProductionConfig: ...\n"}, "config.ProductionConfig"),
        ({"config.py": "configs = {'dev': 1, 'production': 2}\n"}, "production"),
        ({"manage.py": "from main import create_app\ncli = Manager(create_app('staging'))\n"}, "staging"),
    ],
)
def test_argument_of_a_factory_that_other_files_show(
    tmp_path: Path, files: dict[str, str], value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    use = "app.config.from_object(configs[config])" if "configs" in str(files) else "app.config.from_object(config)"
    write_project(tmp_path, {"main.py": FACTORY.format(use=use), **files})
    with pytest.raises(DetectionError, match=r"create_app\(config\) makes it") as error:
        detect(tmp_path)
    command = shlex.split(error.value.hint.splitlines()[0])
    assert command == ["lambent", "deploy", "--app", f"main:create_app('{value}')"]
    assert detect(tmp_path, command[-1]).attribute == f"create_app('{value}')"


def test_argument_of_a_factory_that_nothing_shows(tmp_path: Path) -> None:
    write_project(tmp_path, {"main.py": FACTORY.format(use="app.secret_key = config.key")})
    with pytest.raises(DetectionError) as error:
        detect(tmp_path)
    instruction, line = error.value.hint.splitlines()
    assert "at its end, with a value for config" in instruction
    (tmp_path / "main.py").write_text(f"{(tmp_path / 'main.py').read_text()}\n{line}\n")
    assert detect(tmp_path).spec == "main:app"


def test_apps_in_folders_below_the_same_folder_are_projects_of_their_own(tmp_path: Path) -> None:
    write_project(tmp_path, {"source/one/app.py": FLASK, "source/two/app.py": FLASK})
    write_project(tmp_path, {"source/03_three/app.py": FLASK})
    with pytest.raises(DetectionError, match=r"3 folders have one each: source/03_three, source/one, source/two") as error:
        detect(tmp_path)
    for command in error.value.hint.splitlines():
        assert detect(Path(shlex.split(command)[-1])).spec == "app:app"


@pytest.mark.parametrize(
    ("text", "is_app"),
    [
        ("class Server:\n    def start(self): ...\nserver = Server()\n", False),
        ("class Base: ...\nclass Server(Base): ...\nserver = Server()\n", False),
        ("from mill import Base\nclass Server(Base): ...\nserver = Server()\n", True),
        ("class Server:\n    def __call__(self, *request): ...\nserver = Server()\n", True),
    ],
)
def test_object_that_cannot_be_called_is_no_app(tmp_path: Path, text: str, is_app: bool) -> None:
    write_project(tmp_path, {"main.py": text})
    if is_app:
        assert detect(tmp_path).spec == "main:server"
    else:
        with pytest.raises(DetectionError, match="no app found"):
            detect(tmp_path)


def test_plug_in_of_datasette_is_told_of_the_app_that_serves_it(tmp_path: Path) -> None:
    write_project(tmp_path, {"datasette_hello.py": "from datasette import hookimpl\n@hookimpl\ndef register_routes(): ...\n"})
    with pytest.raises(DetectionError, match="a plug-in, and Datasette is the app") as error:
        detect(tmp_path)
    (tmp_path / "app.py").write_text(error.value.hint.partition("\n")[2])
    assert detect(tmp_path).spec == "app:app"


def test_folder_for_datasette_without_a_database_is_told_of_an_app_that_serves_it(tmp_path: Path) -> None:
    write_project(tmp_path, {"fetch.py": "import requests\n", "metadata.json": "{}", "requirements.txt": "datasette\n"})
    with pytest.raises(DetectionError, match="for Datasette, and has no database") as error:
        detect(tmp_path)
    (tmp_path / "app.py").write_text(error.value.hint.partition("here:\n")[2])
    assert detect(tmp_path).spec == "app:app"


def test_folders_that_their_own_apps_import_from_are_no_projects_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_project(
        tmp_path, {"books/app.py": f"from books.db import x\n{FLASK}", "books/db.py": "x = 1", "images/app.py": FLASK}
    )
    with pytest.raises(DetectionError, match="found 2 apps") as error:
        detect(tmp_path)
    spec = shlex.split(error.value.hint.splitlines()[0])[-1]
    assert detect(tmp_path, spec).spec == spec == "books.app:app"


def test_commands_for_several_functions_do_not_replace_each_other(tmp_path: Path) -> None:
    code = "def handler(event, context):\n    return {}\n"
    top = tmp_path / "shop"
    write_project(top, {"src/get/app.py": code, "src/put/app.py": code, "src/__init__.py": "", "src/get/__init__.py": ""})
    with pytest.raises(DetectionError) as error:
        detect(top)
    assert [line.rpartition(" --name ")[2] for line in error.value.detail.splitlines()[-2:]] == ["shop-get", "shop-put"]
