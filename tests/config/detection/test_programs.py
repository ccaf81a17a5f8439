"""Modules that serve an app only when they are run as a program, or that start a server at import."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import DetectionError
from support.detection import FASTAPI, FLASK, GUARD, detect, guard_line, write_project

STARTS = [
    FLASK + "app.run(host='0.0.0.0')\n",
    FLASK + "try:\n    app.run()\nexcept KeyboardInterrupt:\n    pass\n",
    FLASK + "def main():\n    app.run()\nmain()\n",
    FLASK + "import os\nif os.environ.get('DYNO'):\n    app.run(port=80)\nelse:\n    app.run(debug=True)\n",
    FLASK + "from waitress import serve\nserve(app, port=80)\n",
    FLASK + "from flask_socketio import SocketIO\nsocketio = SocketIO(app)\nsocketio.run(app)\n",
    FLASK + "from gevent.pywsgi import WSGIServer\nserver = WSGIServer(('', 80), app)\nserver.serve_forever()\n",
    FLASK + "from tornado.ioloop import IOLoop\nIOLoop.current().start()\n",
    FASTAPI + "import uvicorn\nuvicorn.run(app)\n",
    FASTAPI + "import uvicorn\nuvicorn.Server(uvicorn.Config(app)).run()\n",
    FASTAPI + "import asyncio\nfrom hypercorn.asyncio import serve\nasyncio.run(serve(app, None))\n",
    "from dash import Dash\napp = Dash()\napp.run(debug=True)\n",
    "from fastmcp import FastMCP\nmcp = FastMCP('x')\nmcp.run()\n",
    "from bottle import *\n@route('/')\ndef home(): return 'x'\napp = default_app()\nrun(port=80)\n",
]
HIDDEN = [
    "from flask import Flask\n" + GUARD + "    app = Flask('x')\n    app.run()\n",
    "import web\n" + GUARD + "    app = web.application((), {})\n    app.run()\n",
    "from wsgiref.simple_server import make_server\nfrom pyramid.config import Configurator\n"
    + GUARD
    + "    app = Configurator().make_wsgi_app()\n    make_server('', 80, app).serve_forever()\n",
]
IN_MAIN = "from flask import Flask\ndef main():\n    app = Flask('x')\n    app.run()\n" + GUARD + "    main()\n"
MCP = "from fastmcp import FastMCP\ndef make():\n    server = FastMCP('x')\n    return server\n"
PROGRAMS = [
    "import cherrypy\ncherrypy.quickstart(object())\n",
    "from sanic import Sanic\nclass Shop(Sanic): ...\n" + GUARD + "    Shop('x').run()\n",
    "import cherrypy\n" + GUARD + "    cherrypy.quickstart(object())\n",
    "import cherrypy\ndef main():\n    cherrypy.engine.start()\n    cherrypy.engine.block()\n" + GUARD + "    main()\n",
    IN_MAIN,
    MCP + "def main():\n    make().run(transport='stdio')\n",
    MCP + "async def main():\n    await make().run_stdio_async()\nimport asyncio\n" + GUARD + "    asyncio.run(main())\n",
    "import asyncio, uvicorn\nfrom fastapi import FastAPI\nasync def main():\n    app = FastAPI()\n"
    "    await uvicorn.Server(uvicorn.Config(app)).serve()\n" + GUARD + "    asyncio.run(main())\n",
]
RUNS_MAIN = "lambent runs main.py as a program and takes the app that it serves"


@pytest.mark.parametrize("text", STARTS)
def test_server_started_at_import_is_refused_and_both_cures_work(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DetectionError, match=r"main.py starts a server at import: .*\(") as error:
        detect(write_project(tmp_path, {"main.py": text}))
    assert error.value.hint.startswith("lambent deploy --app main:__main__, ")
    assert error.value.hint.endswith(GUARD.strip())
    app = detect(tmp_path, "main:__main__")
    assert (app.spec, app.kind, app.remarks) == ("main:__main__", "web", (RUNS_MAIN,))
    guard_line(tmp_path, error.value.where)
    assert detect(tmp_path).module == "main"


@pytest.mark.parametrize("text", HIDDEN)
def test_app_that_only_a_program_makes_is_refused_and_the_flag_works(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DetectionError, match="is made only under `if __name__") as error:
        detect(write_project(tmp_path, {"main.py": text}))
    assert error.value.hint.startswith("lambent deploy --app main:__main__, ")
    assert detect(tmp_path, "main:__main__").spec == "main:__main__"


def test_copy_of_bottle_is_bottle(tmp_path: Path) -> None:
    copy = "class Bottle:\n    def __call__(self, environ, start_response): ...\ndef route(path): ...\ndef run(app): ...\n"
    text = "from bottle import route, run\n@route('/')\ndef home(): return 'x'\n"
    files = {"main.py": text, "bottle.py": copy}
    assert detect(write_project(tmp_path, files)).spec == "main:bottle.default_app()"
    files["main.py"] = f"{text}run(host='localhost', port=80)\n"
    with pytest.raises(DetectionError, match="starts a server at import"):
        detect(write_project(tmp_path, files))


def test_app_that_may_be_imported_comes_before_one_that_only_a_program_makes(tmp_path: Path) -> None:
    files = {"app.py": "from elsewhere import build\napp = build()\n", "debug.py": IN_MAIN}
    assert detect(write_project(tmp_path, files)).spec == "app:app"


def test_program_that_chooses_the_settings_of_a_factory_is_not_run(tmp_path: Path) -> None:
    factory = "from flask import Flask\ndef create_app(config):\n    return Flask('x')\n"
    with pytest.raises(DetectionError, match=r"create_app\(config\) makes it"):
        detect(write_project(tmp_path, {"main.py": f"{factory}{GUARD}    create_app('dev').run()\n"}))


@pytest.mark.parametrize("text", PROGRAMS)
def test_program_that_no_name_of_an_app_leads_to(tmp_path: Path, text: str) -> None:
    app = detect(write_project(tmp_path, {"main.py": text, "helpers.py": "x = 1\n"}))
    assert (app.spec, app.remarks) == ("main:__main__", (RUNS_MAIN,))


def test_program_of_a_package_that_calls_an_imported_function(tmp_path: Path) -> None:
    files = {
        "src/shop/__init__.py": "from .server import main\n",
        "src/shop/__main__.py": "from shop import main\n" + GUARD + "    main()\n",
        "src/shop/server.py": "from shop.make import make\ndef main():\n    server = make()\n    server.run()\n",
        "src/shop/make.py": MCP,
    }
    assert detect(write_project(tmp_path, files)).spec == "shop.__main__:__main__"
    (tmp_path / "src/shop/__main__.py").unlink()
    assert detect(tmp_path).spec == "shop.server:__main__"


def test_functions_that_call_each_other_start_nothing(tmp_path: Path) -> None:
    files = {
        "main.py": "from other import main as other\ndef main():\n    other()\n" + GUARD + "    main()\n",
        "other.py": "from main import main as start\ndef main():\n    start()\n",
    }
    with pytest.raises(DetectionError, match="no app found: no lambda_handler"):
        detect(write_project(tmp_path, files))


def test_server_started_by_an_imported_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"wsgi.py": "from shop.start import app\n", "shop/__init__.py": "", "shop/start.py": FLASK + "app.run()\n"}
    with pytest.raises(DetectionError) as error:
        detect(write_project(tmp_path, files))
    assert error.value.where == "shop/start.py:3"
    assert error.value.hint.startswith("lambent deploy --app shop.start:__main__, ")


def test_program_of_a_procfile(tmp_path: Path) -> None:
    program = "import cherrypy\n" + GUARD + "    cherrypy.quickstart(object())\n"
    app = detect(write_project(tmp_path, {"Procfile": "web: python site.py", "site.py": program, "main.py": "x = 1\n"}))
    assert (app.spec, app.source) == ("site:__main__", "Procfile")
    assert app.remarks == ("lambent runs site.py as a program and takes the app that it serves",)


def test_an_app_that_an_import_makes_comes_first(tmp_path: Path) -> None:
    files = {"serve.py": "import cherrypy\n" + GUARD + "    cherrypy.quickstart(object())\n", "other.py": FLASK}
    assert detect(write_project(tmp_path, files)).spec == "other:app"


@pytest.mark.parametrize("procfile", ["", "web: gunicorn app:__hug_wsgi__"])
def test_hug(tmp_path: Path, procfile: str) -> None:
    text = "import hug\n@hug.get('/users', versions=1)\ndef users(): return 'x'\n"
    app = detect(write_project(tmp_path, {"app.py": text, "Procfile": procfile}))
    assert (app.spec, app.source) == ("app:__hug_wsgi__", "Procfile" if procfile else "app.py, line 1")


def test_cure_names_a_project_that_is_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shop = write_project(tmp_path / "shop", {"main.py": FLASK + "app.run()\n"})
    with pytest.raises(DetectionError) as error:
        detect(shop, "main:app")
    assert error.value.hint.startswith("lambent deploy shop --app main:__main__, ")


def test_command_of_a_readme_comes_before_an_app_that_only_a_program_makes(tmp_path: Path) -> None:
    files = {
        "debug.py": IN_MAIN,
        "shop/__init__.py": "def site(a=1): return build(a)\n",
        "README.md": "gunicorn 'shop:site()'\n",
    }
    assert detect(write_project(tmp_path, files)).spec == "shop:site()"
