"""The next zip from the one before and what changed in the project: nothing is resolved, unpacked or proven.

The zip before is copied as it is, up to the user's own files; of those the changed ones are compressed and compiled anew.
The bytes are those that a build from the beginning would give.
"""

from __future__ import annotations

import marshal
import mmap
import os
import struct
import zlib
from hashlib import sha256

from lambent.package.again import receipt as receipts
from lambent.package.again.receipt import digest, look, put, settled
from lambent.package.again.skeleton import moved, skeleton
from lambent.package.compiler import CHECKED, ENVIRONMENT, SCRIPT, WIRE, source_of
from lambent.package.zips import place, prune

TYPE_CHECKING = False  # see receipt.py
if TYPE_CHECKING:
    from typing import Any

    from lambent.package.again.receipt import Receipt

_RECORD, _HEADER = 46, 30  # bytes of a directory's record, and of a member's header, before the name
_SIZES = struct.Struct("<3I")  # CRC-32, packed, raw: in both


class Stale(Exception):
    """Something is not as the receipt says: it is to be built from the beginning."""


class Made:
    """A zip that was made again, `zipped` bytes large."""

    def __init__(self, receipt: Receipt, zipped: int, files: int) -> None:
        self.receipt, self.zipped, self.files = receipt, zipped, files


