"""Checks every shared object and program of a zip against the runtime that is to load it. Pure.

An error is only what cannot work: a module that Python would import, or a library that such a module loads. The same fault in
a program, or in a library that nothing in the zip is seen to load, is a warning: wheels bring tools for other systems too.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from lambent.calendar import AL2023, RUNTIMES
from lambent.package import python_symbols
from lambent.package.elf import Binary, rank_of
from lambent.package.proof import lambda_system
from lambent.package.proof.finding import Finding, Level
from lambent.package.target import Target

_TAG = re.compile(r"(?P<stem>[^/.]+)(?:\.(?P<tag>(?:cpython|pypy|graalpy|cp|abi)[^/.]*))?\.so$")
_ELSEWHERE = re.compile(r"(amd64|x86[_-]64|x64|i[36]86|win(32|64|dows)|darwin|mac(os)?|osx|linux|musl|arm|aarch64)", re.I)
"""A path that says for which system the file is: it is there on purpose, beside others."""


class Native(Struct, frozen=True):
    """A file of machine code in the zip, by its path there. `package` is "name version", or "" for the user's own.

    `neutral` says that it came in a wheel for every machine ("none-any"), so that it cannot be meant for one.
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
        """Whether Python is meant to import it."""
        return bool(self.binary.module or ((match := _TAG.search(self.path)) and match["tag"]))

    @property
    def importable_as(self) -> str:
        """The path without its suffixes: files that are the same module for different Pythons share it."""
        return posixpath.join(self.folder, self.file.partition(".")[0])


class _Fault(Struct, frozen=True):
    """`sort` tells faults apart that are not shown together; `certain` when loading the file cannot but fail.

    `what` may hold "{}", for the `name` of what is lacking. Without a `hint` the cure is another wheel.
    """

    sort: str
    what: str
    hint: str = ""
    certain: bool = True
    name: str = ""


def check(natives: Iterable[Native], names: Iterable[str], target: Target) -> tuple[Finding, ...]:
    """`names` are all paths in the zip. One finding for each package and kind of fault, with its files."""
    zipped = _Zip(tuple(natives), frozenset(names), target)
    groups: dict[tuple[str, str, Level], list[tuple[_Fault, str]]] = {}
    faults = [(native, fault) for native in zipped.natives for fault in zipped.faults(native)]
    spared = zipped.spared({native.path for native, fault in faults if fault.name})
    for native, fault in faults:
        certain = fault.certain and native.path in zipped.loaded and not (fault.name and native.package in spared)
        level: Level = "error" if certain else "warning"
        groups.setdefault((native.package, fault.sort, level), []).append((fault, native.path))
    found = [_finding(package, level, faults, target) for (package, _, level), faults in groups.items()]
    return tuple(sorted(found, key=lambda one: (one.level != "error", one.package, one.files)))


def _finding(package: str, level: Level, faults: list[tuple[_Fault, str]], target: Target) -> Finding:
    first = faults[0][0]
    lacking = sorted({fault.name for fault, _ in faults})
    more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
    said = first.what.replace("{}", ", ".join(lacking[:_SHOWN]) + more)
    files = tuple(sorted({path for _, path in faults}))
    hint = first.hint or _again(package, target)
    instead = _INSTEAD.get(package.split(" ")[0]) if first.name else None
    return Finding(level, f"{package or 'a file of your own'} {said}", files, package, f"use {instead}" if instead else hint)


