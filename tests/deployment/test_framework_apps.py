"""Apps of real frameworks that expect more than Lambda gives: they write next to their code, or their static files are served.

They are built with packages from PyPI and deployed to the local Lambda.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
from msgspec import Struct

from lambent import events
from lambent.aws.boto import connect
from lambent.config.load import Flags, load
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.fetch import fetch
from lambent.deployment.run_command import Command, run_command
from lambent.errors import FunctionFailedError, UsageError
from lambent.log_events import CommandOutput
from lambent.package.build import build
from support.local_service import RUNTIME, Service, serving
from support.paths import CACHE

QUICK = Timing(role_s=5, settle_s=30, answer_s=20)

FLASK = """\
import os
from flask import Flask
app = Flask(__name__, instance_relative_config=True)
os.makedirs(app.instance_path, exist_ok=True)
@app.get("/")
def home():
    return "home"
"""
FASTHTML = """\
from fasthtml.common import *
app, rt = fast_app()
@rt("/")
def get(): return Titled("home")
"""
SQLMODEL = """\
from contextlib import asynccontextmanager
from fastapi import FastAPI
from sqlmodel import Field, Session, SQLModel, create_engine, select
class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
engine = create_engine("sqlite:///database.db")
@asynccontextmanager
async def lifespan(app):
    SQLModel.metadata.create_all(engine)
    yield
app = FastAPI(lifespan=lifespan)
@app.get("/")
def home():
    with Session(engine) as session:
        session.add(Hero(name="home"))
        session.commit()
        return session.exec(select(Hero)).all()
"""
LOGGING = """\
import logging
logging.basicConfig(handlers=[logging.FileHandler("app.log")])
def app(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"home"]
"""
HANDLED = """\
import logging, os
def app(environ, start_response):
    try:
        os.mkdir(".cache")
    except OSError:
        logging.exception("no cache")
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"home"]
"""
WRITERS = {
    "flask": (FLASK, "flask", "instance"),
    "fasthtml": (FASTHTML, "python-fasthtml", ".sesskey"),
    "sqlmodel": (SQLMODEL, "sqlmodel\nfastapi", "a SQLite file"),
    "logging": (LOGGING, "", "app.log"),
    "handled": (HANDLED, "", ".cache"),
}


class Deployer(Struct, frozen=True):
    service: Service

    @property
    def url(self) -> str:
        return self.service.url

    def deploy(self, folder: Path, emitted: list[events.Event], **flags: object) -> events.Deployed:
        config = load(folder, Flags(runtime=RUNTIME, **flags), {}, date.today())  # type: ignore[arg-type]
        artifact = build(config, CACHE / "build", os.environ, emitted.append)
        aws = connect("eu-west-1", endpoint_url=self.url, keys=("lambent", "lambent"))
        return deploy(config, artifact, DeployContext(aws, emitted.append, QUICK))


@pytest.fixture(scope="module")
def deployer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployer]:
    with serving(tmp_path_factory.mktemp("state")) as service:
        yield Deployer(service)


def warnings(emitted: list[events.Event]) -> list[str]:
    return [f"{event.text} ({event.hint})" for event in emitted if isinstance(event, events.Warned)]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("framework", WRITERS)
def test_an_app_that_writes_beside_its_code_runs_from_a_copy(deployer: Deployer, tmp_path: Path, framework: str) -> None:
    source, requirements, path = WRITERS[framework]
    folder = write(tmp_path / f"writes-{framework}", {"main.py": source, "requirements.txt": requirements})
    emitted: list[events.Event] = []
    first = deployer.deploy(folder, emitted)
    (warning,) = warnings(emitted)
    assert f"writes to {path}, next to its code" in warning and "is lost when an environment ends" in warning
    response = fetch(first.url, 10)
    assert response.status == 200 and b"home" in response.body

    again: list[events.Event] = []
    assert deployer.deploy(folder, again).changed is False
    assert warnings(again) == []


def test_no_writable_stops_the_deploy_and_names_the_flag_that_helps(deployer: Deployer, tmp_path: Path) -> None:
    folder = write(tmp_path / "decided", {"main.py": LOGGING})
    with pytest.raises(FunctionFailedError) as failed:
        deployer.deploy(folder, [], writable=False)
    assert "app.log" in failed.value.what and "pass --writable" in failed.value.hint
    emitted: list[events.Event] = []
    assert fetch(deployer.deploy(folder, emitted, writable=True).url, 10).body == b"home"
    assert warnings(emitted) == []


def test_a_bare_handler_that_writes_is_told_of_the_flag(deployer: Deployer, tmp_path: Path) -> None:
    source = "open('log.txt', 'w').write('x')\ndef lambda_handler(event, context): return open('log.txt').read()\n"
    folder = write(tmp_path / "handler", {"main.py": source})
    with pytest.raises(FunctionFailedError, match=r"writes to log\.txt") as failed:
        deployer.deploy(folder, [])
    assert "pass --writable" in failed.value.hint
    assert fetch(deployer.deploy(folder, [], writable=True).url, 10).body == b"x"


SEVERAL = """\
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: hello/
      Handler: app.lambda_handler
      Events:
        Get: {Type: Api, Properties: {Path: "/hello/{name}", Method: get}}
  Code:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: code/
      Handler: app.lambda_handler
      Events:
        Any: {Type: HttpApi, Properties: {Path: /code, Method: any}}
