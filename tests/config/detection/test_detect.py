"""App detection. Each test has the smallest project of its kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import DetectionError
from support.detection import FASTAPI, FLASK, detect, write_project

POETRY = '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'

HANDLER = "def lambda_handler(event, context):\n    return 'hi'\n"
MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site1.settings')\n"
WSGI = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
ASGI = "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n"


ONE_FILE = [
    ("def lambda_handler(event, context): pass", "lambda_handler", "handler"),
    ("def hello(event, context): pass", "hello", "handler"),
    ("import x\n@x.logged\ndef hello(event: dict, _context): pass\ndef other(event): pass", "hello", "handler"),
    ("def hello(event, context): pass\n" + FLASK, "app", "wsgi"),
    ("from fastmcp import FastMCP\nmcp = FastMCP('x')", "mcp.http_app()", "asgi"),
    ("from mcp.server.fastmcp import FastMCP\nserver = FastMCP('x')", "server.streamable_http_app()", "asgi"),
    (
        "from mcp.server import MCPServer\nmcp = MCPServer('x')",
        "mcp.streamable_http_app(host='lambda',stateless_http=True)",
        "asgi",
    ),
    ("from fastmcp import FastMCP\nmcp = FastMCP('x')\napp = mcp.http_app(path='/')", "app", "asgi"),
    ("import web\napp = web.application(('/', 'Home'), globals())", "app.wsgifunc()", "wsgi"),
    ("from bottle import get, run\n@get('/')\ndef home(): return 'x'", "bottle.default_app()", "wsgi"),
    ("import bottle as b\n@b.route('/')\ndef home(): return 'x'", "b.default_app()", "wsgi"),
    ("from bottle import default_app, route\n@route('/')\ndef home(): return 'x'", "default_app()", "wsgi"),
    ("from bottle import route, Bottle\napp = Bottle()\n@app.route('/')\ndef home(): return 'x'", "app", "wsgi"),
    (
        "from pyramid.config import Configurator\ndef main(global_config, **settings):\n"
        "    config = Configurator(settings=settings)\n    return config.make_wsgi_app()",
        "main({})",
        "wsgi",
    ),
    (
        "from flask import Flask\nfrom functools import cache\n@cache\ndef create_app(x=1):\n    return Flask('x')",
        "create_app()",
        "wsgi",
    ),
    ("def handler(event, context): pass", "handler", "handler"),
    ("from mangum import Mangum\nfrom fastapi import FastAPI\napp = FastAPI()\nhandler = Mangum(app)", "handler", "handler"),
    ("from ask_sdk_core.skill_builder import SkillBuilder\nsb = SkillBuilder()\nrun = sb.lambda_handler()", "run", "handler"),
    ("from own_tools import Resolver\napp = Resolver()\nhandler = app.handler", "handler", "handler"),
    ("import flask\napplication = flask.Flask(__name__)", "application", "wsgi"),
    ("from fastapi import FastAPI\napi: FastAPI = FastAPI()", "api", "asgi"),
    ("from starlette.applications import Starlette as S\nserver = S()", "server", "asgi"),
    ("from quart import Quart\nshop = Quart(__name__)", "shop", "asgi"),
    ("import litestar\napp = litestar.Litestar([])", "app", "asgi"),
    ("from blacksheep import Application\napp = Application()", "app", "asgi"),
    ("from sanic import Sanic\napp = Sanic('x')", "app", "asgi"),
    ("import bottle\napp = bottle.Bottle()", "app", "wsgi"),
    ("from bottle import route, default_app\napp = default_app()", "app", "wsgi"),
    ("import falcon\napp = falcon.App()", "app", "wsgi"),
    ("import falcon.asgi\napp = falcon.asgi.App()", "app", "asgi"),
    ("from pyramid.config import Configurator\nwith Configurator() as c:\n    app = c.make_wsgi_app()", "app", "wsgi"),
    ("from datasette.app import Datasette\napp = Datasette(['x.db']).app()", "app", "asgi"),
    ("from datasette.app import Datasette\nds = Datasette([])\napp = ds.app()", "app", "asgi"),
    ("from dash import Dash\napp = Dash()\nserver = app.server", "server", "wsgi"),
    ("import dash\napp = dash.Dash(__name__)\napp.layout = 1", "app.server", "wsgi"),
    ("from datasette.app import Datasette\nds = Datasette([])", "ds.app()", "asgi"),
    ("def app(environ, start_response): pass", "app", "wsgi"),
    ("def application(e, respond): pass", "application", "wsgi"),
    ("def serve(request, start_response): pass", "serve", "wsgi"),
    ("async def app(scope, receive, send): pass", "app", "asgi"),
    ("async def app(s, r, w): pass", "app", "asgi"),
    ("class A:\n    async def __call__(self, scope, receive, send): pass\napp = A()", "app", "asgi"),
    ("class A:\n    def __call__(self, environ, start_response): pass\napp = A()", "app", "wsgi"),
    ("from fastapi import FastAPI\nclass Mine(FastAPI): pass\nsite = Mine()", "site", "asgi"),
    (FASTAPI + "from starlette.middleware.cors import CORSMiddleware\napp = CORSMiddleware(app)", "app", "asgi"),
    (FLASK + "from whitenoise import WhiteNoise\nsite = WhiteNoise(app, root='s')", "site", "wsgi"),
    (FASTAPI + "import socketio\nsio = socketio.AsyncServer()\nouter = socketio.ASGIApp(sio, app)", "outer", "asgi"),
    (FASTAPI + "from sentry_sdk.integrations.asgi import SentryAsgiMiddleware as S\napp = S(app)", "app", "asgi"),
    (FLASK + "from flask_restful import Api\napi = Api(app)", "app", "wsgi"),
    (FLASK + "from asgiref.wsgi import WsgiToAsgi\nasgi_app = WsgiToAsgi(app)", "asgi_app", "asgi"),
    ("try:\n    from flask import Flask\n    app = Flask('x')\nexcept ImportError:\n    app = None", "app", "wsgi"),
    (
        "import os\nfrom flask import Flask\nif os.getenv('X'):\n    app = Flask('x')\nelse:\n    app = Flask('y')",
        "app",
        "wsgi",
    ),
    ("from flask import Flask\ndef create_app(config=None):\n    app = Flask('x')\n    return app", "create_app()", "wsgi"),
    ("from fastapi import FastAPI\ndef make():\n    return FastAPI()\napp = make()", "app", "asgi"),
    ("from somewhere import build\napp = build()", "app", "web"),
    ("from fasthtml.common import *\napp, rt = fast_app()", "app", "asgi"),
    ("from fastapi import FastAPI\ninner = FastAPI()\napp = FastAPI()\napp.mount('/i', inner)", "app", "asgi"),
    (FLASK + "if __name__ == '__main__':\n    app = None", "app", "wsgi"),
]


@pytest.mark.parametrize(("text", "attribute", "kind"), ONE_FILE)
def test_app_in_one_file_is_found(tmp_path: Path, text: str, attribute: str, kind: str) -> None:
    app = detect(write_project(tmp_path, {"main.py": text}))
    assert (app.module, app.attribute, app.kind, app.root) == ("main", attribute, kind, ".")


PROJECTS = [
    ({"lambda_function.py": HANDLER, "app.py": FLASK}, "lambda_function:lambda_handler", "."),
    ({"app.py": FLASK, "other.py": FASTAPI}, "app:app", "."),
    ({"app.py": FLASK, "tests/main.py": FASTAPI, "test_app.py": FASTAPI, "conftest.py": FASTAPI}, "app:app", "."),
    ({"app.py": FLASK, "wsgi.py": "from app import app as application"}, "app:app", "."),
    (
        {"app.py": FLASK, "wsgi.py": "from app import app\nfrom x import FooMiddleware\napp = FooMiddleware(app)"},
        "wsgi:app",
        ".",
    ),
    ({"mypkg/__init__.py": FLASK}, "mypkg:app", "."),
    ({"mypkg/__init__.py": "", "mypkg/main.py": FASTAPI}, "mypkg.main:app", "."),
    ({"app/__init__.py": "", "app/main.py": FASTAPI}, "app.main:app", "."),
    ({"app/main.py": FASTAPI}, "app.main:app", "."),
    ({"src/main.py": FASTAPI}, "main:app", "src"),
    ({"src/shop/__init__.py": "", "src/shop/app.py": FLASK}, "shop.app:app", "src"),
    ({"mypkg/__init__.py": FLASK.replace("app =", "site ="), "run.py": "from mypkg import site as app"}, "run:app", "."),
    ({"pkg/__init__.py": "", "pkg/core.py": FLASK, "run.py": "from pkg.core import app\n"}, "run:app", "."),
    ({"pkg/__init__.py": "from .core import app", "pkg/core.py": FLASK}, "pkg:app", "."),
    ({"weather.py": FLASK}, "weather:app", "."),
    ({"shop/__init__.py": "", "shop/server/__init__.py": "", "shop/server/wsgi.py": FLASK}, "shop.server.wsgi:app", "."),
    ({"shop/api/v1/main.py": FASTAPI}, "shop.api.v1.main:app", "."),
    ({"shop/api/web/views.py": FASTAPI}, "shop.api.web.views:app", "."),
    ({"src/__init__.py": "", "src/main.py": FASTAPI}, "src.main:app", "."),
    ({"src/main.py": "from src.db import x\n" + FASTAPI, "src/db.py": "x = 1"}, "src.main:app", "."),
    (
        {"src/main.py": "from src.db import x\n" + FASTAPI, "src/db.py": "from conf import x", "src/conf.py": "x = 1"},
        "src.main:app",
        "src",
    ),
    ({"src/main.py": "from db import x\n" + FASTAPI, "src/db.py": "x = 1"}, "main:app", "src"),
    ({"src/__init__.py": "", "src/main.py": "from db import x\n" + FASTAPI, "src/db.py": "x = 1"}, "main:app", "src"),
    ({"main.py": "from shop.web import app", "src/shop/__init__.py": "", "src/shop/web.py": FLASK}, "main:app", "src"),
    ({"main.py": "from src.web import app", "src/web.py": FLASK}, "main:app", "."),
    (
        {"src/py/shop/__init__.py": "", "src/py/shop/app.py": "from shop import db\n" + FLASK, "src/py/shop/db.py": ""},
        "shop.app:app",
        "src/py",
    ),
    ({"app/main.py": "from models import x\n" + FASTAPI, "app/models.py": "x = 1"}, "main:app", "app"),
    ({"app/main.py": "from app.models import x\n" + FASTAPI, "app/models.py": "x = 1"}, "app.main:app", "."),
    ({"app/main.py": "from .models import x\n" + FASTAPI, "app/models.py": "x = 1"}, "app.main:app", "."),
    ({"shop/main.py": "import redis\n" + FASTAPI, "shop/redis.py": "", "requirements.txt": "redis\n"}, "shop.main:app", "."),
    ({"shop/main.py": "import core\n" + FASTAPI, "shop/core.py": "", "pyproject.toml": POETRY}, "main:app", "shop"),
    ({"hello.py": "def hello(event, context): pass", "util.py": "def other(a, b): pass"}, "hello:hello", "."),
    (
        {"shop/__init__.py": FLASK.replace("app =", "def create_app():\n    return"), "shop/x/y.py": FLASK},
        "shop:create_app()",
        ".",
    ),
    (
        {"manage.py": MANAGE, "site1/__init__.py": "", "site1/settings.py": "", "site1/wsgi.py": WSGI},
        "site1.wsgi:application",
        ".",
    ),
    (
        {"manage.py": MANAGE, "site1/settings.py": "", "site1/wsgi.py": WSGI, "site1/asgi.py": ASGI, "api/main.py": FASTAPI},
        "site1.wsgi:application",
        ".",
    ),
    (
        {
            "src/__init__.py": "from .celery import app",
            "src/manage.py": MANAGE,
            "src/site1/settings.py": "",
            "src/site1/wsgi.py": WSGI,
        },
        "site1.wsgi:application",
        "src",
    ),
    ({"manage.py": MANAGE, "site1/settings.py": "", "site1/asgi.py": ASGI}, "site1.asgi:application", "."),
    (
        {"manage.py": MANAGE, "site1/settings/__init__.py": "", "site1/settings/base.py": "", "site1/wsgi.py": WSGI},
        "site1.wsgi:application",
        ".",
    ),
    (
        {"manage.py": MANAGE, "site1/settings.py": "WSGI_APPLICATION = 'conf.web.application'", "conf/web.py": WSGI},
        "conf.web:application",
        ".",
    ),
    ({"wsgi.py": WSGI, "asgi.py": ASGI}, "wsgi:application", "."),
    (  # a package without __init__.py that has a module of its own name
        {
            "main.py": "from admin import auth, admin\n" + FLASK,
            "admin/auth.py": "from admin import user\n",
            "admin/user.py": "",
            "admin/admin.py": "",
        },
        "main:app",
        ".",
    ),
    ({"main.py": FLASK, "old.py": "print 'python 2'"}, "main:app", "."),
    ({"main.py": "type Number = int\n" + FASTAPI}, "main:app", "."),
    ({"main.py": FASTAPI + "def first[T](x: list[T]) -> T:\n    return x[0]\n"}, "main:app", "."),
]


@pytest.mark.parametrize(("files", "spec", "root"), PROJECTS)
def test_app_in_a_project_is_found(tmp_path: Path, files: dict[str, str], spec: str, root: str) -> None:
    app = detect(write_project(tmp_path, files))
    assert (app.spec, app.root) == (spec, root)


def test_path_may_be_a_single_file(tmp_path: Path) -> None:
    write_project(
        tmp_path,
        {"app.py": FLASK, "other.py": FASTAPI, "src/pkg/__init__.py": "", "src/pkg/web.py": FLASK, "requirements.txt": ""},
    )
    assert detect(tmp_path / "other.py").spec == "other:app"
    inside = detect(tmp_path / "src/pkg/web.py")
    assert (inside.spec, inside.root) == ("pkg.web:app", "src")


@pytest.mark.parametrize(
    ("spec", "handler", "kind"),
    [
        ("main:api", "main.api", "asgi"),
        ("main.api", "main.api", "asgi"),
        ("main.py:api", "main.api", "asgi"),
        ("main:create", "main.create()", "asgi"),
        ("main:create()", "main.create()", "asgi"),
        ("main:entry", "main.entry", "handler"),
        ("main", "main.api", "asgi"),
        ("pkg.web:app", "pkg.web.app", "wsgi"),
        ("main:late", "main.late", "web"),
    ],
)
def test_named_app_is_used(tmp_path: Path, spec: str, handler: str, kind: str) -> None:
    main = "from fastapi import FastAPI\nfrom x import late\napi = FastAPI()\ndef entry(a, b): pass\n"
    main += "def create():\n    return FastAPI()\n"
    write_project(tmp_path, {"main.py": main, "pkg/web.py": FLASK})
    app = detect(tmp_path, spec)
    assert (app.handler, app.kind) == (handler, kind)


def test_named_function_of_a_chalice_app_is_a_handler(tmp_path: Path) -> None:
    text = "from chalice import Chalice\napp = Chalice(app_name='a')\n@app.schedule('rate(1 hour)')\ndef hourly(event): pass\n"
    write_project(tmp_path, {"app.py": text + "@print\ndef other(event): pass\n"})
    assert detect(tmp_path, "app:hourly").kind == "handler"
    assert detect(tmp_path, "app:other").kind == "web"
    assert detect(tmp_path).spec == "app:app"


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("mian:app", "no module mian", "--app main:app"),
        ("main:ap", "main.py does not define ap", "--app main:app"),
        ("nowhere.deep:app", "no module nowhere.deep", "--app main:app"),
    ],
)
def test_misspelled_app_gets_a_suggestion(tmp_path: Path, spec: str, message: str, hint: str) -> None:
    with pytest.raises(DetectionError) as error:
        detect(write_project(tmp_path, {"main.py": FLASK}), spec)
    assert message in error.value.what
    assert error.value.hint == hint


def test_several_apps_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DetectionError) as error:
        detect(write_project(tmp_path, {"app.py": FLASK, "main.py": FASTAPI}))
    shown = f"{error.value.what}\n{error.value.hint}\n{error.value.detail}"
    for line in ("app:app", "main:app", "lambent deploy --app main:app", "[tool.lambent]", 'app = "app:app"'):
        assert line in shown
    assert "app.py:2" in error.value.detail


def test_package_with_an_app_does_not_win_over_a_collection(tmp_path: Path) -> None:
    files = {"shop/__init__.py": "", "shop/app.py": FLASK, "uses_shop.py": "from shop.app import app\n", "demo.py": FLASK}
    collection = {f"{name}.py": FASTAPI for name in ("chat", "hello", "todo")}
    assert detect(write_project(tmp_path / "a", {**files, "chat.py": FASTAPI, "hello.py": FASTAPI})).spec == "shop.app:app"
    with pytest.raises(DetectionError, match=r"found 4 apps, .*: chat:app, hello:app, todo:app, shop\.app:app"):
        detect(write_project(tmp_path / "b", {**files, **collection}))


def test_several_apps_in_one_file_are_listed(tmp_path: Path) -> None:
    text = "from flask import Flask\nshop = Flask('a')\nadmin = Flask('b')\n"
    with pytest.raises(DetectionError, match="main:shop, main:admin"):
        detect(write_project(tmp_path, {"main.py": text}))


@pytest.mark.parametrize(
    "files", [{}, {"readme.txt": ""}, {"main.py": "print(1)"}, {"main.py": "import typer\napp = typer.Typer()"}]
)
def test_project_without_an_app_is_refused(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(DetectionError) as error:
        detect(write_project(tmp_path, files))
    assert "no app" in error.value.what or "no Python files" in error.value.what
    assert "lambent deploy" in error.value.hint
    for name in files:
        assert not name.endswith(".py") or name in error.value.detail


@pytest.mark.parametrize(
    ("text", "message"),
    (
        ("from aiohttp import web\napp = web.Application()", "aiohttp's server is neither ASGI nor WSGI"),
        ("import streamlit as st\nst.title('x')", "Streamlit"),
        ("from nicegui import ui\nui.run()", "WebSocket"),
    ),
)
def test_unsupported_framework_is_explained(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DetectionError, match=message) as error:
        detect(write_project(tmp_path, {"main.py": text}))
    assert "--app" not in error.value.hint and "FastAPI" in error.value.hint


def test_named_object_is_replaced_by_the_app_it_holds(tmp_path: Path) -> None:
    write_project(
        tmp_path, {"main.py": "from aiohttp import web\nfrom dash import Dash\none = web.Application()\ntwo = Dash()"}
    )
    with pytest.raises(DetectionError, match="neither ASGI nor WSGI") as error:
        detect(tmp_path, "main:one")
    assert error.value.where == "--app main:one"
    assert detect(tmp_path, "main:two").spec == "main:two.server"


@pytest.mark.parametrize("broken", ["main.py", "pkg/views.py"])
def test_syntax_error_is_shown_with_its_line(tmp_path: Path, broken: str) -> None:
    files = {"main.py": "from pkg.views import view\n" + FASTAPI, "pkg/__init__.py": "", "pkg/views.py": "view = 1\n"}
    write_project(tmp_path, files | {broken: "x = 1\ndef broken(:\n    pass\n"})
    with pytest.raises(DetectionError, match="syntax error") as error:
        detect(tmp_path)
    assert error.value.where == f"{broken}:2"
    assert "def broken(:" in error.value.detail


def test_detection_imports_nothing(tmp_path: Path) -> None:
    detect(write_project(tmp_path, {"app.py": FLASK + "open('was-run', 'w')\nraise SystemExit\n"}))
    assert not (tmp_path / "was-run").exists()


def test_nested_project_is_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"backend/main.py": FASTAPI, "backend/requirements.txt": "fastapi", "frontend/package.json": ""}
    with pytest.raises(DetectionError, match="the app is in backend/") as error:
        detect(write_project(tmp_path, files))
    assert error.value.hint == "lambent deploy backend"
    assert detect(tmp_path / "backend").spec == "main:app"


PYRAMID = """
from pyramid.config import Configurator
def main(global_config, **settings):
    with Configurator(settings=settings) as config:
        return config.make_wsgi_app()
