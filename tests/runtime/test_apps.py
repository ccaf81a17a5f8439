"""Untouched apps of the usual frameworks, in a real interpreter, behind the runtime that ships in the zip."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.runtime_api_stub import Environment, make_event

Start = Callable[..., Environment]


@pytest.fixture
def start(target: tuple[Path, Path], tmp_path: Path) -> Start:
    def start(handler: str, files: dict[str, str], **env: str) -> Environment:
        return Environment(tmp_path, target[0], handler, files=files, packages=target[1], env=env)

    return start


@pytest.fixture(scope="module")
def starlette(target: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A running app, for tests that neither end it nor read its log."""
    folder = tmp_path_factory.mktemp("starlette")
    with Environment(folder, target[0], "main.app", files={"main.py": STARLETTE}, packages=target[1]) as env:
        yield env


STARLETTE = """
import contextlib, threading
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

starts = []

@contextlib.asynccontextmanager
async def lifespan(app):
    starts.append(1)
    yield {"pool": ["opened"]}
    print("pool closed")

async def echo(request):
    form = await request.form() if request.method == "POST" else {}
    files = {k: (v if isinstance(v, str) else [v.filename, len(await v.read())]) for k, v in form.items()}
    return JSONResponse({
        "method": request.method, "url": str(request.url), "path": request.path_params,
        "query": request.query_params.multi_items(),
        "cookies": request.cookies, "client": list(request.client), "form": files, "http": request.scope["http_version"],
        "raw": request.scope["raw_path"].decode(), "aws": request.scope["aws.event"]["version"],
        "function": request.scope["aws.context"].function_name,
        "left": request.scope["aws.context"].get_remaining_time_in_millis() > 0,
    })

async def state(request):
    request.state.pool.append("used")
    return JSONResponse([len(starts), request.state.pool])

async def cookies(request):
    answer = PlainTextResponse("two")
    answer.set_cookie("a", "1"); answer.set_cookie("b", "2")
    answer.headers.append("link", "</a>"); answer.headers.append("link", "</b>")
    return answer

async def stream(request):
    async def chunks():
        import asyncio
        for n in range(3):
            await asyncio.sleep(0.001)
            yield f"{n};"
    return StreamingResponse(chunks(), media_type="text/plain")

async def binary(request):
    return Response(bytes(range(256)), media_type="image/png")

async def broken(request):
    raise KeyError("broken on purpose")

after = threading.Event()
async def background(request):
    def work():
        print("worked afterwards")
    return PlainTextResponse("soon", background=BackgroundTask(work))

app = Starlette(lifespan=lifespan, routes=[
    Route("/echo/{rest:path}", echo, methods=["GET", "POST"]), Route("/state", state), Route("/cookies", cookies),
    Route("/stream", stream), Route("/binary", binary), Route("/broken", broken), Route("/background", background),
])
"""


def test_starlette_sees_the_request(starlette: Environment) -> None:
    event = make_event(path="/echo/a%2Fb%20%C3%BC", query="x=1&x=2&y=a%26b", cookies=["s=1", "t=2"])
    seen = json.loads(starlette.invoke(event, Deadline_Ms="9999999999999").body)
    host = event["requestContext"]["domainName"]
    assert seen == {
        "method": "GET",
        "url": f"https://{host}/echo/a/b ü?x=1&x=2&y=a%26b",
        "path": {"rest": "a/b ü"},
        "query": [["x", "1"], ["x", "2"], ["y", "a&b"]],
        "cookies": {"s": "1", "t": "2"},
        "client": ["203.0.113.7", 0],
        "form": {},
        "http": "1.1",
        "raw": "/echo/a%2Fb%20%C3%BC",
        "aws": "2.0",
        "function": "hello",
        "left": True,
    }


def test_starlette_reads_forms_and_uploads(starlette: Environment) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n\x00\xff\r\n\r\n--x--\r\n'
    sent = {"content-type": "multipart/form-data; boundary=x", "content-length": "999"}
    answer = starlette.invoke(make_event("POST", "/echo/", body=body, headers=sent))
    assert json.loads(answer.body)["form"] == {"f": ["a.bin", 4]}
    sent = {"content-type": "application/x-www-form-urlencoded"}
    answer = starlette.invoke(make_event("POST", "/echo/", body=b"a=1&b=%C3%BC", headers=sent))
    assert json.loads(answer.body)["form"] == {"a": "1", "b": "ü"}


def test_starlette_starts_once_and_keeps_its_state(start: Start) -> None:
    with start("main.app", {"main.py": STARLETTE}) as env:
        assert json.loads(env.invoke(make_event(path="/state")).body) == [1, ["opened", "used"]]
        assert json.loads(env.invoke(make_event(path="/state")).body) == [1, ["opened", "used", "used"]]
        env.wait_idle()
        assert env.terminate() == 0
        assert env.log == "pool closed\n"


