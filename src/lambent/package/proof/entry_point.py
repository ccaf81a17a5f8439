"""Checks that what Lambda will call is in the zip: the file of the module, and the name in it. Pure."""

from __future__ import annotations

import re

from lambent.config.detection.django_project import WSGI_FACTORY
from lambent.package.proof import module_syntax
from lambent.package.proof.finding import Finding
from lambent.package.proof.importable_code import Code
from lambent.package.target import Target


def module_of(handler: str) -> str:
    """Return the dotted module of a handler string: "src/app.main" (Lambda's own form), "app:main.x" or "app.create()"."""
    module, separator, _ = handler.partition(":") if ":" in handler else handler.rpartition(".")
    return (module if separator else "").replace("/", ".")


def check(handler: str, code: Code, target: Target) -> Finding | None:
    """Return what is certainly wrong with a handler string, or None."""
    module = module_of(handler)
    attribute, _, rest = handler[len(module) + 1 :].partition("(")[0].partition(".")
    if not module or not attribute:
        hint = "use the form module.function, or module:app"
        return Finding("error", f"the handler {handler!r} doesn't name a module and a function", hint=hint)
    path = module.replace(".", "/")
    file = code.files.get(f"{path}/__init__") or code.files.get(path)
    if file is None:
        hint = "check its name in --app or `app`, and that .gitignore doesn't exclude the file"
        return Finding("error", f"the zip has no module {module}", (f"{path}.py",), hint=hint)
    if file not in code.own or not file.endswith(".py") or f"{path}/{attribute}" in code.files:
        return None
    if attribute.startswith("__"):  # a program ("__main__"), or a name that a framework adds ("__hug_wsgi__")
        return None
    if rest and (handler.endswith(WSGI_FACTORY) or any(f"{attribute}{suffix}" in code.files for suffix in ("", "/__init__"))):
        return None  # a name in a package, which other checks miss if it isn't there: app:bottle.default_app()
    return _attribute(file, attribute, code, target)


def _attribute(file: str, attribute: str, code: Code, target: Target) -> Finding | None:
    source = code.source(file)
    name = re.escape(attribute.encode())
    if re.search(rb"^(?:(?:async\s+)?def|class)\s+%b\b|^%b\s*[:=]" % (name, name), source, re.MULTILINE):
        return None  # the usual case, without parsing
    parsed = module_syntax.read(file, source, target.version)
    if parsed is None or parsed.may_have(attribute):
        return None
    return Finding(
        "error", f"{file} has no {attribute} at its top level", (file,), hint="use the name of an object that is in the file"
    )
