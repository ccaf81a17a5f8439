"""The function's environment variables, checked against Lambda's rules before anything is built.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from lambent.config.parsers import parse_text
from lambent.config.secret_references import parse_reference
from lambent.config.settings import RawSetting, Settings
from lambent.config.sourced import DEFAULT, Sourced
from lambent.errors import UsageError
from lambent.lazy import LazyModule
from lambent.limits import ENV_MAX, RESERVED_ENVIRONMENT
from lambent.units import listing, pronoun_for, verb_for

if TYPE_CHECKING:
    from dotenv import parser as dotenv
else:
    dotenv = LazyModule("dotenv.parser")  # imports logging, and few projects have a .env file

_OWN_FILES = (
    ".env",
    ".env.production",
    ".env.prod",
    "production.env",
    "prod.env",
    ".env.local",
    ".env.development",
    ".env.dev",
)
"""Where a project keeps its own values, the usual file first."""
Variables = Mapping[str, Sourced[str]]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}")


class Environment(Struct, frozen=True):
    """The variables of a function. The values of `secrets` are references such as "ssm:/path".

    `flag_variables` are the names of those that flags set, and `reserved` those of a .env file that Lambda sets itself.
    """

    plain: Variables
    secrets: Variables
    flag_variables: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """Say which variables of a file aren't sent, or return ""."""
        if not self.reserved:
            return ""
        verb, it = verb_for(self.reserved), pronoun_for(self.reserved)
        return f"{listing(self.reserved)} {verb}n't sent: Lambda sets {it} itself, with the credentials of the function's role"

    def origins(self) -> dict[str, str]:
        """Return the origin of each variable as "env.NAME", and those of all together as "environment"."""
        variables = {**self.plain, **self.secrets}
        origins = dict.fromkeys(variable.origin for variable in variables.values())
        names = {f"env.{name}": variable.origin for name, variable in variables.items()}
        return {"environment": " and ".join(origins) or DEFAULT} | names


def read_environment(settings: Settings, arguments: Sequence[str], folder: Path) -> Environment:
    """Return the variables from `--env`, then the .env file, then the `env` table: the first one that has a name wins.

    `arguments` are the values of `--env`; `folder` is the project's. Raises UsageError for what Lambda would refuse.
    """
    plain, secrets = _read_table(settings.raw["env"]) if "env" in settings.raw else ({}, {})
    overrides = _read_file(settings.raw["env_file"], folder) if "env_file" in settings.raw else {}
    reserved = tuple(name for name in overrides if name in RESERVED_ENVIRONMENT)  # .env files often have keys for AWS
    overrides = {name: variable for name, variable in overrides.items() if name not in reserved}
    from_flags = _read_arguments(arguments)
    flag_variables = {*from_flags, *(overrides if overrides and settings.raw["env_file"].layer == "flag" else ())}
    overrides |= from_flags
    plain |= overrides
    check_variables(plain)
    secrets = {name: secret for name, secret in secrets.items() if name not in overrides}
    return Environment(plain, secrets, tuple(sorted(flag_variables)), reserved)


def read_variables(arguments: Sequence[str], env_file: str | None) -> Variables:
    """Return the variables of `NAME=VALUE` arguments, and of a .env file for those that these don't set. Raises UsageError."""
    setting = RawSetting(env_file, "--env-file", "env_file", "flag") if env_file else None
    in_file = _read_file(setting, Path()) if setting else {}
    variables = {name: variable for name, variable in in_file.items() if name not in RESERVED_ENVIRONMENT}
    variables |= _read_arguments(arguments)
    check_variables(variables)
    return variables


def _read_arguments(arguments: Sequence[str]) -> dict[str, Sourced[str]]:
    variables: dict[str, Sourced[str]] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals:
            shown = argument if _NAME.fullmatch(argument) else "KEY"  # anything else may be a secret without its name
            raise UsageError(f"missing value for environment variable {shown}", where="--env", hint=f"--env {shown}=value")
        variables[name] = Sourced(value, "--env")
    return variables


def _read_table(setting: RawSetting) -> tuple[dict[str, Sourced[str]], dict[str, Sourced[str]]]:
    """Return the plain variables and the references to secrets. Numbers and booleans are written as in TOML."""
    if not isinstance(setting.value, Mapping):
        raise UsageError("env must be a table", where=setting.origin, hint='env = { KEY = "value" }')
    plain: dict[str, Sourced[str]] = {}
    secrets: dict[str, Sourced[str]] = {}
    for name, value in setting.value.items():
        if isinstance(value, Mapping):
            secrets[name] = Sourced(parse_reference(name, value, setting.origin), setting.origin)
        elif isinstance(value, str | int | float):
            plain[name] = Sourced(str(value).lower() if isinstance(value, bool) else str(value), setting.origin)
        else:
            where = f"{setting.origin}.{name}"
            raise UsageError(f"env.{name} must be text, got {value!r}", where=where, hint=f'{name} = "value"')
    return plain, secrets


