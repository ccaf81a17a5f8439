"""Environment variables that an app can't do without are named together, before anything is built."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

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


def required(folder: Path, files: dict[str, str], spec: str = "main:app", **flags: Any) -> list[str]:
    """Return the variables that every start needs."""
    config = load_config(write_project(folder / "shop", files), app=spec, **flags)
    return [read.name for read in find_unset(config) if read.fails == "start"]


def in_main(folder: Path, text: str, **flags: Any) -> list[str]:
    return required(folder, {"main.py": f"{text}\n{APP}"}, **flags)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import os\nKEY = os.environ['API_KEY']\nURL = 'x' + os.environ['URL']", ["API_KEY", "URL"]),
        ("from os import environ as env\nclass Config:\n    key = env['API_KEY']", ["API_KEY"]),
        ("import os\nNAME = 'API_KEY'\nkey = f'Bearer {os.environ[NAME]}'", ["API_KEY"]),
        ("import os\nport = int(os.getenv('PORT'))", ["PORT"]),
        ("import os\nkey = os.getenv('KEY') or exit('KEY')\nurl = os.environ.pop('URL')", ["KEY", "URL"]),
        ("import os\nif not os.getenv('KEY'):\n    import sys\n    sys.exit(1)", ["KEY"]),
        ("import os\nenv = os.environ | {'MODE': '1'}\na = env['KEY'], env['MODE']", ["KEY"]),
        ("import os\nenv = {'MODE': '1', **os.environ}\na = env['KEY'], env['MODE']", ["KEY"]),
        ("import os\nenv = dict(os.environ, MODE='1')\na = env['KEY'], env['MODE']", ["KEY"]),
        ("import os\nenv = {k: v for k, v in os.environ.items()}\na = env['A'], os.environ.copy()['B']", ["A", "B"]),
        (
            "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings, SettingsConfigDict\n"
            "class Database(BaseModel):\n    host: str\n    port: int = 1\n"
            "class Settings(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='A_', env_nested_delimiter='__')\n"
            "    key: str\n    db: Database\nsettings = Settings()",
            ["A_KEY", "A_DB__HOST"],
        ),
        (
            "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings\nclass Log(BaseModel):\n"
            "    level: str = 'info'\nclass Settings(BaseSettings):\n    log: Log\nsettings = Settings()",
            ["LOG"],
        ),
        ("import os\nHOSTS = os.environ.get('HOSTS')\nhosts = HOSTS.split(',')", ["HOSTS"]),
        ("import os\nurl = 'https://' + os.getenv('HOST')", ["HOST"]),
        (
            "import os\nclass Config:\n    def __init__(self):\n        self.KEY = os.getenv('KEY')\n"
            "        if not self.KEY:\n            raise ValueError('No KEY set')\nconfig = Config()",
            ["KEY"],
        ),
        ("import os\nurl = os.getenv('URL')\nif not url:\n    raise RuntimeError('URL is missing')", ["URL"]),
        (
            "import os\nclass Settings:\n    def __init__(self, key): ...\n    @classmethod\n    def load(cls):\n"
            "        mode = os.getenv('MODE')\n        if mode not in ['a', 'b']:\n            raise ValueError(mode)\n"
            "        return cls(cls.require('KEY'))\n    @staticmethod\n    def require(name):\n"
            "        return os.environ[name]\nsettings = Settings.load()",
            ["MODE", "KEY"],
        ),
        ("import os, sys\nurl = os.getenv('URL', '')\nif url == '' or not os.getenv('KEY'):\n    sys.exit(1)", ["URL", "KEY"]),
        ("import os\nassert os.getenv('URL'), 'set URL'", ["URL"]),
        ("import os\nif 'URL' not in os.environ:\n    raise SystemExit('set URL')", ["URL"]),
        ("import os\nif not all([os.getenv('A1'), os.getenv('B1')]):\n    raise ValueError", ["A1", "B1"]),
        ("import os\nunset = [n for n in ('A1', 'B1') if not os.getenv(n)]\nif unset:\n    raise ValueError", ["A1", "B1"]),
        ("import os\nfor name in ['A1', 'B1']:\n    if name not in os.environ:\n        raise ValueError(name)", ["A1", "B1"]),
        ("import os\ntry:\n    key = os.environ['KEY']\nexcept KeyError:\n    raise SystemExit('set KEY')", ["KEY"]),
        ("import os\ntry:\n    key = os.environ['KEY']\nfinally:\n    pass", ["KEY"]),
        ("import os\ndef get(name):\n    return os.environ[name]\nkey, url = get('KEY'), get('URL')", ["KEY", "URL"]),
        ("import os\ndef get(name):\n    v = os.getenv(name)\n    if v is None:\n        raise OSError\nget('KEY')", ["KEY"]),
        ("import os\nclass Conf:\n    def __init__(self):\n        self.key = os.environ['KEY']\nconf = Conf()", ["KEY"]),
        ("import os\nfrom sqlalchemy import create_engine\nURL = os.getenv('URL')\nengine = create_engine(URL)", ["URL"]),
        ("import os, sqlalchemy\nengine = sqlalchemy.create_engine(os.getenv('URL', ''))", ["URL"]),
        ("import os\nfrom pymongo import MongoClient\nURI = os.getenv('URI', '')\nclient = MongoClient(URI)", ["URI"]),
        ("import os, pymongo\nclient = pymongo.MongoClient(host=os.environ.get('URI', default=''))", ["URI"]),
        ("import os\nweb.config['SQLALCHEMY_DATABASE_URI'] = os.getenv('URI', '')", ["URI"]),
        ("import os\nfrom telegram.ext import ApplicationBuilder\nApplicationBuilder().token(os.getenv('KEY'))", ["KEY"]),
        ("import os, telebot\nbot = telebot.TeleBot(token=os.getenv('KEY'))", ["KEY"]),
        ("from openai import OpenAI\nclient = OpenAI()", ["OPENAI_API_KEY"]),
        ("from langchain_openai import ChatOpenAI\nmodel = ChatOpenAI(model='x')", ["OPENAI_API_KEY"]),
        ("import os\nfrom langchain_groq import ChatGroq\nm = ChatGroq(groq_api_key=os.getenv('MY_KEY'))", ["MY_KEY"]),
        ("import os, openai\nclient = openai.OpenAI(api_key=os.getenv('MY_KEY'))", ["MY_KEY"]),
        ("from langchain_openai import ChatOpenAI\nmodel = ChatOpenAI(model='x')", ["OPENAI_API_KEY"]),
        ("import os\nfrom langchain_groq import ChatGroq\nx = ChatGroq(groq_api_key=os.getenv('MY_KEY'))", ["MY_KEY"]),
        ("import os\ndef pick(x):\n if not isinstance(x, str):\n  raise TypeError(x)\npick(os.getenv('MODE'))", ["MODE"]),
        (
            "from decouple import config\nfrom databases import Database\nfrom sqlalchemy import create_engine\n"
            "a, b = Database(config('A', default='', cast=str)), create_engine(config('B', None))\nc = config('C', default='')",
            ["A", "B"],
        ),
        ("from decouple import config\nkey = config('KEY')\nport = config('PORT', default=1, cast=int)", ["KEY"]),
        ("import environ\nenv = environ.Env(DEBUG=(bool, False))\nkey, debug, db = env('KEY'), env('DEBUG'), env.db()",
         ["KEY", "DATABASE_URL"]),
        ("from environs import Env\nenv = Env()\nenv.read_env()\nkey = env.str('KEY')\nport = env.int('PORT', 80)", ["KEY"]),
        ("from starlette.config import Config\nconfig = Config('.env', env_prefix='APP_')\nkey = config('KEY', cast=str)",
         ["APP_KEY"]),
        ("import os\nfrom contextlib import asynccontextmanager\nfrom fastapi import FastAPI\n@asynccontextmanager\n"
         "async def lifespan(app):\n    app.key = os.environ['KEY']\n    yield\nweb = FastAPI(lifespan=lifespan)", ["KEY"]),
    ],
)  # fmt: skip
def test_variable_without_which_the_app_cannot_start(tmp_path: Path, text: str, names: list[str]) -> None:
    assert sorted(in_main(tmp_path, text)) == sorted(names)


@pytest.mark.parametrize(
    "text",
    [
        "import os\nKEY = os.environ.get('KEY')\nURL = os.getenv('URL') or 'sqlite://'",
        "import os\nKEY = os.environ['KEY'] if 'KEY' in os.environ else None",
        "import os\nkey = 'KEY' in os.environ and os.environ['KEY']",
        "import os\nif os.getenv('PRODUCTION'):\n    KEY = os.environ['KEY']",
        "import os\ntry:\n    KEY = os.environ['KEY']\nexcept KeyError:\n    KEY = ''",
        "import os\nos.environ.setdefault('KEY', '1')\nKEY = os.environ['KEY']",
        "import os\nos.environ['KEY'] = '1'\nKEY = os.environ['KEY']",
        "import os\nif not os.getenv('KEY'):\n    os.environ['KEY'] = '1'\nKEY = os.environ['KEY']",
        "import os, json\nos.environ.update(json.load(open('x.json')))\nKEY = os.environ['KEY']",
        "import os\nREGION = os.environ['AWS_REGION']\nNAME = os.environ['AWS_LAMBDA_FUNCTION_NAME']",
        "import os\nport = int(os.getenv('PORT', '8000'))\nhosts = os.environ.get('HOSTS', '').split(',')",
        "import os\nif __name__ == '__main__':\n    key = os.environ['KEY']",
        "import os\nlabel = f'version {os.getenv(\"VERSION\")}'",
        "import os\nroute = lambda: os.environ['KEY']",
        "from decouple import config\nport = config('PORT', 8000, cast=int)",
        "from unknown import settings\nkey = settings['KEY']",
        "import os, pymongo\nclient = pymongo.MongoClient(os.getenv('URI'), appname=os.getenv('NAME', ''))",
        "import os\ndef flag(name):\n    value = os.getenv(name)\n    if value is None:\n        return False\n"
        "    return value.lower()\nDEBUG = flag('DEBUG')",
        "import os\nkey = os.getenv('KEY')\nif key and key.startswith('sk'):\n    pass",
    ],
)
def test_variable_that_the_app_can_do_without(tmp_path: Path, text: str) -> None:
    assert in_main(tmp_path, text) == []


def test_variable_that_is_set_is_not_missing(tmp_path: Path) -> None:
    text = "import os\nKEY = os.environ['KEY'] + os.environ['URL']"
    assert in_main(tmp_path, text, env=("KEY=1",)) == ["URL"]
    settings = '[tool.lambent.env]\nKEY = { ssm = "/key" }\n'
    assert required(tmp_path, {"main.py": f"{text}\n{APP}", "pyproject.toml": settings}) == ["URL"]


def test_variable_that_a_layer_or_wrapper_may_set_is_not_refused(tmp_path: Path) -> None:
    text = "import os\nKEY = os.environ['KEY']"
    assert in_main(tmp_path, text, env=("AWS_LAMBDA_EXEC_WRAPPER=/opt/wrapper",)) == []


PYDANTIC = """
from functools import lru_cache
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

