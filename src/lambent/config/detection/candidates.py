"""The names in a project that may be its app, and which of them stands out."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.detection import frameworks as fw
from lambent.config.detection.framework_lookup import held_attribute, is_visible
from lambent.config.detection.import_graph import ImportGraph
from lambent.config.detection.module_scan import ModuleScan
from lambent.config.detection.project_modules import Module, ProjectModules
from lambent.config.detection.project_text import read_text
from lambent.config.detection.refusals import NO_APP, app_flag, several_apps_error
from lambent.config.detection.scanned import GUARDED, HiddenApp, Value
from lambent.config.detection.unsupported import CLOUD_FUNCTION, Unsupported, explain_packages, with_polling_seen
from lambent.config.model import Kind
from lambent.errors import DetectionError

_TIERS = 6
_ORDER = (
    *(("object", tier) for tier in range(4)),
    *(("factory", tier) for tier in range(4)),
    *(("event", tier) for tier in range(4)),
    *(("program", tier) for tier in range(4)),
    *(("maybe", tier) for tier in range(2)),
    *((strength, tier) for strength in ("object", "factory", "event", "program") for tier in range(4, _TIERS)),
    *(("maybe", tier) for tier in range(2, _TIERS)),
    *(("hidden", tier) for tier in range(_TIERS)),
)
"""Which candidates come first: by what they are, and by how likely their module is the app's."""

_EXAMPLE = re.compile(r"(?:^|[._])(?:examples?|demos?|samples?|tests?|old|backup|copy|playground|tutorial)\d*(?:[._]|$)")
_VERSION = re.compile(r"_?v?\d+(?:_\d+)*$")
_COLLECTION = 3
"""So many files with an app each, next to a package with one, are a collection of examples, and none is the main one."""
_FIRST = {"asgi": ("main", "app", "api"), "wsgi": ("wsgi", "app")}
"""The files that `fastapi run` and `flask run` look for, in their order."""
_NOT_WEB = frozenset(
    (
        *("typer", "click", "cyclopts", "celery", "tkinter", "PyQt5", "PyQt6", "PySide6", "textual", "rq", "huey"),
        *("aws_cdk", "cdktf", "cdk8s", "pulumi", "troposphere"),
        *("flask_restful", "flask_restx", "flask_restplus", "flask_smorest", "ninja"),
    )
)
"""Packages whose objects are no web apps: of commands and windows, of tools that describe resources, and parts of an app."""
_PARTS = frozenset(("Blueprint", "APIBlueprint", "APIRouter", "Namespace"))
"""Classes of parts of an app."""
_NAMES = (*fw.HANDLER_NAMES, *fw.APP_NAMES, *(f"{name}()" for name in fw.FACTORY_NAMES))


class Candidate(Struct, frozen=True):
    """A name that may be the app.

    `strength` is "object", "factory", "event" (a function of event and context), "program" (it serves an app when it is run),
    "maybe", or "hidden" for a program whose app has a name, but not for an import. `rank` is the position of its module in the
    search, and `remark` says why it was chosen of several.
    """

    module: Module
    attribute: str
    kind: Kind
    strength: str
    rank: int
    value: Value
    remark: str = ""

    @property
    def spec(self) -> str:
        return f"{self.module.name}:{self.attribute}"


class Survey(Struct, frozen=True):
    """The candidates in a project, the modules without one, and the first module that can't be read, with its rank.

    `reasons` says for each module why it has no app; `unsupported` is the first framework that can't run on Lambda, with the
    name of its object.
    """

    candidates: list[Candidate]
    reasons: list[tuple[Module, str]]
    unreadable: tuple[int, DetectionError] | None = None
    unsupported: tuple[Module, str, Unsupported] | None = None


