"""Apps that a file of the project declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.detection.detect import find_app
from lambent.config.project import find_project
from support.detection import FASTAPI, FLASK, detect, write_project

TWO = {"web/__init__.py": "", "web/core.py": FLASK, "web/helper.py": FLASK}
DOCKERFILE = "FROM python:3.13\nWORKDIR /app\nCOPY . .\n"

DECLARED = [
    ({"Procfile": "web: gunicorn web.core:app\nworker: celery -A web.helper:app worker\n"}, "web.core:app", "Procfile"),
    ({"Dockerfile": DOCKERFILE + 'CMD ["gunicorn", "-b", "0.0.0.0:80", "web.core:app"]\n'}, "web.core:app", "Dockerfile"),
    ({"Dockerfile": DOCKERFILE + "CMD gunicorn \\\n  web.core:app\n"}, "web.core:app", "Dockerfile"),
    ({"Dockerfile": DOCKERFILE + 'ENTRYPOINT ["gunicorn"]\nCMD ["web.core:app"]\n'}, "web.core:app", "Dockerfile"),
    (
        {"Dockerfile": 'FROM a\nCMD ["gunicorn", "web.helper:app"]\nFROM b\nCMD ["gunicorn", "web.core:app"]\n'},
        "web.core:app",
        "Dockerfile",
    ),
    (
        {"Dockerfile": DOCKERFILE + 'CMD ["/app/start.sh"]\n', "start.sh": "#!/bin/sh\nset -e\nexec gunicorn web.core:app\n"},
        "web.core:app",
        "start.sh",
    ),
    (
        {
            "Dockerfile": "FROM python:3.13\nCOPY . /app\nWORKDIR /app/web\nENTRYPOINT ./start.sh\n",
            "web/start.sh": "exec gunicorn core:app\n",
        },
        "core:app",
        "web/start.sh",
    ),
    (
        {"pyproject.toml": '[tool.fastapi]\nentrypoint = "web.core:app"\n'},
        "web.core:app",
        "pyproject.toml [tool.fastapi] entrypoint",
    ),
    ({".flaskenv": "FLASK_APP=web.core\n"}, "web.core:app", ".flaskenv, FLASK_APP"),
    ({".env": "export FLASK_APP='web/core.py'\n"}, "web.core:app", ".env, FLASK_APP"),
    ({"render.yaml": "services:\n  - type: web\n    startCommand: gunicorn web.core:app\n"}, "web.core:app", "render.yaml"),
    ({"fly.toml": "app = 'shop'\n[processes]\n  web = 'gunicorn web.core:app'\n"}, "web.core:app", "fly.toml"),
    (
        {"app.yaml": "runtime: python313\nentrypoint: >-\n  gunicorn\n  web.core:app\n"},
        "web.core:app",
        "app.yaml",
    ),
    ({"fly.toml": "app = 'shop'\n[experimental]\ncmd = ['gunicorn', 'web.core:app']\n"}, "web.core:app", "fly.toml"),
    ({"uwsgi.ini": "[uwsgi]\nchdir = web\nwsgi-file = core.py\ncallable = app\n"}, "web.core:app", "uwsgi.ini"),
    (
        {".ebextensions/python.config": "option_settings:\n  aws:python:\n    WSGIPath: web.core:app\n"},
        "web.core:app",
        ".ebextensions/python.config",
    ),
    ({"heroku.yml": "run:\n  web: gunicorn web.core:app\n"}, "web.core:app", "heroku.yml"),
    ({"railway.json": '{"deploy": {"startCommand": "gunicorn web.core:app"}}'}, "web.core:app", "railway.json"),
    (
        {"Procfile": "web: gunicorn web.core:app", ".flaskenv": "FLASK_APP=web.core"},
        "web.core:app",
        "Procfile and .flaskenv, FLASK_APP",
    ),
    (
        {"main.py": 'import uvicorn\nif __name__ == "__main__":\n    uvicorn.run("web.core:app")\n'},
        "web.core:app",
        "uvicorn.run in main.py",
    ),
    (
        {"pyproject.toml": '[project]\nname = "x"\n[project.scripts]\nserve = "web.core:main"\n'},
        "web.core:app",
        "pyproject.toml [project.scripts] serve",
    ),
    (
        {"server.py": 'import uvicorn\nif __name__ == "__main__":\n    uvicorn.run(app="web.core:app", reload=True)\n'},
        "web.core:app",
        "uvicorn.run in server.py",
    ),
    (
        {"pyproject.toml": '[tool.poetry.scripts]\nserve = { callable = "web.core:main" }\n'},
        "web.core:app",
        "pyproject.toml [tool.poetry.scripts] serve",
    ),
    (
        {"setup.cfg": "[options.entry_points]\nconsole_scripts =\n    serve = web.core:main\n"},
        "web.core:app",
        "setup.cfg, console_scripts serve",
    ),
    (
        {"setup.py": "setup(entry_points={'console_scripts': ['serve=web.core:main']})\n"},
        "web.core:app",
        "setup.py, console_scripts serve",
    ),
    (
        {
            "pyproject.toml": '[project]\nname = "x"\n[project.scripts]\nserve = "web.cli:main"\n',
            "web/cli.py": "def main():\n    import uvicorn\n    from .core import app\n    uvicorn.run(app, port=80)\n",
        },
        "web.core:app",
        "web/cli.py, which serves it",
    ),
]


@pytest.mark.parametrize(("files", "spec", "source"), DECLARED)
def test_declared_app_is_used(tmp_path: Path, files: dict[str, str], spec: str, source: str) -> None:
    app = detect(write_project(tmp_path, TWO | files))
    assert (app.spec, app.source, app.remarks) == (spec, source, ())


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("README.md", "Start it:\n\n    $ uvicorn core:second --reload\n"),
        ("README.rst", "Run ``gunicorn core:second``.\n"),
        ("Makefile", "run:\n\tpoetry run uvicorn core:second --port 8000\n"),
        ("start.sh", "#!/bin/sh\nexec gunicorn core:second\n"),
        ("Dockerfile.prod", 'FROM python:3.13\nCMD ["gunicorn", "core:second"]\n'),
        ("compose.prod.yaml", "services:\n  web:\n    command: ['gunicorn', 'core:second']\n"),
        ("Procfile.dev", "web: gunicorn core:second\n"),
        ("package.json", '{"scripts": {"api": "flask --app core:second run"}}'),
    ],
)
def test_instructions_decide_between_several_apps(tmp_path: Path, file: str, text: str) -> None:
    apps = FLASK.replace("app =", "first =") + "second = Flask(__name__)\n"
    write_project(tmp_path, {"core.py": apps, file: text})
    app = detect(tmp_path)
    assert (app.spec, app.source) == ("core:second", file)


@pytest.mark.parametrize(
    "command",
    [
        "gunicorn -b 0.0.0.0:8000 core:second",
        '["gunicorn", "core:second"]',
        ">\n      sh -c 'python manage.py migrate && gunicorn core:second'",
        '"uvicorn core:second --host 0.0.0.0"',
        "['gunicorn', 'core:second']",
        "\n      - gunicorn\n      # no reload\n      - 'core:second'",
        "|\n      python manage.py migrate\n      gunicorn core:second",
    ],
)
def test_command_of_docker_compose_names_the_app(tmp_path: Path, command: str) -> None:
    compose = f"services:\n  web:\n    build: .\n    command: {command}\n  db:\n    image: postgres\n"
    apps = FLASK + "second = Flask('x')\n"
    app = detect(write_project(tmp_path, {"core.py": apps, "docker-compose.yml": compose}))
    assert (app.spec, app.source) == ("core:second", "docker-compose.yml")


@pytest.mark.parametrize("value", ["'shop:create_app(\"dev\")'", "shop:create_app('dev')", "shop:create_app( 'dev' )  # x"])
def test_flask_app_may_be_a_call(tmp_path: Path, value: str) -> None:
    text = "from flask import Flask\ndef create_app(name):\n    return Flask(name)\n"
    write_project(tmp_path, {"shop.py": text, ".flaskenv": f"FLASK_APP={value}\n"})
    assert detect(tmp_path).spec == "shop:create_app('dev')"


def test_environment_names_the_app(tmp_path: Path) -> None:
    app = find_app(find_project(write_project(tmp_path, TWO)), None, {"FLASK_APP": "web.helper"})
    assert app.spec == "web.helper:app"


@pytest.mark.parametrize(
    ("procfile", "spec", "root"),
    [
        ("web: gunicorn --chdir backend shop:app", "shop:app", "backend"),
        ("web: cd backend && gunicorn shop:app", "shop:app", "backend"),
        ("web: gunicorn backend.shop:app", "backend.shop:app", "backend"),  # its imports start from there all the same
        ("web: gunicorn 'factory:create(\"prod\", debug=False)'", "factory:create('prod',debug=False)", "."),
        ("web: uvicorn factory:create --factory", "factory:create()", "."),
        ("web: python -m shop2", "shop2.__main__:app", "."),
    ],
)
def test_command_says_how_the_app_is_started(tmp_path: Path, procfile: str, spec: str, root: str) -> None:
    files = {
        "backend/shop.py": "from helper import x\n" + FLASK,
        "backend/helper.py": "x = 1\n",
        "factory.py": FLASK.replace("app =", "def create(name='', debug=True):\n    return"),
        "shop2/__init__.py": "",
        "shop2/__main__.py": FLASK,
        "Procfile": procfile,
    }
    app = detect(write_project(tmp_path, files))
    assert (app.spec, app.root) == (spec, root)


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM a\nWORKDIR /srv\nCOPY web/ .\nCMD gunicorn core:app\n",
        'FROM a\nENV APP_HOME=/srv\nWORKDIR $APP_HOME/web\nCOPY . $APP_HOME\nCMD ["gunicorn", "core:app"]\n',
        "FROM a\nCOPY web /srv\nCOPY docs /srv/\nWORKDIR /srv\nCMD gunicorn core:app\n",
        "FROM a AS base\nWORKDIR /app/web\nCMD gunicorn core:app\nFROM base AS test\nRUN pytest\n",
        "FROM a\nENV APP_MODULE=core:app\nWORKDIR /code\nCMD cd /code/web && gunicorn $APP_MODULE\n",
        'FROM public.ecr.aws/lambda/python:3.13\nCOPY web ${LAMBDA_TASK_ROOT}\nCMD [ "core.app" ]\n',
    ],
)
def test_dockerfile_says_where_the_app_is(tmp_path: Path, dockerfile: str) -> None:
    files = {"web/core.py": FLASK, "web/helper.py": FLASK, "Dockerfile": dockerfile, "docs/index.md": ""}
    app = detect(write_project(tmp_path, files))
    assert (app.spec, app.source) == ("core:app", "Dockerfile")


def test_declaration_of_something_that_does_not_exist_is_passed_over_with_a_word(tmp_path: Path) -> None:
    app = detect(write_project(tmp_path, {"Procfile": "web: gunicorn gone:app", "main.py": FASTAPI}))
    assert app.spec == "main:app"
    assert app.remarks == ("Procfile names gone:app, which doesn't exist here: ignored",)


def test_declaration_of_the_app_that_the_search_finds_in_another_folder_is_not_called_wrong(tmp_path: Path) -> None:
    settings = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'server.settings')\n"
    files = {
        "Dockerfile": "FROM python:3.13\nWORKDIR /code\nCOPY src .\nCMD gunicorn server.wsgi:application\n",
        "src/__init__.py": "",
        "src/manage.py": f"import os\n{settings}",
        "src/server/__init__.py": "",
        "src/server/settings.py": "WSGI_APPLICATION = 'server.wsgi.application'\n",
        "src/server/wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
        f"{settings}application = get_wsgi_application()\n",
    }
    app = detect(write_project(tmp_path, files))
    assert (app.spec, app.root, app.remarks) == ("server.wsgi:application", "src", ())


def test_contradicting_declaration_is_named_with_the_flag_that_follows_it(tmp_path: Path) -> None:
    files = TWO | {"Procfile": "web: gunicorn web.core:app", "Dockerfile": "FROM x\nCMD gunicorn web.helper:app"}
    app = detect(write_project(tmp_path, files))
    assert app.spec == "web.core:app"
    [remark] = app.remarks
    assert remark.endswith("--app web.helper:app")
    assert detect(tmp_path, remark.rpartition(" ")[2]).spec == "web.helper:app"


def test_names_that_a_star_import_brings_exist(tmp_path: Path) -> None:
    files = TWO | {"web/__init__.py": "from .core import *\n", "Procfile": "web: gunicorn web:app\n"}
    assert detect(write_project(tmp_path, files)).spec == "web:app"
