"""Apps whose code says which hosts they answer: the function lets them answer its URL too, whose only host is its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.config.django_literals import URL_DOMAINS
from lambent.events import Notice
from lambent.lazy import LazyModule
from lambent.package.build_context import BuildContext
from lambent.package.isolated_run import Files
from lambent.package.server_name import server_name_at
from lambent.package.shards.shard import Shard

if TYPE_CHECKING:
    from packaging import version as versions
else:
    versions = LazyModule("packaging.version")  # only for Flask

_MIDDLEWARE = "TrustedHostMiddleware"
_TEST = re.compile(r"(?:^|/)(?:tests?/|(?:test_\w+|\w+_test|conftest)\.py$)")
_ANY_HOST = "3.1"  # https://flask.palletsprojects.com/en/stable/changes/#version-3-1-0, pull request 5553


def allow_own_hosts(context: BuildContext, shards: tuple[Shard, ...], files: Files) -> BuildContext:
    """Return the context, whose function allows the hosts of its URL if the project's own files keep them out."""
    config = context.config
    if not config.has_url or config.app.kind == "handler" or context.options.scope == "layer":
        return context
    names = sorted(name for name in files if name.endswith(".py") and not _TEST.search(name))
    texts = [(name, files[name].read().decode("utf-8", "replace")) for name in names]
    flask = next((shard.wheel.version for shard in shards if shard.name == "flask"), "")
    has_one_host = (
        flask and versions.Version(flask) < versions.Version(_ANY_HOST) and "SERVER_NAME" not in dict(config.environment)
    )
    lines = []
    if location := _first(texts, restricted_at):
        lines.append(f"{location} says which hosts the app answers: lambent adds the URL's host in the function")
    if has_one_host and (location := _first(texts, server_name_at)):
        lines.append(f"{location} sets SERVER_NAME, and Flask {flask} answers no other host: lambent unsets it in the function")
    for line in lines:
        context.emit(Notice(line))
    return replace(context, config=replace(config, allowed_hosts=URL_DOMAINS)) if lines else context


def _first(texts: list[tuple[str, str]], find: Callable[[str], int]) -> str:
    """Return the first place, as "file:line", that a search of a module's text finds, or ""."""
    return next((f"{name}:{line}" for name, text in texts if (line := find(text))), "")


def restricted_at(text: str) -> int:
    """Return the line where a module gives the middleware hosts without those of URLs among them, 0 if it doesn't."""
    try:
        tree = ast.parse(text if _MIDDLEWARE in text else "")
    except (SyntaxError, ValueError):
        return 0
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if any(ast.unparse(value).rpartition(".")[2] == _MIDDLEWARE for value in (call.func, *call.args[:1])):
            hosts = next((ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "allowed_hosts"), "'*'")
            if "'*'" not in hosts and "on.aws" not in hosts:
                return call.lineno
    return 0
