"""Libraries that an app loaded from this machine."""

from __future__ import annotations

import subprocess
import sys

from lambent.package.proof.loaded_libraries import lacking
from lambent.package.target import Target

TARGET = Target("3.13", "x86_64", (2, 34))


def test_only_libraries_that_lambda_lacks_are_named() -> None:
    loaded = ("/usr/lib/x86_64-linux-gnu/libmagic.so.1.0.0", "/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib64/libz.so.1.2.13")
    assert lacking(loaded, TARGET) == ["libmagic.so.1"]


def test_what_python_itself_needs_does_not_count() -> None:
    source = "import ssl, sqlite3, ctypes, pyexpat, lzma; print(open('/proc/self/maps').read())"
    maps = subprocess.run([sys.executable, "-I", "-S", "-c", source], check=True, capture_output=True, text=True).stdout
    loaded = {word for word in maps.split() if word.startswith("/")}
    assert any("libc.so" in path for path in loaded)
    assert lacking(loaded, TARGET) == []
