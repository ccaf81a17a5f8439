"""Variables that lambent sets by itself: what they get, which are left to the user, and what stays."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lambent.config.live_environment import FLAG_VARIABLES, keep_live_variables
from lambent.config.model import Config
from lambent.config.variables.automatic import set_automatically
from lambent.config.variables.refusal import refuse_unset
from lambent.config.variables.unset import django_report, find_unset
from lambent.errors import UsageError
from support.configs import load_config
from support.detection import FLASK, write_project

APP = "app = lambda environ, start_response: []\n"
DJANGO = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
    "shop/__init__.py": "",
    "shop/wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\napplication = get_wsgi_application()\n",
}


def set_in(config: Config, *, local: bool = False) -> tuple[Config, str]:
    """Set what lambent sets by itself. Return the configuration and the line about it, "" for none."""
    config, unset, lines = set_automatically(config, find_unset(config), local=local)
    refuse_unset(config, unset)
    return config, "".join(line.text for line in lines)


def chosen(folder: Path, text: str, **flags: Any) -> dict[str, str]:
    """Return the variables of a Flask app whose code starts with `text`."""
    config = load_config(write_project(folder / "shop", {"main.py": f"import os\n{text}\n{FLASK}"}), **flags)
    config, _, _ = set_automatically(config, find_unset(config), local=False)
    return dict(config.environment)


def test_secret_gets_a_random_value_that_later_deploys_keep(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "shop", {"main.py": f"import os\n{FLASK}app.secret_key = os.environ['SECRET_KEY']\n"})
    config, line = set_in(load_config(folder))
    secret = dict(config.environment)["SECRET_KEY"]
    assert re.fullmatch(r"[0-9a-f]{64}", secret) and config.flag_variables == ("SECRET_KEY",)
    assert "SECRET_KEY (random; later deploys keep it)" in line and secret not in line
    again, line = set_in(keep_live_variables(load_config(folder), {"SECRET_KEY": secret, FLAG_VARIABLES: "SECRET_KEY"}))
    assert dict(again.environment)["SECRET_KEY"] == secret and line == ""
    own, line = set_in(load_config(folder, env=("SECRET_KEY=mine",)))
    assert dict(own.environment) == {"SECRET_KEY": "mine"} and line == ""


def test_secret_key_of_sessions_in_nested_settings_gets_a_random_value(tmp_path: Path) -> None:
    code = (
        "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings, SettingsConfigDict\n"
        "class Keys(BaseModel):\n    secret_key: str\nclass Settings(BaseSettings):\n"
        "    model_config = SettingsConfigDict(env_prefix='SHOP__', env_nested_delimiter='__')\n"
        "    session: Keys\n    stripe: Keys\nSettings()"
    )
    assert chosen(tmp_path, code).keys() == {"SHOP__SESSION__SECRET_KEY"}


@pytest.mark.parametrize(
    ("classes", "value"),
    [
        ("class DevConfig: ...\nclass ProductionConfig: ...\n", "config.ProductionConfig"),
        ("class Config: ...\nclass DevelopmentConfig(Config): ...\n", "config.Config"),
        ("class DevelopmentConfig: ...\n", None),
    ],
)
def test_settings_of_from_object_are_those_for_an_app_that_is_live(tmp_path: Path, classes: str, value: str | None) -> None:
    folder = write_project(tmp_path / "shop", {"config.py": f"import os\nurl = os.environ['URL']\n{classes}"})
    (folder / "main.py").write_text(f"import os\n{FLASK}app.config.from_object(os.environ['APP_SETTINGS'])\n")
    config = load_config(folder)
    unset = find_unset(config)
    assert [read.name for read in unset] == ["APP_SETTINGS", "URL"]
    config, _, lines = set_automatically(config, unset, local=False)
    assert dict(config.environment).get("APP_SETTINGS") == value
    assert (f"APP_SETTINGS={value} (from config.py)" in str(lines)) == bool(value)


def test_names_in_small_letters_are_known_too(tmp_path: Path) -> None:
    values = chosen(tmp_path, "SECRET = os.environ['secret']\nALGORITHM = os.environ['algorithm']\n")
    assert re.fullmatch(r"[0-9a-f]{64}", values["secret"]) and values["algorithm"] == "HS256"


def test_secret_in_a_file_that_is_not_sent_is_not_the_one(tmp_path: Path) -> None:
    files = {"main.py": f"import os\nKEY = os.environ['SECRET_KEY'], os.environ['LEVEL']\n{FLASK}"}
    folder = write_project(tmp_path / "shop", {**files, ".env": "SECRET_KEY=mine\nLEVEL=info\n"})
    config, line = set_in(load_config(folder))
    assert "SECRET_KEY (random, not the one in .env; later deploys keep it), LEVEL=info (from .env)" in line
    assert dict(config.environment)["SECRET_KEY"] != "mine"


def test_secret_that_only_requests_need_gets_a_value_too(tmp_path: Path) -> None:
    assert "SESSIONS_KEY" not in chosen(tmp_path, "key = os.getenv('SESSIONS_KEY')")
    folder = write_project(
        tmp_path / "login", {"main.py": f"import os\n{FLASK}app.secret_key = os.getenv('FLASK_SECRET_KEY')\n"}
    )
    assert list(dict(set_in(load_config(folder))[0].environment)) == ["FLASK_SECRET_KEY"]


def test_variables_of_powertools_in_a_template_are_set_though_the_app_reads_none(tmp_path: Path) -> None:
    template = (
        "Resources:\n  A:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: main.handler\n"
        "      Environment: {Variables: {POWERTOOLS_METRICS_NAMESPACE: Shop, UNREAD: x}}\n"
    )
    folder = write_project(tmp_path, {"main.py": "def handler(event, context): ...\n", "template.yaml": template})
    assert dict(set_in(load_config(folder))[0].environment) == {"POWERTOOLS_METRICS_NAMESPACE": "Shop"}
    config = load_config(folder, env=("POWERTOOLS_METRICS_NAMESPACE=Own",))
    assert dict(set_in(config)[0].environment) == {"POWERTOOLS_METRICS_NAMESPACE": "Own"}


@pytest.mark.parametrize("name", ["zappa_settings.json", ".env.example"])
def test_value_that_a_start_can_do_without_is_taken_from_a_file_for_lambda(tmp_path: Path, name: str) -> None:
    text = '{"dev": {"environment_variables": {"MODE": "calm", "STYLE": "plain", "UNREAD": "x"}}}'
    text = text if name.endswith("json") else "MODE=calm\nSTYLE=plain\n"
    write_project(tmp_path / "shop", {name: text})
    expected = {"MODE": "calm", "STYLE": "plain"} if name.endswith("json") else {}
    code = "def mode(): return os.environ['MODE']\ndef perhaps(): return os.environ.get('STYLE'), os.environ.get('OTHER')"
    assert chosen(tmp_path, code) == expected


@pytest.mark.parametrize(
    "text",
    [
        "from flask import Flask\napp = Flask(__name__)\napp.config['SECRET_KEY'] = os.environ['SIGN']",
        "from flask import Flask\napp = Flask(__name__)\napp.config.update(SECRET_KEY=os.getenv('SIGN'))",
        "class Config:\n    SECRET_KEY = os.getenv('SIGN')",
        "from starlette.applications import Starlette\nfrom starlette.middleware.sessions import SessionMiddleware\n"
        "site = Starlette()\nsite.add_middleware(SessionMiddleware, secret_key=os.environ['SIGN'])",
    ],
)
def test_secret_key_of_a_framework_may_have_any_name(tmp_path: Path, text: str) -> None:
    assert list(chosen(tmp_path, text)) == ["SIGN"]


def test_secret_key_of_django_may_have_any_name(tmp_path: Path) -> None:
    settings = "import os\nfrom decouple import config\nSECRET_KEY = config('SIGN')\nALLOWED_HOSTS = ['*']\n"
    folder = write_project(tmp_path / "shop", DJANGO | {"shop/settings.py": settings})
    assert list(dict(set_in(load_config(folder, app="shop.wsgi:application"))[0].environment)) == ["SIGN"]


@pytest.mark.parametrize(
    "names",
    [
        *(("STRIPE_SECRET_KEY",), ("ACCESS_KEY", "SECRET_KEY"), ("API_KEY", "SECRET"), ("CLIENT_ID", "AUTH_SECRET_KEY")),
        *(("OPENAI_API_KEY",), ("APP_SECRET",), ("TOKEN_SECRET",), ("DATABASE_URL",), ("ENCRYPTION_KEY",)),
    ],
)
def test_secret_of_a_service_is_left_to_the_user(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert chosen(tmp_path, "\n".join(f"{name} = os.environ['{name}']" for name in names)) == {}


def test_user_may_insist_that_a_secret_stays_unset(tmp_path: Path) -> None:
    assert chosen(tmp_path, "KEY = os.environ['SECRET_KEY']", unset_env=("SECRET_KEY",)) == {}


def test_secret_with_a_default_is_left_alone(tmp_path: Path) -> None:
    assert chosen(tmp_path, "KEY = os.environ.get('SECRET_KEY', 'dev')\nPORT = int(os.environ.get('PORT', 5000))") == {}


def test_switch_for_debugging_is_off_and_a_port_is_a_number(tmp_path: Path) -> None:
    text = "DEBUG = bool(int(os.environ['APP_DEBUG']))\nPORT = int(os.environ['PORT'])"
    assert chosen(tmp_path, text) == {"APP_DEBUG": "0", "PORT": "8080"}
    write_project(tmp_path / "shop", {".env.example": "APP_DEBUG=True"})
    assert chosen(tmp_path, text)["APP_DEBUG"] == "False"


def test_flask_is_in_production_unless_the_project_says_otherwise(tmp_path: Path) -> None:
    tokens = "a, b = os.environ['JWT_ALGORITHM'], int(os.environ['ACCESS_TOKEN_EXPIRE_MINUTES'])"
    assert chosen(tmp_path, tokens) == {"JWT_ALGORITHM": "HS256", "ACCESS_TOKEN_EXPIRE_MINUTES": "30"}
    text = "live = os.environ['FLASK_ENV'] != 'development'"
    assert chosen(tmp_path, text) == {"FLASK_ENV": "production"}
    write_project(tmp_path / "shop", {"Dockerfile": "FROM python\nENV FLASK_ENV=staging\n"})
    assert chosen(tmp_path, text) == {"FLASK_ENV": "staging"}


def test_what_only_the_user_knows_is_still_named(tmp_path: Path) -> None:
    text = f"import os\nA = os.environ['SECRET_KEY'], os.environ['SMTP_HOST'], os.environ['DEBUG']\n{FLASK}"
    config = load_config(write_project(tmp_path / "shop", {"main.py": text}))
    with pytest.raises(UsageError) as refusal:
        set_in(config)
    assert refusal.value.what == "SMTP_HOST isn't set, and the app can't start without it"
    assert refusal.value.hint == "--env SMTP_HOST=VALUE"


@pytest.mark.parametrize(
    ("hosts", "aws", "local"),
    [
        ("os.environ.get('ALLOWED_HOSTS', '').split(',')", ".on.aws,.localhost", ".on.aws,.localhost"),
        ("os.environ['WEB_HOSTS'].split()", ".on.aws .localhost", ".on.aws .localhost"),
        ("config('ALLOWED_HOSTS', default='localhost', cast=Csv())", ".on.aws,.localhost", ".on.aws,.localhost"),
        ("env.list('DJANGO_ALLOWED_HOSTS')", ".on.aws,.localhost", ".on.aws,.localhost"),
        ("['localhost', os.environ.get('ALLOWED_HOST')]", ".on.aws", ".localhost"),
        ("json.loads(os.environ.get('ALLOWED_HOSTS', '[]'))", "", ""),
        ("['localhost', os.environ.get('DB_HOST')]", "", ""),
        ("['localhost', os.environ.get('DOMAIN')]", "", ""),
        ("os.environ.get('ALLOWED_HOSTS', '*').split(',')", "", ""),
    ],
)
def test_hosts_of_django_are_those_of_function_urls(tmp_path: Path, hosts: str, aws: str, local: str) -> None:
    settings = f"import os, json\nfrom decouple import config, Csv\nSECRET_KEY = 'x'\nALLOWED_HOSTS = {hosts}\n"
    folder = write_project(tmp_path / "shop", DJANGO | {"shop/settings.py": settings})
    config = load_config(folder, app="shop.wsgi:application")
    for is_local, value in ((False, aws), (True, local)):
        after, _, _ = set_automatically(config, find_unset(config), local=is_local)
        assert [*dict(after.environment).values()] == ([value] if value else [])
    assert not aws or django_report(set_automatically(config, [], local=False)[0])["allows"]


def test_database_that_a_project_brings_is_used_on_this_machine_only(tmp_path: Path) -> None:
    settings = "import os\nSECRET_KEY = 'x'\nALLOWED_HOSTS = ['*']\nDATABASE = os.environ['DATABASE_URL']\n"
    folder = write_project(tmp_path / "shop", DJANGO | {"shop/settings.py": settings, "db.sqlite3": ""})
    config = load_config(folder, app="shop.wsgi:application")
    for is_local, expected in ((False, {}), (True, {"DATABASE_URL": "sqlite:///db.sqlite3"})):
        after, _, _ = set_automatically(config, find_unset(config), local=is_local)
        assert dict(after.environment) == expected


NEEDS = "NEEDED = os.environ['MODE'], int(os.environ['EXPIRE_MINUTES']), os.environ['JWT_SECRET']"


def test_values_of_the_repository_are_taken_if_they_are_all_that_is_needed(tmp_path: Path) -> None:
    example = {".env.example": "MODE=fast\nEXPIRE_MINUTES=30\nJWT_SECRET=changeme\nOTHER=1\n"}
    folder = write_project(tmp_path / "shop", {"main.py": f"import os\n{NEEDS}\n{FLASK}"} | example)
    config, line = set_in(load_config(folder))
    assert dict(config.environment) | {"JWT_SECRET": ""} == {"MODE": "fast", "EXPIRE_MINUTES": "30", "JWT_SECRET": ""}
    assert "MODE=fast (from .env.example), EXPIRE_MINUTES=30 (from .env.example)" in line
    assert config.flag_variables == ("JWT_SECRET",) and config.origins["env.MODE"] == ".env.example"


@pytest.mark.parametrize("example", ["MODE=fast\nEXPIRE_MINUTES=soon\n", "MODE=your-mode\nEXPIRE_MINUTES=1\n"])
def test_values_of_the_repository_that_cannot_all_be_taken_are_left(tmp_path: Path, example: str) -> None:
    folder = write_project(tmp_path / "shop", {"main.py": f"import os\n{NEEDS}\n{FLASK}", ".env.example": example})
    with pytest.raises(UsageError, match="MODE and EXPIRE_MINUTES aren't set"):
        set_in(load_config(folder))


def test_host_that_generates_a_secret_has_lambent_generate_it(tmp_path: Path) -> None:
    render = "envVars:\n  - key: COOKIES\n    generateValue: true\n"
    folder = write_project(
        tmp_path / "shop", {"main.py": f"import os\nKEY = os.environ['COOKIES']\n{FLASK}", "render.yaml": render}
    )
    config, _ = set_in(load_config(folder))
    assert len(dict(config.environment)["COOKIES"]) == 64 and config.flag_variables == ("COOKIES",)
