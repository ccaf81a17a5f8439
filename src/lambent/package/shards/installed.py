"""What an installer writes beside a wheel's own files: launchers, RECORD and the notes of its .dist-info folder. Pure."""

from __future__ import annotations

import base64
import configparser
import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from email.parser import HeaderParser

_SCRIPTS = ("console_scripts", "gui_scripts")
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
    """(group, name, "module:object") of an entry_points.txt, sorted; none of one that cannot be read."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    try:
        parser.read_string(text.decode("utf-8", "replace"))
    except configparser.Error:
        return ()
    return tuple(
        sorted(
            (group, name, _EXTRAS.sub("", value).replace(" ", ""))
            for group in parser.sections()
            for name, value in parser.items(group)
        )
    )


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
    head = HeaderParser().parsestr(metadata.decode("utf-8", "replace").partition("\n\n")[0])
    return tuple(head.get_all("Requires-Dist") or ())


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
