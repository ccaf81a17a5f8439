"""Programs that start a server: the app that they serve is taken, and no server starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from lambent.package.vendor import runtime_files
from support.interpreter import python
from support.paths import CACHE

GUARD = 'if __name__ == "__main__":\n'
PLAIN = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hello']\n"
FLASK = "from flask import Flask\napp = Flask(__name__)\n@app.route('/')\ndef home(): return 'hello'\n"
BOTTLE = "from bottle import Bottle, route, run\n@route('/')\ndef home(): return 'hello'\n"
CHERRYPY = "import cherrypy\nclass Root:\n    @cherrypy.expose\n    def index(self): return 'hello'\n"
WEB_PY = "import web\nurls = ('/', 'Home')\nclass Home:\n    def GET(self): return 'hello'\n"
TORNADO = (
    "from tornado.httpserver import HTTPServer\nfrom tornado.ioloop import IOLoop\nfrom tornado.wsgi import WSGIContainer\n"
)
ASGI = "async def app(scope, receive, send): ...\n"
PROGRAMS = [
    "from wsgiref.simple_server import make_server\n" + PLAIN + GUARD + "    make_server('', 80, app).serve_forever()\n",
    FLASK + "app.run(debug=True)\n",
    FLASK + "import os\napp.run(port=int(os.environ['PORT']))\n",
    FLASK + "from werkzeug.serving import run_simple\nrun_simple('localhost', 80, app)\n",
    FLASK + "try:\n    app.run()\nexcept Exception:\n    app = None\n",
    FLASK + "from waitress import serve\ndef main():\n    serve(app, port=80)\n" + GUARD + "    main()\n",
    FLASK + "from gevent.pywsgi import WSGIServer\nWSGIServer(('', 80), app).serve_forever()\n",
    FLASK + "from flask_socketio import SocketIO\nSocketIO(app, async_mode='threading').run(app)\n",
    FLASK + TORNADO + "server = HTTPServer(WSGIContainer(app))\nserver.listen(80)\nIOLoop.current().start()\n",
    BOTTLE + "run(host='localhost', port='80', reloader=True)\n",
    BOTTLE + GUARD + "    app = Bottle()\n    app.route('/')(home)\n    app.run(port=80)\n",
    CHERRYPY + "cherrypy.quickstart(Root(), '/', {'/': {'tools.sessions.on': True}})\n",
    CHERRYPY + GUARD + "    cherrypy.tree.mount(Root(), '/')\n    cherrypy.engine.start()\n    cherrypy.engine.block()\n",
    WEB_PY + GUARD + "    web.application(urls, globals()).run()\n",
    "import hug\n@hug.get('/')\ndef home(): return 'hello'\nhug.API(__name__).http.serve()\n",
]
ASGI_PROGRAMS = [
    ASGI + "import uvicorn\nuvicorn.run(app)\n",
    ASGI + GUARD + "    import uvicorn\n    uvicorn.run('server:app', reload=True)\n",
    "def make():\n    return app\n" + ASGI + "import uvicorn\nuvicorn.Server(uvicorn.Config(make, factory=True)).run()\n",
    ASGI + "import asyncio, uvicorn\nserver = uvicorn.Server(uvicorn.Config(app))\nasyncio.run(server.serve())\n",
    ASGI + "import asyncio\nfrom hypercorn.asyncio import serve\nasyncio.run(serve(app, None))\n",
]
PACKAGES = ("flask", "waitress", "gevent", "flask-socketio", "tornado", "bottle", "cherrypy", "web.py", "uvicorn", "hypercorn")
CALL = """\
import json, sys
from lambent_runtime.app_interface import detect_interface
from lambent_runtime.app_loader import load_app
from lambent_runtime.fault import Fault
try:
    app = load_app("server.__main__")
except Fault as fault:
    print(json.dumps([fault.kind, str(fault)]))
    sys.exit()
kind, body = detect_interface(app), b""
if kind == "wsgi":
    from wsgiref.util import setup_testing_defaults
    environ = {}
    setup_testing_defaults(environ)
    body = b"".join(app(environ, lambda *arguments: None))
