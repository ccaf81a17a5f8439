"""Apps that get their routes or settings only when their file is run as a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.detection import FASTAPI, FLASK, GUARD, detect, write_project

RUN = GUARD + "    main()\n"
LATE = [
    (
        FLASK
        + "def main():\n    add()\n    app.run()\ndef add():\n    from shop import pages\n    app.register_blueprint(pages)\n"
        + RUN,
        "line 8, which calls register_blueprint()",
    ),
    (
        FLASK + "from shop import add_routes\n" + GUARD + "    add_routes(app)\n    app.run()\n",
        "line 5, which calls add_routes()",
    ),
    (FLASK + "from shop import db\n" + GUARD + "    db.init_app(app)\n    app.run()\n", "line 5, which calls init_app()"),
    (FLASK + GUARD + "    app.secret_key = 'x'\n    app.run()\n", "line 4, which sets app.secret_key"),
    (FLASK + GUARD + "    app.config['FOLDER'] = 'x'\n    app.run()\n", "line 4, which sets FOLDER"),
    (
        FLASK + "model = None\ndef load():\n    global model\n    model = open('x')\n@app.route('/')\n"
        "def home(): return str(model)\n" + GUARD + "    load()\n    app.run()\n",
        "line 6, which sets model",
    ),
    (
        FASTAPI + "import uvicorn\n@app.get('/')\ndef home(): return rows\n" + GUARD + "    rows = [1]\n    uvicorn.run(app)\n",
        "line 7, which sets rows",
    ),
]
IMPORTABLE = [
    FLASK + GUARD + "    app.debug = True\n    app.config['DEBUG'] = True\n    app.run()\n",
    FLASK + "def add(): app.register_blueprint(x)\nadd()\n" + GUARD + "    add()\n    app.run()\n",
    FLASK + GUARD + "    port = 80\n    app.run(port=port)\n",
    FLASK + "import sys\n" + GUARD + "    app.secret_key = sys.argv[1]\n    app.run()\n",
    FLASK + "from shop import db\n" + GUARD + "    db.drop_all()\n    db.init_app(app)\n    app.run()\n",
    FLASK + GUARD + "    parser.add_argument('folder')\n    app.secret_key = 'x'\n    app.run()\n",
    FLASK + "@app.route('/')\ndef home():\n    rows = 1\n    return rows\n" + GUARD + "    rows = 2\n    app.run()\n",
    FASTAPI
    + "import uvicorn\nfrom shop import pages\n"
    + GUARD
    + "    app.include_router(pages)\n    uvicorn.run('main:app')\n",
    FLASK + GUARD + "    app.secret_key = 'x'\n",
]


@pytest.mark.parametrize(("text", "reason"), LATE)
def test_app_that_only_a_program_sets_up_is_run_as_one(tmp_path: Path, text: str, reason: str) -> None:
    app = detect(write_project(tmp_path, {"main.py": text, "shop.py": ""}))
    assert (app.spec, app.kind) == ("main:__main__", "web")
    assert app.remarks[1:] == (f"as an import, main.py leaves out {reason}",)


@pytest.mark.parametrize("text", IMPORTABLE)
def test_app_that_an_import_sets_up_is_imported(tmp_path: Path, text: str) -> None:
    assert detect(write_project(tmp_path, {"main.py": text})).spec == "main:app"


def test_what_names_the_app_comes_first(tmp_path: Path) -> None:
    late = LATE[3][0]
    assert detect(write_project(tmp_path, {"main.py": late, "wsgi.py": "from main import app\n"})).spec == "wsgi:app"
    (tmp_path / "wsgi.py").unlink()
    assert detect(write_project(tmp_path, {"Procfile": "web: gunicorn main:app\n"})).spec == "main:app"
