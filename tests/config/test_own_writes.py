"""Apps that write next to their code are found by reading, also if they only write when a form is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lambent.config.own_writes import OwnWrite, find_own_write
from support.configs import load_config
from support.detection import FLASK, write_project


def find(folder: Path, text: str, **flags: Any) -> OwnWrite | None:
    return find_own_write(load_config(write_project(folder / "shop", {"main.py": FLASK + text}), **flags))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("import sqlite3\ndef add(): sqlite3.connect('shop.db').execute('INSERT INTO a VALUES (1)')\n", "shop.db"),
        ("app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///shop.db'\ndef add(): db.session.commit()\n", "shop.db"),
        ("URL = f'sqlite:///{HERE}/shop.db'\ndef start(): db.create_all()\n", "a SQLite file"),
        ("def save():\n    with open('notes.json', 'w') as file: file.write('x')\n", "notes.json"),
        ("from pathlib import Path\nHERE = Path(__file__).parent\ndef save(): (HERE / 'a').touch()\n", "its own folder"),
        ("import os\nUP = os.path.join(os.path.dirname(__file__), 'up')\ndef up(f): f.save(os.path.join(UP, f.name))\n",
         "its own folder"),
        ("app.config['UPLOAD_FOLDER'] = 'static/up'\n@app.post('/')\ndef up():\n"
         "    file.save(os.path.join(app.config['UPLOAD_FOLDER'], file.name))\n", "its own folder"),
        ("from tinydb import TinyDB\ndb = TinyDB('db.json')\n", "db.json"),
        ("import os\ndef up(): os.makedirs('uploads', exist_ok=True)\n", "uploads"),
        ("def chart(): plt.savefig('static/chart.png')\n", "static/chart.png"),
        ("app.config.update(UP='up')\ndef up(file): file.save(os.path.join(app.config['UP'], 'a'))\n", "its own folder"),
        ("import peewee as pw\ndb = pw.SqliteDatabase('shop.db')\n", "shop.db"),
        ("from sqlite3 import connect\ndef add(): connect(database='shop.db').commit()\n", "shop.db"),
        ("def save(notes, file='notes.json'):\n    with open(file, 'w') as f: f.write(notes)\n", "its own folder"),
        ("from shutil import copy\ndef up(): copy('/tmp/a', 'up/a')\n", "up/a"),
        ("from loguru import logger\nlogger.add('logs/app.log')\n", "logs/app.log"),
        ("LOGGING = {'handlers': {'file': {'class': 'logging.FileHandler', 'filename': 'app.log'}}}\n", "app.log"),
        ("import zipfile\ndef pack(): zipfile.ZipFile('all.zip', mode='w')\n", "all.zip"),
        ("db.bind(provider='sqlite', filename='shop.db')\ndef add(): commit()\n", "shop.db"),
        ("def start():\n    Tortoise.init(db_url='sqlite://shop.db')\n    Tortoise.generate_schemas()\n", "shop.db"),
        ("import os\nPATH = os.getenv('NOTES', 'notes.txt')\ndef save(): open(PATH, 'a').write('x')\n", "its own folder"),
    ],
)  # fmt: skip
def test_write_next_to_the_code(tmp_path: Path, text: str, path: str) -> None:
    write = find(tmp_path, text)
    assert write is not None and write.path == path
    file, _, line = write.location.partition(":")
    assert file == "main.py" and int(line) > 2


@pytest.mark.parametrize(
    "text",
    [
        "import sqlite3\ndef read(): return sqlite3.connect('shop.db').execute('SELECT 1')\n",
        "URL = 'sqlite:////tmp/shop.db'\ndef add(): db.session.commit()\n",
        "URL = 'sqlite:///:memory:'\ndef add(): db.session.commit()\n",
        "import sqlite3\ndb = sqlite3.connect(':memory:')\ndef add(): db.execute('INSERT INTO a VALUES (1)')\n",
        "def read(): return open('notes.json').read() + open('a.bin', 'rb').read()\n",
        "import tempfile\ndef save(): open(f'{tempfile.gettempdir()}/x', 'w').write('x')\n",
        "def save(name): open(name, 'w').write('x')\n",
        "def save(): open('/tmp/x', 'w').write('x'); file.save('/mnt/data/x')\n",
        "def save(form): form.save(commit=False)\n",
        "if __name__ == '__main__':\n    open('x', 'w').write('x')\n",
    ],
)
def test_app_that_writes_nothing_next_to_its_code(tmp_path: Path, text: str) -> None:
    assert find(tmp_path, text) is None


def test_default_that_a_variable_replaces_does_not_count(tmp_path: Path) -> None:
    text = "import os\nURL = os.getenv('DATABASE_URL', 'sqlite:///shop.db')\ndef add(): db.session.commit()\n"
    assert find(tmp_path, text) == OwnWrite("shop.db", "main.py:4")
    assert find(tmp_path, text, env=("DATABASE_URL=postgresql://db",)) is None


def test_folder_that_exists_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "shop/uploads").mkdir(parents=True)
    assert find(tmp_path, "import os\nos.makedirs('uploads', exist_ok=True)\n") is None


def test_database_of_a_django_project(tmp_path: Path) -> None:
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
        "shop/__init__.py": "",
        "shop/wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\napplication = get_wsgi_application()\n",
        "shop/settings.py": "ROOT_URLCONF = 'shop.urls'\n",
        "shop/urls.py": "from django.urls import include, path\nurlpatterns = [path('', include('blog.urls'))]\n",
        "blog/__init__.py": "",
        "blog/urls.py": "from . import views\n",
        "blog/views.py": "def save(request):\n    open('notes', 'w').write('x')\n",
    }
    folder = write_project(tmp_path / "shop", files)
    assert find_own_write(load_config(folder)) == OwnWrite("notes", "blog/views.py:2")
    database = "DATABASES = {'default': {\n    'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'db.sqlite3'}}\n"
    (folder / "shop/settings.py").write_text(f"#    'ENGINE': 'django.db.backends.sqlite3',\n{database}")
    assert find_own_write(load_config(folder)) == OwnWrite("its SQLite database", "shop/settings.py:3")