print(json.dumps([kind, body.decode()]))
"""


@pytest.fixture(scope="module")
def servers() -> tuple[Path, Path]:
    """An interpreter, and a folder with servers and the frameworks that bring their own."""
    folder, interpreter = CACHE / "servers", python("3.11")
    command = [find_uv_bin(), "pip", "install", "-q", "--target", folder, "--python", interpreter, "setuptools<81"]
    subprocess.run([*command, *PACKAGES, "hug"], check=True, timeout=300)
    return interpreter, folder


def run(interpreter: Path, folder: Path, *packages: Path, module: str = "server") -> list[str]:
    for name, file in runtime_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file.read())
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (folder, *packages))), "LAMBDA_TASK_ROOT": str(folder)}
    environ.pop("PORT", None)
    command = [interpreter, "-S", "-c", CALL.replace("server.__main__", f"{module}.__main__")]
    output = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True, timeout=60)
    assert output.stdout, output.stderr
    answer: list[str] = json.loads(output.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("text", PROGRAMS)
def test_app_that_a_program_serves_answers(tmp_path: Path, servers: tuple[Path, Path], text: str) -> None:
    (tmp_path / "server.py").write_text(text)
    kind, body = run(servers[0], tmp_path, servers[1])
    assert (kind, body.strip('"')) == ("wsgi", "hello")


@pytest.mark.parametrize("text", ASGI_PROGRAMS)
def test_asgi_app_that_a_program_serves_is_taken(tmp_path: Path, servers: tuple[Path, Path], text: str) -> None:
    (tmp_path / "server.py").write_text(text)
    assert run(servers[0], tmp_path, servers[1]) == ["asgi", ""]


MCP = """\
class Server:
    async def run(self, read, write): ...
    def streamable_http_app(self, *, host, stateless_http):
        async def app(scope, receive, send):
            await self.run(None, None)
        return app
"""
STDIO = """\
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
async def serve():
    async with stdio_server() as (read, write):
        await Server().run(read, write)
def main():
    import asyncio
    asyncio.run(serve())
"""


CLICK = """\
class Command:
    def __init__(self, callback):
        self.callback = callback
    def __call__(self):
        self.callback()
Command.__module__ = "click.core"
main = Command(main)
"""


@pytest.mark.parametrize("end", ["", GUARD + "    main()\n", CLICK])
def test_mcp_server_that_speaks_over_stdin(tmp_path: Path, end: str) -> None:
    package = tmp_path / "mcp/server/lowlevel"
    package.mkdir(parents=True)
    (package / "server.py").write_text(MCP)
    (package.parent / "stdio.py").write_text("def stdio_server(): raise OSError\n")
    (tmp_path / "server.py").write_text(STDIO + end)
    assert run(Path(sys.executable), tmp_path) == ["asgi", ""]


def test_program_of_a_package_that_imports_the_server_first(tmp_path: Path) -> None:
    package = tmp_path / "mcp/server/lowlevel"
    package.mkdir(parents=True)
    (package / "server.py").write_text(MCP)
    (package.parent / "stdio.py").write_text("def stdio_server(): raise OSError\n")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").write_text(STDIO)
    (tmp_path / "shop/__main__.py").write_text("from shop import main\nmain()\n")
    assert run(Path(sys.executable), tmp_path, module="shop.__main__") == ["asgi", ""]


def test_app_is_taken_out_of_a_group_of_tasks(tmp_path: Path) -> None:
    text = "class Group(Exception):\n    def __init__(self, *errors): self.exceptions = errors\n"
    text += "import uvicorn\ntry:\n    uvicorn.run(app)\nexcept BaseException as error:\n    raise Group(OSError(), error)\n"
    (tmp_path / "uvicorn").mkdir()
    (tmp_path / "uvicorn/main.py").write_text("def run(app): ...\n")
    (tmp_path / "uvicorn/__init__.py").write_text("def run(app):\n    from uvicorn.main import run\n    run(app)\n")
    (tmp_path / "server.py").write_text(ASGI + text)
    assert run(Path(sys.executable), tmp_path) == ["asgi", ""]


def test_program_that_ends_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("print('x')\n")
    kind, message = run(Path(sys.executable), tmp_path)
    assert kind == "Runtime.NoServer"
    assert "server.py ended without starting a server" in message


def test_program_that_misses_a_package_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("import missing_package\n")
    kind, message = run(Path(sys.executable), tmp_path)
    assert kind == "Runtime.ImportModuleError"
    assert message == "Unable to import module 'server': No module named 'missing_package'"
