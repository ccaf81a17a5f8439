"""Flask apps that know only one host name."""

from __future__ import annotations

import pytest

from lambent.package.server_name import server_name_at


@pytest.mark.parametrize(
    "code",
    [
        "class Config:\n    SERVER_NAME = 'localhost:5000'\n",
        "app = Flask(__name__)\napp.config['SERVER_NAME'] = os.environ.get('HOST', 'localhost:5000')\n",
        "app = Flask(__name__)\napp.config.update(SERVER_NAME='localhost:5000')\n",
        "CONFIG = {\n    'SERVER_NAME': HOST or 'localhost:5000'}\n",
    ],
)
def test_name_in_the_code(code: str) -> None:
    assert server_name_at(code) == 2


@pytest.mark.parametrize("value", ["None", "''", "os.environ.get('SERVER_NAME')", "("])
def test_no_name(value: str) -> None:
    assert server_name_at(f"SERVER_NAME = {value}\n") == 0
