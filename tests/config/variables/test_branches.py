"""Variables below an `if`: which branch a start takes, where literals and variables decide it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.config.variables.unset import find_unset
from support.configs import load_config
from support.detection import write_project

APP = "app = lambda environ, start_response: []\n"
NEEDS = "    KEY = os.environ['KEY']"


def fails(folder: Path, text: str, files: dict[str, str] | None = None, **flags: object) -> str:
    """Return when the app fails if KEY isn't set, "" for never."""
    project = write_project(folder / "shop", {"main.py": f"import os\n{text}\n{APP}", **(files or {})})
    reads = find_unset(load_config(project, app="main:app", **flags))  # type: ignore[arg-type]
    return next((read.fails for read in reads if read.name == "KEY"), "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"DEBUG = False\nif not DEBUG:\n{NEEDS}", "start"),
        (f"DEBUG = True\nif not DEBUG:\n{NEEDS}", ""),
        (f"DEBUG = os.environ.get('DEBUG', 'False') == 'True'\nif DEBUG:\n    KEY = 'x'\nelse:\n{NEEDS}", "start"),
        (f"DEBUG = os.environ.get('DEBUG', 'true').lower() in ('1', 'true')\nif not DEBUG:\n{NEEDS}", ""),
        (f"DEBUG = bool(int(os.getenv('DEBUG', 0)))\nif not DEBUG:\n{NEEDS}", "start"),
        (f"from decouple import config\nDEBUG = config('DEBUG', default=False, cast=bool)\nif not DEBUG:\n{NEEDS}", "start"),
        (f"import environ\nenv = environ.Env()\nif env.bool('DEBUG', False):\n{NEEDS}", ""),
        (f"if os.environ.get('BUCKET'):\n{NEEDS}", ""),
        (f"if 'BUCKET' in os.environ:\n{NEEDS}", ""),
        (f"if os.getenv('BUCKET') is None:\n{NEEDS}", "start"),
        (f"if os.getenv('ENV', 'dev') == 'prod' and os.getenv('X') != 'y':\n{NEEDS}", ""),
        (f"if os.getenv('ENV', 'dev') == 'prod' or True:\n{NEEDS}", "start"),
        (f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n{NEEDS}", ""),
        (f"import sys\nif sys.platform == 'win32':\n{NEEDS}", ""),
        (f"if __name__ == '__main__':\n{NEEDS}", ""),
        (f"import socket\nif socket.gethostname() == 'x':\n{NEEDS}", "branch"),
        (f"import socket\nif socket.gethostname() == 'x':\n    KEY = 1\nelif socket.gethostname() == 'y':\n{NEEDS}", "branch"),
        (f"def load(mode):\n    if mode == unknown():\n        return 1\n{NEEDS}\nload(2)", "branch"),
        (f"def load():\n    if os.getenv('MODE'):\n        return 1\n{NEEDS}\nload()", "start"),
        (f"try:\n{NEEDS}\nexcept KeyError:\n    KEY = None", ""),
        ("match os.getenv('KEY'):\n    case 'dev' | 'test':\n        D = 1\n    case _:\n        raise ValueError", "start"),
        ("match os.getenv('KEY', 'dev'):\n    case 'dev':\n        D = 1\n    case _:\n        raise ValueError", ""),
        ("match os.getenv('KEY'):\n    case 'dev':\n        D = 1\n    case 'prod':\n        D = 0", "call"),
        (f"match os.getenv('MODE'):\n    case None:\n{NEEDS.replace('    ', '        ')}", "start"),
        ("mode = os.getenv('KEY')\nif mode == 'dev':\n    D = 1\nelif mode == 'prod':\n    D = 0\nelse:\n    exit(1)", "start"),
        ("if os.getenv('KEY') == 'dev':\n    D = 1\nelse:\n    D = 0", "perhaps"),
        ("key = os.getenv('KEY')\nif key is None or len(key) == 0:\n    key = 'x'", "perhaps"),
        ("key = os.getenv('KEY')\nif key and len(key) > 3:\n    D = 1", "perhaps"),
        ("key = os.getenv('KEY')\nif os.getenv('MODE') is None or len(key) == 0:\n    D = 1", "start"),
        ("key = os.getenv('KEY')\nif key is None or len(key) == 0:\n    raise ValueError", "start"),
    ],
)
def test_read_counts_if_its_branch_runs(tmp_path: Path, text: str, expected: str) -> None:
    assert fails(tmp_path, text) == expected


def test_variables_that_are_set_decide(tmp_path: Path) -> None:
    text = f"if os.getenv('ENV', 'dev') == 'prod':\n{NEEDS}"
    assert (fails(tmp_path, text), fails(tmp_path, text, env=("ENV=prod",))) == ("", "start")
    assert fails(tmp_path, text, env=("ENV=stage",)) == ""


def test_value_of_another_module_decides(tmp_path: Path) -> None:
    files = {"settings.py": "DEBUG = False\n", "more.py": "import settings\nif settings.DEBUG:\n    import nowhere\n"}
    assert fails(tmp_path, f"from settings import DEBUG\nimport more\nif not DEBUG:\n{NEEDS}", files) == "start"


def test_what_every_start_reads_is_not_a_branch(tmp_path: Path) -> None:
    files = {"keys.py": "import os\nKEY = os.environ['KEY']\n"}
    text = "import random\nif random.random() > 2:\n    import keys\nimport keys"
    assert fails(tmp_path, text, files) == "start"


def test_variables_that_code_sets_itself_decide_nothing(tmp_path: Path) -> None:
    text = f"os.environ[input()] = '1'\nif not os.getenv('MODE'):\n{NEEDS}"
    assert fails(tmp_path, text) == "perhaps"
