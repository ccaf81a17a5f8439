"""What an installer writes beside a wheel's own files: launchers, RECORD and the notes of its .dist-info folder. Pure."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping

_SCRIPTS = ("console_scripts", "gui_scripts")
_HEADER = re.compile(r"^requires-dist:[ \t]*(.*(?:\n[ \t]+.*)*)", re.IGNORECASE | re.MULTILINE)
_EXTRAS = re.compile(r"\s*\[.*\]\s*$")
_LAUNCHER = """{shebang}
# -*- coding: utf-8 -*-
import sys
from {module} import {first}
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit({call}())
"""


def entry_points(text: bytes | bytearray) -> tuple[tuple[str, str, str], ...]:
    """(group, name, "module:object") of an entry_points.txt, sorted; read as importlib.metadata reads it on Lambda."""
    group, found = "", []
    for line in map(str.strip, text.decode("utf-8", "replace").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
        elif line and group and not line.startswith(("#", ";")):
            name, equals, value = (part.strip() for part in line.partition("="))
            if equals:
                found.append((group, name, _EXTRAS.sub("", value).replace(" ", "")))
    return tuple(sorted(set(found)))


def launchers(points: Iterable[tuple[str, str, str]], python: str) -> dict[str, bytes]:
    """The scripts in bin/ by their path. The shebang names Lambda's own Python: the host's is not there."""
    found = {}
    for group, name, value in points:
        module, _, call = value.partition(":")
        if group in _SCRIPTS and call and "/" not in name:
            first = call.partition(".")[0]
            found[f"bin/{name}"] = _LAUNCHER.format(shebang=shebang(python), module=module, first=first, call=call).encode()
    return found


def shebang(python: str) -> str:
    return f"#!/var/lang/bin/python{python}"


def with_shebang(script: bytes | bytearray, python: str) -> bytes | bytearray:
    """A script whose first line is "#!python", as wheels have it, names the Python it will run under."""
    if not script.startswith((b"#!python", b"#!pythonw")):
        return script
    return shebang(python).encode() + script[script.find(b"\n") :]


def requires(metadata: bytes | bytearray) -> tuple[str, ...]:
    """The Requires-Dist lines of a METADATA file."""
    text = metadata.decode("utf-8", "replace").replace("\r\n", "\n")
    return tuple(line.strip() for line in _HEADER.findall(text.partition("\n\n")[0]))


def digest(data: bytes | bytearray) -> str:
    """ "sha256=...,size", as RECORD has it."""
    return f"sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}"


def record(lines: Mapping[str, str]) -> bytes:
    """A RECORD from paths and their "digest,size", sorted by path."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for name in sorted(lines):
        writer.writerow([name, *(lines[name] or ",").split(",")])
    return text.getvalue().encode()
