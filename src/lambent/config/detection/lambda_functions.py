"""The functions that SAM's template and serverless.yml describe: what starts them, what calls them, and their variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent.config.detection.api_requests import Request, sam_requests, serverless_requests
from lambent.config.detection.function_files import SERVERLESS, is_code_elsewhere, read_service, read_template, template_names
from lambent.config.detection.start_commands import StartCommand
from lambent.config.detection.template_values import computed_variables, plain_variables, resolve
from lambent.config.detection.yaml_mappings import mapping_at, text_at
from lambent.config.model import Pairs

_HANDLER = re.compile(r"(?P<module>[\w./-]+)\.(?P<name>[A-Za-z_]\w*)")
_PATH = re.compile(r"(?=.*\{)(?:/[\w.~-]+|/\{\w+\+?\})+")
_OWN_API = ("AWS::ApiGateway", "AWS::ElasticLoadBalancingV2", "DefinitionBody", "DefinitionUri")
"""What a template has if something calls a function without an event of its own."""
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


def read_functions(folder: Path) -> list[DeclaredFunction]:
    """Return the functions of the first of these files that has any."""
    for names, read in ((template_names(folder), _sam_functions), (SERVERLESS, _serverless_functions)):
        for name in names:
            if functions := list(read(folder, name)):
                return functions
    return []


def service_variables(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and file of serverless.yml's variables, also of functions whose handler a plug-in brings."""
    for source in SERVERLESS:
        service = read_service(folder, source)
        resources = mapping_at(service, "resources")
        for part in (mapping_at(service, "provider"), *mapping_at(service, "functions").values()):
            variables = plain_variables(mapping_at(part, "environment"), resources)
            yield from ((name, value, source) for name, value in variables)


def choose_function(functions: list[DeclaredFunction]) -> DeclaredFunction | None:
    """Return the only function, or the only one that HTTP requests call. None if nothing decides.

    One without events is an authorizer, or another function calls it, unless the file has an API as a resource of its own.
    """
    different = {function.command: function for function in functions}
    if len(different) == 1:
        return next(iter(different.values()))
    candidates = [each for each in different.values() if each.is_http or not (each.is_other or each.is_hidden)]
    return candidates[0] if len(candidates) == 1 and candidates[0].is_http else None


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


def _sam_functions(folder: Path, source: str) -> Iterator[DeclaredFunction]:
    """Yield the functions of a SAM or CloudFormation template, of one in a folder those with code elsewhere."""
    template, base = read_template(folder, source), posixpath.dirname(source)
    shared = mapping_at(template, "Globals", "Function")
    has_own_api = any(name in str(template) for name in _OWN_API)
    for name, resource in mapping_at(template, "Resources").items():
        if text_at(resource, "Type") not in ("AWS::Serverless::Function", "AWS::Lambda::Function"):
            continue
        properties = {**shared, **mapping_at(resource, "Properties")}
        code = posixpath.join(base, text_at(properties, "CodeUri") or text_at(properties, "Code") or ".")
        if not is_code_elsewhere(source, code):
            continue
        is_python = text_at(properties, "Runtime").startswith(("python", "!")) or "Runtime" not in properties
        command = handler_command(text_at(properties, "Handler"), code, folder) if is_python else None
        if command is not None:
            declared = mapping_at(properties, "Events")
            events = [text_at(event, "Type") for event in declared.values()]
            requests = tuple(sam_requests(declared, template))
            events += ["url"] if "FunctionUrlConfig" in properties else []
            variables = {
                **mapping_at(shared, "Environment", "Variables"),
                **mapping_at(properties, "Environment", "Variables"),
            }
            yield DeclaredFunction(
                *(name, source, command, _triggers(events), tuple(plain_variables(variables, template)), requests),
                computed=tuple(computed_variables(variables, template)),
                is_hidden=not has_own_api,
                memory_mb=_number(properties, "MemorySize", template),
                timeout_s=_number(properties, "Timeout", template),
            )


def _serverless_functions(folder: Path, source: str) -> Iterator[DeclaredFunction]:
    service = read_service(folder, source)
    shared = mapping_at(service, "provider", "environment")
    resources = mapping_at(service, "resources")
    for name, function in mapping_at(service, "functions").items():
        command = handler_command(text_at(function, "handler"), ".", folder)
        if command is not None:
            events = [*mapping_at(function, "events"), *(["url"] if text_at(function, "url") not in ("", "false") else [])]
            variables = {**shared, **mapping_at(function, "environment")}
            requests = tuple(serverless_requests(function, service))
            own = {**mapping_at(service, "provider"), **function}
            yield DeclaredFunction(
                *(name, source, command, _triggers(events), tuple(plain_variables(variables, resources)), requests),
                computed=tuple(computed_variables(variables, resources)),
                is_hidden=True,
                memory_mb=_number(own, "memorySize", resources),
                timeout_s=_number(own, "timeout", resources),
            )


def _number(properties: dict[str, Any], key: str, template: dict[str, Any]) -> int:
    text = resolve(properties.get(key), template) or ""
    return int(text) if text.isdecimal() else 0


def _triggers(kinds: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind.lower() for kind in kinds if kind))