def test_starlette_answers(starlette: Environment) -> None:
    two = starlette.invoke(make_event(path="/cookies"))
    assert two.data["cookies"] == ["a=1; Path=/; SameSite=lax", "b=2; Path=/; SameSite=lax"]
    assert two.fields["link"] == "</a>, </b>"
    assert starlette.invoke(make_event(path="/stream")).body == b"0;1;2;"
    assert starlette.invoke(make_event(path="/binary")).body == bytes(range(256))
    assert starlette.invoke(make_event(path="/nowhere")).status == 404
    head = starlette.invoke(make_event("HEAD", "/binary"))
    assert (head.status, head.body, head.fields["content-length"]) == (200, b"", "256")


def test_starlette_works_after_it_answered(start: Start) -> None:
    with start("main.app", {"main.py": STARLETTE}) as env:
        assert env.invoke(make_event(path="/background")).body == b"soon"
        env.wait_idle()
        assert env.log == "worked afterwards\n"


def test_starlette_error_is_a_500_and_a_traceback_in_the_log(start: Start) -> None:
    with start("main.app", {"main.py": STARLETTE}) as env:
        answer = env.invoke(make_event(path="/broken"))
        assert (answer.status, answer.body) == (500, b"Internal Server Error")
        env.wait_idle()
        assert "[ERROR] KeyError: 'broken on purpose'\rTraceback (most recent call last):\r" in env.log
        assert "main.py" in env.log
        assert "lambent_runtime" not in env.log
        assert env.invoke(make_event(path="/state")).status == 200


FASTAPI = """
import threading
from contextvars import ContextVar
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel

app = FastAPI()
seen = ContextVar("seen", default=None)

class Item(BaseModel):
    name: str
    price: float

@app.get("/sync")
def sync(q: int = 0):
    return {"q": q, "thread": threading.get_ident(), "main": threading.main_thread().ident}

@app.post("/items")
async def items(item: Item):
    return item

@app.get("/context")
async def context():
    before = seen.get()
    seen.set("mine")
    return before

@app.get("/url")
async def url(request: Request):
    return str(request.url_for("sync"))
"""


def test_fastapi(start: Start) -> None:
    with start("main.app", {"main.py": FASTAPI}) as env:
        item = env.invoke(
            make_event("POST", "/items", body='{"name":"ü","price":1}', headers={"content-type": "application/json"})
        )
        assert json.loads(item.body) == {"name": "ü", "price": 1.0}
        assert item.data["isBase64Encoded"] is False
        assert env.invoke(make_event("POST", "/items", body="{}")).status == 422
        assert b"swagger" in env.invoke(make_event(path="/docs")).body
        local = "x.lambda-url.eu-west-1.localhost:4580"
        event = make_event(path="/url", domain=local, headers={"x-forwarded-proto": "http"})
        assert json.loads(env.invoke(event).body) == f"http://{local}/sync"
        assert [env.invoke(make_event(path="/context")).body for _ in range(2)] == [b"null", b"null"], "no variable leaks"
        assert env.log == ""


def test_fastapi_keeps_its_worker_thread(start: Start) -> None:
    with start("main.app", {"main.py": FASTAPI}) as env:
        answers = [json.loads(env.invoke(make_event(path="/sync", query=f"q={n}")).body) for n in range(3)]
        assert [answer["q"] for answer in answers] == [0, 1, 2]
        assert len({answer["thread"] for answer in answers}) == 1
        assert answers[0]["thread"] != answers[0]["main"]
        env.wait_idle()
        assert env.terminate() == 0


FLASK = """
from flask import Flask, jsonify, make_response, request

def create_app():
    app = Flask(__name__)

    @app.route("/echo/<path:rest>", methods=["GET", "POST"])
    def echo(rest):
        return jsonify(rest=rest, q=request.args.getlist("q"), url=request.url, cookies=request.cookies, form=request.form,
                       ip=request.remote_addr, files={n: len(f.read()) for n, f in request.files.items()},
                       function=request.environ["aws.context"].function_name)

    @app.route("/broken")
    def broken():
        raise ValueError("broken on purpose")

    @app.route("/stream")
    def stream():
        return app.response_class((f"{n};" for n in range(3)), mimetype="text/plain")

    @app.route("/log")
    def log():
        app.logger.warning("careful")
        return make_response("logged", 200, {"Set-Cookie": "a=1"})

    return app

app = create_app()
"""


