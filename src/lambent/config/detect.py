"""App detection: finds the app of a project without running any of its code.

The order is: a Lambda handler in a module with a common name; the app that Django's settings name; ASGI or WSGI apps;
functions that create one; and finally names such as `app` whose value reading alone can't explain. Within each of these,
common module names come before packages, and packages before the rest. An app that is wrapped by another one does not
count, nor does a second name for the same app. When two equally good apps remain, lambent does not guess: the error shows
the lines to paste.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from msgspec import Struct

from lambent.config import frameworks as fw
from lambent.config.django_project import find_application
from lambent.config.model import App, Kind
from lambent.config.module_scan import UNKNOWN, Value
from lambent.config.project import Project
from lambent.config.project_modules import APP_MODULES, Module, ProjectModules
from lambent.config.sourced import Sourced
from lambent.errors import DetectionError

_STRENGTHS = ("object", "factory", "maybe")
_SHOWN_MAX = 15
_NO_APP = "no app in this file"
_SUPPORTED = "use an ASGI or WSGI app (FastAPI, Starlette, Quart, Flask, Django ...), or def lambda_handler(event, context)"
_NOT_WEB = frozenset({"typer", "click", "cyclopts", "celery", "tkinter", "PyQt5", "PyQt6", "PySide6", "textual", "rq", "huey"})
_NAMES = (*fw.HANDLER_NAMES, *fw.APP_NAMES, *(f"{name}()" for name in fw.FACTORY_NAMES))


class Candidate(Struct, frozen=True):
    """A name that may be the app. `strength` is one of _STRENGTHS. `rank` is the position of its module in the search."""

    module: Module
    attribute: str
    kind: Kind
    strength: str
    rank: int
    value: Value

    @property
    def spec(self) -> str:
        return f"{self.module.name}:{self.attribute}"


class Survey(Struct, frozen=True):
    """The candidates in a project, why each module has no app, and the first module that can't be read, with its rank."""

    candidates: list[Candidate]
    reasons: list[tuple[Module, str]]
    unreadable: tuple[int, DetectionError] | None = None


def find_app(project: Project, spec: Sourced[str] | None = None) -> App:
    """Return the app of a project. `spec` is the one the user named, as "module:attribute".

    Raises DetectionError when there is no app, when there are several, or when a module can't be read.
    """
    modules = ProjectModules(project.folder)
    if spec is not None:
        return _find_named_app(modules, spec)
    survey = _survey(modules, [modules.at(project.file)] if project.file else modules.candidates())
    best = _choose(modules, survey.candidates, allow_django=project.file is None)
    if survey.unreadable and (best is None or (not best.module.tier and survey.unreadable[0] < best.rank)):
        raise survey.unreadable[1]
    if best is None:
        raise _no_app_error(modules, survey.reasons)
    return _to_app(modules, best)


def _survey(modules: ProjectModules, search: Iterable[Module]) -> Survey:
    """Scan modules until a later tier could no longer matter: `_choose` prefers an app object of an earlier one."""
    candidates: list[Candidate] = []
    reasons: list[tuple[Module, str]] = []
    unreadable: tuple[int, DetectionError] | None = None
    for rank, module in enumerate(search):
        if any(candidate.strength == "object" and candidate.module.tier < module.tier for candidate in candidates):
            break
        try:
            candidates += _candidates(modules, module, rank)
        except DetectionError as error:
            if modules.relative(module.path) != error.where.rpartition(":")[0] and module.tier == 0:
                raise  # a module that an app imports: the app can't start
            unreadable = unreadable or (rank, error)
            reasons.append((module, error.what))
            continue
        unsupported = (_explain_unsupported(value) for value in modules.scan(module).names.values())
        reasons.append((module, next(filter(None, unsupported), _NO_APP)))
    return Survey(candidates, reasons, unreadable)


def _explain_unsupported(value: Value) -> str:
    """Return why a value can't run on Lambda, or ""."""
    return value.unsupported or fw.PROGRAMS.get(value.dotted.partition(".")[0], "")


def _candidates(modules: ProjectModules, module: Module, rank: int) -> Iterator[Candidate]:
    names = modules.scan(module).names
    has_app = any(value.kind for value in names.values())  # then a holder is not needed: `server = app.server`
    for name, value in names.items():
        kind, _, factory_kind = value.kind.partition(":")
        if name.startswith("_"):
            continue
        if kind in ("asgi", "wsgi", "web", "handler"):
            yield Candidate(module, name, kind, "object", rank, value)  # type: ignore[arg-type]
        elif kind == "factory":
            yield Candidate(module, f"{name}()", factory_kind, "factory", rank, value)  # type: ignore[arg-type]
        elif value.holder and not has_app:
            yield Candidate(module, _held_attribute(name, value.holder), fw.HOLDERS[value.holder][1], "object", rank, value)
        elif name in fw.APP_NAMES and _may_be_app(modules, name, value):
            yield Candidate(module, name, "web", "maybe", rank, value)


