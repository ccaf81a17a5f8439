"""App detection: finds the app of a project without running any of its code.

The order is: a Lambda handler in a module with a common name; what the project's own files declare (a Procfile, a
Dockerfile, settings); the app that Django's settings name; ASGI or WSGI apps; functions that create one; functions of event
and context; and finally names such as `app` whose value reading alone can't explain. Within each of these, common module
names come before packages, and packages before the rest. An app that is wrapped by another one does not count, nor does a
second name for the same app. When two equally good apps remain, lambent does not guess: the error shows the lines to paste.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from itertools import takewhile
from pathlib import Path

from msgspec.structs import replace

from lambent.config.detection import frameworks as fw
from lambent.config.detection.candidates import (
    Candidate,
    Survey,
    check_examples,
    choose,
    choose_best,
    choose_main,
    lambda_handlers,
    survey,
)
from lambent.config.detection.datasette_files import is_for_datasette, no_database_error
from lambent.config.detection.declarations import read_declarations
from lambent.config.detection.declared_app import find_declared_app, with_remarks
from lambent.config.detection.django_project import WSGI_FACTORY, find_application, managed_settings, site_without_wsgi
from lambent.config.detection.function_files import SERVERLESS, template_names
from lambent.config.detection.import_graph import locate
from lambent.config.detection.infrastructure import described_functions
from lambent.config.detection.instructions import read_programs
from lambent.config.detection.launchers import past_launcher
from lambent.config.detection.named_app import find_named_app
from lambent.config.detection.outer_folder import check_outer_imports, find_outer_import
from lambent.config.detection.paste_settings import with_settings
from lambent.config.detection.programs import check_server_starts, hidden_app_error, program_remark
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.detection.refusals import (
    SeparateAppsError,
    app_flag,
    elsewhere_error,
    no_app_error,
    no_wsgi_error,
)
from lambent.config.detection.scanned import Value
from lambent.config.detection.sibling_functions import SiblingFunctions
from lambent.config.detection.triggers import with_trigger
from lambent.config.model import App, Kind
from lambent.config.project import Project, find_project
from lambent.config.sourced import Sourced
from lambent.errors import DetectionError, UsageError

_UNLIKELY = frozenset(("maybe", "hidden"))
"""Strengths of candidates that don't say that a folder has an app."""


def find_app(project: Project, spec: Sourced[str] | None = None, environ: Mapping[str, str] | None = None) -> App:
    """Return the app of a project. `spec` is the one the user named, as "module:attribute".

    Raises DetectionError when there is no app, when there are several, when a module can't be read, or when the import of the
    app would start a server.
    """
    modules = ProjectModules(project.folder)
    if spec is None:
        app = past_launcher(modules, _detect(modules, project, environ or {}))
    elif spec.value.endswith(".tf") or spec.value in (*template_names(project.folder), *SERVERLESS):
        app = _functions_of(project, spec)
    else:
        app = find_named_app(modules, spec)
    if spec is None or "(" not in spec.value:
        app = with_settings(project.folder, app)
    check_outer_imports(modules, app)
    check_server_starts(modules, app)
    return app


def _functions_of(project: Project, file: Sourced[str]) -> App:
    """Return the functions of the deployment file that the user named as one app."""
    siblings = SiblingFunctions(project)
    app = siblings.together()
    if app is None or app.source != file.value:
        what = f"{file.value} has no two functions of an API that can be one"
        raise siblings.refusal() or DetectionError(what, where=f"{file.origin} {file.value}")
    return app


def suggest_app(folder: Path, spec: str) -> str:
    """Return the flag for the app that a text such as "shop.app:app" names or resembles, or "shop.app" names. Else ""."""
    if not re.fullmatch(r"[A-Za-z_][\w./-]*:.+|[A-Za-z_]\w*(\.\w+)+", spec):
        return ""
    try:
        return app_flag(find_named_app(ProjectModules(folder), Sourced(spec, "--app")).spec)
    except DetectionError as error:
        return error.hint if ":" in spec and error.hint.startswith("--app") else ""


