"""A function that a deployment file describes, and the command that stands for its handler."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from msgspec import Struct

from lambent.config.detection.api_requests import Request
from lambent.config.detection.start_commands import StartCommand
from lambent.config.model import Pairs

_HANDLER = re.compile(r"(?P<module>[\w./-]+)\.(?P<name>[A-Za-z_]\w*)")
_PATH = re.compile(r"(?=.*\{)(?:/[\w.~-]+|/\{\w+\+?\})+")
_HTTP = frozenset(("api", "httpapi", "http", "alb", "url"))


class DeclaredFunction(Struct, frozen=True):
    """A Python function whose code is in the project. `name` is its name in the file `source`.

    `triggers` are the kinds of events that call it, in lower case: "httpapi", "schedule". There are none if the file doesn't
    say. `variables` are its environment variables with plain values, `computed` those with the texts of other values, and
    `requests` those that an API passes to it. `memory_mb` and `timeout_s` are 0 if the file doesn't say them.
    `is_hidden` says that no HTTP request calls it unless one of its events is that.
    """

    name: str
    source: str
    command: StartCommand
    triggers: tuple[str, ...] = ()
    variables: Pairs = ()
    requests: tuple[Request, ...] = ()
    computed: Pairs = ()
    memory_mb: int = 0
    timeout_s: int = 0
    is_hidden: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that have parameters of their own: "/items/{id}"."""
        paths = dict.fromkeys(request.path for request in self.requests)
        return tuple(path for path in paths if _PATH.fullmatch(path) and "{proxy+}" not in path)

    @property
    def is_http(self) -> bool:
        """Whether HTTP requests call it."""
        return not _HTTP.isdisjoint(self.triggers)

    @property
    def is_other(self) -> bool:
        """Whether only events that aren't HTTP requests call it."""
        return bool(self.triggers) and not self.is_http


def handler_command(handler: str, code: str, folder: Path | None = None) -> StartCommand | None:
    """Return the start of "path/module.name" in a folder of code, None if that has no such file.

    A build makes a folder of code that doesn't exist (`CodeUri: dist/`), or a zip, from the project's own files. Code that is
    one file is in its folder.
    """
    match = _HANDLER.fullmatch(handler)
    code = posixpath.dirname(code) if code.endswith(".py") else code
    code = posixpath.normpath(code.strip("/"))
    if match is None or code.startswith(".."):
        return None
    if folder is not None and not (folder / code).is_dir():
        code = "."
    module = match["module"].removeprefix("./")
    path = module.replace(".", "/")
    if folder is not None and not any((folder / code / file).is_file() for file in (f"{path}.py", f"{path}/__init__.py")):
        return None
    if folder is not None and code != "." and (folder / code / "__init__.py").is_file():
        # a package's own imports say how it is started
        return StartCommand((f"{code}/{path}:{match['name']}",), ".", is_program=True, is_handler=True)
    return StartCommand((f"{module}:{match['name']}",), code, is_program=True, is_handler=folder is not None)
