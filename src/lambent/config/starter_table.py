"""A first `[tool.lambent]` for a project: what was detected, and the settings that people change first, as comments."""

from __future__ import annotations

import json
import re
import stat
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w
from msgspec import Struct

from lambent import atomic
from lambent.config.model import App, Config
from lambent.errors import UsageError

_FIRST = ("runtime", "architecture", "memory", "timeout", "check_path", "auth", "permissions", "region")
"""The settings that stand there as comments, with the value that they have now if the configuration has one."""

_LINE = re.compile(r"(?P<key>\w+) = (?P<value>.*?) +# (?P<comment>.*)")
_COMMENTS_AT = 32
_HEAD = """\
# Settings of lambent. Nothing here is required: what is missing has a default, or lambent detects it.
# All settings: https://github.com/lambent/lambent/blob/main/docs/reference/settings.md
# `lambent config` shows the value of each one, and where it comes from.
[tool.lambent]
"""
_TABLE = "[tool.lambent]\n"
_TAIL = """
# [tool.lambent.env]          # environment variables; for secrets: DATABASE_URL = { ssm = "/my-app/database-url" }
# GREETING = "hello"

# [tool.lambent.stages.prod]  # lambent deploy --stage prod: a function of its own, with other settings
# memory = 2048
"""


def starter_table(config: Config) -> str:
    """Return the table as TOML. The app and the name are set, so that they stay what they are now."""
    reference = _reference()
    now = {
        "runtime": config.runtime,
        "architecture": config.architecture,
        "memory": config.memory_mb,
        "timeout": config.timeout_s,
        "check_path": config.hosting.check_path or "/",
        "auth": "none" if config.hosting.auth == "NONE" else "iam",
    }
    lines = [
        _line("app", _toml(config.app.spec), f"module:attribute; found: {config.app.source}"),
        _line("name", _toml(config.name.removesuffix(f"-{config.stage}")), "of the function"),
    ]
    for key in _FIRST:
        value, comment = reference[key]
        lines.append(_line(f"# {key}", _toml(now[key]) if key in now else value, comment))
    return f"{_HEAD}{''.join(lines)}{_TAIL}"


def adopted_table(app: App, settings: dict[str, Any], variables: tuple[str, ...]) -> str:
    """Return the table of a function that was taken over, as TOML. The values of its variables stay in the function."""
    remarks = [f"# In the function, and not here: {', '.join(variables)}\n"] if variables else []
    if settings.get("url") is False:
        remarks.append("# The function has no URL. Remove `url = false`, and the next deploy creates one.\n")
    return _HEAD.removesuffix(_TABLE) + "".join(remarks) + tomli_w.dumps({"tool": {"lambent": {"app": app.spec, **settings}}})


class Extension(Struct, frozen=True):
    """A pyproject.toml with a table at its end, which is not written yet."""

    path: Path
    text: str

    def write(self) -> Path:
        """Write the file, and return its path. Raises OSError."""
        mode = stat.S_IMODE(self.path.stat().st_mode) if self.path.exists() else 0o644
        atomic.write_bytes(self.path.resolve(), self.text.encode(), mode=mode)
        return self.path


def extend_pyproject(folder: Path, table: str) -> Extension | None:
    """Return the folder's pyproject.toml with the table at its end. Everything else stays the same, byte by byte.

    Returns None if there is a [tool.lambent] already. Raises UsageError if `folder` is a script or the file can't take a table
    at its end, and OSError.
    """
    if not folder.is_dir():
        hint = "write # [tool.lambent] into its # /// script block"
        raise UsageError(f"{folder.name} is a script with its own settings", where="PATH", hint=hint)
    path = folder / "pyproject.toml"
    text = path.read_bytes().decode("utf-8") if path.exists() else ""
    if "lambent" in tomllib.loads(text).get("tool", {}):
        return None
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = newline if text.endswith("\n") else newline * 2 if text else ""
    extended = text + gap + table.replace("\n", newline)
    try:
        tomllib.loads(extended)
    except tomllib.TOMLDecodeError as error:
        hint = "write them yourself: lambent config shows their values"
        raise UsageError("pyproject.toml can't take a [tool.lambent] at its end", where=str(path), hint=hint) from error
    return Extension(path, extended)


def _reference() -> dict[str, tuple[str, str]]:
    """Return the example and the comment of each setting in reference.toml."""
    text = (files("lambent.config") / "reference.toml").read_text("utf-8")
    return {match["key"]: (match["value"], match["comment"]) for match in map(_LINE.fullmatch, text.splitlines()) if match}


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # TOML has no pairs of surrogates


def _line(key: str, value: str, comment: str) -> str:
    return f"{f'{key} = {value}':{_COMMENTS_AT - 2}}  # {comment}\n"
