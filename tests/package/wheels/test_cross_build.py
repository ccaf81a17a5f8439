"""--build-native: the compiler and the Python that a build sees, and the check of the wheel it makes.

Tests that compile are skipped without zig: `pip install 'lambent[native]'` (400 MB).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from lambent import elf, interpreters
from lambent.config.model import Architecture
from lambent.errors import PackagingError
from lambent.interpreters import Interpreter
from lambent.package.target import Target
from lambent.package.wheels import source_tree
from lambent.package.wheels.native import compiler_shim, toolchain, zig
from lambent.package.wheels.native.audit import NativeContent, audit, retag
from lambent.package.wheels.native.cross_build import CrossBuilder
from lambent.package.wheels.native.host_python import find_host_python
from lambent.package.wheels.native.zig import find_zig
from lambent.package.wheels.tags import machine

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
MACHINE: Architecture = "arm64" if platform.machine() == "aarch64" else "x86_64"
OTHER: Architecture = "x86_64" if MACHINE == "arm64" else "arm64"
SETTINGS = compiler_shim.Settings(
    zig="/zig", target="aarch64-linux-gnu.2.34", headers="/h", host=("/py/include/python3.12",), root="/root/b"
)
LAST = ["-g0", "-fno-sanitize=undefined", "-ffile-prefix-map=/root/b=."]


def python(version: str = HERE) -> Interpreter:
    interpreter = interpreters.find(version, os.environ)
    if interpreter is None:
        pytest.skip(f"no Python {version} on this machine")
    return interpreter


def shimmed(*arguments: str) -> list[str]:
    """Return the arguments of a compilation that the shim passes on."""
    line = compiler_shim.zig_command("cc", ["-c", *arguments], SETTINGS)
    assert line[:7] == ["/zig", "cc", "-target", "aarch64-linux-gnu.2.34", "-I", "/h", "-c"]
    assert line[-3:] == LAST
    return line[7:-3]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a.c", "-o", "a.o", "-O3", "-fPIC", "-DX=1"], ["a.c", "-o", "a.o", "-O3", "-fPIC", "-DX=1"]),
        (["-march=native", "-mtune=generic", "-flto=auto", "-mavx2"], ["-mavx2"]),
        (["-I/usr/include", "-Isrc", "-I", "/usr/include/x", "-I", "lib"], ["-Isrc", "-I", "lib"]),
        (["-I/usr/src/app/src", "-I/usr/includes"], ["-I/usr/src/app/src", "-I/usr/includes"]),
        (["-I/py/include/python3.12", "-I/py/include/other"], ["-I/py/include/other"]),
        (["-isystem", "/usr/local/include", "-L/usr/lib/x86_64-linux-gnu", "-Lbuild"], ["-Lbuild"]),
        (["-Wl,-Bsymbolic-functions", "-Wl,-z,relro,-z,now", "-lm"], ["-Wl,-z,relro,-z,now", "-lm"]),
        (["-Wl,--exclude-libs,ALL,--gc-sections", "-Wl,-z,defs"], ["-Wl,--gc-sections"]),
        (["-Wl,-rpath,/py/lib", "-Wl,-rpath=/py/lib", "-Xlinker", "--no-undefined", "-lpython3.12"], []),
    ],
)
def test_shim_drops_flags_about_this_machine(arguments: list[str], expected: list[str]) -> None:
    assert shimmed(*arguments) == expected


def test_shim_strips_linked_files_but_not_archives() -> None:
    assert compiler_shim.zig_command("c++", ["-shared", "a.o"], SETTINGS)[-1] == "-s"
    assert compiler_shim.zig_command("cc", ["-c", "a.c"], SETTINGS)[-1] != "-s"
    assert compiler_shim.zig_command("ar", ["rcs", "a.a", "a.o"], SETTINGS) == ["/zig", "ar", "rcs", "a.a", "a.o"]


def test_shim_passes_on_status_and_output_and_records_errors(tmp_path: Path) -> None:
    compiler = tmp_path / "a zig"
    compiler.write_text('#!/bin/sh\necho "out: $1"; echo "no: $*" >&2; exit 3\n')
    compiler.chmod(0o755)
    folder = tmp_path / "a folder"
    folder.mkdir()
    toolchain.lay_out(
        folder, Target(HERE, "arm64", (2, 26)), find_host_python(Target(HERE, "arm64", (2, 26)), os.environ), compiler
    )
    words = [folder / "bin" / "lambent-cc", "-c", "my file.c"]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (3, "out: cc\n")
    assert "-target aarch64-linux-gnu.2.26" in run.stderr and "-c my file.c" in run.stderr
    assert (folder / compiler_shim.ERRORS).read_text() == run.stderr


ASK = """
import json, os, platform, sysconfig
from importlib import import_module
names = ("EXT_SUFFIX", "SOABI", "MULTIARCH", "CC", "LDSHARED")
print(json.dumps([sysconfig.get_platform(), platform.machine(), *map(sysconfig.get_config_var, names)]))
"""


def test_build_sees_the_target_while_uv_sees_this_machine(tmp_path: Path) -> None:
    target = Target(HERE, OTHER, (2, 34))
    interpreter = python()
    toolchain.lay_out(tmp_path, target, find_host_python(target, os.environ), Path("/zig"))
    environ = dict(os.environ) | toolchain.environment(tmp_path, target, os.environ, tmp_path)
    normal, isolated = (
        json.loads(subprocess.run([interpreter.path, *words, "-c", ASK], env=environ, capture_output=True, check=True).stdout)
        for words in ([], ["-I"])
    )
    other = machine(target)
    soabi = f"cpython-{HERE.replace('.', '')}-{other}-linux-gnu"
    assert normal == [
        f"linux-{other}", other, f".{soabi}.so", soabi, f"{other}-linux-gnu", "lambent-cc", "lambent-cc -shared"
    ]  # fmt: skip
    assert isolated[1] == platform.machine()
    assert other not in str(isolated)


def test_headers_are_those_of_the_interpreter(tmp_path: Path) -> None:
    target = Target(HERE, OTHER, (2, 34))
    toolchain.lay_out(tmp_path, target, find_host_python(target, os.environ), Path("/zig"))
    assert "PY_MAJOR_VERSION" in (tmp_path / "headers" / "patchlevel.h").read_text()
    assert "SIZEOF_WCHAR_T" in (tmp_path / "headers" / "pyconfig.h").read_text()  # Debian's stub has only an #include


def test_missing_interpreter_or_headers_are_reported_with_a_remedy(tmp_path: Path) -> None:
    nowhere = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    with pytest.raises(
        PackagingError, match=r"needs a Python 3\.1 with its headers on this machine, and there is none"
    ) as none:
        find_host_python(Target("3.1", "arm64", (2, 34)), nowhere)
    assert none.value.hint == "uv python install 3.1  (it includes the headers)"
    bare = tmp_path / "python3.1"
    shutil.copy("/bin/true", bare)  # runs, but prints nothing
    with pytest.raises(PackagingError, match="has no headers"):
        find_host_python(Target("3.1", "arm64", (2, 34)), nowhere)


def test_python_without_headers_is_skipped(tmp_path: Path) -> None:
    shutil.copy("/bin/true", tmp_path / f"python{HERE}")
    environ = dict(os.environ) | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert find_host_python(Target(HERE, "arm64", (2, 26)), environ).include.is_dir()


def test_compiled_files_and_build_system_are_detected(tmp_path: Path) -> None:
    tree = tmp_path / "thing-1"
    for name in ("src/a.c", "src/b.PYX", "src/c.py", "tests/t.c", "docs/d.cpp", ".git/e.c"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("")
    assert source_tree.compiled_files(tree) == ["src/a.c", "src/b.PYX"]
    assert source_tree.build_system(tree) == ("setuptools.build_meta:__legacy__", ())
    (tree / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["Meson_Python>=1", "cython"]\nbuild-backend = "mesonpy"\n'
    )
    assert source_tree.build_system(tree) == ("mesonpy", ("meson-python", "cython"))


def test_source_is_copied_without_build_output(tmp_path: Path) -> None:
    tree = tmp_path / "thing-1"
    for name in ("a.c", "build/a.o", "pkg/build/kept.c", "pkg/old.cpython-312-x86_64-linux-gnu.so"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("")
    copied = source_tree.copy(tree, tmp_path / "copy", extension_modules=False)
    assert sorted(str(path.relative_to(copied)) for path in copied.rglob("*") if path.is_file()) == ["a.c", "pkg/build/kept.c"]
    with tarfile.open(tmp_path / "thing-1.tar.gz", "w:gz") as archive:
        archive.add(tree, "thing-1")
    assert (source_tree.unpack(tmp_path / "thing-1.tar.gz", tmp_path / "unpacked") / "a.c").is_file()
    (tmp_path / "cut.tar.gz").write_bytes((tmp_path / "thing-1.tar.gz").read_bytes()[:60])
    with zipfile.ZipFile(tmp_path / "flat-1.zip", "w") as flat:  # as hexdump 3.3 is
        flat.writestr("setup.py", "")
        flat.writestr("data/a.txt", "")
    assert source_tree.unpack(tmp_path / "flat-1.zip", tmp_path / "flat") == tmp_path / "flat"
    with pytest.raises(PackagingError, match="cannot unpack"):
        source_tree.unpack(tmp_path / "cut.tar.gz", tmp_path / "nothing")


def extension_module() -> Path:
    """Return an extension module of this Python that needs only libc."""
    for path in sorted((Path(sysconfig.get_path("stdlib")) / "lib-dynload").glob("*.cpython-*.so")):
        read = elf.read(path.read_bytes())
        if read is not None and read.needed == ("libc.so.6",):
            return path
    pytest.skip("this Python has its modules built in")


def wheel_with(path: Path, folder: Path) -> Path:
    """Write a wheel as a build makes it, with one extension module of this machine's Python."""
    wheel = folder / f"thing-1-cp{HERE.replace('.', '')}-cp{HERE.replace('.', '')}-linux_{platform.machine()}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"thing/{path.name}", path.read_bytes())
        archive.writestr("thing-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp1-cp1-linux_any\n\n")
        archive.writestr("thing-1.dist-info/RECORD", f"thing/{path.name},,\nthing-1.dist-info/WHEEL,sha256=x,1\n")
    return wheel