class _Zip:
    """All native files together: who loads whom."""

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
        """What is wrong with one file; only the first of those that hide the others."""
        binary = native.binary
        wrong = self._wrong_format(native) or self._wrong_machine(native) or self._wrong_python(native)
        if wrong is not None:
            yield wrong
            return
        if binary.format != "elf" or binary.kind not in ("shared", "executable"):
            return
        if binary.damaged:
            yield _Fault("cut", "holds a library that is cut short or damaged")
        elif binary.align & 4095:
            yield _Fault("align", "holds a library that no Linux loads (its segments are not aligned to pages)")
        yield from self._symbols(native)
        yield from self._versions(native)
        yield from self._needed(native)

    def spared(self, lacking: set[str]) -> set[str]:
        """The packages of which some part loads although these files lack a library: the others may be optional."""
        if not lacking:
            return set()
        return {root.package for root in self._roots if lacking.isdisjoint(self._loads([root]))}

    def _find_roots(self) -> list[Native]:
        """What is loaded when the packages are imported: their modules, or else their libraries."""
        extensions = [native for native in self.natives if native.extension]
        have_modules = {native.package for native in extensions}
        alone = (native for native in self.natives if native.package not in have_modules and self._a_library_alone(native))
        return [*extensions, *alone]

    def _loads(self, roots: Iterable[Native]) -> frozenset[str]:
        """These, and what they need in turn."""
        waiting, found = list(roots), set()
        while waiting:
            native = waiting.pop()
            if native.path not in found:
                found.add(native.path)
                provided = (self._provider(native, library) for library in native.binary.needed)
                waiting += [one for one in provided if one is not None]
        return frozenset(found)

    def _a_library_alone(self, native: Native) -> bool:
        """A library that is loaded through ctypes or cffi: the only sort of code of its package, and not for other systems."""
        library = (native.binary.kind == "shared" and not native.binary.interpreter) or native.binary.format != "elf"
        named = native.file.endswith(".so") or ".so." in native.file
        return library and named and not native.neutral and not _ELSEWHERE.search(native.path)

    def _fits(self, native: Native) -> bool:
        """Whether it is importable by name and machine."""
        binary = native.binary
        match = _TAG.search(native.path)
        right = binary.format == "elf" and binary.machine == self.target.architecture and not binary.free_threaded
        return bool(right and match and _suffix_fits(match["tag"] or "", self.target))

    def _beside(self, native: Native) -> bool:
        """Whether the same module is there in a form that this runtime takes."""
        match = _TAG.search(native.path)
        passed_over = match is not None and not _suffix_fits(match["tag"] or "", self.target)
        return native.importable_as in self._fit or (passed_over and f"{native.importable_as}.py" in self.names)

    def _wrong_format(self, native: Native) -> _Fault | None:
        if native.binary.format == "elf" or self._beside(native):
            return None
        if not native.file.endswith(".so") or native.neutral:
            return None  # a .pyd, .dll, .dylib or .exe is never looked for on Linux
        other = {"mach-o": "macOS", "pe": "Windows"}[native.binary.format]
        return _Fault("format", f"was built for {other}, not for {self.target.name}")

    def _wrong_machine(self, native: Native) -> _Fault | None:
        binary = native.binary
        right = binary.machine == self.target.architecture and not binary.big_endian
        if binary.format != "elf" or right or self._beside(native):
            return None
        if not native.extension and (native.neutral or _ELSEWHERE.search(native.path)):
            return None
        return _Fault("machine", f"was built for {binary.machine}, not for {self.target.name}")

    def _wrong_python(self, native: Native) -> _Fault | None:
        """A module that this Python passes over, or that is compiled for another sort of Python."""
        match = _TAG.search(native.path)
        if not native.extension or match is None or native.neutral or self._beside(native):
            return None
        tag = match["tag"] or ""
        if not _suffix_fits(tag, self.target):
            return _Fault(f"python {tag}", f"was built for {_spoken(tag)}, not for {self.target.name}")
        if native.binary.free_threaded:
            return _Fault("threads", f"was built for a Python without the global lock, not for {self.target.name}")
        return None

    def _symbols(self, native: Native) -> Iterator[_Fault]:
        """Names of Python's C API that the runtime's Python does not have."""
        major, minor = self.target.python.split(".")
        lacking = python_symbols.missing(native.binary.symbols, (int(major), int(minor)))
        if lacking:
            what = f"was compiled for another Python: it needs {lacking[0]}, which Python {self.target.python} lacks"
            yield _Fault("symbols", what)

    def _versions(self, native: Native) -> Iterator[_Fault]:
        for library, version in native.binary.versions:
            family, number = rank_of(version)
            bundled = self._provider(native, library)
            ceiling = lambda_system.too_new(library, family, number, self.target)
            if ceiling and not (bundled is not None and version in bundled.binary.defines):
                what = f"needs {version}; {self.target.name} has no newer one than {ceiling}"
                yield _Fault(f"version {family}", what, self._older(native))

    def _needed(self, native: Native) -> Iterator[_Fault]:
        for library in native.binary.needed:
            if self._provider(native, library) is not None:
                continue
            there = lambda_system.has(library, self.target)
            if library.startswith(("libc.musl-", "ld-musl-")):
                yield _Fault("musl", f"was built for Alpine Linux (musl), not for {self.target.name}")
            elif there is None:
                what = f"needs {{}}, which {self.target.name} may lack"
                yield _Fault("perhaps", what, _BUNDLED, certain=False, name=library)
            elif not there and not {library, f"lib/{library}"} & self.names:
                what = f"needs {{}}: neither in the zip nor on {self.target.name}"
                yield _Fault("library", what, _BUNDLED, name=library)

    def _provider(self, native: Native, library: str) -> Native | None:
        """The file in the zip that gives a needed library: by RUNPATH, by LD_LIBRARY_PATH, or loaded earlier under its name."""
        base = posixpath.basename(library)
        places = [posixpath.normpath(_origin(place, native.folder)) for place in native.binary.search]
        for place in [*places, ".", "lib"]:
            found = self._paths.get(posixpath.normpath(posixpath.join(place, base)))
            if found is not None:
                return found
        return None if lambda_system.has(base, self.target) else self._by_name.get(base)

    def _older(self, native: Native) -> str:
        if not native.package:
            return "build it on the system of the runtime, or name its package in requirements.txt"
        name = native.package.split()[0]
        newer = next(runtime.name for runtime in RUNTIMES if runtime.glibc >= AL2023)
        other = f", or --runtime {newer}" if self.target.glibc < AL2023 else ""
        return f"write a version of {name} that has an older wheel: https://pypi.org/project/{name}/#files{other}"


