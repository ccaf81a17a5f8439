"""What is said at deploy about an app's own files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.advice import advise
from lambent.config.model import Config
from lambent.config.variables.unset import find_unset
from lambent.events import Notice, Warned
from support.configs import load_config
from support.detection import FASTAPI, FLASK, write_project


def lines(config: Config) -> list[str]:
    return [event.text for event in advise(config, find_unset(config)) if isinstance(event, Notice | Warned)]


@pytest.mark.parametrize(
    "text",
    [
        FASTAPI + "@app.websocket('/ws')\nasync def chat(socket): pass\n",
        "from starlette.applications import Starlette\nfrom starlette.routing import WebSocketRoute\n"
        "app = Starlette(routes=[WebSocketRoute('/ws', None)])\n",
        FLASK + "from flask_sock import Sock\nsock = Sock(app)\n@sock.route('/ws')\ndef chat(socket): pass\n",
        FLASK + "from flask_sock import Sock\nlive = Sock(app)\n@live.route('/ws')\ndef chat(socket): pass\n",
        "from litestar import Litestar, websocket\n@websocket('/ws')\nasync def chat(socket): pass\napp = Litestar([chat])\n",
        FASTAPI + "class Chat(AsyncWebsocketConsumer): pass\n",
        FASTAPI + "app.add_api_websocket_route('/ws', None)\n",
        FASTAPI + "from nicegui import ui\nui.run_with(app)\n",
        FLASK + "from flask_socketio import SocketIO\nio = SocketIO(app)\n",
    ],
)
def test_websocket_routes_are_named(tmp_path: Path, text: str) -> None:
    config = load_config(write_project(tmp_path / "shop", {"main.py": text}))
    [line] = lines(config)
    assert line.startswith("main.py:") and "WebSockets" in line


def test_websocket_routes_of_channels_are_named_when_the_wsgi_app_is_deployed(tmp_path: Path) -> None:
    name = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'web.settings')\n"
    files = {
        "manage.py": f"import os\n{name}",
        "web/settings.py": "WSGI_APPLICATION = 'web.wsgi.application'\nASGI_APPLICATION = 'web.asgi.application'\n",
        "web/wsgi.py": f"import os\nfrom django.core.wsgi import get_wsgi_application\n{name}"
        "application = get_wsgi_application()\n",
        "web/asgi.py": "import chat.routing\n",
        "chat/routing.py": "from . import consumers\n",
        "chat/consumers.py": "class Chat(WebsocketConsumer): pass\n",
    }
    config = load_config(write_project(tmp_path / "shop", files))
    assert [line.partition(" ")[0] for line in lines(config) if "WebSockets" in line] == ["chat/consumers.py:1"]


@pytest.mark.parametrize(
    "text",
    [
        FASTAPI + "from starlette.responses import StreamingResponse\ndef a(): return StreamingResponse(x())\n",
        FASTAPI + "from sse_starlette import EventSourceResponse\ndef a(): return EventSourceResponse(x())\n",
        FLASK
        + "def parts():\n    for x in 'abc':\n        yield x\n@app.get('/')\ndef a(): return app.response_class(parts())\n",
        FLASK + "@app.get('/')\ndef a():\n    def parts():\n        yield 'x'\n\n    return Response(parts(), status=200)\n",
        FLASK + "@app.get('/')\ndef a():\n    @stream_with_context\n    def parts():\n        yield 'x'\n    return parts()\n",
        FLASK + "def parts():\n    yield 'x'\n@app.get('/')\ndef a(): return parts(), {'content-type': 'text/csv'}\n",
        FASTAPI + "@app.get('/a')\nasync def a():\n    yield {'a': 1}\n",
        FASTAPI + "@app.get('/a', response_class=responses.StreamingResponse)\nasync def a(): return b\n",
        FLASK + "@app.get('/')\ndef a(): return x, {'content-type': 'text/event-stream'}\n",
        FLASK + "@app.get('/')\ndef a(): return stream_template('a.html')\n",
        FASTAPI + "def a(req, resp): resp.stream = parts()\n",  # Falcon
        FASTAPI + "def a(request): return Response(app_iter=parts())\n",  # Pyramid
        FASTAPI + "async def a(request): response = await request.respond()\n",  # Sanic
        FASTAPI + "async def a(): return EventStream(parts())\n",  # FastHTML
        FASTAPI + "async def a(s, r, send): await send({'type': 'http.response.body', 'body': b'', 'more_body': True})\n",
    ],
)
def test_stream_is_proposed_to_apps_that_stream(tmp_path: Path, text: str) -> None:
    folder = write_project(tmp_path / "shop", {"main.py": text})
    [line] = lines(load_config(folder))
    assert line.startswith("main.py:") and "--stream" in line
    assert lines(load_config(folder, stream=True)) == []


def test_ordinary_apps_get_no_advice(tmp_path: Path) -> None:
    text = FLASK + "# StreamingResponse( and @app.websocket(\ndef parts(): return []\nResponse(parts())\n"
    text += "handler.stream = 1\nif message.get('more_body'): pass\n"
    text += "from starlette.responses import StreamingResponse\n@contextmanager\ndef session():\n    yield 1\n"
    text += "def rows():\n    yield 1\n@app.get('/')\ndef a(): return list(rows())\n"
    assert lines(load_config(write_project(tmp_path / "shop", {"main.py": text, ".env": "DEBUG=1\n"}))) == []


def test_variables_of_a_file_that_is_not_uploaded_are_named_with_the_flag_that_sends_them(tmp_path: Path) -> None:
    files = {
        "main.py": "from conf import key\n" + FLASK,
        "conf.py": "import os\nkey = os.environ['API_KEY'] + os.environ['TOKEN']\n",
        ".env": "API_KEY=secret\nTOKEN='x y'\nUNUSED=1\n",
    }
    folder = write_project(tmp_path / "shop", files)
    [event] = advise(load_config(folder))
    assert isinstance(event, Warned)
    assert event.text == "API_KEY and TOKEN are in .env, which isn't uploaded"
    file = event.hint.removeprefix("--env-file ")
    config = load_config(folder, env_file=file)
    assert dict(config.environment)["API_KEY"] == "secret"
    assert lines(config) == []
    [only] = advise(load_config(folder, env=("API_KEY=1",)))
    assert isinstance(only, Warned) and only.text == "TOKEN is in .env, which isn't uploaded"


def test_file_that_lambda_refuses_is_not_proposed(tmp_path: Path) -> None:
    files = {"main.py": FLASK + "import os\nos.environ['API_KEY']\n", ".env": "API_KEY=1\nX=2\n"}
    [event] = advise(load_config(write_project(tmp_path / "shop", files)))
    assert isinstance(event, Warned) and event.hint == "--env API_KEY=VALUE"


@pytest.mark.parametrize(("files", "named"), [({"secrets.py": ""}, "secrets.py"), ({"email/__init__.py": ""}, "email/")])
def test_own_file_that_hides_a_standard_module_is_named(tmp_path: Path, files: dict[str, str], named: str) -> None:
    folder = write_project(tmp_path / "shop", {"main.py": FLASK, "pkg/types.py": "", "test/__init__.py": ""} | files)
    [event] = advise(load_config(folder))
    assert isinstance(event, Warned) and event.text.startswith(f"{named} hides Python's own module")


@pytest.mark.parametrize(
    ("text", "hint", "followed"),
    [
        (
            "from mcp.server.fastmcp import FastMCP\nserver = FastMCP('tools')\napp = server.streamable_http_app()\n",
            'FastMCP(..., host="0.0.0.0")',
            ("FastMCP('tools')", "FastMCP('tools', host='0.0.0.0')"),
        ),
        (
            "from mcp.server.fastmcp import FastMCP\ns = FastMCP('tools', host='127.0.0.1')\napp = s.streamable_http_app()\n",
            'FastMCP(..., host="0.0.0.0")',
            ("127.0.0.1", "0.0.0.0"),
        ),
        (
            "from mcp.server import MCPServer\nserver = MCPServer('tools')\napp = server.streamable_http_app()\n",
            '.streamable_http_app(host="0.0.0.0")',
            ("_app()", "_app(host='0.0.0.0')"),
        ),
    ],
    ids=["mcp 1", "its default said", "mcp 2"],
)
def test_an_mcp_server_that_only_answers_to_localhost(tmp_path: Path, text: str, hint: str, followed: tuple[str, str]) -> None:
    folder = write_project(tmp_path / "tools", {"main.py": text})
    [event] = [event for event in advise(load_config(folder)) if isinstance(event, Warned)]
    assert "421" in event.text and event.text.startswith("main.py:") and event.hint == hint
    lock = write_project(folder, {"uv.lock": '[[package]]\nname = "mcp"\nversion = "1.22.0"\n'})
    assert not [event for event in advise(load_config(lock)) if isinstance(event, Warned)]
    write_project(folder, {"uv.lock": '[[package]]\nname = "mcp"\nversion = "1.23.0"\n'})
    assert [event for event in advise(load_config(folder)) if isinstance(event, Warned)]
    (folder / "main.py").write_text(text.replace(*followed))
    assert lines(load_config(folder)) == []


def test_variables_that_only_some_request_needs_are_named(tmp_path: Path) -> None:
    text = FLASK + "import os\n@app.get('/')\ndef home(): return os.environ['KEY'] + os.environ['TOKEN']\n"
    folder = write_project(tmp_path / "shop", {"main.py": text})
    assert lines(load_config(folder)) == ["KEY and TOKEN aren't set, and the app reads them (main.py:5)"]
    assert lines(load_config(folder, env=("KEY=1", "TOKEN=2"))) == []


def test_optional_variables_are_named_if_an_example_of_a_file_has_them(tmp_path: Path) -> None:
    text = FLASK + "import os\nkey, dsn, level = os.getenv('KEY'), os.getenv('DSN'), os.getenv('LEVEL', 'INFO')\n"
    folder = write_project(tmp_path / "shop", {"main.py": text})
    assert lines(load_config(folder)) == []
    (folder / ".env.example").write_text("KEY=abc\nLEVEL=DEBUG\nUNUSED=1\n")
    [event] = advise(load_config(folder), find_unset(load_config(folder)))
    assert isinstance(event, Warned) and event.text == "KEY isn't set, and the app reads it (main.py:4)"
    file, _, _ = event.hint.removeprefix("--env-file ").partition(", or a copy")
    assert lines(load_config(folder, env_file=file)) == []


CHALICE = """\
from chalice import Chalice, IAMAuthorizer
app = Chalice(app_name="shop")
@app.route("/", authorizer=IAMAuthorizer())
def index(): return {}
"""
SAM = """\
Resources:
  Shop:
    Type: AWS::Serverless::Function
    Properties:
      Handler: main.handler
      Runtime: python3.13
      Events:
        Root:
          Type: Api
          Properties: {Path: /, Method: get}
