"""Lays out what a build is run with: the compiler's commands, the target's headers, and a Python that thinks it is there.

uv asks an interpreter in isolated mode, which passes over PYTHONPATH, and so installs what the build needs for this machine;
the build itself then sees the target's names in sysconfig and platform, from the modules laid out here.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from lambent.package.target import Target
from lambent.package.wheels.native import compiler_shim
from lambent.package.wheels.native.host_python import Host

EPOCH = "315532800"  # 1980-01-01, the first time that a zip can hold
_ABOUT_THIS_MACHINE = ("CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "PKG_CONFIG_PATH", "ARCHFLAGS", "CPATH", "LIBRARY_PATH")

_CUSTOMIZE = """\
import os
import sys

if sys.version_info[:2] == {version}:
    os.environ["_PYTHON_HOST_PLATFORM"] = "linux-{machine}"
    _here = tuple(os.uname())
    os.uname = lambda: os.uname_result((*_here[:4], "{machine}"))
"""

_TOOLCHAIN = """\
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR {machine})
set(CMAKE_C_COMPILER "{bin}/lambent-cc")
set(CMAKE_CXX_COMPILER "{bin}/lambent-c++")
set(CMAKE_AR "{bin}/lambent-ar" CACHE FILEPATH "")
set(CMAKE_RANLIB "{bin}/lambent-ranlib" CACHE FILEPATH "")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(Python_INCLUDE_DIR "{headers}" CACHE PATH "")
set(Python3_INCLUDE_DIR "{headers}" CACHE PATH "")
"""

_CROSS_FILE = """\
[binaries]
c = '{bin}/lambent-cc'
cpp = '{bin}/lambent-c++'
ar = '{bin}/lambent-ar'
ranlib = '{bin}/lambent-ranlib'
pkg-config = 'pkg-config'
cython = 'cython'
pybind11-config = 'pybind11-config'
numpy-config = 'numpy-config'

[host_machine]
system = 'linux'
cpu_family = '{machine}'
cpu = '{machine}'
endian = 'little'

[properties]
needs_exe_wrapper = true
"""


def machine(target: Target) -> str:
    """As the kernel calls it."""
    return "aarch64" if target.architecture == "arm64" else "x86_64"


def suffix(target: Target) -> str:
    """What the names of the target's extension modules end in."""
    return f".cpython-{target.python.replace('.', '')}-{machine(target)}-linux-gnu.so"


def lay_out(folder: Path, target: Target, host: Host, zig: Path) -> None:
    """Writes bin/, headers/, python/ (for PYTHONPATH) and what CMake and Meson want to know into `folder`."""
    _headers(folder / "headers", host)
    places = {"bin": folder / "bin", "headers": folder / "headers", "machine": machine(target)}
    (folder / "toolchain.cmake").write_text(_TOOLCHAIN.format(**places), "utf-8")
    (folder / "cross.ini").write_text(_CROSS_FILE.format(**places), "utf-8")
    (folder / "pkgconfig").mkdir()
    settings = compiler_shim.Settings(
        zig=str(zig),
        target=f"{machine(target)}-linux-gnu.{'.'.join(map(str, target.glibc))}",
        headers=str(folder / "headers"),
        host=(str(host.include), str(host.pyconfig.parent), str(host.prefix / "lib")),
        root=str(folder),
    )
    stored = folder / "settings.json"
    stored.write_text(json.dumps(settings._asdict()), "utf-8")
    (folder / "bin").mkdir()
    for tool in compiler_shim.TOOLS:
        command = folder / "bin" / f"lambent-{tool}"
        words = shlex.join([sys.executable, "-I", "-S", compiler_shim.__file__, str(stored), tool])
        command.write_text(f'#!/bin/sh\nexec {words} "$@"\n', "utf-8")
        command.chmod(0o755)
    _python(folder / "python", target, host)


def _headers(folder: Path, host: Host) -> None:
    """The interpreter's headers, which are the same for all machines of Linux; pyconfig.h is where the system keeps it."""
    folder.mkdir()
    for header in host.include.iterdir():
        if header.name != "pyconfig.h":
            (folder / header.name).symlink_to(header)
    (folder / "pyconfig.h").symlink_to(host.pyconfig)


def _python(folder: Path, target: Target, host: Host) -> None:
    folder.mkdir()
    version = tuple(int(part) for part in target.python.split("."))
    (folder / "sitecustomize.py").write_text(_CUSTOMIZE.format(version=version, machine=machine(target)), "utf-8")
    text = f"build_time_vars = {variables(target, host)!r}\n"
    (folder / f"{host.module}.py").write_text(text, "utf-8")


def variables(target: Target, host: Host) -> dict[str, object]:
    """sysconfig's data of the interpreter, as the target's own interpreter would have it."""
    named = f"{machine(target)}-linux-gnu"
    there = {
        name: value.replace(f"{host.machine}-linux-gnu", named) if isinstance(value, str) else value
        for name, value in host.variables.items()
    }
    flags = "-fwrapv -O3 -DNDEBUG"
    there |= dict.fromkeys(("CFLAGS", "PY_CFLAGS"), flags)
    there |= dict.fromkeys(("LDFLAGS", "PY_LDFLAGS", "CPPFLAGS", "PY_CPPFLAGS", "BASECFLAGS", "OPT", "LIBS", "BLDLIBRARY"), "")
    shared = "lambent-cc -shared"
    return there | {
        "CC": "lambent-cc",
        "CXX": "lambent-c++",
        "LINKCC": "lambent-cc",
        "LDSHARED": shared,
        "BLDSHARED": shared,
        "LDCXXSHARED": "lambent-c++ -shared",
        "CCSHARED": "-fPIC",
        "AR": "lambent-ar",
        "RANLIB": "lambent-ranlib",
        "SOABI": suffix(target)[1:-3],
        "EXT_SUFFIX": suffix(target),
        "MULTIARCH": named,
        "Py_ENABLE_SHARED": 0,
    }


def environment(folder: Path, target: Target, environ: Mapping[str, str], zig_cache: Path) -> dict[str, str]:
    """What is set for the build, in addition to `environ`. Names without paths: a path may hold spaces."""
    return dict.fromkeys(_ABOUT_THIS_MACHINE, "") | {
        "PATH": f"{folder / 'bin'}:{environ.get('PATH', '')}",
        "PYTHONPATH": str(folder / "python"),
        "CC": "lambent-cc",
        "CXX": "lambent-c++",
        "LDSHARED": "lambent-cc -shared",
        "LDCXXSHARED": "lambent-c++ -shared",
        "AR": "lambent-ar",
        "RANLIB": "lambent-ranlib",
        "SETUPTOOLS_EXT_SUFFIX": suffix(target),
        "CMAKE_TOOLCHAIN_FILE": str(folder / "toolchain.cmake"),
        "PKG_CONFIG_LIBDIR": str(folder / "pkgconfig"),
        "SOURCE_DATE_EPOCH": EPOCH,
        "ZIG_LOCAL_CACHE_DIR": str(zig_cache),
        "ZIG_GLOBAL_CACHE_DIR": str(zig_cache),
    }