class Base(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", env_prefix="SHOP_")
    name: str

class Settings(Base):
    database_url: str
    api_key: SecretStr = Field(..., alias="API_KEY")
    debug: bool = False
    limit: int = Field(default=3)
    note: str | None

@lru_cache
def get_settings():
    return Settings(limit=4)
"""


def test_required_fields_of_a_settings_class(tmp_path: Path) -> None:
    files = {"config.py": PYDANTIC, "main.py": f"from config import get_settings\nsettings = get_settings()\n{APP}"}
    assert sorted(required(tmp_path, files)) == ["API_KEY", "SHOP_DATABASE_URL", "SHOP_NAME", "SHOP_NOTE"]
    assert sorted(required(tmp_path, files, env=("shop_name=x", "api_key=1"))) == ["SHOP_DATABASE_URL", "SHOP_NOTE"]


def test_optional_fields_of_pydantic_1_have_a_default(tmp_path: Path) -> None:
    text = "from pydantic import BaseSettings\nclass Settings(BaseSettings):\n    a_key: str\n    note: str | None\nSettings()"
    assert in_main(tmp_path, text) == ["A_KEY"]


def test_field_of_pydantic_1_whose_type_its_value_gives_needs_one(tmp_path: Path) -> None:
    text = "import os\nfrom pydantic import BaseSettings\nclass Settings(BaseSettings):\n"
    text += "    user = os.getenv('DB_USER')\n    port = os.getenv('DB_PORT', '1')\n    t: str = os.getenv('T')\nSettings()"
    assert in_main(tmp_path, text) == ["DB_USER"]


@pytest.mark.parametrize("variable", ['A__DB={"host": "h"}', "a__db__host=h"])
def test_nested_settings_may_be_set_as_a_whole_or_by_their_parts(tmp_path: Path, variable: str) -> None:
    text = (
        "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings, SettingsConfigDict\n"
        "class Db(BaseModel):\n    host: str\nclass Log(BaseModel):\n    level: str = ''\nclass Settings(BaseSettings):\n"
        "    model_config = SettingsConfigDict(env_prefix='A__', env_nested_delimiter='__')\n"
        "    db: Db\n    log: Log\nSettings()"
    )
    assert required(tmp_path, {"main.py": f"{text}\n{APP}"}, env=(variable,)) == ["A__LOG"]
    assert required(tmp_path, {"main.py": f"{text}\n{APP}"}, env=(variable, "A__LOG__LEVEL=info")) == []


def test_settings_class_with_sources_of_its_own_is_left_alone(tmp_path: Path) -> None:
    text = "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n    a_key: str\n"
    text += "    @classmethod\n    def settings_customise_sources(cls, *args): ...\nSettings()"
    assert in_main(tmp_path, text) == []


def test_factory_that_the_handler_calls_is_followed_into_other_modules(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "from flask import Flask\nfrom .config import Config\n"
        "def create_app():\n    app = Flask(__name__)\n    app.config.from_object('shop.secrets_file')\n"
        "    app.config.from_pyfile('settings.cfg')\n    from . import db\n    return app\n",
        "shop/settings.cfg": "import os\nMAIL = os.environ['MAIL']\n",
        "shop/config.py": "import os\nclass Config:\n    KEY = os.environ['KEY']\n",
        "shop/secrets_file.py": "import os\nSECRET = os.environ['SECRET']\n",
        "shop/db.py": "import os\nURL = os.environ['URL']\n",
    }
    assert sorted(required(tmp_path, files, "shop:create_app()")) == ["KEY", "MAIL", "SECRET", "URL"]


@pytest.mark.parametrize("app", ["shop.app:create_app()", "start:app"])
def test_settings_that_a_factory_names_as_a_default_are_read(tmp_path: Path, app: str) -> None:
    files = {
        "start.py": "from shop.app import create_app\napp = create_app()\n",
        "shop/__init__.py": "",
        "shop/app.py": "from flask import Flask\n"
        "def create_app(config_object='shop.settings'):\n    app = Flask(__name__)\n"
        "    app.config.from_object(config_object)\n    return app\n",
        "shop/settings.py": "import os\nURL = os.environ['URL']\n",
    }
    assert required(tmp_path, files, app) == ["URL"]


@pytest.mark.parametrize(
    ("parameter", "call"),
    [("name", "('shop.settings.Production')"), ("name", "(name='shop.settings')")],
)
def test_settings_that_a_factory_gets_by_their_name_are_read(tmp_path: Path, parameter: str, call: str) -> None:
    files = {
        "shop/__init__.py": f"from flask import Flask\ndef create_app({parameter}):\n    app = Flask(__name__)\n"
        "    app.config.from_object(name)\n    return app\n",
        "shop/settings.py": "import os\nclass Production:\n    KEY = os.environ['KEY']\n",
    }
    assert required(tmp_path, files, f"shop:create_app{call}") == ["KEY"]


@pytest.mark.parametrize("argument", ["config.Production", "'settings.Production'", "'flat'", "flat"])
def test_database_of_flask_that_only_a_class_or_module_of_settings_has_is_needed(tmp_path: Path, argument: str) -> None:
    uri = "SQLALCHEMY_DATABASE_URI = os.environ.get('{}')\n"
    files = {
        "main.py": "import flat\nimport settings as config\nfrom flask import Flask\napp = Flask(__name__)\n"
        f"app.config.from_object({argument})\n",
        "settings.py": f"import os\nclass Base:\n    {uri.format('URL')}class Production(Base):\n    DEBUG = False\n"
        f"class Testing(Base):\n    {uri.format('TEST_URL')}",
        "flat.py": f"import os\n{uri.format('URL')}",
    }
    assert required(tmp_path, files) == ["URL"]


def test_function_that_nothing_calls_at_start_is_only_a_warning(tmp_path: Path) -> None:
    text = FLASK + "import os\n@app.get('/')\ndef home():\n    return os.environ['KEY']\n"
    config = load_config(write_project(tmp_path / "shop", {"main.py": text}))
    [read] = find_unset(config)
    assert (read.name, read.location, read.fails) == ("KEY", "main.py:6", "call")
    refuse_unset(config, [read])


@pytest.mark.parametrize("url", ["f'redis://{HOST}:{PORT}/0'", "'redis://{}:{}/0'.format(HOST, PORT)"])
def test_variables_in_an_address_are_needed_by_requests(tmp_path: Path, url: str) -> None:
    text = f"import os\nHOST, PORT = os.getenv('HOST'), os.getenv('PORT')\nURL = {url}\n"
    text += "NAME = str(os.getenv('NAME')), os.getenv('A') or 'a'\n"
    reads = find_unset(load_config(write_project(tmp_path / "shop", {"main.py": text + APP}), app="main:app"))
    assert [(read.name, read.fails, read.is_number) for read in reads][:2] == [
        ("HOST", "call", False),
        ("PORT", "call", url.startswith("f")),
    ]
    assert [(read.name, read.fails) for read in reads[2:]] == [("NAME", "perhaps")]


def test_settings_and_urls_of_a_django_project_are_followed(tmp_path: Path) -> None:
    files = DJANGO | {
        "shop/settings.py": "from .base import *\nINSTALLED_APPS = ['django'] + LOCAL\nROOT_URLCONF = 'shop.urls'\n",
        "shop/base.py": "import os\nfrom decouple import config\nSECRET_KEY = os.environ.get('SECRET_KEY')\n"
        "DEBUG = config('DEBUG', cast=bool)\nLOCAL = ['blog.apps.BlogConfig']\n",
        "shop/urls.py": "from django.urls import include, path\nurlpatterns = [path('', include('blog.urls'))]\n",
        "blog/__init__.py": "",
        "blog/urls.py": "import os\nKEY = os.environ['KEY']\n",
        "blog/models.py": "import os\nBUCKET = os.environ['BUCKET']\n",
    }
    assert sorted(required(tmp_path, files, "shop.wsgi:application")) == ["BUCKET", "DEBUG", "KEY", "SECRET_KEY"]


def test_secret_key_that_a_later_module_sets_is_not_missing(tmp_path: Path) -> None:
    files = DJANGO | {
        "shop/settings.py": "from .base import *\nSECRET_KEY = 'x'\n",
        "shop/base.py": "import os\nSECRET_KEY = os.environ.get('SECRET_KEY')\n",
    }
    assert required(tmp_path, files, "shop.wsgi:application") == []


def refusal(folder: Path, app: str = "main:app", **flags: Any) -> UsageError:
    config = load_config(folder, app=app, **flags)
    with pytest.raises(UsageError) as caught:
        refuse_unset(config, find_unset(config))
    return caught.value


def follow(folder: Path, hint: str) -> None:
    """Deploy again with the flags of a hint: nothing is missing then."""
    words = shlex.split(hint.partition(", or")[0])
    pairs = list(zip(words[::2], words[1::2], strict=True))
    env = tuple(value for flag, value in pairs if flag == "--env")
    file = next((value for flag, value in pairs if flag == "--env-file"), None)
    config = load_config(folder, app="main:app", env=env, env_file=file)
    refuse_unset(config, find_unset(config))


def test_placeholders_say_which_values_have_to_be_numbers(tmp_path: Path) -> None:
    text = (
        "import os\nPORT, KEY = int(os.environ.get('PORT')), os.environ['KEY']\nHOSTS = os.environ['ALLOWED_HOSTS'].split()\n"
    )
    error = refusal(write_project(tmp_path / "shop", {"main.py": f"{text}{APP}"}))
    assert sorted(error.hint.split(" --env ")) == ["--env PORT=8080", "ALLOWED_HOSTS='*'", "KEY=VALUE"]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("PostgresDsn", "postgresql+asyncpg://USER:PASSWORD@HOST/NAME"),
        ("RedisDsn | None", "redis://HOST:6379/0"),
        ("list[str]", """'["VALUE"]'"""),
        ("Set[AnyHttpUrl]", """'["https://HOST"]'"""),
        ("list[int]", "'[1]'"),
        ("Literal['dev', 'prod']", "prod"),
        ("Stage", "live"),
        ("EmailStr", "you@example.com"),
        ("SecretStr", "VALUE"),
        ("bool", "1"),
    ],
)
def test_flags_have_values_of_the_types_of_the_settings(tmp_path: Path, annotation: str, value: str) -> None:
    text = "from enum import Enum\nfrom pydantic_settings import BaseSettings\nclass Stage(str, Enum):\n    LIVE = 'live'\n"
    text += f"class Settings(BaseSettings):\n    thing: {annotation}\nsettings = Settings()\n{APP}"
    folder = write_project(tmp_path / "shop", {"main.py": text, "requirements.txt": "asyncpg\n"})
    assert refusal(folder).hint == f"--env THING={value}"


def test_all_missing_variables_are_named_together_with_flags_that_set_them(tmp_path: Path) -> None:
    files = {"conf.py": "import os\nA = os.environ['KEY_A']\nB = os.environ['KEY_B']\n", "main.py": f"import conf\n{APP}"}
    folder = write_project(tmp_path / "shop", files)
    error = refusal(folder)
    assert error.what == "KEY_A and KEY_B aren't set, and the app can't start without them"
    assert (error.where, error.hint) == ("conf.py:2, conf.py:3", "--env KEY_A=VALUE --env KEY_B=VALUE")
    follow(folder, error.hint)


def test_variables_that_the_value_of_another_makes_necessary_are_named_with_it(tmp_path: Path) -> None:
    text = "import os\nif os.environ['ENV'] == 'prod':\n    A = os.environ['KEY_A'], os.environ['SECRET_KEY']\n"
    folder = write_project(tmp_path / "shop", {"main.py": f"{text}else:\n    B = os.environ['KEY_B']\n{APP}"})
    error = refusal(folder)
    assert error.what == "ENV and KEY_A aren't set, and the app can't start without them"
    assert error.hint == "--env ENV=prod --env KEY_A=VALUE"


def test_variables_that_requests_need_are_named_too(tmp_path: Path) -> None:
    text = "import os\nA = os.environ['KEY_A']\ndef home():\n    return os.environ['KEY_B'], os.getenv('KEY_C')\n"
    folder = write_project(tmp_path / "shop", {"main.py": f"{text}{APP}"})
    error = refusal(folder)
    assert error.what == "KEY_A isn't set, and the app can't start without it; requests need KEY_B"
    assert error.hint == "--env KEY_A=VALUE --env KEY_B=VALUE"


@pytest.mark.parametrize("name", [".env", ".env.production", ".env.example", "sample.env"])
def test_file_of_the_project_that_has_the_variables_is_named(tmp_path: Path, name: str) -> None:
    files = {"main.py": f"import os\nA = os.environ['KEY_A'], os.environ['KEY_B']\n{APP}", name: "KEY_A=1\nOTHER=2\n"}
    folder = write_project(tmp_path / "shop", files)
    error = refusal(folder)
    assert re.match(r"--env-file \S+ --env KEY_B=VALUE", error.hint)
    follow(folder, error.hint)
    (folder / name).write_text("KEY_A=1\nKEY_B=2\n")
    error = refusal(folder)
    assert (f"are in {name}, which isn't uploaded" in error.what) is (name in {".env", ".env.production"})
    follow(folder, error.hint)


def test_file_that_has_most_of_the_variables_is_named(tmp_path: Path) -> None:
    files = {".env": "COMPOSE_PROJECT_NAME=a\n", ".env.production": "KEY_A=1\nKEY_B=2\n", ".env.dev": "KEY_A=3\n"}
    code = f"import os\nA = os.environ['KEY_A'], os.environ['KEY_B']\n{APP}"
    error = refusal(write_project(tmp_path / "shop", {"main.py": code, **files}))
    assert "KEY_A and KEY_B are in .env.production" in error.what and error.hint.endswith(".env.production")


@pytest.mark.parametrize("other", ["PORT=", "FOLDER=<YOUR_PATH>", "API_KEY=your-key-here"])
def test_example_with_values_to_fill_in_is_not_proposed(tmp_path: Path, other: str) -> None:
    files = {"main.py": f"import os\nA = os.environ['KEY_A']\n{APP}", ".env.example": f"KEY_A=1\n{other}\n"}
    assert refusal(write_project(tmp_path / "shop", files)).hint == "--env KEY_A=VALUE"


def django_refusal(folder: Path, hosts: str, **files: str) -> UsageError:
    settings = f"import os\nSECRET_KEY = os.environ['SECRET_KEY']\n{hosts}\n"
    return refusal(write_project(folder / "shop", DJANGO | {"shop/settings.py": settings} | files), "shop.wsgi:application")


def settings_after(folder: Path, hint: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Follow a hint as a shell and an editor do, and return what Django's settings are then, and the variables."""
    flags, *edits = hint.split("; in ")
    shell = f"for word in {flags}; do printf '%s\\n' \"$word\"; done"
    words = subprocess.run(["sh", "-c", shell], cwd=folder, check=True, capture_output=True, text=True).stdout.splitlines()
    env = tuple(word for word in words if not word.startswith("--env"))
    settings = folder / "shop" / "settings.py"
    for edit in edits:
        assert edit.startswith("shop/settings.py, ")
        line = edit.partition(", ")[2].removeprefix("import os and set ")
        settings.write_text(re.sub(rf"(?m)^{line.partition(' ')[0]} = .*$", line, settings.read_text()))
    config = load_config(folder, app="shop.wsgi:application", env=env)
    refuse_unset(config, find_unset(config))
    return django_report(config), dict(config.environment)


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [
        ("ALLOWED_HOSTS = ['example.com']", False),
        ("ALLOWED_HOSTS = os.environ.get('WEB_HOSTS', 'localhost').split(',')", True),
        ("ALLOWED_HOSTS = ['*']", False),
    ],
)
def test_one_error_names_the_variables_and_the_hosts_of_django(tmp_path: Path, hosts: str, problem: bool) -> None:
    error = django_refusal(tmp_path, hosts)
    assert error.what.startswith("SECRET_KEY isn't set, and the app can't start without it")
    assert error.what.endswith("; ALLOWED_HOSTS in shop/settings.py doesn't allow the function's URL") is problem
    report, variables = settings_after(tmp_path / "shop", error.hint)
    assert report["allows"] or not report["variable"]
    assert re.fullmatch(r"[0-9a-f]{64}", variables["SECRET_KEY"])


