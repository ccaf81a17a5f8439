"""The environment variables that an app can't do without and that nothing sets, and how to set them."""

from __future__ import annotations

import ast
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lambent.config.detection.django_project import settings_module
from lambent.config.detection.import_graph import ImportGraph
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.django_literals import ANY_HOST, allows_url, read_literals
from lambent.config.environment import find_own_file, sendable, values_in_file
from lambent.config.model import Config
from lambent.config.variables.bound import NOTHING, Bound, Read
from lambent.config.variables.code_reader import CodeReader
from lambent.config.variables.constants import SET
from lambent.config.variables.harmless import is_placeholder
from lambent.config.variables.placeholders import placeholder
from lambent.config.variables.proposals import ENV_EXAMPLES

_READS = re.compile(
    rb"environ|getenv|decouple|BaseSettings|starlette\.config|from_envvar|from_object|from_pyfile|OpenAI|Groq\(|ChatAnthropic"
    rb"|DJANGO_SETTINGS|dj_database_url"
)
_RUNTIME = re.compile(r"AWS_|LAMBDA_|_|(?:PATH|LANG|TZ|LD_LIBRARY_PATH|PYTHONPATH|PWD)$")
"""The variables that Lambda sets."""
_ORDER = ("start", "branch", "call", "perhaps")


def find_unset(config: Config) -> list[Read]:
    """Return what the app reads and nothing sets: one read for each variable, those that a start fails without first."""
    folder = config.folder
    modules = ProjectModules(folder)
    starts = modules.starts_of(config.app)
    graph = ImportGraph(modules, *starts)
    if not any(_READS.search(path.read_bytes()) for path in graph.files if path.is_file()):
        return []
    set_names = _set_names(config, folder)
    values = {**dict.fromkeys(set_names, SET), **dict(config.environment)}
    reader = CodeReader(folder, lambda importer, dotted: graph.find(importer, dotted)[0], values)
    for module in starts:
        _run_app(reader, config, module.path)
    _run_django(reader, config, graph.files)
    reader.run_rest(graph.files)
    names = set_names | reader.assigned
    may_be_set = reader.is_open or config.hosting.layers or "AWS_LAMBDA_EXEC_WRAPPER" in dict(config.environment)
    numbers = {read.name for read in reader.reads if read.is_number}
    unset: dict[str, Read] = {}
    for read in sorted(reader.reads, key=lambda read: _ORDER.index(read.fails)):
        if not _is_set(read, names):
            fails = "perhaps" if may_be_set else read.fails
            is_key, is_settings = read.name in reader.secret_keys, read.name in reader.settings_names
            read = replace(read, fails=fails, is_number=read.name in numbers, is_secret_key=is_key, is_settings=is_settings)
            unset.setdefault(read.name, read)
    return list(unset.values())


def _run_app(reader: CodeReader, config: Config, path: Path) -> None:
    names = reader.run_module(path).names
    attribute, _, call = config.app.attribute.partition("(")
    factory = names.get(attribute, NOTHING).definition
    if call and factory is not None:
        reader.run_definition(factory, reader.bind(factory, *_arguments(call)))


def _arguments(call: str) -> tuple[list[Bound], dict[str, Bound]]:
    """Return the literal arguments of a factory, as `runtime/app_loader.py` reads them, with the closing parenthesis."""
    node = ast.parse(f"f({call}", mode="eval").body
    assert isinstance(node, ast.Call)
    keywords = {word.arg: _literal(word.value) for word in node.keywords if word.arg}
    return list(map(_literal, node.args)), keywords