def _detect(modules: ProjectModules, project: Project, environ: Mapping[str, str]) -> App:
    if project.file is not None:
        results = survey(modules, [modules.at(project.file)])
        return _to_app(modules, _chosen(modules, results) or _refuse(modules, results))
    siblings = SiblingFunctions(project)
    try:
        app = _detect_one(modules, project, environ)
    except DetectionError as error:
        if together := siblings.together():
            return together
        raise siblings.refusal() or error from None
    return siblings.together(app) or siblings.with_others(app)


def _detect_one(modules: ProjectModules, project: Project, environ: Mapping[str, str]) -> App:
    common = survey(modules, takewhile(lambda module: module.tier == 0, modules.candidates()))
    handlers, ambiguous = lambda_handlers(common.candidates), None
    try:
        if handlers:
            return _to_app(modules, choose_best(modules, handlers))
    except DetectionError as error:
        ambiguous = error
    declared, remarks = find_declared_app(modules, read_declarations(project.folder, project.pyproject, environ))
    if declared is not None:
        return with_remarks(declared, remarks)
    if ambiguous is not None:
        raise ambiguous
    return with_remarks(_search(modules, project, environ.get("DJANGO_SETTINGS_MODULE", "")), remarks)


def _search(modules: ProjectModules, project: Project, django_settings: str) -> App:
    django = _django_candidate(modules, django_settings)
    if django is not None:
        return _to_app(modules, django)
    results = survey(modules, modules.candidates())
    best, main, ambiguous = None, None, None
    try:
        best = _chosen(modules, results)
    except SeparateAppsError as error:
        ambiguous = _with_all_folders(modules, error)
    except DetectionError as error:
        main, ambiguous = choose_main(modules, results.candidates), error
    if best is not None and best.strength == "hidden":
        best, main = None, best
    if best is not None:
        return _to_app(modules, _web_app_beside(modules, results.candidates, best) or best)
    program, _ = find_declared_app(modules, read_programs(project.folder, project.pyproject))
    if program is not None:
        return program
    if app := _app_of_own_package(modules):
        return app
    if main is not None:
        return _to_app(modules, main)
    function, _ = find_declared_app(modules, described_functions(project.folder))
    if function is not None:
        return function
    raise ambiguous or _refusal(modules, results)


def _web_app_beside(modules: ProjectModules, candidates: list[Candidate], handler: Candidate) -> Candidate | None:
    """Return the web app next to a handler that no request calls, such as an authorizer of API Gateway."""
    trigger = with_trigger(modules.folder, _to_app(modules, handler)).trigger if handler.kind == "handler" else ""
    try:
        web = choose(modules, [each for each in candidates if each.kind != "handler" and each.strength == "object"])
    except DetectionError:
        return None
    if not trigger or web is None:
        return None
    remark = f"{handler.spec} takes other events than HTTP requests: {app_flag(handler.spec)} deploys it instead"
    return replace(web, remark=remark)


def _app_of_own_package(modules: ProjectModules) -> App | None:
    """Return the app of the only folder that has one, if its imports start from here: `from backend.web import api`."""
    folders = [folder for folder in modules.nested_folders() if _has_app(folder)]
    if not folders or not all(folder.is_relative_to(folders[0]) for folder in folders):
        return None
    parts = folders[0].relative_to(modules.folder).parts
    inner = ProjectModules(folders[0])
    try:
        best = choose(inner, survey(inner, inner.candidates()).candidates)
        if best is None or not all(part.isidentifier() for part in parts) or not find_outer_import(inner, best.module):
            return None
        spec = ".".join((*parts, best.module.name)) + f":{best.attribute}"
        return find_named_app(modules, Sourced(spec, f"{modules.relative(best.module.path)}, line {best.value.line}"))
    except DetectionError:
        return None


def _with_all_folders(modules: ProjectModules, error: SeparateAppsError) -> DetectionError:
    """Return the error with the folders whose names can't be imported ("01_todo") as well."""
    other = elsewhere_error(modules, _has_app)
    return other if other and len(other.hint.splitlines()) >= len(error.hint.splitlines()) else error


