"""The compiler that the build of a package runs: zig, set to the target, without the flags that are about this machine.

This is a program of its own, and standard library only: `python -I -S compiler_shim.py SETTINGS TOOL ARGUMENTS...`, where
SETTINGS is a JSON file with the keys of `Settings` and TOOL is one of `TOOLS`. Output and exit status are zig's. The last
error of zig is also written to `ERRORS` in the root folder, because some builds ignore code that doesn't compile.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

TOOLS = ("cc", "c++", "ar", "ranlib")
ERRORS = "compiler_errors.txt"

_HOST_FOLDERS = (
    "/usr/include",
    "/usr/local/include",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/opt/homebrew",
)
"""Folders with files for this machine. Not all of /usr: some projects live in /usr/src."""

_DROPPED = re.compile(
    r"-march=.*|-mtune=.*|-mcpu=.*"  # zig has its own names, and "native" is this machine
    r"|-flto.*|-ffat-lto-objects|-fuse-linker-plugin|-fuse-ld=.*|-fprofile.*|-specs=.*"  # gcc only
    r"|-lpython.*"  # an extension module finds Python's symbols in the process
    r"|-static-libgcc|-static-libstdc\+\+"  # zig always links its C++ library statically
)
_LINKER_DROPPED = re.compile(
    r"-?-Bsymbolic.*|--exclude-libs.*|-?-rpath.*|-R.*|--no-undefined|--enable-new-dtags|-O\d|--sort.*|--hash.*"
)
_LINKER_DROPPED_WITH_VALUE = ("-rpath", "--rpath", "-R", "--exclude-libs", "-rpath-link", "--rpath-link")


class Settings(NamedTuple):
    """`zig` is its executable, `target` such as "aarch64-linux-gnu.2.34", `headers` the folder with the target's Python.h.

    `host` are more folders to leave out. The path of `root` must not appear in the output.
    """

    zig: str
    target: str
    headers: str
    host: tuple[str, ...]
    root: str


def zig_command(tool: str, arguments: list[str], settings: Settings) -> list[str]:
    """Return the command line of zig for the arguments that a build gives its compiler or archiver."""
    if tool in ("ar", "ranlib"):
        return [settings.zig, tool, *arguments]
    first = ["-target", settings.target, "-I", settings.headers]
    last = ["-g0", "-fno-sanitize=undefined", f"-ffile-prefix-map={settings.root}=."]
    if not any(argument in ("-c", "-E", "-S") for argument in arguments):
        last.append("-s")
    return [settings.zig, tool, *first, *_portable(arguments, settings), *last]


def _portable(arguments: list[str], settings: Settings) -> list[str]:
    """Return the arguments without those that are about this machine."""
    portable: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument in ("-I", "-L", "-isystem", "-idirafter"):
            path = next(rest, "")
            if not _is_host_path(path, settings):
                portable += [argument, path]
        elif argument[:2] in ("-I", "-L"):
            if not _is_host_path(argument[2:], settings):
                portable.append(argument)
        elif argument.startswith("-Wl,"):
            portable += _linker_arguments(argument)
        elif argument == "-Xlinker":
            portable += _linker_arguments(f"-Wl,{next(rest, '')}")
        elif not _DROPPED.fullmatch(argument):
            portable.append(argument)
    return portable


def _linker_arguments(argument: str) -> list[str]:
    """Return what remains of "-Wl,a,b". zig rejects unknown flags, where other linkers ignore them."""
    portable: list[str] = []
    rest = iter(argument.split(",")[1:])
    for part in rest:
        if part in _LINKER_DROPPED_WITH_VALUE:
            next(rest, None)
        elif part == "-z":
            value = next(rest, "")
            if value != "defs":
                portable += ["-z", value]
        elif not _LINKER_DROPPED.fullmatch(part):
            portable.append(part)
    return ["-Wl," + ",".join(portable)] if portable else []


def _is_host_path(path: str, settings: Settings) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in (*_HOST_FOLDERS, *settings.host))


def main(arguments: list[str]) -> int:
    """Run zig and return its exit status."""
    settings = Settings(**json.loads(Path(arguments[0]).read_text("utf-8")))
    run = subprocess.run(zig_command(arguments[1], arguments[2:], settings), stderr=subprocess.PIPE, check=False)
    sys.stderr.buffer.write(run.stderr)
    if run.returncode != 0:
        (Path(settings.root) / ERRORS).write_bytes(run.stderr)
    return run.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
