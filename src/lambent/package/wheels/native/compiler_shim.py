"""The compiler that a package's build sees: zig, told for whom it compiles, without the flags that are about this machine.

A program of its own, of the standard library only: `python -I -S shim.py SETTINGS TOOL WORDS...`, where SETTINGS is a JSON
file with the keys of `Settings` and TOOL one of `TOOLS`. The output and exit status are zig's. What zig refused last is kept
in `REFUSED` of the root folder, since some builds go on without what does not compile, and say nothing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

TOOLS = ("cc", "c++", "ar", "ranlib")
REFUSED = "refused.txt"

_HOST = ("/usr/include", "/usr/local/include", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/opt/homebrew")
"""What lies there is for this machine. Not all of /usr: projects live in /usr/src."""

_DROPPED = re.compile(
    r"-march=.*|-mtune=.*|-mcpu=.*"  # zig has its own names, and "native" is this machine
    r"|-flto.*|-ffat-lto-objects|-fuse-linker-plugin|-fuse-ld=.*|-fprofile.*|-specs=.*"  # gcc's
    r"|-lpython.*"  # an extension module finds Python's symbols in the process
    r"|-static-libgcc|-static-libstdc\+\+"  # zig's C++ library is static always
)
_LINKER_DROPPED = re.compile(
    r"-?-Bsymbolic.*|--exclude-libs.*|-?-rpath.*|-R.*|--no-undefined|--enable-new-dtags|-O\d|--sort.*|--hash.*"
)
_TAKES_A_WORD = ("-rpath", "--rpath", "-R", "--exclude-libs", "-rpath-link", "--rpath-link")


class Settings(NamedTuple):
    """`zig` is its executable, `target` such as "aarch64-linux-gnu.2.34", `headers` the folder with the target's Python.h.

    `host` are further folders to leave out, `root` the one whose path must not be found in the result.
    """

    zig: str
    target: str
    headers: str
    host: tuple[str, ...]
    root: str


def command(tool: str, words: list[str], settings: Settings) -> list[str]:
    """The command line of zig for what a build asked of its compiler or archiver."""
    if tool in ("ar", "ranlib"):
        return [settings.zig, tool, *words]
    kept = list(_kept(words, settings))
    first = ["-target", settings.target, "-I", settings.headers]
    last = ["-g0", "-fno-sanitize=undefined", f"-ffile-prefix-map={settings.root}=."]
    if not any(word in ("-c", "-E", "-S") for word in words):
        last.append("-s")
    return [settings.zig, tool, *first, *kept, *last]


def _kept(words: list[str], settings: Settings) -> list[str]:
    kept: list[str] = []
    left = iter(words)
    for word in left:
        if word in ("-I", "-L", "-isystem", "-idirafter"):
            path = next(left, "")
            if not _of_host(path, settings):
                kept += [word, path]
        elif word[:2] in ("-I", "-L"):
            if not _of_host(word[2:], settings):
                kept.append(word)
        elif word.startswith("-Wl,"):
            kept += _linker_words(word)
        elif word == "-Xlinker":
            kept += _linker_words(f"-Wl,{next(left, '')}")
        elif not _DROPPED.fullmatch(word):
            kept.append(word)
    return kept


def _linker_words(word: str) -> list[str]:
    """What is left of "-Wl,a,b": zig refuses flags it does not know, where other linkers pass over them."""
    kept: list[str] = []
    left = iter(word.split(",")[1:])
    for part in left:
        if part in _TAKES_A_WORD:
            next(left, None)
        elif part == "-z":
            value = next(left, "")
            if value != "defs":
                kept += ["-z", value]
        elif not _LINKER_DROPPED.fullmatch(part):
            kept.append(part)
    return ["-Wl," + ",".join(kept)] if kept else []


def _of_host(path: str, settings: Settings) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in (*_HOST, *settings.host))


def main(words: list[str]) -> int:
    """Runs zig, and returns its exit status."""
    stored = json.loads(Path(words[0]).read_text("utf-8"))
    settings = Settings(**(stored | {"host": tuple(stored["host"])}))
    done = subprocess.run(command(words[1], words[2:], settings), stderr=subprocess.PIPE, check=False)
    sys.stderr.buffer.write(done.stderr)
    if done.returncode != 0:
        (Path(settings.root) / REFUSED).write_bytes(done.stderr)
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