def test_wheel_gets_the_tag_of_its_newest_glibc_symbol(tmp_path: Path) -> None:
    target = Target(HERE, MACHINE, (9, 9))
    module = extension_module()
    content = audit(wheel_with(module, tmp_path), target, "thing 1")
    assert content.binaries == 1
    (tmp_path / "new").mkdir()
    wheel = retag(wheel_with(module, tmp_path), target, NativeContent(1, (2, 30)), tmp_path / "new")
    platform_tag = f"manylinux_2_30_{platform.machine()}"
    assert wheel.name.endswith(f"-{platform_tag}.whl")
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read("thing-1.dist-info/WHEEL")
        digest = base64.urlsafe_b64encode(hashlib.sha256(metadata).digest()).decode().rstrip("=")
        assert f"thing-1.dist-info/WHEEL,sha256={digest},{len(metadata)}\n" in archive.read("thing-1.dist-info/RECORD").decode()
    assert metadata.decode().splitlines()[2:] == [f"Tag: cp{HERE.replace('.', '')}-cp{HERE.replace('.', '')}-{platform_tag}"]
    older = retag(wheel, target, NativeContent(1, (2, 4)), tmp_path)
    assert "manylinux_2_17" in older.name  # the lowest tag


@pytest.mark.parametrize(
    "target", [Target(HERE, OTHER, (9, 9)), Target(HERE, MACHINE, (2, 1)), Target("3.99", MACHINE, (9, 9))]
)
def test_wheel_that_would_not_load_is_refused(target: Target, tmp_path: Path) -> None:
    module = extension_module()
    with pytest.raises(PackagingError, match="thing 1 was built, but it would not load") as refused:
        audit(wheel_with(module, tmp_path), target, "thing 1")
    assert refused.value.where == f"thing/{module.name}"