def survey(modules: ProjectModules, search: Iterable[Module]) -> Survey:
    """Scan modules until a later tier could no longer matter."""
    candidates: list[Candidate] = []
    reasons: list[tuple[Module, str]] = []
    unreadable: tuple[int, DetectionError] | None = None
    unsupported: tuple[Module, str, Unsupported] | None = None
    for rank, module in enumerate(search):
        if _is_settled(candidates, module.tier):
            break
        try:
            candidates += candidates_in(modules, module, rank)
        except DetectionError as error:
            if modules.relative(module.path) != error.where.rpartition(":")[0] and module.tier == 0:
                raise  # a module that an app imports: the app can't start
            unreadable = unreadable or (rank, error)
            reasons.append((module, error.what))
            continue
        name, explanation = _explain_unsupported(modules, module)
        if explanation is not None:
            unsupported = unsupported or (module, name, explanation)
        reasons.append((module, explanation.reason if explanation else NO_APP))
    return Survey(candidates, reasons, unreadable, unsupported)


def _is_settled(candidates: list[Candidate], next_tier: int) -> bool:
    """Return whether no candidate of the next tier could be preferred to one of these."""
    best = min((_ORDER.index((each.strength, each.module.tier)) for each in candidates), default=len(_ORDER))
    return best < min(_ORDER.index(("object", next_tier)), len(_ORDER))


def _explain_unsupported(modules: ProjectModules, module: Module) -> tuple[str, Unsupported | None]:
    """Return the name of what can't run on Lambda, and why; objects come before mere imports."""
    scan = modules.scan(module)
    if function := _cloud_function(module, scan):
        return function, CLOUD_FUNCTION
    for name, value in scan.names.items():
        if value.unsupported:
            return name, with_polling_seen(value.unsupported, modules.folder)
    explanation = explain_packages([value.dotted for value in scan.names.values()] + scan.star_imports)
    if explanation is None:
        return "", None
    return scan.unsupported_expression(), with_polling_seen(explanation, modules.folder)


def _cloud_function(module: Module, scan: ModuleScan) -> str:
    """Return the only function in main.py that Google can call with a request, or "". The file itself doesn't use its name."""
    if module.tier or module.path.name != "main.py" or not (functions := list(scan.request_functions())):
        return ""
    text = read_text(module.path)
    unused = [name for name in functions if len(re.findall(rf"\b{name}\b", text)) == 1 and "django" not in text]
    return unused[0] if len(unused) == 1 else ""


def candidates_in(modules: ProjectModules, module: Module, rank: int = 0) -> Iterator[Candidate]:
    """Yield the names of a module that may be the app."""
    scan = modules.scan(module)
    kinds = {value.kind.partition(":")[0] for value in scan.names.values()}
    has_app = not kinds <= {"", "class", "event"}  # then a holder isn't needed
    for name, value in scan.names.items():
        kind, _, factory_kind = value.kind.partition(":")
        if name.startswith("_"):
            continue
        if kind in ("asgi", "wsgi", "web", "handler"):
            late = scan.late_setup(name) if value.definition == (module.name, name) and kind != "handler" else None
            if late is None:
                yield Candidate(module, name, kind, "object", rank, value)  # type: ignore[arg-type]
            else:
                remark = f"as an import, {modules.relative(module.path)} leaves out line {late.line}, which {late.text}"
                yield Candidate(module, fw.PROGRAM, kind, "object", rank, value, remark)  # type: ignore[arg-type]
        elif kind == "factory":
            yield Candidate(module, f"{name}{value.call}", factory_kind, "factory", rank, value)  # type: ignore[arg-type]
        elif kind == "event" and value.definition == (module.name, name):
            yield Candidate(module, name, "handler", "event", rank, value)
        elif value.holder and is_visible(value) and not has_app:
            yield Candidate(module, held_attribute(name, value.holder), fw.HOLDERS[value.holder][1], "object", rank, value)
        elif len(value.members) == 1 and not value.is_plain_class and not has_app:
            [(member, app)] = value.members
            yield Candidate(module, f"{name}.{member}", app.kind, "object", rank, value)  # type: ignore[arg-type]
        elif value.dotted in fw.CALLABLE_PACKAGES and not has_app:
            package = replace(value, definition=(value.dotted, ""))
            yield Candidate(module, name, fw.CALLABLE_PACKAGES[value.dotted], "object", rank, package)
        elif name in fw.APP_NAMES and _may_be_app(modules, name, value):
            yield Candidate(module, name, "web", "maybe", rank, value)
    if scan.has_bottle_routes and not has_app:
        yield Candidate(module, _bottle_app(scan), "wsgi", "object", rank, Value("wsgi", line=1))
    if scan.has_hug_routes and not has_app:
        yield Candidate(module, fw.HUG_APP, "wsgi", "object", rank, Value("wsgi", line=1))
    if not has_app and (start := scan.program_start()) and not _is_tornado_alone(modules, module, start.text):
        hidden = _hidden_apps(scan)
        # the user decides where a line could be moved, or where a factory's parameters choose the settings
        if not any(app.factory or app.scope == GUARDED for app in hidden):
            strength = "hidden" if hidden else "program"
            yield Candidate(module, fw.PROGRAM, "web", strength, rank, Value("web", line=start.line))


