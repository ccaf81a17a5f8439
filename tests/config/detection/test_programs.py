"""Modules that serve an app only when they are run as a program, or that start a server at import."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.detection import FASTAPI, FLASK, detect, write_project

GUARD = 'if __name__ == "__main__":\n'
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
    "import cherrypy\ncherrypy.quickstart(object())\n",
]
PROGRAMS = [
    ("from flask import Flask\n" + GUARD + "    app = Flask('x')\n    app.run()\n", "app is made only under `if __name__"),
    ("from flask import Flask\ndef main():\n    app = Flask('x')\n    app.run()\n" + GUARD + "    main()\n", "inside main()"),
    ("import cherrypy\n" + GUARD + "    cherrypy.quickstart(object())\n", "lambent runs main.py as a program"),
    ("import cherrypy\ndef main():\n    cherrypy.engine.start()\n    cherrypy.engine.block()\n" + GUARD + "    main()\n", ""),
    ("import web\n" + GUARD + "    app = web.application((), {})\n    app.run()\n", "app is made only under"),
    (
        "from wsgiref.simple_server import make_server\nfrom pyramid.config import Configurator\n"
        + GUARD
        + "    app = Configurator().make_wsgi_app()\n    make_server('', 80, app).serve_forever()\n",
        "app is made only under",
    ),
]


@pytest.mark.parametrize("text", STARTS)
def test_server_started_at_import_is_left_to_the_runtime(tmp_path: Path, text: str) -> None:
    app = detect(write_project(tmp_path, {"main.py": text}))
    assert (app.spec, app.kind) == ("main:__main__", "web")
    assert app.remarks[0].startswith("main.py starts a server at import (main.py:")
    assert detect(tmp_path, "main:__main__").spec == "main:__main__"


@pytest.mark.parametrize(("text", "remark"), PROGRAMS)
def test_app_that_only_a_program_serves(tmp_path: Path, text: str, remark: str) -> None:
    app = detect(write_project(tmp_path, {"main.py": text, "helpers.py": "x = 1\n"}))
    assert app.spec == "main:__main__"
    assert remark in app.remarks[0]


def test_server_started_by_an_imported_module(tmp_path: Path) -> None:
    files = {"wsgi.py": "from shop.start import app\n", "shop/__init__.py": "", "shop/start.py": FLASK + "app.run()\n"}
    assert detect(write_project(tmp_path, files)).spec == "shop.start:__main__"


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