def test_debug_is_named_with_them(tmp_path: Path) -> None:
    error = django_refusal(tmp_path, "DEBUG = True\nALLOWED_HOSTS = []")
    assert "ALLOWED_HOSTS" not in error.what and "DEBUG is True in shop/settings.py" in error.what
    report, _ = settings_after(tmp_path / "shop", error.hint)
    assert not report["debug"]


def test_hosts_without_a_default_are_one_flag_among_the_others(tmp_path: Path) -> None:
    error = django_refusal(tmp_path, "ALLOWED_HOSTS = os.environ['WEB_HOSTS'].split(',')")
    assert error.what == "SECRET_KEY and WEB_HOSTS aren't set, and the app can't start without them"
    assert error.hint.endswith(" --env WEB_HOSTS='*'") and error.hint.count("--env ") == 2


@pytest.mark.parametrize(("value", "flag"), [("localhost", " --env HOSTS='*'"), ("a.com,.on.aws", "")])
def test_hosts_in_a_file_count_if_they_allow_the_url(tmp_path: Path, value: str, flag: str) -> None:
    hosts = "ALLOWED_HOSTS = os.environ.get('HOSTS', '').split(',')"
    error = django_refusal(tmp_path, hosts, **{".env": f"SECRET_KEY=abc\nHOSTS={value}\n"})
    assert re.fullmatch(rf"--env-file \S+{re.escape(flag)}", error.hint)