"""
SERVERLESS = "service: shop\nfunctions:\n  api:\n    handler: main.handler\n    events:\n      - http:\n          path: /\n"
HANDLER = "def handler(event, context): return {'statusCode': 200}\n"


@pytest.mark.parametrize(
    ("files", "location"),
    [
        ({"app.py": CHALICE}, "app.py:3"),
        ({"app.py": CHALICE.replace("authorizer=IAMAuthorizer()", "api_key_required=True")}, "app.py:3"),
        ({"template.yaml": SAM + "          Auth:\n            Authorizer: Pool\n", "main.py": HANDLER}, "template.yaml:12"),
        ({"template.yml": f"{SAM}      FunctionUrlConfig:\n        AuthType: AWS_IAM\n", "main.py": HANDLER}, "template"),
        ({"serverless.yml": SERVERLESS + "          authorizer: aws_iam\n", "main.py": HANDLER}, "serverless.yml:8"),
        ({"serverless.yml": SERVERLESS + "          private: true\n", "main.py": HANDLER}, "serverless.yml:8"),
        ({"zappa_settings.json": '{"dev": {"app_function": "web.app", "iam_authorization": true}}', "web.py": FLASK}, "zappa_"),
    ],
)  # fmt: skip
def test_a_check_of_callers_that_api_gateway_did_is_named(tmp_path: Path, files: dict[str, str], location: str) -> None:
    folder = write_project(tmp_path / "shop", files)
    [line] = [line for line in lines(load_config(folder)) if "callers" in line]
    assert line.startswith(location)
    (folder / "pyproject.toml").write_text('[tool.lambent]\nauth = "iam"\n')
    assert not any("callers" in line for line in lines(load_config(folder)))


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": CHALICE.replace("authorizer=IAMAuthorizer()", "cors=True")},
        {"template.yaml": SAM + "          Auth:\n            Authorizer: NONE\n", "main.py": HANDLER},
        {"template.yaml": SAM + "#         Authorizer: Pool\n", "main.py": HANDLER},
        {"serverless.yml": SERVERLESS + "          # authorizer: aws_iam\n          private: false\n", "main.py": HANDLER},
        {"main.py": FLASK + "login(authorizer=1)\n"},
    ],
)
def test_an_app_that_anyone_could_call_gets_no_such_line(tmp_path: Path, files: dict[str, str]) -> None:
    assert not any("callers" in line for line in lines(load_config(write_project(tmp_path / "shop", files))))
