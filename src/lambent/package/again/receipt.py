"""What is kept of a build, and how the files that it depended on are looked at."""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import time

TYPE_CHECKING = False  # `typing` takes as long to import as all that is done here
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, TypedDict

    Look = tuple[int, int, int]
    """Of a file: mode, size, and nanoseconds of its last change."""

    class Receipt(TypedDict):
        """What a build leaves. Paths are absolute, sizes in bytes."""

        made: int  # when the build began, in nanoseconds since 1970
        name: str  # the app's
        zip: str
        sha256: bytes  # of the zip
        begin: int  # where in the zip the members begin that are no dependency's,
        records: int  # and where in its directory
        raw: int  # the sum of all members, unpacked
        own: list[tuple[str, str, str]]  # those members: name, the user's file it was made from or "", whose it is
        looks: dict[str, Look]  # of the user's files
        inputs: dict[str, tuple[Look, bytes]]  # files of which every byte counts, with their SHA-256
        stats: dict[str, Look | None]  # files and folders of which the look will do; None for what is not to be there
        folders: dict[str, list[str]]  # the project's, with all names in them
        python: str  # the target's, which compiles
        marks: list[bytes]  # of secrets: see secrets.py
        native: list[bytes]  # what machine code begins with
        words: list[str]  # see skeleton.py
        level: int  # of compression
        limit: int  # with more than this unpacked,
        direct: int  # or this zipped, a build has more to say
        lines: list[tuple[str, str, str]]  # what was said before the zip was there: mark, text, note
        app: tuple[int, str, int]  # which line tells of the app, in which file it is, and in which line of that
        about: str  # what was said at the end
        shares: list[tuple[str, int, int, int, int, int]]  # the fields of events.Share
        output: str  # where a copy goes, or ""


_FORMAT = "1"  # raise it when a receipt of before would be read wrongly
_NOISE = frozenset(["_", "SHLVL", "OLDPWD", "PWD", "COLUMNS", "LINES", "WINDOWID", "TERM_SESSION_ID"])
_SLACK = 2_000_000_000  # nanoseconds; a file may change once more without its date telling, on a coarse clock


def place(cache: str, arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The file of the receipt of a build: by its words, where it was said, the environment and the day, whose rules of AWS
    hold.
    """
    told = [_FORMAT, sys.version, sys.prefix, os.getcwd(), time.strftime("%Y-%m-%d"), *arguments, ""]
    told += [f"{name}={value}" for name, value in sorted(environ.items()) if name not in _NOISE]
    return os.path.join(cache, "again", digest("\0".join(told).encode("utf-8", "surrogateescape")).hex()[:40])


def read(path: str) -> Receipt | None:
    """None when there is none, or it is damaged."""
    try:
        with open(path, "rb") as file:
            told = file.read()
    except OSError:
        return None
    seal, body = told[:32], told[32:]
    if digest(body) != seal:
        return None
    found: Receipt = marshal.loads(body)
    return found


def write(path: str, receipt: Receipt) -> None:
    """Puts it in place with one rename. Raises OSError, and then leaves nothing half-written."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    body = marshal.dumps(dict(receipt))
    put(path, [digest(body), body])


def put(path: str, parts: Iterable[Any], mode: int = 0o600) -> None:
    """A file of these parts, bytes or what is like them, in the place of what was there."""
    temporary = f"{os.path.dirname(path)}/.new-{os.getpid()}-{os.path.basename(path)[-40:]}"
    try:
        with open(temporary, "wb") as file:
            for part in parts:
                file.write(part)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def now() -> int:
    return time.time_ns()


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def look(path: str) -> Look | None:
    """None for what is not there, or may not be seen."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mode, found.st_size, found.st_mtime_ns


def settled(seen: Look, made: int) -> bool:
    """Whether a file was last changed so long before the build began that a later change would have given it another date."""
    return seen[2] < made - _SLACK
