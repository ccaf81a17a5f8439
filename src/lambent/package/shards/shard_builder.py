"""Turns one wheel into the finished members of a zip: unpacked, slimmed, stripped, looked into, deflated.

What stays as its wheel has it is deflated there already: it is checked, and copied. The rest (what was stripped or changed, and
all of a wheel that was built on this machine, whose zlib may be another's) is handed to a few threads that deflate (libdeflate
lets go of the interpreter lock), and written in order. Only so many bytes are under way at once that a wheel of any size passes
through little memory.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from msgspec import Struct, field

from lambent.package import elf
from lambent.package.archive import Entry, Writer, compress, taken
from lambent.package.lock import Wheel
from lambent.package.shards import installer_files, slim
from lambent.package.shards.import_scanner import Imports, scan
from lambent.package.shards.slim import SlimOptions, Verdicts
from lambent.package.shards.strip import strip
from lambent.package.shards.wheel_reader import Place, Unpacked
from lambent.package.target import Target

_UNDER_WAY = 32 << 20  # bytes read and not yet written
_THREADED = 64 << 10  # bytes of a member from which deflating it is worth handing over
_SHARED = re.compile(r"\.so(\.\d+)*$")


class Findings(Struct):
    """What was learnt of a wheel while it was packed. Sizes in bytes."""

    entry_points: tuple[tuple[str, str, str], ...] = ()
    requires: tuple[str, ...] = ()
    imports: dict[str, Imports] = field(default_factory=dict)
    binaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)  # path -> rule
    dropped_bytes: Counter[str] = field(default_factory=Counter)  # rule -> bytes
    stripped: int = 0

    def outside(self) -> list[str]:
        """Imports by what stays of test, docs or example modules that this wheel does not have itself: another's?"""
        words = {word for found in self.imports.values() for word in found.now | found.later}
        return sorted(filter(slim.doubted, words))

    def tools(self) -> list[str]:
        """The modules of build-time packages (pip, setuptools) that what stays imports, at any depth."""
        known = {module for modules in slim.unneeded_modules().values() for module in modules}
        words = {word.partition(".")[0] for found in self.imports.values() for word in found.now | found.later}
        return sorted(words & known)


def pack(wheel: Wheel, target: Target, options: SlimOptions, writer: Writer, pool: ThreadPoolExecutor) -> Findings:
    """Writes the members of a wheel's shard. Raises PackagingError for a wheel that is not sound."""
    with Unpacked(wheel) as unpacked:
        return _Packing(unpacked, target, options, writer, pool).run()