RUST = '[build-system]\nrequires = ["maturin>=1,<2"]\nbuild-backend = "maturin"\n'


def test_rust_is_refused_before_anything_is_downloaded(tmp_path: Path) -> None:
    tree = tmp_path / "thing"
    tree.mkdir()
    (tree / "pyproject.toml").write_text(RUST)
    with pytest.raises(PackagingError, match="thing 1 is written in Rust"):
        CrossBuilder(Target("3.12", "arm64", (2, 34)), tmp_path / "cache", {}).build(tree, "thing 1")


def has_zig() -> bool:
    try:
        find_zig(os.environ)
    except PackagingError:
        return False
    return True


needs_zig = pytest.mark.skipif(not has_zig(), reason="zig is not installed: pip install 'lambent[native]'")


@pytest.mark.skipif(has_zig(), reason="zig is installed")
def test_missing_zig_is_reported_with_the_command_that_installs_it(tmp_path: Path) -> None:
    with pytest.raises(PackagingError) as none:
        find_zig({"PATH": str(tmp_path)})
    assert "pip install 'lambent[native]'" in none.value.hint


SETUP = """
from setuptools import Extension, setup
setup(name="thing", version="1", packages=["thing"], ext_modules=[Extension("thing.fast", ["thing/fast.c"], optional=True)])
"""
MODULE = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <unistd.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(getpid() ? 42 : 0); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast", "", -1, methods};
PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&module); }
"""


def package(folder: Path, extra: str = "") -> Path:
    """Write a package with a C module that contains `extra`."""
    tree = folder / "thing"
    (tree / "thing").mkdir(parents=True)
    (tree / "setup.py").write_text(SETUP)
    (tree / "thing" / "__init__.py").write_text("")
    (tree / "thing" / "fast.c").write_text(extra + MODULE)
    return tree


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@needs_zig
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_c_package_is_built_for_either_machine(architecture: Architecture, cache: Path, tmp_path: Path) -> None:
    target = Target(HERE, architecture, (2, 26))
    native = CrossBuilder(target, cache, os.environ)
    wheel = native.build(package(tmp_path), "thing 1", digest=f"thing {architecture}")
    assert wheel.name == f"thing-1-cp{HERE[0]}{HERE[2:]}-cp{HERE[0]}{HERE[2:]}-manylinux_2_17_{machine(target)}.whl"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    data = (tmp_path / "installed" / "thing" / f"fast{toolchain.extension_suffix(target)}").read_bytes()
    read = elf.read(data)
    assert read is not None and (read.machine, read.needed) == (architecture, ("libc.so.6",))
    assert str(cache).encode() not in data
    assert native.build(tmp_path / "thing", "thing 1", digest=f"thing {architecture}") == wheel
    if architecture == MACHINE:
        ask = "import thing.fast; print(thing.fast.answer())"
        run = subprocess.run([python().path, "-c", ask], cwd=tmp_path / "installed", capture_output=True, text=True, check=True)
        assert run.stdout == "42\n"


SCM = 'build-backend = "setuptools.build_meta"\nrequires = ["setuptools", "setuptools-scm"]\n'


def test_build_gets_the_locked_version_in_variables(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[build-system]\n{SCM}")
    variables = source_tree.version_variables("thing.one", "2.5", tmp_path)
    assert variables["SETUPTOOLS_SCM_PRETEND_VERSION_FOR_THING_ONE"] == variables["PDM_BUILD_SCM_VERSION"] == "2.5"
    assert "SETUPTOOLS_SCM_PRETEND_VERSION" not in variables and source_tree.version_variables("thing", "", tmp_path) == {}


@needs_zig
def test_version_from_git_tags_is_the_locked_one(cache: Path, tmp_path: Path) -> None:
    tree = package(tmp_path)
    (tree / "setup.py").write_text(SETUP.replace(', version="1"', ""))
    (tree / "pyproject.toml").write_text(f"[build-system]\n{SCM}[tool.setuptools_scm]\n")
    wheel = CrossBuilder(Target(HERE, "arm64", (2, 34)), cache, os.environ).build(tree, "thing 2.5", digest="thing from tags")
    assert wheel.name.startswith("thing-2.5-cp")


@needs_zig
def test_build_that_drops_its_native_code_is_an_error(cache: Path, tmp_path: Path) -> None:
    tree = package(tmp_path, extra="#include <nowhere.h>\n")
    with pytest.raises(PackagingError, match=r"without its native code.*needs the header nowhere\.h"):
        CrossBuilder(Target(HERE, OTHER, (2, 26)), cache, os.environ).build(tree, "thing 1")


@needs_zig
def test_missing_system_library_is_named(cache: Path, tmp_path: Path) -> None:
    tree = package(tmp_path)
    (tree / "setup.py").write_text(SETUP.replace(", optional=True", ', libraries=["elsewhere"]'))
    with pytest.raises(PackagingError, match="it needs the library elsewhere, which is not in its source"):
        CrossBuilder(Target(HERE, OTHER, (2, 26)), cache, os.environ).build(tree, "thing 1")


def test_hint_for_a_build_names_what_installs_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zig, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")
    assert zig.build_flag() == "--build-native, after pip install 'lambent[native]'"
    monkeypatch.setattr(zig, "find_spec", lambda name: object())
    assert zig.build_flag() == "--build-native"