@pytest.mark.parametrize("handler", ["main.app", "main.create_app()"])
def test_flask(start: Start, handler: str) -> None:
    with start(handler, {"main.py": FLASK}) as env:
        event = make_event(path="/echo/a%20%C3%BC%2Fx", query="q=1&q=%C3%BC", cookies=["s=1"])
        host = event["requestContext"]["domainName"]
        seen = json.loads(env.invoke(event).body)
        assert seen == {
            "rest": "a ü/x",
            "q": ["1", "ü"],
            "url": f"https://{host}/echo/a%20ü/x?q=1&q=ü",
            "cookies": {"s": "1"},
            "form": {},
            "ip": "203.0.113.7",
            "files": {},
            "function": "hello",
        }
        assert env.invoke(make_event(path="/stream")).body == b"0;1;2;"
        assert env.invoke(make_event(path="/static/none")).status == 404


def test_flask_error_and_log_lines(start: Start) -> None:
    with start("main.app", {"main.py": FLASK}) as env:
        assert env.invoke(make_event(path="/broken")).status == 500
        logged = env.invoke(make_event(path="/log"))
        assert logged.data["cookies"] == ["a=1"]
        env.wait_idle()
        first, second = env.log.split("[ERROR]", 1)[1].split("[WARNING]")
        assert "\trequest-1\tException on /broken [GET]\nTraceback (most recent call last):\n" in first
        assert "ValueError: broken on purpose" in first
        assert second.endswith("Z\trequest-2\tcareful\n")


DJANGO = {
    "site_/__init__.py": "",
    "site_/settings.py": """
DEBUG = False
SECRET_KEY = "x"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
""",
    "site_/urls.py": """
from django.http import HttpResponse, JsonResponse, FileResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
import io

@csrf_exempt
def echo(request, rest):
    return JsonResponse({"rest": rest, "url": request.build_absolute_uri(), "q": request.GET.getlist("q"),
                         "post": dict(request.POST), "cookies": request.COOKIES,
                         "files": {n: f.size for n, f in request.FILES.items()}})

def cookies(request):
    answer = HttpResponse("two")
    answer.set_cookie("a", "1"); answer.set_cookie("b", "2")
    return answer

def broken(request):
    raise ValueError("broken on purpose")

urlpatterns = [path("echo/<path:rest>", echo), path("cookies", cookies), path("broken", broken),
               path("file", lambda request: FileResponse(io.BytesIO(bytes(range(256))), filename="a.bin"))]
""",
    "site_/wsgi.py": """
import os
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings")
application = get_wsgi_application()
""",
    "site_/asgi.py": """
import os
from django.core.asgi import get_asgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings")
application = get_asgi_application()
""",
}


@pytest.mark.parametrize("handler", ["site_.wsgi.application", "site_.asgi.application"])
def test_django(start: Start, handler: str) -> None:
    with start(handler, DJANGO) as env:
        body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n\x00\xff\r\n--x--\r\n'
        sent = {"content-type": "multipart/form-data; boundary=x"}
        event = make_event("POST", "/echo/a%20%C3%BC", query="q=1&q=2", body=body, headers=sent, cookies=["s=1"])
        host = event["requestContext"]["domainName"]
        assert json.loads(env.invoke(event).body) == {
            "rest": "a ü",
            "url": f"https://{host}/echo/a%20%C3%BC?q=1&q=2",
            "q": ["1", "2"],
            "post": {},
            "files": {"f": 2},
            "cookies": {"s": "1"},
        }
        assert env.invoke(make_event(path="/cookies")).data["cookies"] == ["a=1; Path=/", "b=2; Path=/"]
        assert env.invoke(make_event(path="/file")).body == bytes(range(256))
        broken = env.invoke(make_event(path="/broken"))
        assert broken.status == 500
        env.wait_idle()
        assert "\trequest-4\tInternal Server Error: /broken\n" in env.log
        assert "ValueError: broken on purpose" in env.log


DATASETTE = """
import pathlib, sqlite3
from datasette.app import Datasette

file = pathlib.Path("fixtures.db").absolute()
with sqlite3.connect(file) as db:
    db.execute("create table dogs (id integer primary key, name text)")
    db.executemany("insert into dogs (name) values (?)", [("Cleo",), ("Pancakes & ü",)])
db.close()
app = Datasette([], immutables=[str(file)]).app()
"""


def test_datasette(start: Start) -> None:
    with start("main.app", {"main.py": DATASETTE}) as env:
        assert b"fixtures" in env.invoke(make_event(path="/")).body
        rows = json.loads(env.invoke(make_event(path="/fixtures/dogs.json", query="_shape=array")).body)
        assert rows == [{"id": 1, "name": "Cleo"}, {"id": 2, "name": "Pancakes & ü"}]
        assert env.invoke(make_event(path="/-/static/app.css")).fields["content-type"].startswith("text/css")
        page = env.invoke(make_event(path="/fixtures/dogs"))
        assert page.status == 200
        assert "Pancakes &amp; ü".encode() in page.body
        env.wait_idle()
        assert env.terminate() == 0
        assert env.log == ""