"""
SAYS = """\
import helper
def lambda_handler(event, context):
    import later
    name = (event.get("pathParameters") or {}).get("name", "you")
    return {"statusCode": 200, "body": f"{helper.NAME} {later.NAME} {name}"}
"""


def test_functions_of_one_template_deploy_as_one_app(deployer: Deployer, tmp_path: Path) -> None:
    files = {f"{folder}/app.py": SAYS for folder in ("hello", "code")}
    files |= {
        f"{folder}/{name}.py": f"NAME = '{name} of {folder}'\n" for folder in ("hello", "code") for name in ("helper", "later")
    }
    folder = write(tmp_path / "several", {"template.yaml": SEVERAL, **files})
    emitted: list[events.Event] = []
    url = deployer.deploy(folder, emitted).url.rstrip("/")
    assert warnings(emitted) == []
    assert fetch(f"{url}/hello/Ann", 10).body == b"helper of hello later of hello Ann"
    assert fetch(f"{url}/code", 10).body == b"helper of code later of code you"
    assert fetch(f"{url}/hello/Bob", 10).body == b"helper of hello later of hello Bob"
    assert fetch(f"{url}/other", 10).status == 404


SETTINGS = """\
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "for this test only"
DEBUG = {debug}
ALLOWED_HOSTS = {hosts}
ROOT_URLCONF = "site1.urls"
WSGI_APPLICATION = "site1.wsgi.application"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.staticfiles", "shop"]
STATIC_URL = "assets/"
STATICFILES_DIRS = [BASE_DIR / "front"]
"""
MANIFEST = """
STATIC_ROOT = BASE_DIR / "collected"
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
"""
DJANGO = {
    "requirements.txt": "django",
    "manage.py": (
        'import os, sys\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")\n'
        "from django.core.management import execute_from_command_line\n"
        'if __name__ == "__main__":\n    execute_from_command_line(sys.argv)\n'
    ),
    "front/site.css": "body { color: teal }",
    "shop/__init__.py": "",
    "shop/models.py": (
        "from django.db import models\nclass Item(models.Model):\n    name = models.TextField(primary_key=True)\n"
    ),
    "site1/__init__.py": "",
    "site1/urls.py": (
        "from django.http import HttpResponse\nfrom django.templatetags.static import static\nfrom django.urls import path\n"
        'urlpatterns = [path("", lambda request: HttpResponse(static("site.css")))]\n'
    ),
    "site1/wsgi.py": (
        "import os\nfrom django.core.wsgi import get_wsgi_application\n"
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")\napplication = get_wsgi_application()\n'
    ),
}


def test_static_files_of_django_are_collected_and_served(deployer: Deployer, tmp_path: Path) -> None:
    settings = SETTINGS.format(debug=True, hosts=[])
    files = {**DJANGO, "site1/settings.py": settings, ".gitignore": "collected/\n"}
    folder = write(
        tmp_path / "django", {**files, "shop/models.py": f"{DJANGO['shop/models.py']}    scan = models.FileField()\n"}
    )
    emitted: list[events.Event] = []
    deployed = deployer.deploy(folder, emitted)
    assert fetch(f"{deployed.url}assets/site.css", 10).body == b"body { color: teal }"
    debug, hosts, uploads, migrations = warnings(emitted)
    assert "site1/settings.py" in debug and 'DEBUG = "AWS_LAMBDA_FUNCTION_NAME" not in os.environ' in debug
    assert 'ALLOWED_HOSTS = [".on.aws", ".localhost"]' in hosts
    assert "uploaded files go next to the code" in uploads and "django-storages[s3]" in uploads
    assert "shop" in migrations and "makemigrations shop" in migrations

    # what the hints say
    debug_line = 'import os\nDEBUG = "AWS_LAMBDA_FUNCTION_NAME" not in os.environ\n'
    followed = settings.replace("DEBUG = True\n", debug_line).replace("HOSTS = []", 'HOSTS = [".on.aws", ".localhost"]')
    (folder / "site1/settings.py").write_text(followed + MANIFEST + NEEDS_VARIABLE + DATABASE)
    write(folder, {"shop/migrations/__init__.py": "", "shop/migrations/0001_initial.py": MIGRATION})
    write(folder, {"shop/models.py": DJANGO["shop/models.py"]})
    emitted.clear()
    deployed = deployer.deploy(folder, emitted, env=("SHOP_KEY=x",), run=True)
    assert warnings(emitted) == []
    hashed = fetch(deployed.url, 10).body.decode()
    assert hashed.startswith("/assets/site.") and hashed != "/assets/site.css"
    assert fetch(deployed.url + hashed.lstrip("/"), 10).body == b"body { color: teal }"
    assert not (folder / "collected").exists()

    output: list[events.Event] = []
    aws = connect("eu-west-1", endpoint_url=deployer.url, keys=("lambent", "lambent"))
    assert run_command(aws, "django", Command(("python", "manage.py", "migrate")), output.append) == 0
    assert "Applying shop.0001_initial... OK" in "".join(each.text for each in output if isinstance(each, CommandOutput))
    with pytest.raises(UsageError, match="version 1 of django takes no commands"):
        run_command(aws, "django", Command(("python",)), output.append, version="1")


def test_a_sqlite_database_that_django_lacks_is_made_by_the_build(tmp_path: Path) -> None:
    files = {
        **DJANGO,
        "site1/settings.py": SETTINGS.format(debug=False, hosts=["*"])
        + DATABASE.replace('"/tmp/', 'BASE_DIR / "data/')
        + 'INSTALLED_APPS += ["notes"]\n',
        "notes/__init__.py": "",
        "notes/models.py": DJANGO["shop/models.py"].replace("Item", "Note"),  # without migrations
        ".gitignore": "data/",  # which a fresh clone doesn't have
        "shop/migrations/__init__.py": "",
        "shop/migrations/0001_initial.py": MIGRATION,
    }
    emitted: list[events.Event] = []
    made = set()
    for clone in ("first", "second"):
        folder = write(tmp_path / clone / "django", files)
        artifact = build(load(folder, Flags(runtime=RUNTIME), {}, date.today()), CACHE / "build", os.environ, emitted.append)
        with ZipFile(artifact.path) as archive:
            made.add(archive.read("data/shop.sqlite3"))
    notices = [event.text for event in emitted if isinstance(event, events.Notice)]
    made_line = "migrate: made data/shop.sqlite3, since the zip would have no database"
    assert sum(line.startswith(made_line) for line in notices) == 2
    (tmp_path / "made").write_bytes(made.pop())
    assert not made, "the same bytes each time"
    with closing(sqlite3.connect(tmp_path / "made")) as database:
        for table in ("shop_item", "notes_note"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_tables_that_no_first_request_needs_are_made_from_the_models_of_flask_sqlalchemy(tmp_path: Path) -> None:
    folder = write(tmp_path / "todo", {"app.py": TODO, "requirements.txt": "flask-sqlalchemy\n"})
    emitted: list[events.Event] = []
    artifact = build(load(folder, Flags(runtime=RUNTIME), {}, date.today()), CACHE / "build", os.environ, emitted.append)
    lines = [event.text for event in emitted if isinstance(event, events.Notice) and "todo.db" in event.text]
    assert lines == [
        "python app.py: made instance/todo.db, since the database has no table todo; "
        "what the app writes to it is lost when an environment ends"
    ]
    assert "LAMBENT_WRITABLE" in dict(artifact.environment)
    with ZipFile(artifact.path) as archive:
        (tmp_path / "made").write_bytes(archive.read("instance/todo.db"))
    with closing(sqlite3.connect(tmp_path / "made")) as database:
        assert database.execute("SELECT title FROM todo").fetchall() == [("first",)]
    (folder / "app.py").write_text(TODO.replace('if __name__ == "__main__":', "if True:").replace("    app.run()\n", ""))
    emitted.clear()
    artifact = build(load(folder, Flags(runtime=RUNTIME), {}, date.today()), CACHE / "build", os.environ, emitted.append)
    assert "instance/todo.db" not in {entry.name for entry in artifact.entries}, "its start makes them"


TODO = """\
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///todo.db"
db = SQLAlchemy(app)

