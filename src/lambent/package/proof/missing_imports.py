"""Whether what the app imports is there: in the zip, in the target's standard library, or on the runtime.

Two sieves, since parsing every module would take longer than building the zip. The coarse one (`shards/imports.py`, kept
with each package) follows all that may be imported from the app's module on, and picks out names that nothing provides.
The fine one (`module_syntax.py`) parses only the files on the way there, and says whether the import must run and must succeed.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import cached_property

from msgspec import Struct, field

from lambent.module_packages import requirement_for
from lambent.package.proof import lambda_system, module_syntax, stdlib_modules
from lambent.package.proof.finding import Finding, Level
from lambent.package.shards.import_scanner import ModuleImports, scan_imports
from lambent.package.target import Target


class Code(Struct, frozen=True, dict=True):
    """What there is to import. `names` are all paths in the zip, `own` those of the user's modules, `source` gives a file's
    bytes by its path in the zip, and `graph` the coarse imports of packages' files, by path. `more`: there are layers.
    """

    names: Set[str]
    own: Set[str]
    source: Callable[[str], bytes]
    graph: Mapping[str, ModuleImports] = field(default_factory=dict)
    more: bool = False

    @cached_property
    def files(self) -> dict[str, str]:
        """Module path without any suffix ("a/b", "a/b/__init__") to a file; a source before compiled forms."""
        found: dict[str, str] = {}
        for name in self.names:
            if name.endswith((".py", ".so", ".pyc")) and "__pycache__" not in name:
                folder, slash, file = name.rpartition("/")
                stem = f"{folder}{slash}{file.partition('.')[0]}"
                if stem not in found or name.endswith(".py"):
                    found[stem] = name
        return found

    @cached_property
    def folders(self) -> frozenset[str]:
        found: set[str] = set()
        for name in self.names:
            folder = name.rpartition("/")[0]
            while folder and folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(found)


class _Place(Struct, frozen=True):
    """Where a dotted name led: the files that are run on the way, and the first part that nothing provides ("" for none).

    `package` is the file of the package that lacks the part, "" for the top or a folder without an `__init__`.
    """

    files: tuple[str, ...]
    lacks: str = ""
    package: str = ""


def missing(code: Code, starts: Iterable[str], target: Target) -> tuple[Finding, ...]:
    """ModuleImports that would fail. `starts` are the dotted modules that are imported first: the handler's, the events'."""
    return tuple(_Walk(code, target).findings(starts))


class _Walk:
    def __init__(self, code: Code, target: Target) -> None:
        self._code, self._target = code, target
        major, minor = target.python.split(".")
        self._python = int(major), int(minor)
        self._came_from: dict[str, str] = {}
        self._parsed: dict[str, module_syntax.Source | None] = {}
        self._bytes: dict[str, bytes] = {}
        self._places: dict[str, _Place] = {}
        self._certain = not code.more

    def findings(self, starts: Iterable[str]) -> list[Finding]:
        suspects = self._reach(starts)
        found: dict[tuple[str, str, Level], list[tuple[str, int]]] = {}
        for path in suspects:
            for level, lacks, line in self._confirm(path):
                found.setdefault((lacks, "own" if path in self._code.own else "package", level), []).append((path, line))
        return [self._finding(lacks, level, places) for (lacks, _, level), places in found.items()]

    def _reach(self, starts: Iterable[str]) -> list[str]:
        """Follows everything that may be imported; gives the files that name something which may be missing."""
        waiting: deque[str] = deque()
        self._came_from = {}
        for start in starts:
            self._follow(self._place(start).files, "", waiting)
        suspects = []
        while waiting:
            path = waiting.popleft()
            coarse, own = self._coarse(path), path in self._code.own
            lacking = []
            for name in coarse.eager | coarse.lazy if own else coarse.eager:
                place = self._place(name)
                if place.lacks and self._worth(place, name, path):
                    lacking.append(place.lacks)
                if name in coarse.eager:
                    self._follow(place.files, path, waiting)
            if lacking and (own or self._unguarded(path, lacking)):
                suspects.append(path)
        return suspects

    def _unguarded(self, path: str, lacking: Iterable[str]) -> bool:
        """Whether a line without indent imports one of them: to guard an import one must indent it."""
        tops = "|".join(sorted({re.escape(name.partition(".")[0]) for name in lacking})).encode()
        return (
            re.search(rb"^(?:from\s+(?:%b)\b|import\s[^\n]*\b(?:%b)\b)" % (tops, tops), self._read(path), re.MULTILINE)
            is not None
        )

    def _follow(self, files: Iterable[str], importer: str, waiting: deque[str]) -> None:
        for file in files:
            if file not in self._came_from and file.endswith(".py"):
                self._came_from[file] = importer
                waiting.append(file)

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

    def _worth(self, place: _Place, name: str, importer: str) -> bool:
        """Whether a lacking part is one to look at closely. The last part may be a mere name in the package above it."""
        if place.lacks != name or not place.package:
            return True
        if importer not in self._code.own or place.package not in self._code.own:
            return False
        word = name.rpartition(".")[2].encode()
        return re.search(rb"\b%b\b" % word, self._read(place.package)) is None

    def _place(self, name: str) -> _Place:
        if name not in self._places:
            self._places[name] = self._find(name)
        return self._places[name]

    def _find(self, name: str) -> _Place:
        code, files, path, package = self._code, [], "", ""
        parts = name.split(".")
        for at, part in enumerate(parts):
            path = f"{path}/{part}" if path else part
            init = code.files.get(f"{path}/__init__")
            if init:
                files.append(init)
                package = init
            elif path in code.files:
                return _Place((*files, code.files[path]))
            elif path in code.folders and not package:
                continue
            elif path not in code.folders:
                return self._outside(parts, at, tuple(files), package)
        return _Place(tuple(files))

    def _outside(self, parts: list[str], at: int, files: tuple[str, ...], package: str) -> _Place:
        """What the zip does not have: another's top-level module, or a part that is lacking."""
        if at == 0 and (stdlib_modules.has(parts[0], self._python) or parts[0] in lambda_system.MODULES):
            return _Place(())
        if package and package not in self._code.own:
            return _Place(files)  # packages of others make their modules in many ways
        return _Place(files, ".".join(parts[: at + 1]), package)

    def _parse(self, path: str) -> module_syntax.Source | None:
        if path not in self._parsed:
            self._parsed[path] = module_syntax.read(path, self._read(path), self._python)
        return self._parsed[path]

    def _confirm(self, path: str) -> Iterator[tuple[Level, str, int]]:
        """The imports of a file that fail, each with how bad that is, what is lacking, and the line."""
        source = self._parse(path)
        for one in source.imports if source else ():
            for lacks in self._lacking(one):
                level = self._level(path, one, lacks)
                if level:
                    yield level, lacks, one.line

    def _lacking(self, one: module_syntax.Import) -> Iterator[str]:
        place = self._place(one.module)
        if place.lacks:
            yield place.lacks
            return
        package = place.files[-1] if place.files and place.files[-1].endswith("__init__.py") else ""
        if package not in self._code.own or package != f"{one.module.replace('.', '/')}/__init__.py":
            return
        holds = self._parse(package)
        for name in one.names:
            if holds is not None and not holds.may_have(name) and self._place(f"{one.module}.{name}").lacks:
                yield f"{one.module}.{name}"

    def _level(self, path: str, one: module_syntax.Import, lacks: str) -> Level | None:
        own = path in self._code.own
        if one.when == "perhaps" or (one.when == "later" and not own) or (not self._certain and self._elsewhere(lacks)):
            return None
        if not self._must_run(path):
            return "warning" if own else None
        top = lacks.partition(".")[0]
        certain = own and one.when == "now" and self._certain and top not in lambda_system.MODULES_PERHAPS
        if top == "distutils" and "setuptools" in self._code.folders:
            return "warning"  # setuptools brings it, once it has been imported
        return "error" if certain else "warning"

    def _elsewhere(self, lacks: str) -> bool:
        """Whether there is something of that name deeper in the zip, where the app may look for modules as well."""
        end = "/" + lacks.replace(".", "/")
        return any(folder.endswith(end) for folder in self._code.folders) or any(
            stem.endswith(end) for stem in self._code.files
        )

    def _must_run(self, path: str) -> bool:
        """Whether every import on the way to a file runs whenever the app starts."""
        importer = self._came_from.get(path, "")
        while importer:
            source = self._parse(importer)
            if source is None or not any(self._runs(one, path) for one in source.imports if one.when == "now"):
                return False
            path, importer = importer, self._came_from.get(importer, "")
        return True

    def _runs(self, one: module_syntax.Import, path: str) -> bool:
        """Whether an import runs the file at `path`; what a package holds itself is looked for only where that decides."""
        place = self._place(one.module)
        if path in place.files:
            return True
        if not any(path in self._place(f"{one.module}.{name}").files for name in one.names):
            return False
        package = self._parse(place.files[-1]) if place.files and place.files[-1].endswith(".py") else None
        return any(
            path in self._place(f"{one.module}.{name}").files
            for name in one.names
            if package is None or not package.may_have(name)
        )

    def _finding(self, lacks: str, level: Level, places: list[tuple[str, int]]) -> Finding:
        places = sorted(places)
        lines = tuple(f"{path}:{line}" for path, line in places)
        removed = stdlib_modules.removed_in(lacks.partition(".")[0])
        if removed:
            what = f"{places[0][0]} imports {lacks}, which Python {removed} removed"
            return Finding(level, what, lines, hint=f"stop using {lacks}, or choose an older --runtime")
        what = f"{places[0][0]} imports {lacks}, which is neither in the zip nor on {self._target.name}"
        if "." in lacks:
            hint = "is the file left out (.gitignore, .lambdaignore, exclude)? else correct the import"
        else:
            hint = f"add {requirement_for(lacks)} to your requirements; if it is a file of yours, is it left out by .gitignore?"
        return Finding(level, what, lines, hint=hint)
