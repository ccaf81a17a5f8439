"""pyproject.toml declares what lambent imports, and nothing else."""

from __future__ import annotations

import ast
import functools
import re
import sys
import tomllib

from support.paths import ROOT, SOURCE

MODULES = {"python-dotenv": "dotenv"}
"""Distributions whose module has another name."""

NOT_IMPORTED = {"flask", "flask-cors"}
"""moto's server imports these; its own extra for them adds 46 packages that lambent doesn't need."""

NOT_DECLARED = {"awslambdaric", "django", "datasette", "pytest", "alembic", "flask-migrate", "sqlalchemy", "lambent-runtime"}
"""Come with Lambda's runtime, with the app, with the program of which a module is a plugin, and with the zip."""


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = (re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0] for line in project["dependencies"])
    return {name.lower().replace("_", "-") for name in names}


@functools.cache
def imported() -> set[str]:
    names = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "LazyModule":
                names |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    modules = {name.split(".")[0] for name in names}
    return {name.replace("_", "-") for name in modules - set(sys.stdlib_module_names) - {"lambent"}}


def test_every_dependency_is_imported() -> None:
    assert {name for name in declared() if MODULES.get(name, name) not in imported()} == NOT_IMPORTED


def test_every_import_is_declared() -> None:
    assert imported() - {MODULES.get(name, name) for name in declared()} == NOT_DECLARED