def _held_attribute(name: str, holder: tuple[str, str]) -> str:
    """Return the app in an object that holds it: `app.server` for Dash, `ds.app()` for Datasette."""
    attribute, _, must_call = fw.HOLDERS[holder]
    return f"{name}.{attribute}{'()' if must_call else ''}"


def _may_be_app(modules: ProjectModules, name: str, value: Value) -> bool:
    """Return whether an unexplained value could be an app: the result of some call, or an import from another package."""
    package = value.dotted.partition(".")[0]
    if value.kind or value.holder or value.unsupported or package in _NOT_WEB or package in sys.stdlib_module_names:
        return False
    is_foreign_import = "." in value.dotted and modules.find(package) is None
    return value.opaque or (is_foreign_import and name not in ("web", "api", "server", "site"))


def _choose(modules: ProjectModules, candidates: list[Candidate], *, allow_django: bool) -> Candidate | None:
    """Return the one candidate that stands out, or None when there are none. Raises DetectionError when several do."""
    handlers = [
        candidate
        for candidate in candidates
        if candidate.kind == "handler" and candidate.module.tier == 0 and candidate.attribute in fw.HANDLER_NAMES
    ]
    if handlers:
        return _choose_best(modules, handlers)
    application = find_application(modules) if allow_django else None
    if application is not None:
        module, name = application
        value = modules.scan(module).names[name]
        kind: Kind = value.kind if value.kind in ("asgi", "wsgi") else "web"  # type: ignore[assignment]
        return Candidate(module, name, kind, "object", 0, value)
    for strength in _STRENGTHS:
        for tier in range(4):
            peers = [item for item in candidates if item.strength == strength and item.module.tier == tier]
            if peers:
                return _choose_best(modules, peers)
    return None


def _choose_best(modules: ProjectModules, candidates: list[Candidate]) -> Candidate:
    """Return the best of equally strong candidates. Raises DetectionError when there is no single best."""
    wrapped = {definition for candidate in candidates for definition in candidate.value.wrapped}
    outermost = [candidate for candidate in candidates if candidate.value.definition not in wrapped] or candidates
    by_app: dict[object, Candidate] = {}
    for candidate in sorted(outermost, key=_preference):
        by_app.setdefault(candidate.value.definition or candidate.spec, candidate)
    by_file: dict[Path, list[Candidate]] = {}
    for candidate in by_app.values():
        by_file.setdefault(candidate.module.path, []).append(candidate)
    best = [_choose_in_file(modules, in_file) for in_file in by_file.values()]
    if len(best) == 1:
        return best[0]
    preferred = [candidate for candidate in best if candidate.module.name == "lambda_function"]
    preferred = preferred or [candidate for candidate in best if candidate.attribute == "lambda_handler"]
    if not preferred and {candidate.module.name.rpartition(".")[2] for candidate in best} == {"wsgi", "asgi"}:
        preferred = [candidate for candidate in best if candidate.kind == "wsgi"]
    if len(preferred) == 1:
        return preferred[0]
    raise _several_apps_error(modules, sorted(best, key=lambda candidate: candidate.rank))


def _choose_in_file(modules: ProjectModules, candidates: list[Candidate]) -> Candidate:
    """Return the candidate with the best name. Raises DetectionError when there are several and no name is a common one."""
    common = [candidate for candidate in candidates if candidate.attribute in _NAMES]
    if len(candidates) > 1 and not common:
        raise _several_apps_error(modules, candidates)
    return (common or candidates)[0]


def _preference(candidate: Candidate) -> tuple[int, int, int, int]:
    name = candidate.attribute
    position = _NAMES.index(name) if name in _NAMES else len(_NAMES)
    return candidate.kind != "handler", position, candidate.rank, candidate.value.line


def _to_app(modules: ProjectModules, candidate: Candidate) -> App:
    source = f"{modules.relative(candidate.module.path)}, line {candidate.value.line}"
    return App(candidate.module.name, candidate.attribute, candidate.kind, candidate.module.root, source)