class Todo(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(100))

@app.get("/")
def home():
    return "log in"

if __name__ == "__main__":
    with app.app_context():
        db.create_all()
        db.session.add(Todo(title="first"))
        db.session.commit()
    app.run()
"""
DATABASE = 'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/tmp/shop.sqlite3"}}\n'
NEEDS_VARIABLE = "import os\nSECRET_KEY = os.environ['SHOP_KEY']\n"
MIGRATION = """\
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    operations = [migrations.CreateModel("Item", [("name", models.TextField(primary_key=True, serialize=False))])]
"""


FORM = """\
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import path
def home(request):
    return HttpResponse(request.POST.get("name") or get_token(request))
urlpatterns = [path("", home)]
"""


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_hosts_that_lack_the_url_are_completed_in_the_function(deployer: Deployer, tmp_path: Path, kind: str) -> None:
    middleware = 'MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]\n'
    settings = SETTINGS.format(debug=False, hosts=["example.com"]) + middleware
    files = {**DJANGO, "site1/settings.py": settings, "site1/urls.py": FORM}
    files[f"site1/{kind}.py"] = files.pop("site1/wsgi.py").replace("wsgi", kind)
    emitted: list[events.Event] = []
    url = deployer.deploy(write(tmp_path / f"hosts-{kind}", files), emitted, app=f"site1.{kind}:application").url
    (hosts,) = (text for text in warnings(emitted) if "ALLOWED_HOSTS" in text)
    assert hosts == (
        "ALLOWED_HOSTS in site1/settings.py:5 doesn't allow the URL's host, so lambent adds it in the function "
        '(ALLOWED_HOSTS = ["example.com", ".on.aws", ".localhost"])'
    )
    shown = deployer.service.fetch(url)
    token, cookie = shown.body.decode(), shown.headers["set-cookie"].partition(";")[0]
    assert shown.status == 200 and "csrftoken" in cookie
    form = f"csrfmiddlewaretoken={token}&name=ann".encode()
    headers = {"Content_Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    for origin, status in ((url.rstrip("/"), 200), ("https://elsewhere.com", 403)):
        posted = deployer.service.fetch(url, "POST", form, Origin=origin, **headers)
        assert posted.status == status


def test_settings_that_need_a_variable_are_told_which(tmp_path: Path) -> None:
    settings = SETTINGS.format(debug=False, hosts=[".on.aws"]) + NEEDS_VARIABLE.replace("SHOP_KEY", "DJANGO_SECRET_KEY")
    folder = write(tmp_path / "django", {**DJANGO, "site1/settings.py": settings})
    emitted: list[events.Event] = []
    build(load(folder, Flags(runtime=RUNTIME), {}, date.today()), CACHE / "build", os.environ, emitted.append)
    (warning,) = warnings(emitted)
    assert "collectstatic can't run: KeyError: 'DJANGO_SECRET_KEY'" in warning
    assert "--env DJANGO_SECRET_KEY=" in warning and "os.urandom" in warning


def test_settings_that_cannot_be_executed_are_read(tmp_path: Path) -> None:
    files = {
        "site1/base.py": SETTINGS.format(debug=True, hosts=["example.com"]),
        "site1/settings.py": "from .base import *\n1 / 0\n",
    }
    emitted: list[events.Event] = []
    folder = write(tmp_path / "django", {**DJANGO, **files})
    build(load(folder, Flags(runtime=RUNTIME), {}, date.today()), CACHE / "build", os.environ, emitted.append)
    failed, debug, hosts = warnings(emitted)
    assert "collectstatic can't run: ZeroDivisionError" in failed
    assert "DEBUG is True in site1/base.py" in debug
    assert 'ALLOWED_HOSTS = ["example.com", ".on.aws", ".localhost"]' in hosts