class _Packing:
    def __init__(
        self, unpacked: Unpacked, target: Target, options: SlimOptions, writer: Writer, pool: ThreadPoolExecutor
    ) -> None:
        self._unpacked = unpacked
        self._target = target
        major, minor = target.python.split(".")
        self._python = int(major), int(minor)
        self._options = options
        self._queue = _Queue(writer, pool)
        self._record: dict[str, str] = {}
        self._spoken: set[str] = set()
        self._stubs = False
        self._files = self._has_stubs = False  # whether something dropped comes back when a source speaks of it
        self.found = Findings()

    def run(self) -> Findings:
        places = {place.name: place for place in self._unpacked.places}
        wheel, found = self._unpacked.wheel, self.found
        found.entry_points = installer_files.entry_points(self._unpacked.metadata("entry_points.txt"))
        found.requires = installer_files.requires(self._unpacked.metadata("METADATA"))
        verdicts = slim.judge(places, wheel.name, self._unpacked.dist_info, self._options)
        own = f"{self._unpacked.dist_info}/RECORD"
        self._has_stubs = "stubs" in verdicts.dropped.values()
        self._files = bool(verdicts.doubtful or slim.dropped_by_kind(verdicts.dropped))
        later = verdicts.doubtful.keys() | {name for name, rule in verdicts.dropped.items() if rule == "stubs"} | {own}
        for place in places.values():
            if place.name not in later and place.name not in verdicts.dropped:
                self._add(place)
        self._rescue(places, verdicts)
        for name, rule in (verdicts.dropped | verdicts.doubtful).items():
            found.dropped[name] = rule
            found.dropped_bytes[rule] += places[name].size
        self._add_installed()
        self._queue.finish()
        return found

    def _rescue(self, places: dict[str, Place], verdicts: Verdicts) -> None:
        """Takes back what modules that stay import or read, until nothing more is."""
        back = slim.spoken_of(verdicts.dropped, self._spoken)
        back += [name for name, rule in verdicts.dropped.items() if rule == "stubs" and self._stubs]
        for name in sorted(back):
            del verdicts.dropped[name]
            self._add(places[name])
        points = [value.replace(":", ".") for _, _, value in self.found.entry_points]
        while verdicts.doubtful:
            wanted = slim.needed(verdicts.doubtful, self.found.imports.values(), points)
            wanted |= {name for name in verdicts.doubtful if slim.folder_named(name) in self._spoken}
            if not wanted:
                return
            for name in sorted(wanted):
                del verdicts.doubtful[name]
                self._add(places[name])

    def _add(self, place: Place) -> None:
        data = whole = self._unpacked.read(place.member)
        name, full = place.name, self._options.keep_all
        if place.name.startswith("bin/") and place.member.rpartition("/")[0].endswith(".data/scripts"):
            if not full and data[:2] == b"#!":  # a launcher; programs of machine code stay
                self.found.dropped[name] = "scripts"
                self.found.dropped_bytes["scripts"] += len(data)
                return
            data = installer_files.with_shebang(data, self._target.python)
            self._record[name] = installer_files.digest(data)
        elif full:
            self._record[name] = self._unpacked.recorded(place.member)
        else:
            self._record[name] = ""
        if name.endswith(".py"):
            self.found.imports[name] = scan(name, data, self._python)
            if self._files:
                self._spoken |= slim.speaks_of(data)
            self._stubs = self._stubs or (self._has_stubs and slim.keeps_stubs(data))
        elif data[:4] == b"\x7fELF":
            data = self._look_into(name, data)
        elif _SHARED.search(name):
            self._look_into(name, data)
        packed = b"" if self._unpacked.wheel.built or data is not whole else self._unpacked.deflated(place.member)
        self._queue.add(name, data, place.executable, packed)

    def _look_into(self, name: str, data: bytes | bytearray) -> bytes | bytearray:
        binary = elf.read(memoryview(data))
        if binary is not None:
            self.found.binaries[name] = binary.as_json()
        if not self._options.strip or self._options.keep_all:
            return data
        kept = strip(data)
        self.found.stripped += len(data) - len(kept)
        return kept

    def _add_installed(self) -> None:
        """RECORD always, since importlib.metadata tells by it whose modules are whose; the rest with `keep_all` only."""
        folder = self._unpacked.dist_info
        made: dict[str, bytes] = {}
        if self._options.keep_all:
            made = {f"{folder}/INSTALLER": b"uv", f"{folder}/REQUESTED": b""}  # uv writes it for what others need as well
            made |= installer_files.launchers(self.found.entry_points, self._target.python)
        for name, data in made.items():
            self._record[name] = installer_files.digest(data)
        self._record[f"{folder}/RECORD"] = ""
        made[f"{folder}/RECORD"] = installer_files.record(self._record)
        for name in sorted(made):
            self._queue.add(name, made[name], name.startswith("bin/"))


class _Queue:
    """Members on their way through the deflating threads, written in the order they came; `packed` ones are done."""

    def __init__(self, writer: Writer, pool: ThreadPoolExecutor) -> None:
        self._writer = writer
        self._pool = pool
        self._waiting: deque[tuple[int, Future[tuple[Entry, bytes]]]] = deque()
        self._bytes = 0

    def add(self, name: str, data: bytes | bytearray, executable: bool, packed: bytes = b"") -> None:
        while self._waiting and (self._bytes + len(data) > _UNDER_WAY or self._waiting[0][1].done()):
            self._write()
        if not packed and len(data) >= _THREADED:
            self._bytes += len(data)
            self._waiting.append((len(data), self._pool.submit(compress, name, data, executable=executable)))
            return
        made = taken(name, data, packed, executable=executable) if packed else compress(name, data, executable=executable)
        if not self._waiting:
            self._writer.add(*made)
            return
        done: Future[tuple[Entry, bytes]] = Future()
        done.set_result(made)
        self._bytes += len(data)
        self._waiting.append((len(data), done))

    def finish(self) -> None:
        while self._waiting:
            self._write()

    def _write(self) -> None:
        size, future = self._waiting.popleft()
        self._writer.add(*future.result())
        self._bytes -= size
