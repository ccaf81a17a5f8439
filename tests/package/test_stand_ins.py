"""Packages that take the place of another one, also for the app's imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lambent.package.lock import Lock, Pin
from lambent.package.stand_ins import stand_ins
from support.detection import write_project

PYMYSQL = {
    "pymysql/__init__.py": "import sys\ndef install_as_MySQLdb():\n    sys.modules['MySQLdb'] = sys.modules['pymysql']\n"
    "from . import err, constants\nError = err.Error\n",
    "pymysql/err.py": "class Error(Exception): ...\n",
    "pymysql/cursors.py": "from . import err\nError = err.Error\n",
    "pymysql/constants/__init__.py": "",
    "pymysql/constants/CR.py": "CR_SERVER_LOST = 2013\n",
}


def test_pymysql_is_mysqldb_where_it_takes_the_place_of_mysqlclient(tmp_path: Path) -> None:
    [(name, file)] = stand_ins(Lock("requirements.txt", (Pin("pymysql", "1.1"),), omitted=("mysqlclient",))).items()
    write_project(tmp_path, {**PYMYSQL, name: file.read().decode()})
    code = (
        "import MySQLdb, MySQLdb.cursors, MySQLdb._exceptions, pymysql; from MySQLdb.constants import CR\n"
        "assert MySQLdb is pymysql and MySQLdb.version_info >= (2, 2, 1) and CR.SERVER_LOST == 2013\n"
        "assert MySQLdb.cursors.Error is MySQLdb.Error is MySQLdb._exceptions.Error\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_nothing_is_added_for_what_the_app_requires_itself() -> None:
    assert stand_ins(Lock("requirements.txt", (Pin("pymysql", "1.1"),), omitted=())) == {}
