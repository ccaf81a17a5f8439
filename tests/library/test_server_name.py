"""Flask apps that know only one host name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lambent.library.server_name import fixed_host


@dataclass
class Named:
    """The parts of a configuration, an artifact and an entry that count here."""

    path: Path = Path()
    name: str = ""
    entries: list[Any] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)


def edit_for(folder: Path, flask: str) -> str:
    entries: list[Any] = [Named(name="shop/settings.py"), Named(name="flask/__init__.py")]
    artifact: Any = Named(entries=entries, owners={"flask/__init__.py": f"Flask {flask}"})
    config: Any = Named(path=folder)
    return fixed_host(config, artifact)


@pytest.mark.parametrize(
    "code",
    [
        "class Config:\n    SERVER_NAME = 'localhost:5000'\n",
        "app = Flask(__name__)\napp.config['SERVER_NAME'] = os.environ.get('HOST', 'localhost:5000')\n",
        "app = Flask(__name__)\napp.config.update(SERVER_NAME='localhost:5000')\n",
        "CONFIG = {\n    'SERVER_NAME': HOST or 'localhost:5000'}\n",
    ],
)
def test_name_in_the_code(tmp_path: Path, code: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/settings.py").write_text(code)
    edit = "remove SERVER_NAME from shop/settings.py (line 2): Flask 2.0.1 answers 404 to all other hosts"
    assert edit_for(tmp_path, "2.0.1") == edit
    assert edit_for(tmp_path, "3.1.0") == ""


@pytest.mark.parametrize("value", ["None", "''", "os.environ.get('SERVER_NAME')"])
def test_no_name(tmp_path: Path, value: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/settings.py").write_text(f"SERVER_NAME = {value}\n")
    assert edit_for(tmp_path, "2.0.1") == ""