_SHOWN = 3
_INSTEAD = {
    "opencv-python": "opencv-python-headless, which needs no screen",
    "opencv-contrib-python": "opencv-contrib-python-headless, which needs no screen",
    "psycopg2": "psycopg2-binary, which brings its libraries along",
}
_BUNDLED = "use a package that brings it along, put it into the folder lib/ of the project, or exclude the file"


def _again(package: str, target: Target) -> str:
    if package:
        return f"ask for {package.split()[0]} by its name, not by a path or a URL: a wheel for {target.name} is chosen then"
    return "remove it from the project and name its package in requirements.txt: lambent fetches the right wheel"


def _origin(place: str, folder: str) -> str:
    """A place of a RUNPATH as a folder in the zip; /var/task is where that is unpacked."""
    place = place.replace("${ORIGIN}", "$ORIGIN")
    if place.startswith("/"):
        return place.removeprefix("/var/task/")
    return place.replace("$ORIGIN", folder or ".")


def _suffix_fits(tag: str, target: Target) -> bool:
    """Whether the runtime's Python looks for modules with this suffix (importlib.machinery.EXTENSION_SUFFIXES)."""
    machine = "aarch64" if target.architecture == "arm64" else "x86_64"
    return tag in ("", "abi3", f"cpython-{target.python.replace('.', '')}-{machine}-linux-gnu")


def _spoken(tag: str) -> str:
    """ "cpython-312-x86_64-linux-musl" as people say it."""
    found = re.match(r"(?:cpython-|cp)(\d)(\d+)(t?)", tag)
    if found is None:
        return tag
    without = " without the global lock" if found[3] else ""
    where = " on Alpine Linux (musl)" if "musl" in tag else " on macOS" if "darwin" in tag else ""
    return f"Python {found[1]}.{found[2]}{without}{where}" + (" on arm64" if "aarch64" in tag else "")
