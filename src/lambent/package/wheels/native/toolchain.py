"""The folder that a native build runs with: compiler commands, the target's headers, and a Python that reports the target.

uv runs the interpreter in isolated mode, which ignores PYTHONPATH, and so installs the build requirements for this machine.
The build itself then sees the target's names in sysconfig and platform, from the modules written here.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from lambent.package.target import Target
from lambent.package.wheels.native import compiler_shim
from lambent.package.wheels.native.host_python import HostPython
from lambent.package.wheels.source_tree import EPOCH
from lambent.package.wheels.tags import machine

_HOST_FLAGS = ("CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "PKG_CONFIG_PATH", "ARCHFLAGS", "CPATH", "LIBRARY_PATH")

_CUSTOMIZE = """\
import os
import sys

if sys.version_info[:2] == {version}:
    os.environ["_PYTHON_HOST_PLATFORM"] = "linux-{machine}"
    _host = tuple(os.uname())
    os.uname = lambda: os.uname_result((*_host[:4], "{machine}"))
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


def extension_suffix(target: Target) -> str:
    """Return the end of the file names of the target's extension modules."""
    return f".cpython-{target.python.replace('.', '')}-{machine(target)}-linux-gnu.so"


def lay_out(folder: Path, target: Target, host: HostPython, zig: Path) -> None:
    """Write bin/, headers/, python/ (for PYTHONPATH) and the settings of CMake and Meson into `folder`."""
    _link_headers(folder / "headers", host)
    values = {"bin": folder / "bin", "headers": folder / "headers", "machine": machine(target)}
    (folder / "toolchain.cmake").write_text(_TOOLCHAIN.format(**values), "utf-8")
    (folder / "cross.ini").write_text(_CROSS_FILE.format(**values), "utf-8")
    (folder / "pkgconfig").mkdir()
    settings = compiler_shim.Settings(
        zig=str(zig),
        target=f"{machine(target)}-linux-gnu.{'.'.join(map(str, target.glibc))}",
        headers=str(folder / "headers"),
        host=(str(host.include), str(host.pyconfig.parent), str(host.prefix / "lib")),
        root=str(folder),
    )
    settings_file = folder / "settings.json"
    settings_file.write_text(json.dumps(settings._asdict()), "utf-8")
    (folder / "bin").mkdir()
    for tool in compiler_shim.TOOLS:
        command = folder / "bin" / f"lambent-{tool}"
        shim = shlex.join([sys.executable, "-I", "-S", compiler_shim.__file__, str(settings_file), tool])
        command.write_text(f'#!/bin/sh\nexec {shim} "$@"\n', "utf-8")
        command.chmod(0o755)
    _write_modules(folder / "python", target, host)


def _link_headers(folder: Path, host: HostPython) -> None:
    """Link the interpreter's headers, which are the same on all Linux machines, and pyconfig.h from where the system has it."""
    folder.mkdir()
    for header in host.include.iterdir():
        if header.name != "pyconfig.h":
            (folder / header.name).symlink_to(header)
    (folder / "pyconfig.h").symlink_to(host.pyconfig)


def _write_modules(folder: Path, target: Target, host: HostPython) -> None:
    folder.mkdir()
    version = tuple(int(part) for part in target.python.split("."))
    (folder / "sitecustomize.py").write_text(_CUSTOMIZE.format(version=version, machine=machine(target)), "utf-8")
    text = f"build_time_vars = {sysconfig_variables(target, host)!r}\n"
    (folder / f"{host.module}.py").write_text(text, "utf-8")


def sysconfig_variables(target: Target, host: HostPython) -> dict[str, object]:
    """Return the interpreter's sysconfig data as an interpreter on the target would have it."""
    multiarch = f"{machine(target)}-linux-gnu"
    variables = {
        name: value.replace(f"{host.machine}-linux-gnu", multiarch) if isinstance(value, str) else value
        for name, value in host.variables.items()
    }
    variables |= dict.fromkeys(("CFLAGS", "PY_CFLAGS"), "-fwrapv -O3 -DNDEBUG")
    without_flags = ("LDFLAGS", "PY_LDFLAGS", "CPPFLAGS", "PY_CPPFLAGS", "BASECFLAGS", "OPT", "LIBS", "BLDLIBRARY")
    variables |= dict.fromkeys(without_flags, "")
    shared = "lambent-cc -shared"
    return variables | {
        "CC": "lambent-cc",
        "CXX": "lambent-c++",
        "LINKCC": "lambent-cc",
        "LDSHARED": shared,
        "BLDSHARED": shared,
        "LDCXXSHARED": "lambent-c++ -shared",
        "CCSHARED": "-fPIC",
        "AR": "lambent-ar",
        "RANLIB": "lambent-ranlib",
        "SOABI": extension_suffix(target)[1:-3],
        "EXT_SUFFIX": extension_suffix(target),
        "MULTIARCH": multiarch,
        "Py_ENABLE_SHARED": 0,
    }


def environment(folder: Path, target: Target, environ: Mapping[str, str], zig_cache: Path) -> dict[str, str]:
    """Return the variables of the build, to add to `environ`. Commands are names without paths: a path may contain spaces."""
    return dict.fromkeys(_HOST_FLAGS, "") | {
        "PATH": f"{folder / 'bin'}:{environ.get('PATH', '')}",
        "PYTHONPATH": str(folder / "python"),
        "CC": "lambent-cc",
        "CXX": "lambent-c++",
        "LDSHARED": "lambent-cc -shared",
        "LDCXXSHARED": "lambent-c++ -shared",
        "AR": "lambent-ar",
        "RANLIB": "lambent-ranlib",
        "SETUPTOOLS_EXT_SUFFIX": extension_suffix(target),
        "CMAKE_TOOLCHAIN_FILE": str(folder / "toolchain.cmake"),
        "PKG_CONFIG_LIBDIR": str(folder / "pkgconfig"),
        "SOURCE_DATE_EPOCH": EPOCH,
        "ZIG_LOCAL_CACHE_DIR": str(zig_cache),
        "ZIG_GLOBAL_CACHE_DIR": str(zig_cache),
    }
