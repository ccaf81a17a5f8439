"""The module under whose name an app imports a package, where another package takes that one's place."""

from __future__ import annotations

from pathlib import Path

from lambent.package.layout import SourceFile
from lambent.package.lock import Lock

_MODULES = {("mysqlclient", "pymysql"): ("MySQLdb/__init__.py", "mysqldb.py.txt")}
"""For each pair of a package and the one in its place, the file in the zip that has the former's name, and its source."""


def stand_ins(lock: Lock) -> dict[str, SourceFile]:
    """Return the files to add to the zip, by their paths."""
    names = {pin.name for pin in lock.pins}
    replaced = (file for (package, other), file in _MODULES.items() if package in lock.omitted and other in names)
    return {name: SourceFile(Path(__file__).with_name(source)) for name, source in replaced}
