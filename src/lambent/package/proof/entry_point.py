"""Whether what Lambda is told to call is in the zip: the module's file, and the name in it. Pure."""

from __future__ import annotations

import re

from lambent.package.proof import module_syntax
from lambent.package.proof.finding import Finding
from lambent.package.proof.missing_imports import Code
from lambent.package.target import Target


def module_of(handler: str) -> str:
    """The dotted module of a handler string: "src/app.main" (as Lambda takes it), "app:main.x" or "app.create()"."""
    module, between, _ = handler.partition(":") if ":" in handler else handler.rpartition(".")
    return (module if between else "").replace("/", ".")


def check(handler: str, code: Code, target: Target) -> Finding | None:
    """What is wrong with a handler string, if that is certain."""
    module = module_of(handler)
    attribute = handler[len(module) + 1 :].removesuffix("()").partition(".")[0]
    if not module or not attribute:
        hint = "write module.function, or module:app"
        return Finding("error", f"the handler {handler!r} names no module and function", hint=hint)
    path = module.replace(".", "/")
    file = code.files.get(f"{path}/__init__") or code.files.get(path)
    if file is None:
        hint = "--app module:attribute, as one would import it from the project's folder; is the file left out by .gitignore?"
        return Finding("error", f"the zip holds no module {module}", (f"{path}.py",), hint=hint)
    if file not in code.own or not file.endswith(".py") or f"{path}/{attribute}" in code.files:
        return None
    return _attribute(file, attribute, code, target)


def _attribute(file: str, attribute: str, code: Code, target: Target) -> Finding | None:
    source = code.source(file)
    name = re.escape(attribute.encode())
    if re.search(rb"^(?:(?:async\s+)?def|class)\s+%b\b|^%b\s*[:=]" % (name, name), source, re.MULTILINE):
        return None  # the usual way, told without parsing
    major, minor = target.python.split(".")
    holds = module_syntax.read(file, source, (int(major), int(minor)))
    if holds is None or holds.may_have(attribute):
        return None
    return Finding("error", f"{file} has no {attribute} at its top level", (file,), hint="--app module:attribute")