"""
INI = "[app:main]\nuse = {use}\n[server:main]\nuse = egg:waitress#main\n"


def test_settings_of_a_pyramid_app_come_from_its_ini_file(tmp_path: Path) -> None:
    write_project(tmp_path, {"shop/__init__.py": PYRAMID, "setup.py": "setup()", "development.ini": INI.format(use="egg:shop")})
    assert detect(tmp_path).attribute == "pyramid.paster.get_app('development.ini')"
    write_project(tmp_path, {"production.ini": INI.format(use="egg:shop")})
    app = detect(tmp_path)
    assert (app.spec, app.kind) == ("shop:pyramid.paster.get_app('production.ini')", "wsgi")
    assert detect(tmp_path, app.spec).spec == app.spec
    assert detect(tmp_path, "shop:main({})").spec == "shop:main({})"
    write_project(tmp_path, {"Procfile": "web: pserve development.ini\n"})
    assert detect(tmp_path).attribute == "pyramid.paster.get_app('development.ini')"


def test_ini_file_that_needs_metadata_which_the_project_lacks_is_not_used(tmp_path: Path) -> None:
    write_project(tmp_path, {"shop/__init__.py": PYRAMID, "app.ini": INI.format(use="egg:shop"), "alembic.ini": "[alembic]\n"})
    assert detect(tmp_path).spec == "shop:main({})"
    write_project(tmp_path, {"app.ini": INI.format(use="call:shop:main")})
    assert detect(tmp_path).attribute == "pyramid.paster.get_app('app.ini')"


def test_module_that_a_package_of_the_same_name_hides_is_no_app(tmp_path: Path) -> None:
    factory = "from flask import Flask\ndef create_app():\n    return Flask('x')\n"
    files = {"app.py": "from app import create_app\napp = create_app()\n", "app/__init__.py": factory}
    assert detect(write_project(tmp_path, files)).spec == "app:create_app()"


HELD = """
from fastapi import FastAPI
class Shop:
    def __init__(self):
        self.name = "shop"
        self.api = FastAPI()