def test_only_secrets_of_the_app_itself_get_a_random_value(tmp_path: Path) -> None:
    names = ("JWT_SECRET_KEY", "STRIPE_SECRET_KEY", "S3_SECRET_KEY")
    text = "import os\n" + "".join(f"{name} = os.environ['{name}']\n" for name in names)
    hint = refusal(write_project(tmp_path / "shop", {"main.py": f"{text}{APP}"})).hint
    assert 'JWT_SECRET_KEY="$(python3 -c ' in hint
    assert "STRIPE_SECRET_KEY=VALUE" in hint and "S3_SECRET_KEY=VALUE" in hint


@pytest.mark.parametrize(
    ("requirements", "code", "address"),
    [
        ("sqlalchemy\nasyncpg\npsycopg2-binary", "create_async_engine(URL)", "postgresql+asyncpg://USER:PASSWORD@HOST/NAME"),
        ("sqlalchemy\nasyncpg\npsycopg2-binary", "create_engine(URL)", "postgresql://USER:PASSWORD@HOST/NAME"),
        ("sqlmodel", "create_engine(URL)", "sqlite:////tmp/app.db"),
        ("sqlmodel # databases", "create_engine(URL)", "sqlite:////tmp/app.db"),
        ("sqlalchemy", "create_async_engine(URL)", "postgresql+asyncpg://USER:PASSWORD@HOST/NAME"),
        ("sqlalchemy\naiosqlite", "create_async_engine(URL)", "sqlite+aiosqlite:////tmp/app.db"),
        ("quart\nquart-db>=0.2", "QuartDB(app)", "postgresql://USER:PASSWORD@HOST/NAME"),
        ("quart-db[sqlite]", "QuartDB(app)", "sqlite:////tmp/app.db"),
        ("databases", "Database(URL)", "postgresql://USER:PASSWORD@HOST/NAME"),
        ("databases[mysql]", "Database(URL)", "mysql://USER:PASSWORD@HOST/NAME"),
        ("databases\naiosqlite", "Database(URL); create_engine(URL)", "sqlite:////tmp/app.db"),
    ],
)
def test_placeholder_of_an_address_has_its_form(tmp_path: Path, requirements: str, code: str, address: str) -> None:
    text = (
        f"import os\nURL = os.environ['DATABASE_URL']\nCACHE = os.environ['REDIS_URL']\nAPI = os.environ['API_URL']\n"
        f"DSN = os.environ['SENTRY_DSN']\n# {code}\n"
    )
    (tmp_path / "requirements.txt").write_text(requirements)
    hint = refusal(write_project(tmp_path, {"main.py": FLASK + text})).hint
    assert (
        hint
        == f"--env DATABASE_URL={address} --env REDIS_URL=redis://HOST:6379/0 --env API_URL=https://HOST --env SENTRY_DSN=https://KEY@HOST/1"
    )
