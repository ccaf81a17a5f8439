"""What does not fit into Lambda's 250 MB: whole packages go into a second archive, which the runtime fetches into /tmp.

The zip holds a file that says what must be in the archive, so that its digest is part of what AWS verifies. See
runtime/overflow.py, which reads that file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.model import Config
from lambent.errors import PackagingError, UsageError
from lambent.limits import MIB, TMP_MAX_MB, TMP_MIN_MB
from lambent.package import partition, size_report
from lambent.package.archive import Archive
from lambent.package.artifact import Overflow
from lambent.package.assemble import Piece, write
from lambent.package.compiler import source_of
from lambent.package.dependencies import Wishes
from lambent.package.layout import RUNTIME, SourceFile
from lambent.package.shards.shard import Shard
from lambent.package.startup import Startup
from lambent.package.zip_contents import Contents, label

_PART = 8 * MIB  # zipped: what is fetched and verified at once, over one of several connections
_ARCHIVE_MAX = 4095 * MIB  # a plain zip, not a zip64
_FILES_MAX = 65_000
_LESS = "leave out what the app does not need, in [tool.lambent]: drop = [...], without = [...]"


class Parted(Struct, frozen=True):
    """`stays` is spliced into the zip, where `room` bytes are left for more; `made` is what went out, and `manifest` the file
    of the zip that says so.
    """

    stays: list[Piece]
    room: int
    made: Overflow
    manifest: tuple[str, SourceFile]


def part(config: Config, contents: Contents, begins: Startup, limit: int, cache: Path) -> Parted:
    """Parts an app that is over `limit` (bytes), and writes the second archive.

    Raises PackagingError when Lambda cannot take it, UsageError when the settings do not let it.
    """
    out = partition.choose(contents, begins, limit)
    if not out:
        what = f"the app's own files do not fit into {megabytes(limit)}, even without its packages"
        hint = "leave files out with exclude = [...], or keep them in S3"
        raise PackagingError(what, hint=hint, detail=size_report.table(contents.sizes()))
    stays, goes = _pieces(contents, begins, out)
    made = _pack(config.name, [contents.shards[index] for index in sorted(out)], goes, cache)
    _check_room(config, made)
    room = limit - 1 - contents.sizes().total() - begins.raw + made.raw
    return Parted(stays, room, made, _manifest(made))


def too_large(contents: Contents, wishes: Wishes) -> PackagingError:
    """The refusal, with what takes the room, and what can be done."""
    sizes, limit = contents.sizes(), wishes.unzipped_max
    largest = sizes.most_common(1)[0][0]
    hint = 'leave out what the app does not need, in [tool.lambent]: drop = ["*/locale/"], without = ["boto3"]'
    if largest in contents.own_sizes():
        hint = f"leave out what the app does not need: echo '/{largest}' >> .lambentignore"
    out = partition.choose(contents, Startup(), limit) if wishes.part == "all" else frozenset()
    if out:
        shards = [contents.shards[index] for index in sorted(out)]
        entries = [entry for shard in shards for entry in shard.entries]
        offered = Overflow(Path(), "", 0, sum(entry.raw for entry in entries), len(entries), tuple(map(label, shards)))
        told = f"at least {offered.told}, from a bucket of your account; tmp = {offered.tmp_mb} or more"
        hint = f"--overflow ({told}), or {hint}"
    return PackagingError(
        f"the zip is too large: {size_report.megabytes(sizes.total())} unpacked, and AWS takes less than {megabytes(limit)}",
        hint=hint,
        detail=size_report.table(sizes),
    )


def megabytes(limit: int) -> str:
    return f"{limit / MIB:.0f} MB"


def with_our_client(config: Config) -> Config:
    """A bare handler is run by the loop in the zip, which fetches the packages first. Raises UsageError where it cannot be."""
    if config.app.kind != "handler" or config.client == "lambent":
        return config
    if config.runtime_client == "aws" or config.runtime == "python3.9":
        raise UsageError(
            "AWS's own client fetches no packages for a bare handler, and this one has more than fit into the zip",
            where=config.origins.get("runtime_client", "runtime_client"),
            hint='runtime_client = "lambent", on python3.10 or newer',
        )
    return replace(config, runtime_client="lambent")


def _pieces(contents: Contents, begins: Startup, out: frozenset[int]) -> tuple[list[Piece], list[Piece]]:
    """What is spliced into the zip, and what into the archive beside it. Bytecode goes with its source."""
    moved = {entry.name for index in out for entry in contents.shards[index].entries}
    code = frozenset(name for name in begins.names if source_of(name) in moved)
    stays: list[Piece] = []
    goes: list[Piece] = []
    for index, (shard, skip) in enumerate(contents.pairs):
        (goes if index in out else stays).append(Piece(shard.archive, skip))
    stays += [Piece(each.archive, keep=begins.names - code) for each in begins.bytecode]
    goes += [Piece(each.archive, keep=code) for each in begins.bytecode]
    return stays, goes


def _pack(name: str, shards: list[Shard], goes: list[Piece], cache: Path) -> Overflow:
    spans = [entry.span for piece in goes for entry in piece.archive.entries if piece.takes(entry.name)]
    if sum(spans) > _ARCHIVE_MAX or len(spans) > _FILES_MAX:
        size = size_report.megabytes(sum(spans))
        raise PackagingError(f"{size} in {len(spans):,} files are more than one archive beside the zip takes", hint=_LESS)
    path, written = write(f"{name}-overflow", goes, (), cache)
    packages = tuple(map(label, shards))
    return Overflow(path, written.sha256.hex(), written.zipped, written.raw, len(written.entries), packages, written.entries)


def _check_room(config: Config, made: Overflow) -> None:
    """Whether /tmp takes it."""
    needed, where = made.tmp_mb, config.origins.get("tmp_mb", "default")
    unpacked = "the packages that are unpacked there take"
    if needed > TMP_MAX_MB:
        raise PackagingError(f"/tmp has at most {TMP_MAX_MB:,} MB, and {unpacked} {needed:,} MB", hint=_LESS)
    if where != "default" and config.tmp_mb < needed:
        raise UsageError(f"tmp is {config.tmp_mb} MB, and {unpacked} {needed} MB", where=where, hint=f"tmp = {needed}")
    if config.hosting.snapstart and needed > TMP_MIN_MB:
        raise UsageError(
            f"SnapStart takes no more than {TMP_MIN_MB} MB of /tmp, and {unpacked} {needed} MB",
            where=config.origins.get("snapstart", "snapstart"),
            hint="snapstart = false",
        )


def _manifest(made: Overflow) -> tuple[str, SourceFile]:
    with Archive(made.path) as archive:
        told = {
            "sha256": made.sha256,
            "raw": made.raw,
            "packages": made.packages,
            "parts": list(_parts(archive)),
            "executable": [entry.name for entry in archive.entries if entry.executable],
        }
    name = f"{RUNTIME}/overflow.json"
    return name, SourceFile(Path(name), content=json.dumps(told, separators=(",", ":")).encode())


def _parts(archive: Archive) -> Iterator[tuple[int, int, str]]:
    """Whole members each: where they begin, their bytes, and their SHA-256."""
    begin, last = 0, archive.entries[-1]
    with memoryview(archive.data) as view:
        for entry in archive.entries:
            end = entry.offset + entry.span
            if end - begin >= _PART or entry is last:
                with view[begin:end] as part:
                    yield begin, end - begin, hashlib.sha256(part).hexdigest()
                begin = end