def _chosen(modules: ProjectModules, results: Survey) -> Candidate | None:
    """Return the candidate that stands out. Raises DetectionError for several, or for a file that may hide a better one."""
    best = choose(modules, results.candidates)
    if results.unreadable and (best is None or (not best.module.tier and results.unreadable[0] < best.rank)):
        raise results.unreadable[1]
    if best is not None:
        check_examples(modules, best)
    return best


def _refuse(modules: ProjectModules, results: Survey) -> Candidate:
    raise _refusal(modules, results)


def _refusal(modules: ProjectModules, results: Survey) -> DetectionError:
    """Return the error that helps most when a project has no app."""
    searched = [module for module, _ in results.reasons]
    if hidden := hidden_app_error(modules, searched):
        return hidden
    if is_for_datasette(modules.folder):
        return no_database_error(modules.folder)
    if results.unsupported and results.unsupported[0].tier == 0 and not results.unsupported[2].is_common:
        return _unsupported_error(modules, results)
    if project := managed_settings(modules):
        return no_wsgi_error(modules, *project)
    strengths_in = cache(_strengths_in)
    for unlikely in (_UNLIKELY, _UNLIKELY - {"hidden"}):
        if elsewhere := elsewhere_error(modules, partial(_has_app, unlikely=unlikely, strengths_in=strengths_in), _error_in):
            return elsewhere
    return _unsupported_error(modules, results) if results.unsupported else no_app_error(modules, results.reasons)


def _unsupported_error(modules: ProjectModules, results: Survey) -> DetectionError:
    assert results.unsupported is not None
    module, name, explanation = results.unsupported
    error = no_app_error(modules, results.reasons)
    where = modules.relative(module.path)
    starts = modules.scan(module).server_starts
    instruction = f"in place of line {starts[0].line}, {starts[0].text}, write" if starts else f"add to {where}"
    if not name and not starts:
        instruction = f"make the object at the top level of {where}, as demo, and add"
    hint = explanation.cure.format(name=name or "demo", instruction=instruction)
    return DetectionError(f"no app found: {explanation.reason}", where=where, hint=hint, detail=error.detail)


def _error_in(folder: Path) -> DetectionError | None:
    """Return why the project in a folder below can't be deployed as it is, or None."""
    try:
        find_app(find_project(folder))
    except DetectionError as error:
        return error
    except UsageError:
        return None
    return None


def _strengths_in(folder: Path) -> frozenset[str]:
    """Return how sure the apps of a folder are, as `Candidate.strength` says it. Empty if it has none or can't be read."""
    modules = ProjectModules(folder)
    try:
        if _django_candidate(modules) is not None or is_for_datasette(folder):
            return frozenset(("object",))
        return frozenset(candidate.strength for candidate in survey(modules, modules.candidates()).candidates)
    except DetectionError:
        return frozenset()


def _has_app(
    folder: Path,
    unlikely: frozenset[str] = _UNLIKELY,
    strengths_in: Callable[[Path], frozenset[str]] = _strengths_in,
) -> bool:
    return not strengths_in(folder) <= unlikely


def _django_candidate(modules: ProjectModules, settings: str = "") -> Candidate | None:
    application = find_application(modules, settings)
    if application is None:
        site = site_without_wsgi(modules)
        return Candidate(site, WSGI_FACTORY, "wsgi", "object", 0, Value("wsgi", line=1)) if site is not None else None
    module, name = application
    value = modules.scan(module).names[name]
    kind: Kind = value.kind if value.kind in ("asgi", "wsgi") else "web"  # type: ignore[assignment]
    return Candidate(module, name, kind, "object", 0, value)


def _to_app(modules: ProjectModules, candidate: Candidate) -> App:
    module, graph = locate(modules, candidate.module)
    source = f"{modules.relative(module.path)}, line {candidate.value.line}"
    is_program = candidate.attribute == fw.PROGRAM
    remarks = (program_remark(modules, candidate.module) if is_program else "", candidate.remark)
    return App(
        module.name,
        candidate.attribute,
        "web" if is_program else candidate.kind,
        module.root,
        source,
        tuple(filter(None, remarks)),
        shared_modules=graph.shared_modules(module.root),
    )