def _hidden_apps(scan: ModuleScan) -> list[HiddenApp]:
    try:
        return list(scan.hidden_apps())
    except DetectionError:  # in a module that only the program imports
        return []


def _is_tornado_alone(modules: ProjectModules, module: Module, start: str) -> bool:
    """Return whether a program starts Tornado without an app of another framework in it."""
    return "IOLoop" in start and not any(b"WSGIContainer" in path.read_bytes() for path in ImportGraph(modules, module).files)


def _bottle_app(scan: ModuleScan) -> str:
    """Return the default app of Bottle, as one of the module's names leads to it, or else through the package."""
    for name, value in scan.names.items():
        if value.dotted == "bottle":
            return f"{name}.default_app()"
        if value.dotted in ("bottle.default_app", "bottle.app"):
            return f"{name}()"
    return "bottle.default_app()"


def _may_be_app(modules: ProjectModules, name: str, value: Value) -> bool:
    """Return whether an unexplained value could be an app: the result of some call, or an import from another package."""
    package = value.dotted.partition(".")[0]
    if value.kind or value.holder or value.unsupported or package in _NOT_WEB or package in sys.stdlib_module_names:
        return False
    if value.dotted.rpartition(".")[2] in _PARTS:
        return False
    if explain_packages([value.dotted]):
        return False
    is_foreign_import = "." in value.dotted and modules.find(package) is None
    return value.opaque or (is_foreign_import and name not in ("web", "api", "server", "site"))


