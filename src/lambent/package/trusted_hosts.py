"""Apps whose code says which hosts Starlette's TrustedHostMiddleware answers: the function adds those of its URL."""

from __future__ import annotations

import ast

from msgspec.structs import replace

from lambent.config.django_literals import URL_DOMAINS
from lambent.events import Notice
from lambent.package.build_context import BuildContext
from lambent.package.isolated_run import Files

_MIDDLEWARE = "TrustedHostMiddleware"


def allow_own_hosts(context: BuildContext, files: Files) -> BuildContext:
    """Return the context, whose function allows the hosts of its URL if the project's own files keep them out."""
    if not context.config.has_url or context.config.app.kind == "handler":
        return context
    texts = {name: file.read().decode("utf-8", "replace") for name, file in files.items() if name.endswith(".py")}
    location = next((f"{name}:{line}" for name, text in sorted(texts.items()) if (line := restricted_at(text))), "")
    if not location:
        return context
    context.emit(Notice(f"{location} says which hosts the app answers: lambent adds the URL's host in the function"))
    return replace(context, config=replace(context.config, allowed_hosts=URL_DOMAINS))


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
