"""Why a file could not be had: what, where, try."""

from __future__ import annotations

from urllib.parse import urlsplit

from lambent.errors import PackagingError
from lambent.package.wheels.addresses import host_of, shown
from lambent.package.wheels.wanted import Wanted


def mismatch(wanted: Wanted, expected: str, got: str) -> PackagingError:
    return PackagingError(
        f"{wanted.package}: {wanted.file.filename} is not the file that was locked",
        where=shown(wanted.file.url),
        hint="if the file was replaced on purpose, lock again; if not, do not trust it",
        detail=f"expected {expected}\ngot      {got}",
    )


def gave_up(wanted: Wanted, why: str) -> PackagingError:
    host = host_of(urlsplit(wanted.file.url))
    return PackagingError(
        f"{wanted.package} cannot be fetched from {host}: {why}",
        where=shown(wanted.file.url),
        hint="check the network and the proxy, then run the same command again: it goes on where it stopped",
    )


def refused(wanted: Wanted, status: int) -> PackagingError:
    host = host_of(urlsplit(wanted.file.url))
    if status in (401, 403):
        return PackagingError(
            f"{wanted.package}: {host} wants other credentials ({status})",
            where=shown(wanted.file.url),
            hint=f"uv auth login {host}, or UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD, or ~/.netrc",
        )
    if status in (404, 410):
        return PackagingError(
            f"{wanted.package}: {wanted.file.filename} is not there any more ({status})",
            where=shown(wanted.file.url),
            hint=f"lock again; if the index is private, its credentials may be missing: uv auth login {host}",
        )
    return PackagingError(
        f"{wanted.package}: {host} answers {status}", where=shown(wanted.file.url), hint="check the index's address"
    )


def missing(wanted: Wanted, error: OSError) -> PackagingError:
    return PackagingError(
        f"{wanted.package}: {wanted.file.filename} cannot be read: {error.strerror or error}",
        where=shown(wanted.file.url),
        hint="check the path, or lock again",
    )


def offline(wanted: list[Wanted]) -> PackagingError:
    names = [each.package for each in wanted]
    told = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return PackagingError(
        f"offline, and not in the cache: {told}",
        where=shown(wanted[0].file.url),
        hint="run it once with the network, without UV_OFFLINE",
    )