def _read_file(setting: RawSetting, project_folder: Path) -> dict[str, Sourced[str]]:
    """Read a .env file: KEY=value, with the quotes and comments of a shell.

    `${NAME}` stands for a variable further up, as for python-dotenv, except between single quotes.

    A path from a flag is relative to the working directory, any other to the project.
    """
    name = parse_text(setting, ".env.production")
    path = Path(name) if setting.layer == "flag" else project_folder / name
    try:
        text = path.read_text("utf-8-sig")  # editors on Windows start a file with a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read {path.name}: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        raise UsageError(message, where=setting.origin, hint="use a file with lines such as KEY=value") from error
    variables: dict[str, Sourced[str]] = {}
    for line in dotenv.parse_stream(StringIO(text)):
        where = f"{path}:{line.original.line}"
        if line.error:  # the line itself is not shown: it may hold a secret
            message = f"line {line.original.line} of {path.name} is not in the form KEY=value"
            raise UsageError(message, where=where, hint="KEY='value'")
        if line.key is not None:
            if line.value is None:
                raise UsageError(f"{line.key} has no value", where=where, hint=f"{line.key}=value")
            variables[line.key] = Sourced(_expand(line, variables), f"{name} ({setting.origin})")
    return variables


def _expand(line: dotenv.Binding, above: Mapping[str, Sourced[str]]) -> str:
    """Return the value of a line with the variables above it in place of `${NAME}` and `${NAME:-default}`."""

    def value(match: re.Match[str]) -> str:
        variable = above.get(match["name"])
        return variable.value if variable else match[0] if match["default"] is None else match["default"]

    text = line.value or ""
    return text if line.original.string.partition("=")[2].lstrip().startswith("'") else _REFERENCE.sub(value, text)


def values_in_file(path: Path) -> dict[str, str]:
    """Return the variables in a .env file, "" for those without a value. Empty for a file that can't be read."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}
    lines = (line for line in dotenv.parse_stream(StringIO(text)) if not line.error)
    return {line.key: line.value or "" for line in lines if line.key is not None}


def find_own_file(folder: Path, names: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Return the name and the variables of the project's file of variables that sets most of these names.

    The usual file comes first; (".env", {}) if there is none.
    """
    upper = {name.upper() for name in names}
    files = [(file, values) for file in _OWN_FILES if (values := values_in_file(folder / file))]
    set_in = {file: sum(bool(value) and name.upper() in upper for name, value in values.items()) for file, values in files}
    return max(files, key=lambda each: set_in[each[0]], default=(_OWN_FILES[0], {}))


def sendable(path: Path) -> bool:
    """Return whether Lambda takes every variable in a .env file, so that `--env-file` works."""
    try:
        variables = _read_file(RawSetting(str(path), "--env-file", "env_file", "flag"), path.parent)
        check_variables({name: variable for name, variable in variables.items() if name not in RESERVED_ENVIRONMENT})
    except UsageError:
        return False
    return True


def check_variables(variables: Variables) -> None:
    """Raise UsageError for what Lambda would refuse."""
    for name, variable in variables.items():
        if name in RESERVED_ENVIRONMENT:
            message = f"Lambda reserves the environment variable {name}"
            raise UsageError(message, where=variable.origin, hint=f"use MY_{name}")
        if not _NAME.fullmatch(name):
            hint = "use at least two letters, digits or underscores, and start with a letter"
            raise UsageError(f"invalid name for an environment variable: {name!r}", where=variable.origin, hint=hint)
        if not _is_utf8(variable.value):
            hint = "environment variables must be UTF-8 text"
            raise UsageError(f"the value of {name} is not UTF-8", where=variable.origin, hint=hint)
    values = {name: variable.value for name, variable in variables.items()}
    size = len(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())
    if size > ENV_MAX:
        largest = max(values, key=lambda name: len(values[name]))
        raise UsageError(
            f"the environment variables take up {size} bytes, and Lambda allows {ENV_MAX}",
            where=variables[largest].origin,
            hint=f"move {largest} ({len(values[largest].encode())} bytes) into a file of the project",
        )


def _is_utf8(value: str) -> bool:
    """Return whether Lambda can receive a value. Bytes on the command line that are not UTF-8 arrive as lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
