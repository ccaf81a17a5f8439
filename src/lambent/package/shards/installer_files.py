"""The files that an installer writes in addition to a wheel's own: launchers, RECORD, notes in .dist-info. Pure."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from collections.abc import Container, Iterable, Mapping

from lambent import removed_modules
from lambent.package.shards.shard import EntryPoint

_SCRIPT_GROUPS = ("console_scripts", "gui_scripts")
_REQUIRES_DIST = re.compile(r"^requires-dist:[ \t]*(.*(?:\n[ \t]+.*)*)", re.IGNORECASE | re.MULTILINE)
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
_DISTUTILS_HOOK = "distutils-precedence.pth"
"""The file with which setuptools provides distutils in a virtual environment."""
_DISTUTILS = b"""# Added by lambent: a .pth file of setuptools does this in a virtual environment, and Lambda reads none.
import sys

del sys.modules[__name__]  # setuptools warns if there is one before its own
import setuptools
import distutils
"""


def parse_entry_points(text: bytes | bytearray) -> tuple[EntryPoint, ...]:
    """Return the entry points in an entry_points.txt, sorted, as importlib.metadata reads them on Lambda."""
    group, points = "", set()
    for line in map(str.strip, text.decode("utf-8", "replace").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
        elif line and group and not line.startswith(("#", ";")):
            name, equals, value = (part.strip() for part in line.partition("="))
            if equals:
                points.add((group, name, _EXTRAS.sub("", value).replace(" ", "")))
    return tuple(sorted(points))


def parse_requires(metadata: bytes | bytearray) -> tuple[str, ...]:
    """Return the Requires-Dist lines of a METADATA file."""
    text = metadata.decode("utf-8", "replace").replace("\r\n", "\n")
    return tuple(line.strip() for line in _REQUIRES_DIST.findall(text.partition("\n\n")[0]))


def distutils_module(paths: Container[str], python: tuple[int, int]) -> dict[str, bytes]:
    """Return the module that stands for setuptools' .pth file, by its path, if a wheel has that and Python no distutils."""
    if _DISTUTILS_HOOK in paths and removed_modules.lacks("distutils", python):
        return {"distutils/__init__.py": _DISTUTILS}
    return {}


def launchers(points: Iterable[EntryPoint], python: str) -> dict[str, bytes]:
    """Return the scripts in bin/, by path. Their shebang names Lambda's Python, because the host's isn't there."""
    scripts = {}
    for group, name, value in points:
        module, _, call = value.partition(":")
        if group in _SCRIPT_GROUPS and call and "/" not in name:
            first = call.partition(".")[0]
            text = _LAUNCHER.format(shebang=_shebang(python), module=module, first=first, call=call)
            scripts[f"bin/{name}"] = text.encode()
    return scripts


def with_shebang(script: bytes | bytearray, python: str) -> bytes | bytearray:
    """Return a script with Lambda's Python in its first line, if that line is the "#!python" of a wheel."""
    if not script.startswith((b"#!python", b"#!pythonw")):
        return script
    return _shebang(python).encode() + script[script.find(b"\n") :]


def _shebang(python: str) -> str:
    return f"#!/var/lang/bin/python{python}"


def record_entry(data: bytes | bytearray) -> str:
    """Return "sha256=...,size", as in RECORD."""
    return f"sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}"


def record(entries: Mapping[str, str]) -> bytes:
    """Return a RECORD file from paths and their "digest,size", sorted by path."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for path in sorted(entries):
        writer.writerow([path, *(entries[path] or ",").split(",")])
    return text.getvalue().encode()
