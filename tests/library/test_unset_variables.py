"""A failure about one missing variable names all that are missing, with flags that set them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.errors import FunctionFailedError
from lambent.library import unset_variables
from support.configs import load_config
from support.detection import FLASK, write_project

CODE = """
import os
KEY = os.getenv("SHOP_KEY")
@app.get("/")
def home(): return KEY.upper() + os.environ["TOKEN"] + str(os.getenv("OPTIONAL"))
"""


def explain(folder: Path, error: FunctionFailedError) -> FunctionFailedError:
    config = load_config(write_project(folder / "shop", {"main.py": FLASK + CODE}))
    unset_variables.explain(error, config)
    return error


def test_hint_for_one_variable_becomes_one_for_all(tmp_path: Path) -> None:
    error = FunctionFailedError("the environment variable SHOP_KEY is not set", hint="--env SHOP_KEY=VALUE")
    explained_error = explain(tmp_path, error)
    assert explained_error.hint == "--env SHOP_KEY=VALUE --env TOKEN=VALUE"
    assert explained_error.what == "the environment variable SHOP_KEY is not set"


@pytest.mark.parametrize(
    "detail",
    [
        "  File \"main.py\"\n    KEY.upper()\nAttributeError: 'NoneType' object has no attribute 'upper'",
        "ValueError: SHOP_KEY is required",
        "ValueError: No SHOP_KEY set for the application",
        "ValueError: invalid literal for int() with base 10: 'None'",
        "KeyError: 'SHOP_KEY'",
    ],
)
def test_failure_about_a_value_that_is_missing_names_the_variables(tmp_path: Path, detail: str) -> None:
    error = explain(tmp_path, FunctionFailedError("the app failed", hint="fix the error", detail=detail))
    assert "--env SHOP_KEY=VALUE" in error.hint and "OPTIONAL" not in error.hint
    assert error.what.startswith("the app failed: SHOP_KEY")


@pytest.mark.parametrize(("code", "hint"), [("", "fix"), ("app.config.from_prefixed_env('SHOP')\n", "--env SHOP_KEY=VALUE")])
def test_setting_that_is_missing_is_that_of_a_prefixed_variable(tmp_path: Path, code: str, hint: str) -> None:
    config = load_config(write_project(tmp_path / "shop", {"main.py": f"{FLASK}{code}import os\nos.getenv('SHOP_KEY')\n"}))
    error = FunctionFailedError("the app failed", hint="fix", detail="KeyError: 'KEY'")
    unset_variables.explain(error, config)
    assert error.hint == hint


def test_variable_that_is_read_next_to_the_one_that_failed_is_named_too(tmp_path: Path) -> None:
    code = FLASK + "import os, mail\nsend = mail.send(os.getenv('MAIL_USER'), os.getenv('MAIL_PASSWORD'), os.getenv('OTHER'))\n"
    config = load_config(write_project(tmp_path / "shop", {"main.py": code}))
    error = FunctionFailedError("the app failed", hint="fix the error", detail="ValueError: MAIL_USER is required")
    unset_variables.explain(error, config)
    assert error.hint == "--env MAIL_USER=you@example.com --env MAIL_PASSWORD=VALUE"


def test_parameter_of_aws_that_is_none_names_the_variable(tmp_path: Path) -> None:
    code = (
        "import os\ndef handler(event, context):\n    url = os.getenv('ORDERS_QUEUE_URL')\n    return os.getenv('OTHER_URL')\n"
    )
    config = load_config(write_project(tmp_path / "shop", {"main.py": code}))
    detail = "ParamValidationError: Invalid type for parameter QueueUrl, value: None"
    error = FunctionFailedError("the function failed", hint="fix the error", detail=detail)
    unset_variables.explain(error, config)
    assert error.hint.startswith("--env ORDERS_QUEUE_URL=") and "OTHER" not in error.hint
    detail = 'Invalid type for parameter SecretId, value: None\n  File "main.py", line 4, in handler\n'
    error = FunctionFailedError("the function failed", hint="fix the error", detail=detail)
    unset_variables.explain(error, config)
    assert error.hint.startswith("--env OTHER_URL=") and "QUEUE" not in error.hint


def test_address_of_none_names_the_variable_of_the_host(tmp_path: Path) -> None:
    code = "import os, db\nconnection = db.connect(host=os.getenv('DB_HOST'), user=os.getenv('DB_USER'))\n"
    error = FunctionFailedError(
        "2003: Can't connect to MySQL server on 'None:3306' (111 Connection refused)", hint="fix the error"
    )
    unset_variables.explain(error, load_config(write_project(tmp_path, {"app.py": FLASK + code})))
    assert "--env DB_HOST=" in error.hint and "--env DB_USER=" in error.hint


def test_secret_key_of_flask_is_the_variable_that_the_code_reads(tmp_path: Path) -> None:
    code = FLASK + "import os\napp.secret_key = os.getenv('SESSIONS')\n"
    config = load_config(write_project(tmp_path / "shop", {"main.py": code}))
    error = FunctionFailedError("the app has no secret key", hint="--env SECRET_KEY=VALUE", detail="no secret key was set")
    unset_variables.explain(error, config)
    assert error.hint.startswith('--env SESSIONS="$(')


def test_secret_key_that_a_form_lacks_is_the_own_secret_that_the_code_reads(tmp_path: Path) -> None:
    code = FLASK + "import os\nclass Config:\n    FORM_KEY, MAIL = os.environ.get('SECRET_KEY'), os.environ.get('MAIL_KEY')\n"
    error = FunctionFailedError("RuntimeError: A secret key is required to use CSRF.", hint="fix the error")
    unset_variables.explain(error, load_config(write_project(tmp_path / "shop", {"main.py": code})))
    assert error.hint == "--env SECRET_KEY=\"$(python3 -c 'import os; print(os.urandom(32).hex())')\""


def test_failure_about_something_else_is_left_alone(tmp_path: Path) -> None:
    error = explain(tmp_path, FunctionFailedError("the app failed", hint="fix the error", detail="ZeroDivisionError: SHOP_KEY"))
    assert (error.what, error.hint) == ("the app failed", "fix the error")


def test_hosts_that_a_variable_sets_are_cured_by_a_flag(tmp_path: Path) -> None:
    names = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
    files = {
        "manage.py": f"import os\n{names}",
        "shop/__init__.py": "",
        "shop/settings.py": "import os\nALLOWED_HOSTS = os.environ.get('WEB_HOSTS', 'localhost').split(',')\n",
        "shop/wsgi.py": f"import os\nfrom django.core.wsgi import get_wsgi_application\n{names}"
        "application = get_wsgi_application()\n",
    }
    config = load_config(write_project(tmp_path / "web", files), app="shop.wsgi:application")
    error = FunctionFailedError("status 400", hint='in the Django settings, ALLOWED_HOSTS = [".on.aws"]')
    unset_variables.explain(error, config)
    assert error.hint == "--env WEB_HOSTS='*'"


@pytest.mark.parametrize("setting", ["DATABASE_URI = ", "app.config['DATABASE_URI'] = ", "class Config:\n    DATABASE_URI = "])
def test_variable_of_a_setting_that_is_missing_is_named(tmp_path: Path, setting: str) -> None:
    code = f"{FLASK}\nimport os\n{setting}os.getenv('SHOP_DB')\n"
    error = FunctionFailedError("RuntimeError: 'DATABASE_URI' must be set", hint="fix the error")
    unset_variables.explain(error, load_config(write_project(tmp_path / "shop", {"main.py": code})))
    assert (error.hint, error.what) == ("--env SHOP_DB=VALUE", "RuntimeError: 'DATABASE_URI' must be set: SHOP_DB is not set")


@pytest.mark.parametrize(
    ("call", "name"), [("config(conn_max_age=600)", "DATABASE_URL"), ("config(env='SHOP_DATABASE_URL')", "SHOP_DATABASE_URL")]
)
def test_database_that_django_lacks_is_the_variable_of_its_url(tmp_path: Path, call: str, name: str) -> None:
    code = f"{FLASK}import dj_database_url\nDATABASES = {{\n    'default': dj_database_url.{call}\n}}\n"
    error = FunctionFailedError("settings.DATABASES is improperly configured. Please supply the ENGINE value.", hint="fix it")
    unset_variables.explain(error, load_config(write_project(tmp_path / "shop", {"main.py": code})))
    assert error.hint == f"--env {name}=sqlite:////tmp/app.db"


@pytest.mark.parametrize("field", ["session.secret_key", "session"])
def test_nested_field_of_settings_that_a_file_may_set_is_named_by_its_variable(tmp_path: Path, field: str) -> None:
    options = "SettingsConfigDict(env_prefix='SHOP__', env_nested_delimiter='__', yaml_file='shop.yaml')"
    code = (
        f"{FLASK}from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings, SettingsConfigDict\n"
        "class Session(BaseModel):\n    secret_key: str\nclass Shop(BaseModel):\n    name: str\n"
        f"class Settings(BaseSettings):\n    model_config = {options}\n    session: Session\n    shop: Shop\nSettings()\n"
    )
    config = load_config(write_project(tmp_path / "shop", {"main.py": code}))
    name = field.upper().replace(".", "__")
    what, detail = f"the environment variable {name} is not set", f"1 validation error for Settings\n{field}\n  Field required"
    error = FunctionFailedError(what, hint=f"--env {name}=VALUE", detail=detail)
    unset_variables.explain(error, config)
    assert error.hint == """--env SHOP__SESSION__SECRET_KEY="$(python3 -c 'import os; print(os.urandom(32).hex())')\""""
    assert error.what == "the environment variable SHOP__SESSION__SECRET_KEY is not set"
