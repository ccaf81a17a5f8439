"""Packages that don't fit into Lambda's 250 MB: they go to a second archive, which the runtime fetches to /tmp.

The zip has a manifest of that archive, so that AWS verifies its digest along with the zip. `runtime/overflow.py` reads it.
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
from lambent.package import assemble, partition
from lambent.package.archive import Archive
from lambent.package.artifact import Overflow
from lambent.package.build_context import BuildContext
from lambent.package.bytecode import ZipBytecode
from lambent.package.layout import RUNTIME, SourceFile
from lambent.package.size_report import table
from lambent.package.zip_contents import ZipContents, label
from lambent.units import size

_PART = 8 * MIB  # zipped: the runtime fetches and verifies parts of this size over several connections
_ARCHIVE_MAX = 4095 * MIB  # a plain zip, not a zip64
_FILES_MAX = 65_000
_LESS = "leave out what the app doesn't need, in [tool.lambent]: drop = [...], without = [...]"


class Split(Struct, frozen=True):
    """What went to the overflow archive: its `shards`, by their index. `manifest` is the zip's file that describes it."""

    shards: frozenset[int]
    archive: Overflow
    manifest: tuple[str, SourceFile]


def split(context: BuildContext, contents: ZipContents, bytecode: ZipBytecode) -> Split:
    """Choose the packages that leave the zip, and write their archive.

    Raises PackagingError if Lambda can't take it, UsageError if the settings don't allow it.
    """
    limit = context.options.unzipped_max
    shards = partition.choose(contents, bytecode, limit)
    if not shards:
        what = f"the app's own files don't fit into the {_limit(limit)} that Lambda allows, even without any packages"
        raise PackagingError(
            what, hint="leave files out with exclude = [...], or keep them in S3", detail=table(contents.sizes())
        )
    archive = _write(context, contents, bytecode, shards)
    _check_tmp(context.config, archive)
    return Split(shards, archive, _manifest(archive))


def too_large(contents: ZipContents, context: BuildContext) -> PackagingError:
    """Return the error for a zip that is too large, with a size breakdown and what can be done."""
    sizes, limit = contents.sizes(), context.options.unzipped_max
    largest = sizes.most_common(1)[0][0]
    hint = 'leave out what the app doesn\'t need, in [tool.lambent]: drop = ["*/locale/"], without = ["boto3"]'
    if largest in contents.own_sizes():
        hint = f"leave out what the app doesn't need: echo '/{largest}' >> .lambentignore"
    movable = partition.choose(contents, ZipBytecode(), limit) if context.options.scope == "all" else frozenset()
    if movable:
        shards = [contents.shards[index] for index in sorted(movable)]
        entries = [entry for shard in shards for entry in shard.entries]
        offer = Overflow(Path(), "", 0, sum(entry.raw for entry in entries), len(entries), tuple(map(label, shards)))
        hint = (
            f"use --overflow (at least {offer.summary}, from a bucket in your account; tmp = {offer.tmp_mb} or more), or {hint}"
        )
    return PackagingError(
        f"the zip is too large: {size(sizes.total())} unzipped, and Lambda allows less than {_limit(limit)}",
        hint=hint,
        detail=table(sizes),
    )


def with_lambent_client(config: Config) -> Config:
    """Return the configuration with lambent's own runtime client, which fetches the archive before a bare handler starts.

    Raises UsageError if it can't be used.
    """
    if config.app.kind != "handler" or config.client == "lambent":
        return config
    if config.runtime_client == "aws" or config.runtime == "python3.9":
        raise UsageError(
            "the packages don't fit into the zip, and AWS's runtime client can't fetch the rest for a bare handler",
            where=config.origins.get("runtime_client", "runtime_client"),
            hint='runtime_client = "lambent", on python3.8 or newer',
        )
    return replace(config, runtime_client="lambent")


def _limit(limit: int) -> str:
    """Return the limit for people: AWS calls 262.1 MB "250 MB"."""
    return f"{size(limit)} ({limit / MIB:.0f} MiB)"


def _write(context: BuildContext, contents: ZipContents, bytecode: ZipBytecode, shards: frozenset[int]) -> Overflow:
    pieces = assemble.pieces(contents, bytecode, shards)
    spans = [entry.span for piece in pieces for entry in piece.archive.entries if piece.takes(entry.name)]
    if sum(spans) > _ARCHIVE_MAX or len(spans) > _FILES_MAX:
        what = f"the overflow archive would be too large: {size(sum(spans))} in {len(spans):,} files"
        raise PackagingError(what, hint=_LESS)
    path, written = assemble.write(f"{context.config.name}-overflow", pieces, (), context.cache)
    packages = tuple(label(contents.shards[index]) for index in sorted(shards))
    return Overflow(path, written.sha256.hex(), written.zipped, written.raw, len(written.entries), packages, written.entries)


def _check_tmp(config: Config, archive: Overflow) -> None:
    """Raise an error if /tmp is too small for the unpacked archive."""
    needed, origin = archive.tmp_mb, config.origins.get("tmp_mb", "default")
    if needed > TMP_MAX_MB:
        raise PackagingError(f"/tmp has at most {TMP_MAX_MB:,} MB, and the overflow packages need {needed:,} MB", hint=_LESS)
    if origin != "default" and config.tmp_mb < needed:
        what = f"tmp is {config.tmp_mb} MB, and the overflow packages need {needed} MB"
        raise UsageError(what, where=origin, hint=f"tmp = {needed}")
    if config.hosting.snapstart and needed > TMP_MIN_MB:
        raise UsageError(
            f"SnapStart allows no more than {TMP_MIN_MB} MB of /tmp, and the overflow packages need {needed} MB",
            where=config.origins.get("snapstart", "snapstart"),
            hint="snapstart = false",
        )


def _manifest(overflow: Overflow) -> tuple[str, SourceFile]:
    with Archive(overflow.path) as archive:
        manifest = {
            "sha256": overflow.sha256,
            "raw": overflow.raw,
            "packages": overflow.packages,
            "parts": list(_parts(archive)),
            "executable": [entry.name for entry in archive.entries if entry.executable],
        }
    name = f"{RUNTIME}/overflow.json"
    return name, SourceFile.generated(name, json.dumps(manifest, separators=(",", ":")).encode())


def _parts(archive: Archive) -> Iterator[tuple[int, int, str]]:
    """Yield runs of complete members: the offset, the length in bytes, and the SHA-256 of each."""
    begin, last = 0, archive.entries[-1]
    with memoryview(archive.data) as view:
        for entry in archive.entries:
            end = entry.offset + entry.span
            if end - begin >= _PART or entry is last:
                with view[begin:end] as part:
                    yield begin, end - begin, hashlib.sha256(part).hexdigest()
                begin = end
