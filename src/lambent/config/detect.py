"""Finds the app of a project without running any of its code.

The order: a Lambda handler in a file of a usual name; Django's own setting; objects that are ASGI or WSGI apps; functions
that make one; and last, names such as `app` whose value cannot be told by reading. Within each, usual file names come before
packages, and those before the rest. An app that another one wraps gives way to it, and a second name of the same app does
not count twice. When two are left that are equally good, nobody is guessed for: the error shows the lines to paste.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from msgspec import Struct

from lambent.config import django
from lambent.config import frameworks as fw
from lambent.config.model import App, Kind
from lambent.config.modules import LIKELY, File, Modules
from lambent.config.project import Project, locate
from lambent.config.scan import Value
from lambent.errors import DetectionError

_STRENGTHS = ("object", "factory", "maybe")
_SHOWN_MAX = 15
_NOTHING = "no app in it"
_TAKEN = (
    "ASGI and WSGI apps run on Lambda (FastAPI, Starlette, Quart, Flask, Django ...), and def lambda_handler(event, context)"
)
_NOT_WEB = frozenset({"typer", "click", "cyclopts", "celery", "tkinter", "PyQt5", "PyQt6", "PySide6", "textual", "rq", "huey"})


class Candidate(Struct, frozen=True):
    """A name that may be the app. `strength` is one of _STRENGTHS; `rank` orders files, the likeliest first."""

    file: File
    attribute: str
    kind: Kind
    strength: str
    rank: int
    value: Value

    @property
    def spec(self) -> str:
        return f"{self.file.module}:{self.attribute}"


def detect(path: Path, spec: str | None = None) -> App:
    """The app at `path`, a folder or a Python file; `spec` says which, in the form "module:attribute".

    Raises DetectionError when there is none, when there are several, or when a file cannot be read.
    """
    return find(locate(path), spec, "--app" if spec else "")


def find(project: Project, spec: str | None, origin: str) -> App:
    """As `detect`, for a project that is located. `origin` says who gave `spec`."""
    modules = Modules(project.folder)
    if spec:
        return _given(modules, spec.strip(), origin)
    files = [modules.at(project.file)] if project.file else list(modules.likely())
    candidates, looked, broken = _survey(modules, files)
    chosen = _choose(modules, candidates, project.file is None)
    if broken and (chosen is None or (not chosen.file.tier and broken[0] < chosen.rank)):
        raise broken[1]
    if chosen is None:
        raise _absent(modules, looked)
    return _app(modules, chosen)


def _survey(
    modules: Modules, files: Iterable[File]
) -> tuple[list[Candidate], list[tuple[File, str]], tuple[int, DetectionError] | None]:
    """The candidates, what was seen in each file, and the first file that cannot be read.

    Files that are further from the obvious are not read once there is an app: it is preferred to any of theirs (`_choose`).
    """
    candidates: list[Candidate] = []
    looked: list[tuple[File, str]] = []
    broken: tuple[int, DetectionError] | None = None
    for rank, file in enumerate(files):
        if any(each.strength == _STRENGTHS[0] and each.file.tier < file.tier for each in candidates):
            break
        try:
            found = list(_candidates(modules, file, rank))
        except DetectionError as error:
            if modules.relative(file.path) != error.where.rpartition(":")[0] and file.tier == 0:
                raise  # a module that an app imports: the app cannot start
            broken = broken or (rank, error)
            looked.append((file, error.what))
            continue
        candidates += found
        reasons = (_unsupported(value) for value in modules.read(file).names.values())
        looked.append((file, next(filter(None, reasons), _NOTHING)))
    return candidates, looked, broken


def _unsupported(value: Value) -> str:
    """Why what stands behind a name cannot run on Lambda; "" when nothing says so."""
    return value.unsupported or fw.PROGRAMS.get(value.dotted.partition(".")[0], "")


def _candidates(modules: Modules, file: File, rank: int) -> Iterable[Candidate]:
    names = modules.read(file).names
    held = not any(value.kind for value in names.values())  # `server = app.server` says it itself
    for name, value in names.items():
        kind, _, made = value.kind.partition(":")
        if kind in ("asgi", "wsgi", "web") or kind == "handler":
            if not name.startswith("_"):
                yield Candidate(file, name, kind, "object", rank, value)  # type: ignore[arg-type]
        elif kind == "factory" and not name.startswith("_"):
            yield Candidate(file, f"{name}()", made, "factory", rank, value)  # type: ignore[arg-type]
        elif held and value.holder and not name.startswith("_"):
            yield Candidate(file, _held(name, value.holder), fw.INDIRECT[value.holder][1], "object", rank, value)
        elif name in fw.APP_NAMES and _may_be(modules, name, value):
            yield Candidate(file, name, "web", "maybe", rank, value)


def _held(name: str, holder: tuple[str, str]) -> str:
    """The app that the object of this name holds: `app.server` of Dash, `ds.app()` of Datasette."""
    attribute, _, called = fw.INDIRECT[holder]
    return f"{name}.{attribute}{'()' if called else ''}"


def _may_be(modules: Modules, name: str, value: Value) -> bool:
    """Whether a value that reading does not explain could be an app: the result of some call, or a foreign import."""
    top = value.dotted.partition(".")[0]
    if value.kind or value.holder or value.unsupported or top in _NOT_WEB or top in sys.stdlib_module_names:
        return False
    imported = "." in value.dotted and modules.of(top) is None and name not in ("web", "api", "server", "site")
    return value.opaque or imported


def _choose(modules: Modules, candidates: list[Candidate], django_too: bool) -> Candidate | None:
    """The one candidate that stands out, or None when there is none. Raises DetectionError when several do."""
    handlers = [each for each in candidates if each.kind == "handler" and each.file.tier == 0]
    usual = [each for each in handlers if each.attribute in fw.HANDLER_NAMES]
    if usual:
        return _stand_out(modules, usual)
    framework = django.application(modules) if django_too else None
    if framework is not None:
        file, name = framework
        value = modules.read(file).names[name]
        kind: Kind = value.kind if value.kind in ("asgi", "wsgi") else "web"  # type: ignore[assignment]
        return Candidate(file, name, kind, "object", 0, value)
    for strength in _STRENGTHS:
        for tier in range(4):
            some = [each for each in candidates if each.strength == strength and each.file.tier == tier]
            if some:
                return _stand_out(modules, some)
    return None


def _stand_out(modules: Modules, candidates: list[Candidate]) -> Candidate:
    """The best of equals. Raises DetectionError when that cannot be told."""
    wrapped = {inner for each in candidates for inner in each.value.inner}
    outer = [each for each in candidates if each.value.origin not in wrapped] or candidates
    by_app: dict[object, Candidate] = {}
    for each in sorted(outer, key=_preference):
        by_app.setdefault(each.value.origin or (each.file.module, each.attribute), each)
    by_file: dict[Path, list[Candidate]] = {}
    for each in by_app.values():
        by_file.setdefault(each.file.path, []).append(each)
    firsts = [_in_one_file(modules, some) for some in by_file.values()]
    if len(firsts) == 1:
        return firsts[0]
    preferred = [each for each in firsts if each.file.module == "lambda_function"]
    preferred = preferred or [each for each in firsts if each.attribute == "lambda_handler"]
    if not preferred and {each.file.module.rpartition(".")[2] for each in firsts} == {"wsgi", "asgi"}:
        preferred = [each for each in firsts if each.kind == "wsgi"]
    if len(preferred) == 1:
        return preferred[0]
    raise _ambiguous(modules, sorted(firsts, key=lambda each: each.rank))


def _in_one_file(modules: Modules, candidates: list[Candidate]) -> Candidate:
    """The best name of one file: a usual one. Raises DetectionError when several unusual ones are there."""
    usual = [each for each in candidates if _preference(each)[1] < len(_NAMES)]
    if len(candidates) > 1 and not usual:
        raise _ambiguous(modules, candidates)
    return (usual or candidates)[0]


_NAMES = (*fw.HANDLER_NAMES, *fw.APP_NAMES, *(f"{name}()" for name in fw.FACTORY_NAMES))


def _preference(candidate: Candidate) -> tuple[int, int, int, int]:
    name = candidate.attribute
    position = _NAMES.index(name) if name in _NAMES else len(_NAMES)
    return candidate.kind != "handler", position, candidate.rank, candidate.value.line


def _app(modules: Modules, candidate: Candidate) -> App:
    source = f"{modules.relative(candidate.file.path)}, line {candidate.value.line}"
    return App(candidate.file.module, candidate.attribute, candidate.kind, candidate.file.root, source)


def _given(modules: Modules, spec: str, origin: str) -> App:
    """The app that was named. Raises DetectionError when the project has no such module, or the module no such name."""
    module, attribute = _split(modules, spec)
    file = modules.of(module)
    if file is None:
        names = [each.module for each in modules.likely()]
        close = get_close_matches(module, names, 1, 0.5) or names[:1]
        hint = f"--app {close[0]}:{attribute or 'app'}" if close else "--app main:app"
        raise DetectionError(f"no module {module} in {modules.folder}", where=f"{origin} {spec}", hint=hint)
    if not attribute:
        chosen = _choose(modules, list(_candidates(modules, file, 0)), False)
        if chosen is None:
            raise _absent(modules, [(file, _NOTHING)])
        return _app(modules, chosen)
    scan = modules.read(file)
    first = attribute.removesuffix("()").partition(".")[0]
    value = scan.names.get(first)
    if value is None and not scan.starred and "__getattr__" not in scan.names:
        close = get_close_matches(first, list(scan.names), 1, 0.5) or [each.attribute for each in _candidates(modules, file, 0)]
        hint = f"--app {module}:{close[0]}" if close else ""
        path = modules.relative(file.path)
        raise DetectionError(f"{path} defines no {first}", where=f"{origin} {spec}", hint=hint)
    return _named(modules, file, attribute, value or Value(), origin)


def _named(modules: Modules, file: File, attribute: str, value: Value, origin: str) -> App:
    kind, _, made = value.kind.partition(":")
    if kind == "factory":
        # a function without parameters is no app itself: it makes one
        attribute, kind = attribute if attribute.endswith("()") else f"{attribute}()", made
    elif attribute.endswith("()") or "." in attribute:
        kind = "web"
    elif value.holder:
        attribute, kind = _held(attribute, value.holder), fw.INDIRECT[value.holder][1]
    elif value.unsupported:
        raise DetectionError(value.unsupported, where=f"{origin} {file.module}:{attribute}", hint=_TAKEN)
    elif kind not in ("asgi", "wsgi", "handler"):
        kind = "handler" if modules.read(file).takes_event(attribute) else "web"
    return App(file.module, attribute, kind, file.root, origin)  # type: ignore[arg-type]


def _split(modules: Modules, spec: str) -> tuple[str, str]:
    """The module and attribute of "module:attribute", "module.attribute", "path/module.py:attribute" or "module"."""
    module, colon, attribute = spec.partition(":")
    if module.endswith(".py"):
        path = module.removesuffix(".py").strip("./").replace("\\", "/")
        module = path.removeprefix("src/").replace("/", ".") if "src" in modules.roots else path.replace("/", ".")
    if colon:
        return module, attribute
    head, _, tail = module.rpartition(".")
    if modules.of(module) is not None or not head:
        return module, ""
    return head, tail


def _paste(spec: str) -> str:
    return f'lambent deploy --app {spec}\nor, in pyproject.toml:\n[tool.lambent]\napp = "{spec}"'


def _ambiguous(modules: Modules, candidates: list[Candidate]) -> DetectionError:
    lines = [
        f"{each.spec:<30} {each.kind:<8} {modules.relative(each.file.path)}:{each.value.line}"
        for each in candidates[:_SHOWN_MAX]
    ]
    pasted = "\n".join(f"lambent deploy --app {each.spec}" for each in candidates[:_SHOWN_MAX])
    return DetectionError(
        f"{len(candidates)} apps, and nothing says which one is meant: {', '.join(each.spec for each in candidates)}",
        where=str(modules.folder),
        hint=_paste(candidates[0].spec),
        detail="\n".join([*lines, "", pasted]),
    )


def _absent(modules: Modules, looked: list[tuple[File, str]]) -> DetectionError:
    inside = modules.projects_inside()
    if inside and not any(file.tier == 0 for file, _ in looked):
        return DetectionError(
            f"no app found here, but there are projects inside: {', '.join(inside)}",
            where=str(modules.folder),
            hint="\n".join(f"lambent deploy {modules.folder / name}" for name in inside[:_SHOWN_MAX]),
        )
    if not looked:
        what = "no Python files here" if not any(modules.folder.rglob("*.py")) else "no app found"
        names = ", ".join(f"{name}.py" for name in LIKELY)
        return DetectionError(
            what,
            where=str(modules.folder),
            hint="lambent deploy PATH, the project's folder",
            detail=f"looked for {names}, packages, src/ and manage.py",
        )
    known = {*fw.UNSUPPORTED.values(), *fw.PROGRAMS.values()}
    reason = next((why for _, why in looked if why in known), "")
    files = [f"{modules.relative(file.path):<30} {why}" for file, why in looked[:_SHOWN_MAX]]
    if len(looked) > _SHOWN_MAX:
        files.append(f"and {len(looked) - _SHOWN_MAX} more")
    module = looked[0][0].module
    return DetectionError(
        f"no app found: {reason}" if reason else "no app found: no lambda_handler and no ASGI or WSGI object",
        where=str(modules.folder),
        hint=_TAKEN if reason else _paste(f"{module}:app"),
        detail="\n".join(["looked at", *files]),
    )