def _literal(node: ast.expr) -> Bound:
    return Bound(text=node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else NOTHING


def _run_django(reader: CodeReader, config: Config, files: Iterable[Path]) -> None:
    """Run what Django's start imports: the settings, and the modules of the apps and of the URLs that they name."""
    module = settings_module(files, dict(config.environment).get("DJANGO_SETTINGS_MODULE", ""))
    start = config.folder / config.app.root / "manage.py"
    path = reader.find_module(start, module) if module else None
    if path is None:
        return
    settings = reader.run_module(path).names
    secret_key = settings.get("SECRET_KEY", NOTHING)
    reader.need(secret_key)  # Django refuses an empty one too
    reader.sign_with(secret_key)
    apps = [item.text.partition(".apps.")[0] for item in settings.get("INSTALLED_APPS", NOTHING).items if item.text]
    modules = [f"{app}.{name}" for name in ("apps", "models", "admin") for app in apps]
    modules.append(settings.get("ROOT_URLCONF", NOTHING).text or "")
    for name in modules:
        if own := reader.find_module(start, name):
            reader.run_module(own)


def _set_names(config: Config, folder: Path) -> set[str]:
    """Return the names of the variables that the function gets, and of those in files that are packed."""
    names = {name for name, _ in (*config.environment, *config.secrets)}
    names |= {name for route in config.app.routes for name, _ in route.variables}
    for file in (*config.packaging.allow_secrets, "settings.ini"):  # the latter is python-decouple's
        if "env" in file.rpartition("/")[2] or file == "settings.ini":
            names |= values_in_file(folder / file).keys()
    return names


def _is_set(read: Read, names: set[str]) -> bool:
    if read.delimiter and any(_is_part(read.name, name, read.delimiter) for name in names):
        return True
    if read.any_case and read.name.lower() in {name.lower() for name in names}:
        return True
    return read.name in names or _RUNTIME.match(read.name) is not None


def _is_part(name: str, other: str, delimiter: str) -> bool:
    """Return whether one of two variables sets a part of the other, in any case: DB__HOST of DB."""
    starts = sorted((f"{name}{delimiter}".lower(), f"{other}{delimiter}".lower()), key=len)
    return starts[1].startswith(starts[0])


def django_report(config: Config) -> dict[str, Any]:
    """Return what the text of a Django project's settings shows, as `read_literals` does: nothing wrong for another app."""
    modules = ProjectModules(config.folder)
    root = config.folder / config.app.root
    module = modules.of_app(config.app)
    starts = [*([module.path] if module is not None else []), root / "manage.py"]
    settings = settings_module(starts, dict(config.environment).get("DJANGO_SETTINGS_MODULE", ""))

    def read(name: str) -> bytes | None:
        return (root / name).read_bytes() if (root / name).is_file() else None

    report = read_literals(settings, read, dict(config.environment), dict(config.secrets))
    files = {key: (Path(config.app.root) / report[key]).as_posix() for key in ("settings", "debug_settings")}
    return {**report, **files}


def names_in_example(folder: Path) -> list[str]:
    """Return the names in the first file of the project that is an example of a .env file."""
    return next((list(names) for example in ENV_EXAMPLES if (names := values_in_file(folder / example))), [])


def flags_for(config: Config, names: Sequence[str], unset: Sequence[Read] = (), hosts: str = "") -> str:
    """Return the flags that set variables: a file of the project that has them, and `--env` for the others.

    An example of a file counts only if it is complete: an empty value may be none for the app, and a placeholder is none.
    `unset` are the reads that tell of which types they are, and `hosts` is the variable of Django's ALLOWED_HOSTS.
    """
    reads = {read.name: read for read in unset}
    folder = config.folder
    own_file, _ = find_own_file(folder, names)
    for file in (folder / own_file, *(folder / example for example in ENV_EXAMPLES)):
        values = values_in_file(file)
        is_usable = file.name == own_file or all(value and not is_placeholder(value) for value in values.values())
        if is_usable and any(values.get(name) for name in names) and sendable(file):
            others = [name for name in names if not (allows_url(values.get(name, "")) if name == hosts else values.get(name))]
            shown = shlex.quote(min(os.path.relpath(file), str(file), key=len))
            flags = f"--env-file {shown}{_env_flags(others, reads, hosts, folder)}"
            return flags if file.name == own_file else f"{flags}, or a copy of that file with values of your own"
    return _env_flags(names, reads, hosts, folder).strip()


def _env_flags(names: Iterable[str], reads: Mapping[str, Read], hosts: str, folder: Path) -> str:
    names = list(names)
    values = ((name, ANY_HOST if name == hosts else placeholder(name, names, reads, folder)) for name in names)
    return "".join(f" --env {name}={value}" for name, value in values)
