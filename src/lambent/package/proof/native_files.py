"""Checks every shared object and program in a zip against the runtime that will load it. Pure.

Only what can't work is an error: a module that Python would import, or a library that such a module loads. The same fault in a
program, or in a library that nothing in the zip loads, is a warning: wheels also bring tools for other systems.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from lambent import python_symbols
from lambent.calendar import AL2023, RUNTIMES
from lambent.elf import Binary, rank_of
from lambent.package.proof import lambda_system
from lambent.package.proof.finding import Finding, Level
from lambent.package.target import Target

_TAG = re.compile(r"(?P<stem>[^/.]+)(?:\.(?P<tag>(?:cpython|pypy|graalpy|cp|abi)[^/.]*))?\.so$")
_ELSEWHERE = re.compile(r"(amd64|x86[_-]64|x64|i[36]86|win(32|64|dows)|darwin|mac(os)?|osx|linux|musl|arm|aarch64)", re.I)
"""A path that names a system: the file is meant for that system, among others for others."""


class Native(Struct, frozen=True):
    """A file of machine code, by its path in the zip. `package` is "name version", or "" for the user's own.

    `neutral` is true if it came in a wheel for every machine ("none-any"), so that it can't be meant for a single one.
    """

    path: str
    binary: Binary
    package: str = ""
    neutral: bool = False

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)

    @property
    def file(self) -> str:
        return posixpath.basename(self.path)

    @property
    def extension(self) -> bool:
        """Whether it is a module that Python can import."""
        return bool(self.binary.module or ((match := _TAG.search(self.path)) and match["tag"]))

    @property
    def importable_as(self) -> str:
        """The path without suffixes, which files of the same module for different Pythons have in common."""
        return posixpath.join(self.folder, self.file.partition(".")[0])


class _Fault(Struct, frozen=True):
    """What is wrong with a file. Faults of one `kind` are shown together; it is `certain` if loading the file must fail.

    `what` may contain "{}" for the `name` of what is missing. Without a `hint` the fix is another wheel.
    """

    kind: str
    what: str
    hint: str = ""
    certain: bool = True
    name: str = ""


def check(natives: Iterable[Native], names: Iterable[str], target: Target) -> tuple[Finding, ...]:
    """Return one finding for each package and kind of fault, with its files. `names` are all paths in the zip.

    A zip for a Mac has none: it only runs on the machine that makes it, which says itself what it can't load.
    """
    if target.macos:
        return ()
    zipped = _Zip(tuple(natives), frozenset(names), target)
    groups: dict[tuple[str, str, Level], list[tuple[_Fault, str]]] = {}
    faults = [(native, fault) for native in zipped.natives for fault in zipped.faults(native)]
    spared = zipped.spared({native.path for native, fault in faults if fault.name})
    for native, fault in faults:
        certain = fault.certain and native.path in zipped.loaded and not (fault.name and native.package in spared)
        level: Level = "error" if certain else "warning"
        groups.setdefault((native.package, fault.kind, level), []).append((fault, native.path))
    findings = [_finding(package, level, faults, target) for (package, _, level), faults in groups.items()]
    return tuple(sorted(findings, key=lambda finding: (finding.level != "error", finding.package, finding.files)))


def _finding(package: str, level: Level, faults: list[tuple[_Fault, str]], target: Target) -> Finding:
    first = faults[0][0]
    lacking = sorted({fault.name for fault, _ in faults})
    more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
    what = first.what.replace("{}", ", ".join(lacking[:_SHOWN]) + more)
    files = tuple(sorted({path for _, path in faults}))
    hint = first.hint or _other_wheel(package, target)
    replacement = _REPLACEMENTS.get(package.split(" ")[0]) if first.name else None
    hint = f"use {replacement}" if replacement else hint
    return Finding(level, f"{package or 'one of your own files'} {what}", files, package, hint)


class _Zip:
    """All native files together: which loads which."""

    def __init__(self, natives: tuple[Native, ...], names: frozenset[str], target: Target) -> None:
        self.natives, self.names, self.target = natives, names, target
        self._paths = {native.path: native for native in natives}
        self._by_name: dict[str, Native] = {}
        for native in natives:
            self._by_name.setdefault(native.file, native)
            if native.binary.soname:
                self._by_name.setdefault(native.binary.soname, native)
        self._fit = {native.importable_as for native in natives if self._fits(native)}
        self._roots = self._find_roots()
        self.loaded = self._loads(self._roots)

    def faults(self, native: Native) -> Iterator[_Fault]:
        """Yield what is wrong with a file. A file for another system has only that fault."""
        binary = native.binary
        wrong = self._wrong_format(native) or self._wrong_machine(native) or self._wrong_python(native)
        if wrong is not None:
            yield wrong
            return
        if binary.format != "elf" or binary.kind not in ("shared", "executable"):
            return
        if binary.damaged:
            yield _Fault("cut", "has a library that is cut short or damaged")
        elif binary.align & 4095:
            yield _Fault("align", "has a library that Linux can't load (its segments aren't aligned to pages)")
        yield from self._symbols(native)
        yield from self._versions(native)
        yield from self._needed(native)

    def spared(self, lacking: set[str]) -> set[str]:
        """Return the packages that load in part although these files lack a library: the other parts may be optional."""
        if not lacking:
            return set()
        return {root.package for root in self._roots if lacking.isdisjoint(self._loads([root]))}

    def _find_roots(self) -> list[Native]:
        """Return what is loaded when the packages are imported: their modules, or else their libraries."""
        extensions = [native for native in self.natives if native.extension]
        with_modules = {native.package for native in extensions}
        libraries = (
            native for native in self.natives if native.package not in with_modules and self._is_ctypes_library(native)
        )
        return [*extensions, *libraries]

    def _loads(self, roots: Iterable[Native]) -> frozenset[str]:
        """Return the paths of these files and of all libraries that they load."""
        queue, loaded = list(roots), set()
        while queue:
            native = queue.pop()
            if native.path not in loaded:
                loaded.add(native.path)
                provided = (self._provider(native, library) for library in native.binary.needed)
                queue += [library for library in provided if library is not None]
        return frozenset(loaded)

    def _is_ctypes_library(self, native: Native) -> bool:
        """Whether a file of a package without modules is probably loaded through ctypes or cffi on this system."""
        library = (native.binary.kind == "shared" and not native.binary.interpreter) or native.binary.format != "elf"
        shared = native.file.endswith(".so") or ".so." in native.file
        return library and shared and not native.neutral and not _ELSEWHERE.search(native.path)

    def _fits(self, native: Native) -> bool:
        """Whether Python can import a file, by its name and machine."""
        binary = native.binary
        match = _TAG.search(native.path)
        right = binary.format == "elf" and binary.machine == self.target.architecture and not binary.free_threaded
        return bool(right and match and _suffix_fits(match["tag"] or "", self.target))

    def _has_alternative(self, native: Native) -> bool:
        """Whether the zip has the same module in a form that this runtime can import."""
        match = _TAG.search(native.path)
        is_ignored = match is not None and not _suffix_fits(match["tag"] or "", self.target)
        return native.importable_as in self._fit or (is_ignored and f"{native.importable_as}.py" in self.names)

    def _wrong_format(self, native: Native) -> _Fault | None:
        if native.binary.format == "elf" or self._has_alternative(native):
            return None
        if not native.file.endswith(".so") or native.neutral:
            return None  # Linux never looks for a .pyd, .dll, .dylib or .exe
        other = {"mach-o": "macOS", "pe": "Windows"}[native.binary.format]
        return _Fault("format", f"was built for {other}, not for {self.target.name}")

    def _wrong_machine(self, native: Native) -> _Fault | None:
        binary = native.binary
        right = binary.machine == self.target.architecture and not binary.big_endian
        if binary.format != "elf" or right or self._has_alternative(native):
            return None
        if not native.extension and (native.neutral or _ELSEWHERE.search(native.path)):
            return None
        return _Fault("machine", f"was built for {binary.machine}, not for {self.target.name}")

    def _wrong_python(self, native: Native) -> _Fault | None:
        """Return a fault for a module that this Python ignores, or that was compiled for another kind of Python."""
        match = _TAG.search(native.path)
        if not native.extension or match is None or native.neutral or self._has_alternative(native):
            return None
        tag = match["tag"] or ""
        if not _suffix_fits(tag, self.target):
            if not native.binary.module:  # milksnake calls the library so that it loads by its path
                return None
            return _Fault(f"python {tag}", f"was built for {_describe(tag)}, not for {self.target.name}")
        if native.binary.free_threaded:
            return _Fault("threads", f"was built for a Python without the global interpreter lock, not for {self.target.name}")
        return None

    def _symbols(self, native: Native) -> Iterator[_Fault]:
        """Yield a fault for names of the C API that the runtime's Python doesn't have."""
        lacking = python_symbols.missing(native.binary.symbols, self.target.version)
        if lacking:
            what = f"was compiled for another Python: it needs {lacking[0]}, which Python {self.target.python} doesn't have"
            yield _Fault("symbols", what)

    def _versions(self, native: Native) -> Iterator[_Fault]:
        for library, version in native.binary.versions:
            family, number = rank_of(version)
            bundled = self._provider(native, library)
            ceiling = lambda_system.too_new(library, family, number, self.target)
            if ceiling and not (bundled is not None and version in bundled.binary.defines):
                what = f"needs {version}, and {self.target.name} has only {ceiling}"
                yield _Fault(f"version {family}", what, self._older(native))

    def _needed(self, native: Native) -> Iterator[_Fault]:
        for library in native.binary.needed:
            if self._provider(native, library) is not None:
                continue
            on_lambda = lambda_system.has(library, self.target)
            if library.startswith(("libc.musl-", "ld-musl-")):
                yield _Fault("musl", f"was built for Alpine Linux (musl), not for {self.target.name}")
            elif on_lambda is None:
                what = f"needs {{}}, which {self.target.name} may not have"
                yield _Fault("perhaps", what, _BUNDLED, certain=False, name=library)
            elif not on_lambda and not {library, f"lib/{library}"} & self.names:
                what = f"needs {{}}, which is neither in the zip nor on {self.target.name}"
                yield _Fault("library", what, _BUNDLED, name=library)

    def _provider(self, native: Native, library: str) -> Native | None:
        """Return the file that provides a library: found by RUNPATH, by LD_LIBRARY_PATH, or already loaded under its name."""
        base = posixpath.basename(library)
        folders = [posixpath.normpath(_expand(path, native.folder)) for path in native.binary.search]
        for folder in [*folders, ".", "lib"]:
            provider = self._paths.get(posixpath.normpath(posixpath.join(folder, base)))
            if provider is not None:
                return provider
        return None if lambda_system.has(base, self.target) else self._by_name.get(base)

    def _older(self, native: Native) -> str:
        if not native.package:
            return "build it on the runtime's system, or name its package in requirements.txt"
        name = native.package.split()[0]
        newer = next(runtime.name for runtime in RUNTIMES if runtime.glibc >= AL2023)
        newer_runtime = f", or use --runtime {newer}" if self.target.glibc < AL2023 else ""
        return f"require a version of {name} with a wheel for an older glibc: https://pypi.org/project/{name}/#files{newer_runtime}"


_SHOWN = 3
_REPLACEMENTS = {
    "opencv-python": "opencv-python-headless, which needs no screen",
    "opencv-contrib-python": "opencv-contrib-python-headless, which needs no screen",
    "psycopg2": "psycopg2-binary, which includes its libraries",
}
_BUNDLED = "use a package that includes it, put it into the project's folder lib/, or exclude the file"


def _other_wheel(package: str, target: Target) -> str:
    if package:
        return f"require {package.split()[0]} by name, not by a path or URL: then lambent chooses a wheel for {target.name}"
    return "remove it from the project and name its package in requirements.txt: then lambent fetches the right wheel"


def _expand(path: str, folder: str) -> str:
    """Return a path of a RUNPATH as a folder in the zip, which Lambda unpacks to /var/task. `folder` is the origin."""
    path = path.replace("${ORIGIN}", "$ORIGIN")
    if path.startswith("/"):
        return path.removeprefix("/var/task/")
    return path.replace("$ORIGIN", folder or ".")


def _suffix_fits(tag: str, target: Target) -> bool:
    """Whether the runtime's Python looks for modules with this suffix (importlib.machinery.EXTENSION_SUFFIXES)."""
    machine = "aarch64" if target.architecture == "arm64" else "x86_64"
    return tag in ("", "abi3", f"cpython-{target.python.replace('.', '')}-{machine}-linux-gnu")


def _describe(tag: str) -> str:
    """Describe a tag for people: "cpython-312-x86_64-linux-musl" is "Python 3.12 on Alpine Linux (musl)"."""
    match = re.match(r"(?:cpython-|cp)(\d)(\d+)(t?)", tag)
    if match is None:
        return tag
    without = " without the global interpreter lock" if match[3] else ""
    where = " on Alpine Linux (musl)" if "musl" in tag else " on macOS" if "darwin" in tag else ""
    return f"Python {match[1]}.{match[2]}{without}{where}" + (" on arm64" if "aarch64" in tag else "")
