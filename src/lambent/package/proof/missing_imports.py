"""Finds imports that would fail: neither the zip, nor the target's standard library, nor the runtime has the module.

It works in two passes, since parsing every module would take longer than building the zip. The coarse pass
(`shards/import_scanner.py`, cached with each package) follows everything that the app may import, and picks out names that
nothing provides. The fine pass (`module_syntax.py`) parses only the files on the way to those, and decides whether the import
must run and must succeed.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from lambent import removed_modules
from lambent.module_packages import known_requirement, requirement_for, requirement_for_part
from lambent.package.proof import lambda_system, module_syntax, stdlib_modules
from lambent.package.proof.advice import DEFAULT, Advice
from lambent.package.proof.finding import Finding, Level
from lambent.package.proof.importable_code import Code
from lambent.package.proof.unnamed_imports import unnamed_imports
from lambent.package.shards.import_scanner import ModuleImports, scan_imports
from lambent.package.target import Target

_VENDORING = ("pkg_resources/", "setuptools/")
"""Packages that put a folder of their own with other packages on the import path."""
_SHOWN = 4
"""How many imports one finding names."""
_CALL = re.compile(rb"(?m)^(?:\w[\w., ]*=\s*|with\s.*)?\w+\(")
"""A line without indent that calls a function."""
_TRIED_MAX = 100
"""How many importers are followed back towards the start, to find out whether it always imports a file."""


class _Resolved(Struct, frozen=True):
    """Where a dotted name leads: the files that run on the way, and the first part that nothing provides ("" for none).

    `package` is the file of the package that lacks the part, "" at the top level or below a folder without `__init__`.
    """

    files: tuple[str, ...]
    lacks: str = ""
    package: str = ""


def missing(
    code: Code, starts: Iterable[str], target: Target, advice: Advice = DEFAULT, calls: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """Return findings about imports that would fail.

    `starts` are the dotted modules that Lambda imports first, and `calls` the functions that it calls then ("app:create").
    """
    return tuple(_Walk(code, target, advice).findings(starts, calls))


class _Walk:
    def __init__(self, code: Code, target: Target, advice: Advice) -> None:
        self._code, self._target, self._advice = code, target, advice
        self._python = target.version
        self._importers: dict[str, list[str]] = {}  # the files that import each file, nearest to the start first
        self._must: dict[str, bool] = {}
        self._parsed: dict[str, module_syntax.Source | None] = {}
        self._bytes: dict[str, bytes] = {}
        self._resolved: dict[str, _Resolved] = {}
        self._called: dict[str, dict[str, str]] = {}  # the functions of each file that a start calls, each with its caller
        self._certain = not code.has_layers

    def findings(self, starts: Iterable[str], calls: Iterable[str]) -> list[Finding]:
        failures: dict[tuple[str, str, Level], list[tuple[str, int]]] = {}
        optional: dict[str, list[tuple[str, int]]] = {}
        for path in self._reach(starts, calls):
            owner = "own" if path in self._code.own else "package"
            for level, statement, lacks in self._confirm(path):
                if level == "warning" and (statement.when == "later" or not self._must_run(path)):
                    optional.setdefault(lacks, []).append((path, statement.line))
                else:
                    failures.setdefault((lacks, owner, level), []).append((path, statement.line))
        findings = [replace(self._finding(lacks, level, lines), module=lacks) for (lacks, _, level), lines in failures.items()]
        findings += self._unnamed(starts)
        if len(optional) == 1:
            findings += [self._finding(lacks, "warning", lines) for lacks, lines in optional.items()]
        elif optional:
            findings.append(self._optional(optional))
        return findings

    def _unnamed(self, starts: Iterable[str]) -> Iterator[Finding]:
        """Yield findings about modules that the app needs without importing them itself.

        These are well-known ones, and those of the project above that has the app as an example.
        """
        missing = {lacks for start in starts if (lacks := self._resolve(start).lacks)}
        for module in sorted(missing) if self._certain else ():
            if not known_requirement(module) and (folder := self._advice.providing_project(module)):
                what = f"Django's settings name {module}, which is neither in the zip nor on {self._target.name}"
                yield Finding("error", what, hint=self._advice.adding_folder(folder), requirement=folder, module=module)
        lacking = set(filter(known_requirement, missing))
        for path in self._importers if not self._code.has_layers else ():
            if path in self._code.own:
                source, coarse = self._read(path), self._coarse(path)
                for module, reason in unnamed_imports(source, coarse, lacking, lambda name: bool(self._resolve(name).lacks)):
                    requirement = known_requirement(module)
                    what = f"{path} {reason} is neither in the zip nor on {self._target.name}"
                    yield Finding("warning", what, (path,), "", self._advice.adding(requirement), requirement, module)

    def _reach(self, starts: Iterable[str], calls: Iterable[str]) -> list[str]:
        """Follow everything that may be imported, and return the files that name something which may be missing."""
        queue: deque[str] = deque()
        self._importers = {}
        for start in starts:
            self._follow(self._resolve(start).files, "", queue)
        for module, _, function in (call.partition(":") for call in calls):
            for file in self._resolve(module).files[-1:]:
                self._call(file, function, "", queue)
        suspects = []
        while queue:
            path = queue.popleft()
            coarse, own = self._coarse(path), path in self._code.own
            if own and _CALL.search(self._read(path)) and (source := self._parse(path)):
                for name in sorted(source.calls):
                    self._call(path, name, path, queue)
            lacking = []
            for name in sorted(coarse.eager | coarse.lazy if own else coarse.eager):
                resolved = self._resolve(name)
                if resolved.lacks and self._is_suspect(resolved, name, path):
                    lacking.append(resolved.lacks)
                if name in coarse.eager:
                    self._follow(resolved.files, path, queue)
            if lacking and (own or self._unguarded(path, lacking)):
                suspects.append(path)
        return suspects

    def _call(self, path: str, name: str, caller: str, queue: deque[str]) -> None:
        """Follow what runs when a file, or Lambda (""), calls a function by its name in one of the app's files."""
        source = self._parse(path) if path in self._code.own else None
        called = self._called.setdefault(path, {})
        if source is None or name in called:
            return
        called[name] = caller
        function = source.functions.get(name)
        for each in source.imports:
            if function is not None and (each.module, each.line) in function.imports:
                for dotted in (each.module, *(f"{each.module}.{part}" for part in each.names)):
                    self._follow(self._resolve(dotted).files, path, queue)
            elif function is None and each.when == "now" and name in each.names:
                for file in self._resolve(each.module).files[-1:]:
                    self._call(file, name, caller, queue)
        for other in sorted(function.calls) if function is not None else ():
            self._call(path, other, caller, queue)

    def _imports(self, path: str) -> list[module_syntax.Import]:
        """Return the imports of a file. Those of a function that every start calls run now."""
        source = self._parse(path)
        if source is None:
            return []
        now: set[tuple[str, int]] = set()
        for name, caller in self._called.get(path, {}).items():
            if name in source.functions and (caller in ("", path) or self._must_run(caller)):
                now |= source.functions[name].imports
        return [replace(each, when="now") if (each.module, each.line) in now else each for each in source.imports]

    def _unguarded(self, path: str, lacking: Iterable[str]) -> bool:
        """Whether a line without indent imports one of them: a guarded import is indented."""
        tops = "|".join(sorted({re.escape(name.partition(".")[0]) for name in lacking})).encode()
        pattern = rb"^(?:from\s+(?:%b)\b|import\s[^\n]*\b(?:%b)\b)" % (tops, tops)
        return re.search(pattern, self._read(path), re.MULTILINE) is not None

    def _follow(self, files: Iterable[str], importer: str, queue: deque[str]) -> None:
        for file in files:
            if not file.endswith(".py"):
                continue
            if file not in self._importers:
                self._importers[file] = []
                queue.append(file)
            self._importers[file].append(importer)

    def _coarse(self, path: str) -> ModuleImports:
        if path in self._code.graph:
            return self._code.graph[path]
        if path not in self._code.own:
            return ModuleImports()
        source = self._read(path)
        self._certain &= module_syntax.SEARCHES.search(source) is None
        return scan_imports(path, source)

    def _read(self, path: str) -> bytes:
        if path not in self._bytes:
            self._bytes[path] = self._code.source(path)
        return self._bytes[path]

    def _is_suspect(self, resolved: _Resolved, name: str, importer: str) -> bool:
        """Whether a lacking part deserves the fine pass. The last part may be a mere name in the package above it."""
        if resolved.lacks != name or not resolved.package:
            return True
        if importer not in self._code.own or resolved.package not in self._code.own:
            return False
        word = name.rpartition(".")[2].encode()
        return re.search(rb"\b%b\b" % word, self._read(resolved.package)) is None

    def _resolve(self, name: str) -> _Resolved:
        if name not in self._resolved:
            inner = (self._find(f"{folder.replace('/', '.')}.{name}") for folder in self._code.search_folders)
            resolved = self._find(name)
            is_here = resolved.files or not resolved.lacks
            self._resolved[name] = resolved if is_here else next((each for each in inner if each.files), resolved)
        return self._resolved[name]

    def _find(self, name: str) -> _Resolved:
        code, files, path, package = self._code, [], "", ""
        parts = name.split(".")
        for index, part in enumerate(parts):
            path = f"{path}/{part}" if path else part
            init = code.files.get(f"{path}/__init__")
            if init:
                files.append(init)
                package = init
            elif path in code.files:
                return _Resolved((*files, code.files[path]))
            elif path in code.folders and not package:
                continue
            elif path not in code.folders:
                return self._outside(parts, index, tuple(files), package)
        return _Resolved(tuple(files))

    def _outside(self, parts: list[str], index: int, files: tuple[str, ...], package: str) -> _Resolved:
        """Resolve a name whose part at `index` isn't in the zip: Lambda may have it, or it is lacking."""
        if parts[0] == "__main__":  # whatever program runs
            return _Resolved(files)
        if index == 0 and (stdlib_modules.has(parts[0], self._python) or parts[0] in lambda_system.MODULES):
            name = ".".join(parts)
            return _Resolved((), name if removed_modules.lacks(name, self._python) else "")
        if package and package not in self._code.own:
            return _Resolved(files)  # dependencies create modules in many ways
        return _Resolved(files, ".".join(parts[: index + 1]), package)

    def _parse(self, path: str) -> module_syntax.Source | None:
        if path not in self._parsed:
            self._parsed[path] = module_syntax.read(path, self._read(path), self._python)
        return self._parsed[path]

    def _confirm(self, path: str) -> Iterator[tuple[Level, module_syntax.Import, str]]:
        """Yield the imports of a file that fail: how bad that is, the statement, and the name that is lacking."""
        for statement in self._imports(path):
            for lacks in self._lacking(statement):
                level = self._level(path, statement, lacks)
                if level:
                    yield level, statement, lacks

    def _lacking(self, statement: module_syntax.Import) -> Iterator[str]:
        resolved = self._resolve(statement.module)
        if resolved.lacks:
            yield _part_of_package(statement) if "." not in resolved.lacks else resolved.lacks
            return
        for name in statement.names:
            if removed_modules.lacks(f"{statement.module}.{name}", self._python):
                yield f"{statement.module}.{name}"
        package = resolved.files[-1] if resolved.files and resolved.files[-1].endswith("__init__.py") else ""
        if package not in self._code.own or package != f"{statement.module.replace('.', '/')}/__init__.py":
            return
        source = self._parse(package)
        for name in statement.names:
            if source is not None and not source.may_have(name) and self._resolve(f"{statement.module}.{name}").lacks:
                yield f"{statement.module}.{name}"

    def _level(self, path: str, statement: module_syntax.Import, lacks: str) -> Level | None:
        own = path in self._code.own
        if statement.when == "perhaps" or (statement.when == "later" and not own):
            return None
        if (not self._certain or path.startswith(_VENDORING)) and self._is_elsewhere(lacks):
            return None
        if not self._must_run(path):
            return "warning" if own else None
        top = lacks.partition(".")[0]
        certain = own and statement.when == "now" and self._certain and top not in lambda_system.MODULES_PERHAPS
        return "error" if certain else "warning"

    def _is_elsewhere(self, lacks: str) -> bool:
        """Whether the zip has something of that name in a folder, which the app may add to its import path."""
        end = "/" + lacks.replace(".", "/")
        return any(path.endswith(end) for path in (*self._code.folders, *self._code.files))

    def _must_run(self, path: str) -> bool:
        """Whether the start of the app always imports a file: some way there has only imports that always run."""
        if path not in self._must:
            self._must[path] = False  # while it is asked again on the way
            self._must[path] = self._is_reached(path, {path})
        return self._must[path]

    def _is_reached(self, path: str, tried: set[str]) -> bool:
        """Search backwards for a way to the start, nearest importers first. What takes long to find isn't certain enough."""
        for importer in self._importers.get(path, ("",)):
            if not importer or self._must.get(importer):
                return True
            if importer in tried or len(tried) >= _TRIED_MAX:
                continue
            tried.add(importer)
            if self._always_runs(importer, path) and self._is_reached(importer, tried):
                return True
        return False

    def _always_runs(self, importer: str, path: str) -> bool:
        return any(self._runs(each, path) for each in self._imports(importer) if each.when == "now")

    def _runs(self, statement: module_syntax.Import, path: str) -> bool:
        """Whether an import runs the file at `path`. A package is parsed only if its own names decide that."""
        resolved = self._resolve(statement.module)
        if path in resolved.files:
            return True
        if not any(path in self._resolve(f"{statement.module}.{name}").files for name in statement.names):
            return False
        package = self._parse(resolved.files[-1]) if resolved.files and resolved.files[-1].endswith(".py") else None
        return any(
            path in self._resolve(f"{statement.module}.{name}").files
            for name in statement.names
            if package is None or not package.may_have(name)
        )

    def _optional(self, failures: Mapping[str, list[tuple[str, int]]]) -> Finding:
        """Return one finding for all imports that the app can start without: a vendored module may have dozens."""
        names = list(failures)
        more = len(names) - _SHOWN
        listed = ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        lines = sorted(line for lines in failures.values() for line in lines)
        what = f"{lines[0][0]} imports {listed}, which are neither in the zip nor on {self._target.name}"
        hint = f"{self._hint(names[0])}; ignore this if the app doesn't use them"
        return Finding("warning", what, tuple(f"{path}:{line}" for path, line in lines), hint=hint)

    def _finding(self, lacks: str, level: Level, lines: list[tuple[str, int]]) -> Finding:
        lines = sorted(lines)
        first = lines[0][0]
        files = tuple(f"{path}:{line}" for path, line in lines)
        name = lacks if removed_modules.removed_in(lacks) else lacks.partition(".")[0]
        if removed := removed_modules.removed_in(name):
            what = f"{first} imports {lacks}, which Python {removed} removed"
            return Finding(level, what, files, hint=removed_modules.how_to_get(name))
        what = f"{first} imports {lacks}, which is neither in the zip nor on {self._target.name}"
        hint = self._hint(lacks)
        requirements = (requirement_for(lacks), self._advice.providing_project(lacks))
        addable = (each for each in requirements if each and hint.startswith(self._advice.adding(each)))
        is_own = first in self._code.own  # packages find modules in many ways
        return Finding(level, what, files, hint=hint, requirement=next(addable, "") if is_own else "")

    def _hint(self, lacks: str) -> str:
        if "." in lacks and (part := requirement_for_part(lacks)):
            return self._advice.adding(part)
        if "." in lacks:
            check = "correct the import, or check that the file isn't left out (.gitignore, .lambdaignore, exclude)"
            return self._advice.for_left_out(lacks) or check
        inner = self._inner_modules()
        if not known_requirement(lacks) and lacks in inner:
            return f"did you mean {inner[lacks]}?"
        own = {path.partition("/")[0].removesuffix(".py") for path in self._code.own}
        return self._advice.for_module(lacks, own, inner)

    def _inner_modules(self) -> dict[str, str]:
        """Return the full names of the own modules in folders by their last part, which Python 2 could import alone."""
        names = {}
        for path in sorted(self._code.own, reverse=True):
            parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
            if path.endswith(".py") and len(parts) > 1 and all(part.isidentifier() for part in parts):
                names[parts[-1]] = ".".join(parts)
        return names


def _part_of_package(statement: module_syntax.Import) -> str:
    """Return what tells the package of an import whose top module is lacking: `captcha.image` is of another than `captcha`."""
    parts = statement.module.split(".")
    names = (f"{statement.module}.{name}" for name in statement.names)
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 1, -1))
    return next((name for name in (*names, *prefixes) if requirement_for_part(name)), parts[0])
