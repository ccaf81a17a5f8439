"""The functions that Terraform's code describes with plain texts, and what calls them: an API, a schedule, another service.

A folder is a module of Terraform, whose names count in it. What a module gets from others, or gives them, isn't followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, normpath

from msgspec import Struct

from lambent.config.detection.api_requests import Request, request_of
from lambent.config.detection.declared_function import DeclaredFunction, handler_command
from lambent.config.detection.infrastructure_files import infrastructure_files
from lambent.config.detection.project_text import read_text
from lambent.config.model import Cors, Pairs

_BLOCK = re.compile(
    r"""(?m)^(?:resource|data|variable)[ \t]+"(?P<first>[\w-]+)"(?:[ \t]+"(?P<second>[\w-]+)")?[ \t]*\{"""
    r"""(?P<body>[^{}\n]*\}[ \t]*$|[^\n]*\n(?:(?!\}|(?:resource|data|variable)[ \t]+")[^\n]*\n)*\})"""
)
_COMMENT = re.compile(r"""(?m)^[ \t]*(?:#|//).*\n""")
_PATH = r"""\s*=\s*"(?:\$\{path\.(?:module|root)\}/)?(?P<path>[\w./-]+)\""""
_SOURCE = re.compile(rf"(?m)^[ \t]*(?P<kind>source_dir|source_file){_PATH}")
_ZIP = re.compile(rf"(?m)^[ \t]*(?P<kind>filename){_PATH}")
_VARIABLES = re.compile(r"\bvariables\s*=\s*\{(.*?)\}", re.DOTALL)
_PAIR = re.compile(r"""(?m)^[ \t]*"?(?P<name>[A-Za-z_]\w*)"?\s*[=:]\s*(?P<value>"[^"\n]*"|[^\s#,]+)""")
_REFERENCE = re.compile(r"(?P<kind>var|aws_dynamodb_table|aws_s3_bucket)\.(?P<name>[\w-]+)(?:\.\w+)?")
_INNER = re.compile(r"\$\{([^{}]+)\}")
_NAME_KEYS = {"aws_dynamodb_table": "name", "aws_s3_bucket": "bucket", "var": "default"}
_TRIGGERS = {
    "aws_lambda_function_url": "url",
    "aws_cloudwatch_event_target": "schedule",
    "aws_s3_bucket_notification": "s3",
    "aws_lambda_event_source_mapping": "queue or stream",
    "aws_sns_topic_subscription": "sns",
}
"""What each kind of resource that names a function calls it with."""
_DEPTH_MAX = 3


class _Block(Struct, frozen=True):
    """A block of Terraform: `file` is relative to the project."""

    name: str
    body: str
    file: str

    def raw(self, key: str) -> str:
        """Return what is written for a key, "" for nothing."""
        match = re.search(rf"""(?m)(?:^|[{{\s]){key}\s*=\s*("[^"\n]*"|[^\s#}}]+)""", self.body)
        return match[1] if match else ""

    def refers_to(self, kind: str) -> str:
        """Return the name of the first resource of a kind that the block mentions, or ""."""
        match = re.search(rf"\b{kind}\.([\w-]+)", self.body)
        return match[1] if match else ""


class _Module:
    """The blocks of a folder, by their kind: a type of resource, or "variable"."""

    def __init__(self, folder: Path, path: Path) -> None:
        self.folder = path.relative_to(folder).as_posix()
        self._blocks: dict[str, dict[str, _Block]] = {}
        for file in sorted(path.glob("*.tf")):
            for match in _BLOCK.finditer(_COMMENT.sub("", read_text(file))):
                kind, name = (match["first"], match["second"]) if match["second"] else ("var", match["first"])
                self._blocks.setdefault(kind, {})[name] = _Block(name, match["body"], file.relative_to(folder).as_posix())

    def of(self, kind: str) -> dict[str, _Block]:
        return self._blocks.get(kind, {})

    def text(self, raw: str, depth: int = 0) -> str | None:
        """Return the text that an expression stands for, None if the module doesn't say it."""
        if raw.startswith('"') and raw.endswith('"') and depth <= _DEPTH_MAX:
            parts = {part: self.text(part.strip(), depth + 1) for part in _INNER.findall(raw)}
            return None if None in parts.values() else _INNER.sub(lambda match: parts[match[1]] or "", raw[1:-1])
        match = _REFERENCE.fullmatch(raw)
        block = self.of(match["kind"]).get(match["name"]) if match and depth <= _DEPTH_MAX else None
        if match is None or block is None or re.search(r"sensitive\s*=\s*true", block.body):
            return raw if re.fullmatch(r"\d+|true|false", raw) else None
        return self.text(block.raw(_NAME_KEYS[match["kind"]]), depth + 1)

    def code(self, function: _Block) -> str:
        """Return the folder that is zipped for a function, or that its zip is in, relative to the project."""
        archive = self.of("archive_file").get(function.refers_to("data.archive_file"))
        source = _SOURCE.search(archive.body) if archive else _ZIP.search(function.body)
        path = source["path"] if source else "."
        return normpath(f"{self.folder}/{path if source and source['kind'] == 'source_dir' else dirname(path)}")

    def requests(self, function: str) -> Iterator[Request]:
        """Yield the requests that the module's APIs pass to a function."""
        integrations = self.of("aws_apigatewayv2_integration")
        for route in self.of("aws_apigatewayv2_route").values():
            integration = integrations.get(route.refers_to("aws_apigatewayv2_integration"))
            if integration and integration.refers_to("aws_lambda_function") == function:
                method, _, path = (self.text(route.raw("route_key")) or "$").partition(" ")
                payload = self.text(integration.raw("payload_format_version")) or "1.0"
                cors = self._cors(route.refers_to("aws_apigatewayv2_api"))
                yield from request_of("ANY" if method == "$default" else method, path, payload, cors=cors)
        for integration in self.of("aws_api_gateway_integration").values():
            if integration.refers_to("aws_lambda_function") == function:
                own = self.of("aws_api_gateway_method").get(integration.refers_to("aws_api_gateway_method"), integration)
                kind = "aws_api_gateway_resource"
                resource = self._resource_path(integration.refers_to(kind) or own.refers_to(kind))
                yield from request_of(self.text(own.raw("http_method")) or "", resource or "/", "1.0")

    def _resource_path(self, name: str, depth: int = 0) -> str:
        resource = self.of("aws_api_gateway_resource").get(name)
        if resource is None or depth > _DEPTH_MAX * 3:
            return ""
        parent = re.search(r"aws_api_gateway_resource\.([\w-]+)", resource.raw("parent_id"))
        above = self._resource_path(parent[1], depth + 1) if parent else ""
        return f"{above}/{self.text(resource.raw('path_part')) or '${}'}"

    def _cors(self, api: str) -> Cors | None:
        """Return the CORS of an HTTP API."""
        block = self.of("aws_apigatewayv2_api").get(api)
        text = block.body.partition("cors_configuration")[2].partition("}")[0] if block else ""
        origins, methods, headers, expose = (
            tuple(re.findall(r'"([^"]+)"', match[1])) if match else ()
            for key in ("allow_origins", "allow_methods", "allow_headers", "expose_headers")
            for match in [re.search(rf"\b{key}\s*=\s*\[(.*?)\]", text, re.DOTALL)]
        )
        return Cors(origins, methods, headers, expose) if text else None

    def variables(self, function: _Block) -> tuple[Pairs, Pairs]:
        """Return a function's environment variables with plain values, and those with the texts of other values."""
        match = _VARIABLES.search(function.body)
        pairs = [(pair["name"], pair["value"]) for pair in _PAIR.finditer(match[1])] if match else []
        values = {name: self.text(raw) for name, raw in pairs}
        computed = tuple((name, raw) for name, raw in pairs if values[name] is None)
        return tuple((name, value) for name, value in values.items() if value is not None), computed

    def triggers(self, function: str, requests: tuple[Request, ...]) -> tuple[str, ...]:
        """Return what calls a function, as far as the module says it. A permission of API Gateway stands for its requests."""
        permissions = [block for block in self.of("aws_lambda_permission").values() if "apigateway" in block.body]
        is_allowed = any(block.refers_to("aws_lambda_function") == function for block in permissions)
        others = [
            trigger
            for kind, trigger in _TRIGGERS.items()
            if any(block.refers_to("aws_lambda_function") == function for block in self.of(kind).values())
        ]
        return (*(("api",) if requests or is_allowed else ()), *others)


def terraform_functions(folder: Path) -> Iterator[DeclaredFunction]:
    """Yield the functions that a project's Terraform code describes, and whose handlers are in the project."""
    for path in dict.fromkeys(file.parent for file in infrastructure_files(folder, (".tf",))):
        module = _Module(folder, path)
        for name, block in module.of("aws_lambda_function").items():
            handler = module.text(block.raw("handler")) or ""
            command = handler_command(handler, module.code(block), folder) or handler_command(handler, ".", folder)
            if command is None:
                continue
            requests = tuple(module.requests(name))
            plain, computed = module.variables(block)
            yield DeclaredFunction(
                *(name, block.file, command, module.triggers(name, requests), plain, requests, computed),
                memory_mb=_number(module.text(block.raw("memory_size"))),
                timeout_s=_number(module.text(block.raw("timeout"))),
                is_hidden=True,
            )


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