def lambda_handlers(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the handlers that are named like one, in modules with a common name: they are meant for Lambda."""
    return [
        candidate
        for candidate in candidates
        if candidate.kind == "handler" and candidate.module.tier == 0 and candidate.attribute in fw.HANDLER_NAMES
    ]


def choose(modules: ProjectModules, candidates: list[Candidate]) -> Candidate | None:
    """Return the one candidate that stands out, or None when there are none. Raises DetectionError when several do."""
    best = _contenders(candidates)
    return choose_best(modules, best) if best else None


def choose_best(modules: ProjectModules, candidates: list[Candidate]) -> Candidate:
    """Return the best of equally strong candidates. Raises DetectionError when there is no single best."""
    best = _best(candidates)
    if len(best) == 1:
        return best[0]
    raise _several(modules, best)


def check_examples(modules: ProjectModules, best: Candidate) -> None:
    """Raise DetectionError if a package's app is only one of a collection: the files next to the package have apps too."""
    if best.module.tier != 1 or best.strength != "object":
        return
    neighbors = survey(modules, [module for module in modules.candidates() if module.tier == 2])
    others = [each for each in _best(neighbors.candidates) if each.strength == "object" and _is_alone(modules, each, best)]
    if len(others) >= _COLLECTION:
        raise _several(modules, [*others, best])


def _is_alone(modules: ProjectModules, candidate: Candidate, other: Candidate) -> bool:
    """Return whether a file makes its own app, without the other one's module. An example that is named so doesn't count."""
    is_own = candidate.value.definition is not None and candidate.value.definition[0] == candidate.module.name
    is_example = _EXAMPLE.search(candidate.module.name) is not None
    return is_own and not is_example and other.module.path not in ImportGraph(modules, candidate.module).files


def _several(modules: ProjectModules, apps: list[Candidate]) -> DetectionError:
    return several_apps_error(modules, [(each.spec, each.kind, each.module.path, each.value.line) for each in apps])


def choose_main(modules: ProjectModules, candidates: list[Candidate]) -> Candidate | None:
    """Return the app of several that a person would take, with a remark. None if nothing makes one of them the main one.

    It is neither an example nor a version of another ("weather_v2"); it is the only one whose file is a program too; its
    framework's own command takes it; or its file has the folder's name.
    """
    best = _best(_contenders(candidates))
    every = {each.module.name for each in best}
    rest = [each for each in best if not (_EXAMPLE.search(each.module.name) or _is_version(each.module.name, every))] or best
    programs = [each for each in rest if modules.scan(each.module).program_start()]
    names = {each.module.name: each for each in rest}
    kinds = {each.kind for each in rest}
    first = next((names[name] for name in _FIRST.get(kinds.pop(), ()) if name in names), None) if len(kinds) == 1 else None
    words = re.split(r"[\W_]+", modules.folder.resolve().name.lower())
    eponymous = [each for each in rest if each.module.name.lower() in words]
    main = next((each[0] for each in (rest, programs) if len(each) == 1), first)
    main = main or (eponymous[0] if len(eponymous) == 1 else None)
    if main is None or len(names) < len(rest) or len(best) < 2:
        return None
    others = [each for each in best if each is not main]
    listed = ", ".join(modules.relative(each.module.path) for each in others[:3]) + (", ..." if len(others) > 3 else "")
    where = modules.relative(main.module.path)
    return replace(main, remark=f"{where} has the app, and so has {listed}: {app_flag(others[0].spec)} deploys that one")


def _is_version(name: str, names: set[str]) -> bool:
    """Return whether a module is a version of another of these: main2, weather_v5_2."""
    base = _VERSION.sub("", name)
    return base != name and base in names


def _contenders(candidates: list[Candidate]) -> list[Candidate]:
    """Return the candidates of the first strength and tier that has any."""
    for strength, tier in _ORDER:
        peers = [item for item in candidates if item.strength == strength and item.module.tier == tier]
        if peers:
            return peers
    return []


def _best(candidates: list[Candidate]) -> list[Candidate]:
    """Return the best of equally strong candidates, by the search's order: several if they are equally good."""
    wrapped = {definition for candidate in candidates for definition in candidate.value.wrapped}
    outermost = [candidate for candidate in candidates if candidate.value.definition not in wrapped] or candidates
    by_app: dict[object, Candidate] = {}
    for candidate in sorted(outermost, key=_preference):
        by_app.setdefault(candidate.value.definition or candidate.spec, candidate)
    by_file: dict[Path, list[Candidate]] = {}
    for candidate in by_app.values():
        by_file.setdefault(candidate.module.path, []).append(candidate)
    best = [each for in_file in by_file.values() for each in _best_in_file(in_file)]
    preferred = [candidate for candidate in best if candidate.module.name == "lambda_function"]
    preferred = preferred or [candidate for candidate in best if candidate.attribute == "lambda_handler"]
    if not preferred and len({candidate.module.package for candidate in best}) == 1:  # what `python -m` runs
        preferred = [candidate for candidate in best if candidate.module.path.name == "__main__.py"]
    if not preferred and {candidate.module.name.rpartition(".")[2] for candidate in best} == {"wsgi", "asgi"}:
        preferred = [candidate for candidate in best if candidate.kind == "wsgi"]
    return preferred if len(preferred) == 1 else sorted(best, key=lambda candidate: candidate.rank)


def _best_in_file(candidates: list[Candidate]) -> list[Candidate]:
    """Return the candidate with the best name, or all when no name is a common one."""
    common = [candidate for candidate in candidates if candidate.attribute in _NAMES]
    return common[:1] or candidates


def _preference(candidate: Candidate) -> tuple[int, int, int, int]:
    name = candidate.attribute
    position = _NAMES.index(name) if name in _NAMES else len(_NAMES)
    return candidate.kind != "handler", position, candidate.rank, candidate.value.line
