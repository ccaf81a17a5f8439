"""The errors of fetching and building wheels, as messages with a location and a hint."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lambent import interpreters
from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.target import Target
from lambent.package.unfit import NO_WHEEL, Blocker, UnfitError, pythons_before
from lambent.package.urls import host_of, printable_url
from lambent.package.wheels import build_failure
from lambent.package.wheels.available_wheels import describe_wheels
from lambent.package.wheels.download_request import DownloadRequest
from lambent.package.wheels.native.zig import build_flag

_TAIL_LINES = 16  # lines of a failed build to show, and error lines from further up
_ERROR_LINES = 4
_ERROR_LINE = re.compile(r"^\w*(Error|Exception|Exit)\b|\berror:|\bfatal\b", re.IGNORECASE)
_UV_LINES = ("error: Failed to build", "cause: The build backend", "cause: Call to", "hint:", "help:")
_DISK_FULL = re.compile(r"(?:`([^`\n]+)`[^`\n]*)?\b(No space left on device|Disk quota exceeded|Read-only file system)")
_SQLEAN = "sqlean.py (import sqlean as sqlite3)"
_ALTERNATIVES = {
    "dlib": "dlib-bin",
    "fasttext": "fasttext-wheel",
    "mysqlclient": "PyMySQL (import pymysql; pymysql.install_as_MySQLdb(), first of all in the app or Django's settings)",
    "psycopg2": "psycopg2-binary",
    "py-bcrypt": "bcrypt",
    "pycrypto": "pycryptodome",
    "pysqlite3": "pysqlite3-binary",
    "python-ldap": "ldap3",
}
_LIBRARIES = {
    "dbus-python": "D-Bus",
    "gssapi": "Kerberos",
    "kerberos": "Kerberos",
    "mysqlclient": "MySQL's client library",
    "psycopg2": "PostgreSQL's client library",
    "pyaudio": "PortAudio",
    "pycairo": "cairo",
    "pygobject": "GObject",
    "python-ldap": "OpenLDAP",
}
"""Packages without wheels for Linux, and the system library that their source needs."""
_ARM_ALTERNATIVES = {"pysqlite3": _SQLEAN, "pysqlite3-binary": _SQLEAN}


def alternative_package(name: str, target: Target) -> str:
    """Return a package that does the same and has wheels for the target, or "" if we know none."""
    return (_ARM_ALTERNATIVES.get(name, "") if target.architecture == "arm64" else "") or _ALTERNATIVES.get(name, "")


def hash_mismatch(request: DownloadRequest, expected: str, actual: str) -> PackagingError:
    return PackagingError(
        f"{request.package}: {request.file.filename} is not the file that was locked",
        where=printable_url(request.file.url),
        hint="if the file was replaced on purpose, lock again; if not, do not trust it",
        detail=f"expected {expected}\nactual   {actual}",
    )


def gave_up(request: DownloadRequest, reason: str) -> PackagingError:
    return PackagingError(
        f"cannot download {request.package} from {_host(request)}: {reason}",
        where=printable_url(request.file.url),
        hint="check the network and the proxy, then run the same command again: it resumes the download",
    )


def rejected(request: DownloadRequest, status: int) -> PackagingError:
    """Return the error for an HTTP status that another attempt won't change."""
    host, where = _host(request), printable_url(request.file.url)
    if status in (401, 403):
        return PackagingError(
            f"{request.package}: {host} rejects the credentials, or needs some ({status})",
            where=where,
            hint=f"uv auth login {host}, or set UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD, or add it to ~/.netrc",
        )
    if status in (404, 410):
        return PackagingError(
            f"{request.package}: {request.file.filename} no longer exists on {host} ({status})",
            where=where,
            hint=f"lock again; if the index is private, the credentials may be missing: uv auth login {host}",
        )
    return PackagingError(f"{request.package}: {host} answers {status}", where=where, hint="check the address of the index")


def untrusted_certificate(request: DownloadRequest, error: Exception) -> PackagingError:
    reason = re.search(r"CERTIFICATE_VERIFY_FAILED\] certificate verify failed: ([^(\"']+)", str(error))
    return PackagingError(
        f"{request.package}: the certificate of {_host(request)} is not trusted" + (f": {reason[1].strip()}" if reason else ""),
        where=printable_url(request.file.url),
        hint="point SSL_CERT_FILE to your authority's certificate: SSL_CERT_FILE=/path/to/ca.pem",
    )


def unreadable(request: DownloadRequest, error: OSError) -> PackagingError:
    return PackagingError(
        f"{request.package}: cannot read {request.file.filename}: {error.strerror or error}",
        where=printable_url(request.file.url),
        hint="check the path, or lock again",
    )


def offline(requests: list[DownloadRequest]) -> PackagingError:
    packages = [request.package for request in requests]
    names = ", ".join(packages[:5]) + (f" and {len(packages) - 5} more" if len(packages) > 5 else "")
    return PackagingError(
        f"UV_OFFLINE is set, and these packages are not in the cache: {names}",
        where=printable_url(requests[0].file.url),
        hint="unset UV_OFFLINE and run the command once with a network connection",
    )


