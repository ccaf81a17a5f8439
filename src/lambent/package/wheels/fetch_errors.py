"""Why a file could not be had: what, where, try."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.target import Target
from lambent.package.urls import host_of, shown
from lambent.package.wheels.choose_wheel import offered
from lambent.package.wheels.download_request import Wanted

_LINES = 16  # of a failed build that are shown
_ERRORS = 4
_ERROR = re.compile(r"^\w*(Error|Exception|Exit)\b|\berror:|\bfatal\b", re.IGNORECASE)
_SQLITE = "sqlean.py (import sqlean as sqlite3)"
_INSTEAD = {
    "mysqlclient": "pymysql",
    "psycopg2": "psycopg2-binary",
    "pysqlite3": "pysqlite3-binary",
    "python-ldap": "ldap3",
}
_INSTEAD_ON_ARM = {"pysqlite3": _SQLITE, "pysqlite3-binary": _SQLITE}
_FRAME = ("error: Failed to build", "cause: The build backend", "cause: Call to", "hint:", "help:")


def instead(name: str, target: Target) -> str:
    """What does the same as a package, and has wheels for the target; "" when none is known."""
    return (_INSTEAD_ON_ARM.get(name, "") if target.architecture == "arm64" else "") or _INSTEAD.get(name, "")


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


def untrusted(wanted: Wanted, error: Exception) -> PackagingError:
    why = re.search(r"CERTIFICATE_VERIFY_FAILED\] certificate verify failed: ([^(\"']+)", str(error))
    return PackagingError(
        f"{wanted.package}: the certificate of {host_of(urlsplit(wanted.file.url))} is not trusted"
        + (f": {why[1].strip()}" if why else ""),
        where=shown(wanted.file.url),
        hint="name the file with your authority's certificate: SSL_CERT_FILE=/path/to/ca.pem",
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


def no_wheel(pin: Pin, target: Target, source: str) -> PackagingError:
    """For a package that cannot be had for the target: which wheels there are, and what to do."""
    there = offered(pin)
    package = f"{pin.name} {pin.version}".strip()
    what = f"{package} has no wheel for {_named(target)}"
    build = "; or build it from its source: --build-native" if pin.sdist else ""
    return PackagingError(
        f"{what}; there are: {there}" if there else what,
        where=source,
        hint=f"write a version that has one: https://pypi.org/project/{pin.name}/#files{build}",
    )


def machine_code(package: str, target: Target) -> PackagingError:
    return PackagingError(
        f"{package} has no wheel for {_named(target)}, and building its source gives code for this machine only",
        where=package,
        hint="ask for a version with wheels, or build it for the target: --build-native",
    )


def full_disk(said: str) -> PackagingError | None:
    """For what uv or a build said when the disk took no more; None when it was something else."""
    found = re.search(r"(?:`([^`\n]+)`[^`\n]*)?\b(No space left on device|Disk quota exceeded|Read-only file system)", said)
    if found is None:
        return None
    where = found[1] if found[1] and found[1].startswith("/") else "the cache, or the folder for temporary files"
    hint = "make room there, or use other folders: --cache-dir, and TMPDIR for what is built"
    return PackagingError(f"cannot write: {found[2]}", where=where, hint=hint, detail=last_lines(said))


def not_built(package: str, target: Target, said: str) -> PackagingError:
    """For a build that failed; `said` is all it printed."""
    if full := full_disk(said):
        return full
    detail, other = last_lines(said), instead(_name(package), target)
    if "/bin/false" in said:
        return PackagingError(
            f"{package} has no wheel for {_named(target)}, and its source does not build without a compiler",
            where=package,
            hint=f"use {other or 'a package that has wheels'}, or build it for the target: --build-native",
            detail=detail,
        )
    hint = f"its build said why{f'; or use {other}' if other else ''}"
    return PackagingError(f"{package} cannot be built from its source", where=package, hint=hint, detail=detail)


def _name(package: str) -> str:
    """ "demo" of "demo 1.0"."""
    return package.partition(" ")[0]


def last_lines(said: str) -> str:
    """The end of a build's output, without uv's frame around it, after the errors that stand further up.

    uv reads two pipes, so that an error may come before what was printed before it.
    """
    told: list[str] = []
    for line in said.splitlines():
        if line.strip() and not line.lstrip().startswith(_FRAME) and told[-1:] != [line]:
            told.append(line)
    errors = [line for line in told[:-_LINES] if _ERROR.search(line)]
    return "\n".join([*errors[-_ERRORS:], *told[-_LINES:]])


def _named(target: Target) -> str:
    major, minor = target.glibc
    return f"{target.name} (glibc {major}.{minor})"