shop = Shop()
"""


def test_app_in_an_attribute_of_an_object_is_found(tmp_path: Path) -> None:
    assert detect(write_project(tmp_path, {"service.py": HELD})).spec == "service:shop.api"
    assert detect(write_project(tmp_path, {"service.py": f"{HELD}app = shop.api\n"})).spec == "service:app"


def test_coroutine_handler_is_told_how_to_be_called(tmp_path: Path) -> None:
    write_project(tmp_path, {"main.py": "async def handler(event, context): return 1\n"})
    with pytest.raises(DetectionError, match="doesn't await a handler") as error:
        detect(tmp_path)
    text = (tmp_path / "main.py").read_text() + error.value.hint.partition("\n")[2]
    assert detect(write_project(tmp_path, {"main.py": text})).spec == "main:lambda_handler"


def test_python_2_is_named(tmp_path: Path) -> None:
    with pytest.raises(DetectionError) as error:
        detect(write_project(tmp_path, {"app.py": "print 'x'\n" + FLASK}))
    assert "Python 2" in error.value.hint


BACKEND = {
    "backend/web/main.py": "from fastapi import FastAPI\nfrom backend.web.apis import todo\napp = FastAPI()\n",
    "backend/web/apis/todo.py": "",
    "frontend/package.json": "{}",
}


def test_folder_that_imports_itself_by_its_name_is_started_from_the_folder_above(tmp_path: Path) -> None:
    project = write_project(tmp_path / "shop", BACKEND)
    assert detect(project).spec == "backend.web.main:app"
    with pytest.raises(DetectionError, match=r"web/main\.py imports its own modules as backend\.\*, which only works") as error:
        detect(project / "backend")
    assert error.value.hint.endswith("--app backend.web.main:app --name backend")
    assert detect(project, "backend.web.main:app").spec == "backend.web.main:app"


def test_folder_with_the_name_of_its_framework_is_a_project(tmp_path: Path) -> None:
    text = "from starlette.applications import Starlette\nimport starlette.routing\napp = Starlette()\n"
    project = write_project(tmp_path / "starlette", {"main.py": text, "views.py": ""})
    assert detect(project).spec == "main:app"
    files = {"main.py": f"import routing\n{text}", "routing.py": "", "requirements.txt": "starlette\n"}
    assert detect(write_project(tmp_path / "demo" / "starlette", files)).spec == "main:app"


@pytest.mark.parametrize("file", ["web-server.py", "my-shop/__init__.py"])
def test_hyphen_in_the_name_of_a_module(tmp_path: Path, file: str) -> None:
    name = file.partition("/")[0].removesuffix(".py")
    assert detect(write_project(tmp_path, {file: FLASK})).spec == f"{name}:app"
    assert detect(tmp_path, f"{name}:app").spec == f"{name}:app"


def test_folder_with_the_name_of_a_package_that_its_app_imports(tmp_path: Path) -> None:
    app = detect(write_project(tmp_path, {"flask/app.py": FLASK, "src/bottle/other.txt": ""}))
    assert (app.spec, app.root) == ("app:app", "flask")


def test_folder_with_the_name_of_a_module_of_python(tmp_path: Path) -> None:
    app = detect(write_project(tmp_path, {"code/cars/work.py": "def run(event, context): ...\n"}))
    assert (app.spec, app.root) == ("work:run", "code/cars")


@pytest.mark.parametrize(
    "text",
    [
        "import aws_cdk as cdk\nfrom stack import Stack\napp = cdk.App()\nStack(app)\napp.synth()\n",
        "from aws_cdk import core\napp = core.App()\n",
        "from flask import Blueprint\napi = Blueprint('api', __name__)\n",
        "from fastapi import APIRouter\napi = APIRouter()\n",
    ],
)
def test_what_is_named_like_an_app_and_is_none(tmp_path: Path, text: str) -> None:
    handler = "def lambda_handler(event, context):\n    return {}\n"
    app = detect(write_project(tmp_path, {"app.py": text, "src/__init__.py": "", "src/job/run_it.py": handler}))
    assert app.spec == "src.job.run_it:lambda_handler"