def no_wheel(pin: Pin, target: Target, source: str) -> PackagingError:
    """Return the error for a package without a wheel for the target: the wheels it has, and what to do."""
    package = f"{pin.name} {pin.version}".strip()
    what = f"{package} has no wheel for {target.platform}"
    wheels = describe_wheels(pin)
    build = "; or build it from its source: --build-native" if pin.sdist else ""
    return PackagingError(
        f"{what}; there are wheels for {wheels}" if wheels else what,
        where=source,
        hint=f"choose a version that has one: https://pypi.org/project/{pin.name}/#files{build}",
    )


def built_for_this_machine(package: str, target: Target) -> PackagingError:
    return PackagingError(
        f"{package} has no wheel for {target.platform}, and building it from source gives code for this machine only",
        where=package,
        hint=f"choose a version that has wheels, or build it for the target: {build_flag()}",
    )


def disk_full(output: str) -> PackagingError | None:
    """Return the error if the output of uv or of a build shows that the disk was full, otherwise None."""
    match = _DISK_FULL.search(output)
    if match is None:
        return None
    where = match[1] if match[1] and match[1].startswith("/") else "the cache, or the folder for temporary files"
    hint = "free some disk space, or use other folders: --cache-dir DIR for the cache, TMPDIR=DIR for temporary files"
    return PackagingError(f"cannot write: {match[2]}", where=where, hint=hint, detail=output_tail(output))


def build_failed(package: str, target: Target, output: str, *, is_local: bool = False) -> PackagingError:
    """Return the error for a failed build. `output` is everything it printed.

    `package` is a name and a version, or if it `is_local` a folder or file of the user's.
    """
    if error := disk_full(output):
        return error
    name = package.partition(" ")[0]
    alternative = alternative_package(name, target)
    reason = build_failure.explain(output)
    library = _LIBRARIES.get(name)
    if library and not (reason and reason.removed):
        excluded = f'without = ["{name}"] in [tool.lambent], if a layer has it or the app works without it'
        what = f"{package} has no wheel for {target.platform}, and its source needs {library} and a compiler"
        error = PackagingError(what, where=package, hint=f"use {alternative}" if alternative else excluded)
        return _uncompilable(error, package)
    if reason is not None:
        is_older = target.python in pythons_before(reason.removed or "3.0")  # then another Python than the target's built it
        runtime = f"install Python {target.python}: {interpreters.install_command(target.python)}" if is_older else reason.hint
        other = _other_version(package) if not is_local else "" if runtime else reason.cure
        hints = [runtime, f"use {alternative}" if alternative else "", other]
        hint = ", or ".join(hint for hint in hints if hint)
        error = PackagingError(f"{package} doesn't build from its source: {reason.text}", where=package, hint=hint)
        return _unfit(error, package, reason) if reason.removed else error
    if build_failure.NEEDS_COMPILER.search(output):
        wheels = "" if is_local else f"a version that has wheels (https://pypi.org/project/{name}/#files)"
        other = f"use {alternative or wheels}, or " if alternative or wheels else ""
        what = f"{package} has no wheel for {target.platform}, and its source needs a compiler"
        error = PackagingError(what, where=package, hint=f"{other}build it for the target: {build_flag()}")
        return error if is_local else _uncompilable(error, package)
    hint = f"see the output of the build below{f', or use {alternative}' if alternative else ''}"
    return PackagingError(f"cannot build {package} from its source", where=package, hint=hint, detail=output_tail(output))


def _unfit(error: PackagingError, package: str, reason: build_failure.Reason) -> UnfitError:
    name, _, version = package.partition(" ")
    text = f"doesn't build from its source: {reason.text}"
    return UnfitError(error, [Blocker(name, version, text, pythons_before(reason.removed))])


def _uncompilable(error: PackagingError, package: str) -> UnfitError:
    """Return the error as one that no Python cures: a package is only built if it has no wheels for any Linux."""
    name, _, version = package.partition(" ")
    return UnfitError(error, [Blocker(name, version, f"{NO_WHEEL}, and its source needs a compiler", frozenset())])


def _other_version(package: str) -> str:
    return f"choose another version: https://pypi.org/project/{package.partition(' ')[0]}/#history"


def output_tail(output: str) -> str:
    """Return the end of a build's output without uv's own lines, after the error lines from further up.

    uv reads the build's stdout and stderr separately, so an error may come before lines that were printed earlier.
    """
    lines: list[str] = []
    for line in output.splitlines():
        if line.strip() and not line.lstrip().startswith(_UV_LINES) and lines[-1:] != [line]:
            lines.append(line)
    errors = [line for line in lines[:-_TAIL_LINES] if _ERROR_LINE.search(line)]
    return "\n".join([*errors[-_ERROR_LINES:], *lines[-_TAIL_LINES:]])


def _host(request: DownloadRequest) -> str:
    return host_of(urlsplit(request.file.url))
