"""Forms in which a module makes its app."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.detection import detect, write_project

IMPORTS = "import asyncio, functools, os\nfrom fastapi import FastAPI\n"


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("(app := FastAPI())", "app"),
        ("print(app := FastAPI())", "app"),
        ("db, app = object(), FastAPI()", "app"),
        (
            "match os.environ.get('MODE'):\n    case 'x':\n        app = FastAPI()\n    case _:\n        app = FastAPI()",
            "app",
        ),
        ("for part in ('a',):\n    app = FastAPI()", "app"),
        ("make = functools.partial(FastAPI, title='x')\nserver = make()", "server"),
        ("async def build():\n    inner = FastAPI()\n    return inner\nserver = asyncio.run(build())", "server"),
        ("app: FastAPI\ndef setup():\n    global app\n    app = FastAPI()\nsetup()", "app"),
        ("apps = {'a': FastAPI()}\napp = apps['a']", "app"),
        ("from lib import thing\ndef build() -> FastAPI:\n    return thing()", "build()"),
        ("inner = FastAPI()\nouter = FastAPI()\nouter.mount('/inner', inner)", "outer"),
        ("from starlette.routing import Mount\ninner = FastAPI()\nouter = FastAPI(routes=[Mount('/inner', inner)])", "outer"),
    ],
)
def test_app_is_found(tmp_path: Path, text: str, attribute: str) -> None:
    assert detect(write_project(tmp_path, {"main.py": f"{IMPORTS}{text}\n"})).spec == f"main:{attribute}"


def test_app_that_another_file_mounts_is_a_part_of_it(tmp_path: Path) -> None:
    part = "from fastapi import FastAPI\napp = FastAPI()\n"
    whole = "from fastapi import FastAPI\nfrom users import app as users\nroot = FastAPI()\nroot.mount('/users', users)\n"
    assert detect(write_project(tmp_path, {"gateway.py": whole, "users.py": part})).spec == "gateway:root"
