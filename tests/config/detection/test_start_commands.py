"""The commands that start web servers, in the forms that Procfiles and Dockerfiles have them."""

from __future__ import annotations

import pytest

from lambent.config.detection.start_commands import StartCommand, parse_commands

COMMANDS = [
    ("gunicorn web:app", StartCommand(("web:app",))),
    ("gunicorn mysite.wsgi --log-file -", StartCommand(("mysite.wsgi:application",))),
    ("gunicorn -k uvicorn.workers.UvicornWorker -b 0.0.0.0:$PORT api.main:app", StartCommand(("api.main:app",))),
    ("gunicorn --chdir src main:app -w 4", StartCommand(("main:app",), "src")),
    ("gunicorn --bind=:$PORT --pythonpath backend 'shop:create_app()'", StartCommand(("shop:create_app()",), "backend")),
    ("""gunicorn "shop:create_app('prod')" """, StartCommand(("shop:create_app('prod')",))),
    ("uvicorn main:make --factory --host 0.0.0.0 --port ${PORT:-8000}", StartCommand(("main:make",), is_factory=True)),
    ("uvicorn --app-dir=src shop.main:app --workers 2", StartCommand(("shop.main:app",), "src")),
    ("python3 -m uvicorn main:app", StartCommand(("main:app",))),
    ("python -u app.py", StartCommand(("app.py",), is_program=True)),
    ("python -m shop.server", StartCommand(("shop.server",), is_program=True)),
    ("hypercorn -b 0.0.0.0:8000 shop:app", StartCommand(("shop:app",))),
    ("waitress-serve --port=$PORT --call shop:create_app", StartCommand(("shop:create_app",), is_factory=True)),
    ("daphne -b 0.0.0.0 -p 8001 site1.asgi:application", StartCommand(("site1.asgi:application",))),
    ("flask --app shop run --host 0.0.0.0", StartCommand(("shop",))),
    ("fastapi run app/main.py --port 80", StartCommand(("app/main.py",))),
    ("cd backend && poetry run gunicorn shop.app:app", StartCommand(("shop.app:app",), "backend")),
    ("sh -c 'exec gunicorn app:app'", StartCommand(("app:app",))),
    ("PORT=80 newrelic-admin run-program gunicorn app:app", StartCommand(("app:app",))),
    ("python manage.py migrate && gunicorn site1.wsgi:application", StartCommand(("site1.wsgi:application",))),
    ("./start.sh", StartCommand(("./start.sh",), is_program=True)),
    ("/usr/local/bin/gunicorn app:app", StartCommand(("app:app",))),
    ("export FLASK_APP=web.core && flask run --port $PORT", StartCommand(("web.core",))),
    ("env QUART_APP=web/core.py quart run", StartCommand(("web/core.py",))),
    ("litestar --app-dir=src --app shop.core:app run", StartCommand(("shop.core:app",), "src")),
    ("doppler run -- gunicorn web:app", StartCommand(("web:app",))),
    ("./wait-for-it.sh db:5432 -- uvicorn main:app", StartCommand(("main:app",))),
    ("uv run --env-file .env uvicorn main:app", StartCommand(("main:app",))),
    ("$PYTHON -m debugpy --listen 5678 -m uvicorn main:app", StartCommand(("main:app",))),
    ("/usr/bin/tini -g -- sh -c 'cd web && gunicorn core:app'", StartCommand(("core:app",), "web")),
    ("(cd web; gunicorn 'core:create_app()')", StartCommand(("core:create_app()",), "web")),
    ("cd a && cd ./b && uvicorn main:app", StartCommand(("main:app",), "a/b")),
    ("hypercorn svc/core:app", StartCommand(("svc/core:app",))),
    ("MODULE=web.core\nexec gunicorn \\\n  ${MODULE}:${NAME:-app} \\\n  -b :80\n", StartCommand(("web.core:app",))),
    ("./start.sh production", StartCommand(("./start.sh",), is_program=True)),
]


@pytest.mark.parametrize(("line", "expected"), COMMANDS)
def test_command_names_its_app(line: str, expected: StartCommand) -> None:
    assert list(parse_commands(line))[-1] == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nginx -g 'daemon off;'",
        "gunicorn 'unbalanced",
        "celery -A shop worker",
        "cd x",
        "flask run",
        "pip install gunicorn eventlet",
        "uvicorn",
        "a table | of packages, uvicorn |",
    ],
)
def test_other_commands_name_none(line: str) -> None:
    assert list(parse_commands(line)) == []