def _find_named_app(modules: ProjectModules, spec: Sourced[str]) -> App:
    """Return the app that the user named. Raises DetectionError for a module or a name that does not exist."""
    module_name, attribute = _split_spec(modules, spec.value.strip())
    where = f"{spec.origin} {spec.value.strip()}"
    module = modules.find(module_name)
    if module is None:
        names = [candidate.name for candidate in modules.candidates()]
        similar = get_close_matches(module_name, names, 1, 0.5) or names[:1]
        hint = f"--app {similar[0]}:{attribute or 'app'}" if similar else "--app main:app"
        raise DetectionError(f"no module {module_name} in {modules.folder}", where=where, hint=hint)
    if not attribute:
        best = _choose(modules, list(_candidates(modules, module, 0)), allow_django=False)
        if best is None:
            raise _no_app_error(modules, [(module, _NO_APP)])
        return _to_app(modules, best)
    scan = modules.scan(module)
    name = attribute.removesuffix("()").partition(".")[0]
    value = scan.names.get(name)
    if value is None and not scan.star_imports and "__getattr__" not in scan.names:
        candidates = [candidate.attribute for candidate in _candidates(modules, module, 0)]
        similar = get_close_matches(name, list(scan.names), 1, 0.5) or candidates
        hint = f"--app {module_name}:{similar[0]}" if similar else ""
        raise DetectionError(f"{modules.relative(module.path)} does not define {name}", where=where, hint=hint)
    return _to_named_app(modules, module, attribute, value or UNKNOWN, spec.origin)


def _to_named_app(modules: ProjectModules, module: Module, attribute: str, value: Value, origin: str) -> App:
    kind, _, factory_kind = value.kind.partition(":")
    if kind == "factory":
        attribute, kind = attribute if attribute.endswith("()") else f"{attribute}()", factory_kind
    elif attribute.endswith("()") or "." in attribute:
        kind = "web"
    elif value.holder:
        attribute, kind = _held_attribute(attribute, value.holder), fw.HOLDERS[value.holder][1]
    elif value.unsupported:
        raise DetectionError(value.unsupported, where=f"{origin} {module.name}:{attribute}", hint=_SUPPORTED)
    elif kind not in ("asgi", "wsgi", "handler"):
        kind = "handler" if modules.scan(module).takes_event(attribute) else "web"
    return App(module.name, attribute, kind, module.root, origin)  # type: ignore[arg-type]


def _split_spec(modules: ProjectModules, spec: str) -> tuple[str, str]:
    """Return module and attribute of "module:attribute", "module.attribute", "path/module.py:attribute" or "module"."""
    module, colon, attribute = spec.partition(":")
    if module.endswith(".py"):
        path = module.removesuffix(".py").strip("./").replace("\\", "/")
        module = path.removeprefix("src/").replace("/", ".") if "src" in modules.roots else path.replace("/", ".")
    if colon:
        return module, attribute
    parent, _, name = module.rpartition(".")
    if modules.find(module) is not None or not parent:
        return module, ""
    return parent, name


def _how_to_name_app(spec: str) -> str:
    return f'lambent deploy --app {spec}\nor, in pyproject.toml:\n[tool.lambent]\napp = "{spec}"'


def _several_apps_error(modules: ProjectModules, candidates: list[Candidate]) -> DetectionError:
    shown = candidates[:_SHOWN_MAX]
    specs = ", ".join(candidate.spec for candidate in candidates)
    lines = [
        f"{candidate.spec:<30} {candidate.kind:<8} {modules.relative(candidate.module.path)}:{candidate.value.line}"
        for candidate in shown
    ]
    commands = [f"lambent deploy --app {candidate.spec}" for candidate in shown]
    return DetectionError(
        f"found {len(candidates)} apps, and nothing says which one to deploy: {specs}",
        where=str(modules.folder),
        hint=_how_to_name_app(candidates[0].spec),
        detail="\n".join([*lines, "", *commands]),
    )


def _no_app_error(modules: ProjectModules, reasons: list[tuple[Module, str]]) -> DetectionError:
    nested = modules.nested_projects()
    if nested and not any(module.tier == 0 for module, _ in reasons):
        message = f"no app found here, but these folders have projects: {', '.join(nested)}"
        commands = "\n".join(f"lambent deploy {modules.folder / name}" for name in nested[:_SHOWN_MAX])
        return DetectionError(message, where=str(modules.folder), hint=commands)
    if not reasons:
        names = ", ".join(f"{name}.py" for name in APP_MODULES)
        return DetectionError(
            "no app found" if any(modules.folder.rglob("*.py")) else "no Python files here",
            where=str(modules.folder),
            hint="pass the folder of your app: lambent deploy PATH",
            detail=f"lambent looked for {names}, packages, src/ and manage.py",
        )
    explanations = {*fw.UNSUPPORTED.values(), *fw.PROGRAMS.values()}
    unsupported = next((reason for _, reason in reasons if reason in explanations), "")
    files = [f"{modules.relative(module.path):<30} {reason}" for module, reason in reasons[:_SHOWN_MAX]]
    if len(reasons) > _SHOWN_MAX:
        files.append(f"and {len(reasons) - _SHOWN_MAX} more")
    return DetectionError(
        f"no app found: {unsupported or 'no lambda_handler and no ASGI or WSGI object'}",
        where=str(modules.folder),
        hint=_SUPPORTED if unsupported else _how_to_name_app(f"{reasons[0][0].name}:app"),
        detail="\n".join(["lambent looked at", *files]),
    )
