"""What the files of other deployment tools say about the app: SAM, Serverless, Zappa, Chalice, Vercel, gunicorn and uWSGI.

A file with several functions says which is the app only if HTTP requests call just one of them.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from posixpath import normpath
from typing import Any

from lambent.config.detection.declared_function import handler_command
from lambent.config.detection.function_files import SERVERLESS, read_service
from lambent.config.detection.lambda_functions import choose_function, read_functions
from lambent.config.detection.project_text import read_text
from lambent.config.detection.start_commands import StartCommand
from lambent.config.detection.yaml_mappings import mapping_at, read_mappings, text_at

_ZAPPA_YAML = "zappa_settings.yml"
_GUNICORN = re.compile(r"""(?m)^wsgi_app\s*=\s*["']([^"']+)["']""")
_WSGI_PATH = re.compile(r"""(?m)^\s*["']?WSGIPath["']?\s*:\s*["']?([\w./:-]+)""")
_OPTION = re.compile(r"(?m)^[ \t]*([\w-]+)[ \t]*=[ \t]*(\S+)[ \t]*$")
_VERCEL_SOURCE = re.compile(r'"src"\s*:\s*"/?([\w./-]+\.py)"')


def read_deployment_files(folder: Path) -> Iterator[tuple[StartCommand, str]]:
    """Yield what these files start, and the file that says it."""
    for name in SERVERLESS:
        wsgi = text_at(mapping_at(read_service(folder, name), "custom", "wsgi"), "app")
        if command := handler_command(wsgi, "."):
            yield command, name
    function = choose_function(read_functions(folder))
    if function and (function.is_http or not function.source.endswith(".tf")):  # one of Terraform may only help a web app
        yield function.command, function.source
    for name, parse in (
        ("zappa_settings.json", json.loads),
        ("zappa_settings.toml", tomllib.loads),
        (_ZAPPA_YAML, read_mappings),
    ):
        zappa = list(dict.fromkeys(_zappa_apps(read_text(folder / name), parse)))
        if len(zappa) == 1:
            yield zappa[0], name
    if (folder / ".chalice/config.json").is_file():
        yield StartCommand(("app:app",)), ".chalice/config.json"
    yield from _vercel(folder)
    if match := _GUNICORN.search(read_text(folder / "gunicorn.conf.py")):
        yield StartCommand((match[1],)), "gunicorn.conf.py"
    yield from _uwsgi(folder)
    yield from _elastic_beanstalk(folder)


def _zappa_apps(text: str, parse: Callable[[str], Any]) -> Iterator[StartCommand]:
    """Yield the apps of Zappa's stages. A Django project's is found by its settings."""
    try:
        stages = parse(text) if text else {}
    except ValueError:
        return
    for stage in stages.values() if isinstance(stages, dict) else ():
        yield from filter(None, [handler_command(text_at(stage, "app_function"), ".")])


def _vercel(folder: Path) -> Iterator[tuple[StartCommand, str]]:
    """Yield the file that Vercel serves, if it is the only one of Python."""
    files = dict.fromkeys(_VERCEL_SOURCE.findall(read_text(folder / "vercel.json")))
    if len(files) == 1:
        yield StartCommand(tuple(files), is_program=True), "vercel.json"


def _uwsgi(top: Path) -> Iterator[tuple[StartCommand, str]]:
    options = dict(_OPTION.findall(read_text(top / "uwsgi.ini")))
    module = options.get("module") or options.get("wsgi-file") or options.get("wsgi") or ""
    if module:
        name = options.get("callable")
        folder = normpath(options.get("chdir", "."))
        folder = folder if (top / folder).is_dir() and not folder.startswith(("/", "..")) else "."
        yield StartCommand((module if ":" in module or not name else f"{module}:{name}",), folder), "uwsgi.ini"


def _elastic_beanstalk(folder: Path) -> Iterator[tuple[StartCommand, str]]:
    for file in sorted(folder.glob(".ebextensions/*.config")):
        if match := _WSGI_PATH.search(read_text(file)):
            yield StartCommand((match[1],)), f".ebextensions/{file.name}"
