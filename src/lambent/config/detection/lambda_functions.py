"""The functions that SAM's template, serverless.yml and Terraform describe: what starts and calls them, and their variables."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lambent.config.detection.api_requests import sam_requests, serverless_requests
from lambent.config.detection.declared_function import DeclaredFunction, handler_command
from lambent.config.detection.function_files import SERVERLESS, is_code_elsewhere, read_service, read_template, template_names
from lambent.config.detection.template_values import computed_variables, plain_variables, resolve
from lambent.config.detection.terraform_functions import terraform_functions
from lambent.config.detection.yaml_mappings import mapping_at, text_at

_OWN_API = ("AWS::ApiGateway", "AWS::ElasticLoadBalancingV2", "DefinitionBody", "DefinitionUri")
"""What a template has if something calls a function without an event of its own."""


def read_functions(folder: Path) -> list[DeclaredFunction]:
    """Return the functions of the first of these files that has any, or else those of Terraform's code."""
    for names, read in ((template_names(folder), _sam_functions), (SERVERLESS, _serverless_functions)):
        for name in names:
            if functions := list(read(folder, name)):
                return functions
    return list(terraform_functions(folder))


def missing_functions(folder: Path, source: str) -> list[str]:
    """Return the Python functions of a template or of serverless.yml whose code isn't in the project, with their handlers."""
    if source in SERVERLESS:
        service = read_service(folder, source)
        own = text_at(mapping_at(service, "provider"), "runtime")
        functions = mapping_at(service, "functions").items()
        runtimes = {name: text_at(function, "runtime") or own for name, function in functions}
        handlers = [(name, text_at(function, "handler"), text_at(function, "module") or ".") for name, function in functions]
        handlers = [each for each in handlers if runtimes[each[0]].startswith("python") and not each[1].startswith("wsgi")]
    else:
        resources = _sam_resources(read_template(folder, source), source)
        resources = (each for each in resources if "InlineCode" not in each[1] and "ZipFile" not in mapping_at(each[1], "Code"))
        handlers = [(name, text_at(properties, "Handler"), code) for name, properties, code in resources]
    plain = (each for each in handlers if handler_command(each[1], each[2]))
    return [f"{name} ({handler})" for name, handler, code in plain if not handler_command(handler, code, folder)]


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


def _sam_functions(folder: Path, source: str) -> Iterator[DeclaredFunction]:
    """Yield the functions of a SAM or CloudFormation template, of one in a folder those with code elsewhere."""
    template = read_template(folder, source)
    shared = mapping_at(template, "Globals", "Function")
    has_own_api = any(name in str(template) for name in _OWN_API)
    for name, properties, code in _sam_resources(template, source):
        command = handler_command(text_at(properties, "Handler"), code, folder)
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


def _sam_resources(template: dict[str, Any], source: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield name, properties and folder of code of a template's Python functions."""
    shared, base = mapping_at(template, "Globals", "Function"), posixpath.dirname(source)
    for name, resource in mapping_at(template, "Resources").items():
        if text_at(resource, "Type") not in ("AWS::Serverless::Function", "AWS::Lambda::Function"):
            continue
        properties = {**shared, **mapping_at(resource, "Properties")}
        code = posixpath.join(base, text_at(properties, "CodeUri") or text_at(properties, "Code") or ".")
        is_python = text_at(properties, "Runtime").startswith(("python", "!")) or "Runtime" not in properties
        if is_python and is_code_elsewhere(source, code):
            yield name, properties, code


def _serverless_functions(folder: Path, source: str) -> Iterator[DeclaredFunction]:
    service = read_service(folder, source)
    shared = mapping_at(service, "provider", "environment")
    resources = mapping_at(service, "resources")
    for name, function in mapping_at(service, "functions").items():
        code = text_at(function, "module") or "."  # of the plug-in serverless-python-requirements
        command = handler_command(text_at(function, "handler"), code, folder)
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
