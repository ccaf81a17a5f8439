"""The app that somebody named as "module:attribute": the user, or a file of the project."""

from __future__ import annotations

import ast
import re
from difflib import get_close_matches

from lambent.config.detection import frameworks as fw
from lambent.config.detection.candidates import candidates_in, choose
from lambent.config.detection.framework_lookup import held_attribute, is_visible
from lambent.config.detection.import_graph import locate
from lambent.config.detection.programs import program_remark
from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.config.detection.refusals import app_flag, no_app_error
from lambent.config.detection.scanned import UNKNOWN, Value
from lambent.config.detection.unsupported import with_polling_seen
from lambent.config.model import App, Kind
from lambent.config.sourced import Sourced
from lambent.errors import DetectionError

_CALL = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?P<arguments>\(.*\))?", re.DOTALL)


def find_named_app(modules: ProjectModules, spec: Sourced[str]) -> App:
    """Return the app that the user named. Raises DetectionError for a module or a name that does not exist."""
    module_name, attribute = _split_spec(modules, spec.value.strip())
    where = f"{spec.origin} {spec.value.strip()}"
    module = modules.find(module_name)
    if module is None:
        hint = _closest_app(modules, module_name, attribute)
        raise DetectionError(f"no module {module_name} in {modules.folder}", where=where, hint=hint)
    if not attribute:
        best = choose(modules, list(candidates_in(modules, module)))
        if best is None:
            raise no_app_error(modules, [(module, "no app in this file")])
        attribute = best.attribute
    if not has_name(modules, module, attribute):
        names = [candidate.attribute for candidate in candidates_in(modules, module)]
        similar = get_close_matches(attribute, names, 1, 0.5) or names[:1]
        hint = (
            app_flag(f"{module_name}:{similar[0]}")
            if similar
            else f"use the name of an object in {modules.relative(module.path)}"
        )
        name = attribute.partition("(")[0].partition(".")[0]
        raise DetectionError(f"{modules.relative(module.path)} does not define {name}", where=where, hint=hint)
    return to_app(modules, module, attribute, spec.origin)


def _closest_app(modules: ProjectModules, module_name: str, attribute: str) -> str:
    """Return the `--app` that somebody probably meant. It exists."""
    candidates = list(modules.candidates())
    similar = get_close_matches(module_name, [module.name for module in candidates], 5, 0.5)
    for module in sorted(
        candidates, key=lambda candidate: similar.index(candidate.name) if candidate.name in similar else len(similar)
    ):
        try:
            apps = [candidate.attribute for candidate in candidates_in(modules, module)]
        except DetectionError:
            continue
        if apps:
            return app_flag(f"{module.name}:{attribute if attribute in apps else apps[0]}")
    return "use the name of a module in this folder"


def has_name(modules: ProjectModules, module: Module, attribute: str) -> bool:
    """Return whether a module has the first name of an attribute, as far as its text shows."""
    name = attribute.partition("(")[0].partition(".")[0]
    scan = modules.scan(module)
    if modules.value(module, name) is not None or "__getattr__" in scan.names:
        return True
    if (name == "bottle" and scan.has_bottle_routes) or attribute.startswith(f"{fw.PASTE}("):
        return True
    if name == fw.HUG_APP:
        return any(value.dotted.partition(".")[0] == "hug" for value in scan.names.values())
    if name == fw.PROGRAM:
        return scan.program_start() is not None
    folders = list(modules.import_folders(module.path))
    return any(modules.find(source, folders) is None for source in scan.star_imports)


def to_app(modules: ProjectModules, module: Module, attribute: str, origin: str, *, must_call: bool = False) -> App:
    """Return an attribute of a module as an App. Raises DetectionError for what can't run on Lambda."""
    name = attribute.partition("(")[0].partition(".")[0]
    value = modules.value(module, name) or UNKNOWN
    if attribute == name and value.unsupported:
        explanation = with_polling_seen(value.unsupported, modules.folder)
        hint = explanation.cure.format(name=name, instruction=f"add to {modules.relative(module.path)}")
        raise DetectionError(explanation.reason, where=f"{origin} {module.name}:{attribute}", hint=hint)
    attribute, kind = _attribute_and_kind(modules, module, attribute, value, must_call)
    placed, graph = locate(modules, module)
    root = module.root if module.root != "." else placed.root
    remarks = (program_remark(modules, placed),) if attribute == fw.PROGRAM else ()
    return App(module.name, attribute, kind, root, origin, remarks, shared_modules=graph.shared_modules(root))


def _attribute_and_kind(
    modules: ProjectModules, module: Module, attribute: str, value: Value, must_call: bool
) -> tuple[str, Kind]:
    kind, _, factory_kind = value.kind.partition(":")
    if "(" in attribute:
        return _with_literals(attribute), factory_kind if kind == "factory" else "web"  # type: ignore[return-value]
    if "." in attribute:
        return attribute, "web"
    if kind == "factory":
        return f"{attribute}{value.call}", factory_kind  # type: ignore[return-value]
    if must_call:
        return f"{attribute}()", "web"
    if value.holder and is_visible(value):
        return held_attribute(attribute, value.holder), fw.HOLDERS[value.holder][1]
    if kind in ("asgi", "wsgi", "handler"):
        return attribute, kind  # type: ignore[return-value]
    return attribute, "handler" if kind == "event" or modules.scan(module).takes_event(attribute) else "web"


def _with_literals(attribute: str) -> str:
    """Return a call such as `create_app("prod")` without spaces, which Lambda doesn't take in a handler.

    Raises DetectionError for arguments that aren't literals.
    """
    match = _CALL.fullmatch(attribute)
    try:
        call = ast.parse(f"f{match['arguments']}" if match else "", mode="eval").body
        assert isinstance(call, ast.Call)
        texts = [repr(ast.literal_eval(argument)) for argument in call.args]
        texts += [f"{word.arg}={ast.literal_eval(word.value)!r}" for word in call.keywords if word.arg]
        text = f"{match['name'] if match else ''}({','.join(texts)})"
    except (SyntaxError, ValueError, AssertionError):
        text = ""
    if not text or re.search(r"\s", text):
        hint = f"add a line to the module, app = {attribute}, and use that name"
        raise DetectionError(f"lambent can only call {attribute} with plain values without spaces", where=attribute, hint=hint)
    return text


def _split_spec(modules: ProjectModules, spec: str) -> tuple[str, str]:
    """Return module and attribute of "module:attribute", "module.attribute", "path/module.py:attribute" or "module"."""
    module, colon, attribute = spec.partition(":")
    if module.endswith(".py"):
        path = modules.folder / module
        module = modules.at(path).name if path.is_file() else module.removesuffix(".py").strip("./").replace("/", ".")
    if colon:
        return module, attribute
    parent, _, name = module.rpartition(".")
    if modules.find(module) is not None or not parent:
        return module, ""
    return parent, name
