"""Explains a failure about a setting that dynaconf lacks: its file of secrets isn't uploaded, but a variable can set it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lambent.config.model import Config
from lambent.errors import LambentError
from lambent.package.requirements.toml_file import read_toml
from lambent.units import listing, verb_for

_MISSING = re.compile(
    r"KeyError: ['\"](\w+) does not exist|'(?:Dynaconf|DynaconfConfig|LazySettings|Settings)' object has no attribute '(\w+)'"
    r"|ValidationError: ([\w.]+) is required in env|AccessError: '(\w+)'"
)
_PREFIX = re.compile(r"""\b(?:envvar_prefix|ENVVAR_PREFIX)\s*=\s*(?:["'](\w+)["']|False)""")
_FILES = (".secrets.toml", "secrets.toml")
_MERGE = "dynaconf_merge"  # says how a table is read
_SOURCES_MAX = 300


def explain(error: LambentError, config: Config) -> None:
    """Name the variable for a setting that is missing, and those for the others in a file of secrets that is here."""
    text = f"{error.what}\n{error.detail}"
    match = _MISSING.search(text)
    if match is None or "dynaconf/" not in text:
        return
    failed = _in_tables(next(filter(None, match.groups())), text).upper()
    names = list(dict.fromkeys((failed, *(name for file in _FILES for name in _names_in(config.folder / file)))))
    prefix = _prefix(config.folder)
    error.what = f"dynaconf's {listing(names)} {verb_for(names)} not set, since files of secrets aren't uploaded"
    error.hint = " ".join(f"--env {prefix}{name.replace('.', '__')}=VALUE" for name in names)


def _in_tables(name: str, text: str) -> str:
    """Return a setting with the tables that it is in, as a line of the traceback reads it: `settings.db.host`."""
    match = re.search(rf"= \w+\.((?:\w+\.)+{name})\b", text)
    return match[1] if match else name


def _names_in(file: Path) -> Iterator[str]:
    """Yield the settings in a file, whatever environment they are for: "TOKEN" or "DB.HOST"."""
    for name, value in (read_toml(file) or {}).items():
        yield from _flatten(value) if isinstance(value, dict) else (name.upper(),)


def _flatten(table: dict[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from (f"{name.upper()}.{inner}" for inner in _flatten(value))
        elif name != _MERGE:
            yield name.upper()


def _prefix(folder: Path) -> str:
    """Return what the names of variables start with, in capitals: as the code says, or as dynaconf has it."""
    files = (path for path in folder.glob("**/[!.]*.py") if "site-packages" not in path.parts)
    sources = (path for _, path in zip(range(_SOURCES_MAX), files, strict=False))
    text = "\n".join(path.read_text("utf-8", "replace") for path in sources)
    if match := _PREFIX.search(text):
        return f"{match[1].upper()}_" if match[1] else ""
    return "FLASK_" if "FlaskDynaconf" in text else "DJANGO_" if "DjangoDynaconf" in text else "DYNACONF_"