def replay(receipt: Receipt, cache: str) -> Made:
    """The zip that a build would make now, and the receipt of it. Raises Stale, OSError; nothing half-written is left."""
    begun = receipts.now()
    _check_surroundings(receipt)
    with open(receipt["zip"], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        before = _Zip(data, receipt)
        looks, changed = _changed(receipt, before)
        fresh = _contents(receipt, before, changed, cache)
        made: Receipt = {**receipt, "made": begun, "looks": looks}
        if fresh:
            _follow(made, before, fresh)
            made["zip"], made["sha256"] = _write(made, before, fresh, cache)
        else:
            os.utime(made["zip"])  # somebody is about to use it: see pruning.py
        return Made(made, os.stat(made["zip"]).st_size, before.count)


class _Zip:
    """The zip of the build before. Raises Stale unless it is whole."""

    def __init__(self, data: mmap.mmap, receipt: Receipt) -> None:
        self.data = data
        end = data.rfind(b"PK\5\6")
        self.count, _, self.start = struct.unpack_from("<HII", data, end + 10)
        self.tail = bytes(data[end:])
        begin = receipt["begin"]
        with memoryview(data) as view, view[:begin] as head, view[begin:] as rest:
            self.head = sha256(head)
            whole = self.head.copy()
            whole.update(rest)
        if whole.digest() != receipt["sha256"]:
            raise Stale("the zip is not what was written")
        self.records = bytes(data[self.start : self.start + receipt["records"]])
        self.own: dict[str, tuple[bytes, int]] = {}
        at = self.start + receipt["records"]
        while at < end:
            length = _RECORD + struct.unpack_from("<H", data, at + 28)[0]
            record = bytes(data[at : at + length])
            self.own[record[_RECORD:].decode()] = record, struct.unpack_from("<I", record, 42)[0]
            at += length
        if list(self.own) != [name for name, _, _ in receipt["own"]]:
            raise Stale("the zip holds something else")

    def member(self, name: str) -> bytes:
        """A member with its header, as it is."""
        record, offset = self.own[name]
        packed, _, length = struct.unpack_from("<IIH", record, 20)
        return bytes(self.data[offset : offset + _HEADER + length + packed])

    def checksum(self, name: str) -> tuple[int, int]:
        """CRC-32 and size of its content."""
        record, _ = self.own[name]
        crc, _, raw = _SIZES.unpack_from(record, 16)
        return crc, raw

    def read(self, name: str) -> bytes:
        record, _ = self.own[name]
        packed = self.member(name)[_HEADER + len(record) - _RECORD :]
        return zlib.decompress(packed, -15) if record[10] else packed


def _check_surroundings(receipt: Receipt) -> None:
    """Raises Stale unless everything but the content of the user's files is as it was."""
    for folder, names in receipt["folders"].items():
        if sorted(os.listdir(folder)) != names:
            raise Stale(folder)
    for path, seen in receipt["stats"].items():
        if look(path) != seen:
            raise Stale(path)
    for path, known in receipt["inputs"].items():
        found = look(path)
        if found is None:
            raise Stale(path)
        if found != known[0] or not settled(found, receipt["made"]):
            with open(path, "rb") as file:
                if digest(file.read()) != known[1]:
                    raise Stale(path)


def _changed(receipt: Receipt, before: _Zip) -> tuple[dict[str, receipts.Look], dict[str, bytes]]:
    """The looks of the user's files, and the content of those that are not as they were."""
    names = {path: name for name, path, _ in receipt["own"] if path and not name.endswith(".pyc")}
    looks, changed = dict(receipt["looks"]), {}
    for path, seen in receipt["looks"].items():
        now = look(path)
        if now is None or now[0] != seen[0]:
            raise Stale(path)
        if now != seen or not settled(now, receipt["made"]):
            with open(path, "rb") as file:
                content = file.read()
            if before.checksum(names[path]) != (zlib.crc32(content), len(content)):
                looks[path], changed[path] = now, content
    return looks, changed


def _contents(receipt: Receipt, before: _Zip, changed: dict[str, bytes], cache: str) -> dict[str, bytes]:
    """The new content of each member that changes. Raises Stale where more than that may follow from the change."""
    fresh: dict[str, bytes] = {}
    codes: dict[str, str] = {}
    for name, path, _ in receipt["own"]:
        if path not in changed:
            continue
        if name.endswith(".pyc"):
            codes[source_of(name)] = name
            continue
        fresh[name] = changed[path]
        if path.endswith(".pem") or any(mark in fresh[name] for mark in receipt["marks"]):
            raise Stale(name)  # perhaps a secret
        if name.endswith(".py"):
            drawn = skeleton(name, fresh[name], receipt["words"])
            if drawn is None or drawn != skeleton(name, before.read(name), receipt["words"]):
                raise Stale(name)
        elif fresh[name][:4] in receipt["native"] or before.read(name)[:4] in receipt["native"]:
            raise Stale(name)
    sources = [name for name in fresh if name.endswith(".py")]
    if codes.keys() != set(sources):
        raise Stale("a module without bytecode")  # because it did not compile, or there was no room
    if sources:
        made = _compile(receipt["python"], [(fresh[name], name) for name in sources], cache)
        fresh.update({codes[name]: code for name, code in zip(sources, made, strict=True)})
    return fresh


def _compile(python: str, sources: list[tuple[bytes, str]], cache: str) -> list[bytes]:
    """The bytecode of sources by the target's own Python. Raises Stale for what does not compile."""
    folder = os.path.join(cache, "bytecode")
    os.makedirs(folder, exist_ok=True)
    stem = f"{folder}/.new-{os.getpid()}"
    files = [(f"{stem}-{at}.py", f"{stem}-{at}.pyc") for at in range(len(sources))]
    made = []
    try:
        asked = []
        for (source, out), (content, name) in zip(files, sources, strict=True):
            with open(source, "wb") as file:
                file.write(content)
            asked.append((source, name, CHECKED, out))
        with open(f"{stem}-asked", "wb") as file:
            marshal.dump(asked, file, WIRE)
        opened = (os.POSIX_SPAWN_OPEN, 0, f"{stem}-asked", os.O_RDONLY, 0)
        silent = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        words = [python, "-s", "-S", "-c", SCRIPT]
        child = os.posix_spawn(python, words, ENVIRONMENT, file_actions=[opened, silent])
        if os.waitpid(child, 0)[1] == 0:
            for _, out in files:
                with open(out, "rb") as file:
                    made.append(file.read())
    finally:
        for path in (*(path for pair in files for path in pair), f"{stem}-asked"):
            if os.path.exists(path):
                os.unlink(path)
    if len(made) < len(sources) or not all(made):
        raise Stale("a module that does not compile")
    return made


def _follow(made: Receipt, before: _Zip, fresh: dict[str, bytes]) -> None:
    """What is said of the zip follows the change: the line of the app, and the sizes but for the packed ones."""
    at, path, line = made["app"]
    for name, source, _ in made["own"]:
        if source == path and name in fresh and name.endswith(".py"):
            now = moved(before.read(name), fresh[name], line)
            if now is None:
                raise Stale("the app is elsewhere")
            mark, text, note = made["lines"][at]
            lines = list(made["lines"])
            lines[at] = mark, text, f"{note.removesuffix(f'line {line}')}line {now}"
            made["lines"], made["app"] = lines, (at, path, now)
            break
    made["raw"] += sum(len(content) - before.checksum(name)[1] for name, content in fresh.items())
    if made["raw"] >= made["limit"]:
        raise Stale("too large")


def _write(made: Receipt, before: _Zip, fresh: dict[str, bytes], cache: str) -> tuple[str, bytes]:
    """The new zip's path and digest. Sums up the shares on the way."""
    import deflate  # not where nothing changed

    shares: dict[str, list[Any]] = {row[0]: list(row) for row in made["shares"]}
    members, records, offset = [], [], made["begin"]
    for name, _, owner in made["own"]:
        record, old = before.own[name][0], before.member(name)
        if name in fresh:
            record, member = _patched(record, old, fresh[name], deflate, made["level"])
            row = shares[owner]
            packed, raw = len(member) - len(old), len(fresh[name]) - before.checksum(name)[1]
            for at, more in ((2, raw), (3, packed)):
                row[at] += more
                row[at + 2] += more if name.endswith(".pyc") else 0
        else:
            member = old
        members.append(member)
        records.append(record[:42] + struct.pack("<I", offset) + record[46:])
        offset += len(member)
    directory = before.records + b"".join(records)
    if offset + len(directory) + len(before.tail) > made["direct"]:
        raise Stale("too large")
    tail = before.tail[:12] + struct.pack("<II", len(directory), offset) + before.tail[20:]
    end = b"".join([*members, directory, tail])
    whole = before.head.copy()
    whole.update(end)
    made["shares"] = sorted((tuple(row) for row in shares.values()), key=lambda row: (-row[3], row[0]))
    folder = os.path.join(cache, "zips")
    os.makedirs(folder, exist_ok=True)
    path = place(folder, made["name"], whole.digest())
    with memoryview(before.data) as view, view[: made["begin"]] as head:
        put(path, [head, end], 0o644)
    prune(folder, made["name"], path)
    return path, whole.digest()


def _patched(record: bytes, old: bytes, content: bytes, deflate, level: int) -> tuple[bytes, bytes]:  # type: ignore[no-untyped-def]
    """Directory record and member of a name with other content."""
    packed, method = bytes(deflate.deflate_compress(content, level)), 8
    if len(packed) >= len(content):
        packed, method = content, 0
    sizes = _SIZES.pack(zlib.crc32(content), len(packed), len(content))
    told = struct.pack("<H", method)
    name = record[_RECORD:]
    header = old[:8] + told + old[10:14] + sizes + old[26:_HEADER] + name
    return record[:10] + told + record[12:16] + sizes + record[28:], header + packed
