"""Findings about zips: with real wheels for other targets, and with small projects."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import elf, events, removed_modules
from lambent.config.model import App, Config
from lambent.elf import Binary
from lambent.errors import PackagingError
from lambent.package.build import build
from lambent.package.proof import entry_point, fingerprint, missing_imports, native_files, package_requirements
from lambent.package.proof.advice import Advice
from lambent.package.proof.finding import Finding, refusal
from lambent.package.proof.importable_code import Code
from lambent.package.proof.native_files import Native
from lambent.package.proof.package_requirements import Metadata
from lambent.package.proof.prove import Zip, clashes, prove
from lambent.package.shards.import_scanner import scan_imports
from lambent.package.target import Target
from support.real_wheels import Installed, install

OLD = Target("3.11", "x86_64", (2, 26))
NEW = Target("3.13", "x86_64", (2, 34))
ARM = Target("3.13", "arm64", (2, 34))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Installed]:
    folder = tmp_path_factory.mktemp("wheels")
    return {
        "numpy": install(folder / "numpy", "3.11", "x86_64", "numpy==2.4.0"),
        "web": install(folder / "web", "3.13", "x86_64", "psycopg2-binary", "pysqlite3-binary", "orjson", "pydantic-core"),
        "arm": install(folder / "arm", "3.13", "arm64", "cryptography", "lxml", "pillow", "markupsafe"),
        "musl": install(folder / "musl", "3.13", "musl", "markupsafe"),
    }


def checked(installed: Installed, target: Target) -> tuple[Finding, ...]:
    return native_files.check(installed.natives(), installed.files, target)


def library(name: str = "pkg/_fast.cpython-313-x86_64-linux-gnu.so", package: str = "pkg 1.0", **fields: object) -> Native:
    """Return an extension module that works, except for the given fields."""
    working = Binary("elf", "x86_64", kind="shared", align=4096, module="_fast", needed=("libc.so.6",))
    return Native(name, replace(working, **fields), package)  # type: ignore[arg-type]


def only_finding(natives: Iterable[Native], target: Target = NEW, names: Iterable[str] = ()) -> Finding:
    natives = tuple(natives)
    (finding,) = native_files.check(natives, {*names, *(each.path for each in natives)}, target)
    return finding


def findings_in(natives: Iterable[Native], target: Target = NEW, names: Iterable[str] = ()) -> tuple[Finding, ...]:
    natives = tuple(natives)
    return native_files.check(natives, {*names, *(each.path for each in natives)}, target)


# Shared objects of real wheels


def test_wheels_for_the_target_are_accepted(wheels: dict[str, Installed]) -> None:
    assert checked(wheels["web"], NEW) == ()
    assert checked(wheels["arm"], ARM) == ()
    assert checked(wheels["numpy"], replace(OLD, glibc=(2, 28))) == ()


def test_newer_glibc_is_an_error(wheels: dict[str, Installed]) -> None:
    (finding,) = checked(wheels["numpy"], OLD)
    assert (finding.level, finding.package) == ("error", "numpy 2.4.0")
    assert finding.what == "numpy 2.4.0 needs GLIBC_2.27, and python3.11 x86_64 has only 2.26"
    assert any("_multiarray_umath.cpython-311" in file for file in finding.files)
    assert "--runtime python3.12" in finding.hint


def test_wheels_for_another_machine_are_errors(wheels: dict[str, Installed]) -> None:
    errors = checked(wheels["web"], ARM)
    assert {finding.level for finding in errors} == {"error"}
    assert {error.package.split()[0] for error in errors} == {
        "psycopg2-binary",
        "pysqlite3-binary",
        "orjson",
        "pydantic_core",
    }
    assert all("was built for x86_64, not for python3.13 arm64" in finding.what for finding in errors)
    assert {finding.package.split()[0].lower() for finding in checked(wheels["arm"], NEW)} == {
        *("cryptography", "lxml", "pillow", "markupsafe")
    }


def test_wheel_for_another_python_is_an_error(wheels: dict[str, Installed]) -> None:
    (finding,) = checked(wheels["numpy"], NEW)
    assert finding.level == "error"
    assert finding.what == "numpy 2.4.0 was built for Python 3.11, not for python3.13 x86_64"
    errors = [finding for finding in checked(wheels["web"], OLD) if "Python 3.13" in finding.what]
    assert {error.package.split()[0] for error in errors} == {
        "psycopg2-binary",
        "pysqlite3-binary",
        "orjson",
        "pydantic_core",
    }


def test_musl_wheel_is_an_error(wheels: dict[str, Installed]) -> None:
    (finding,) = checked(wheels["musl"], NEW)
    assert finding.level == "error" and "Alpine Linux (musl)" in finding.what


# Shared objects, one fault at a time


def test_symbols_reveal_the_python_of_an_untagged_module(wheels: dict[str, Installed]) -> None:
    file = next(path for name, path in wheels["numpy"].files.items() if "_multiarray_umath" in name)
    binary = elf.read(file.read_bytes())
    assert binary is not None
    untagged = replace(binary, versions=(), needed=())
    finding = only_finding([Native("pkg/_multiarray_umath.so", untagged, "pkg 1")])
    assert finding.level == "error" and "was compiled for another Python: it needs " in finding.what


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"machine": "i386", "bits": 32}, "was built for i386"),
        ({"format": "mach-o", "machine": "arm64"}, "was built for macOS"),
        ({"format": "pe"}, "was built for Windows"),
        ({"free_threaded": True}, "without the global interpreter lock"),
        ({"damaged": True}, "cut short or damaged"),
        ({"align": 1024}, "aligned to pages"),
        ({"needed": ("libGL.so.1",)}, "needs libGL.so.1, which is neither in the zip nor on"),
        ({"needed": ("libc.musl-x86_64.so.1",)}, "Alpine Linux"),
        ({"needed": ("libpython3.12.so.1.0",)}, "needs libpython3.12.so.1.0"),
        ({"versions": (("libm.so.6", "GLIBC_2.35"),)}, "needs GLIBC_2.35"),
        ({"versions": (("libc.so.6", "GLIBC_ABI_DT_RELR"),)}, "needs GLIBC_ABI_DT_RELR"),
        ({"versions": (("libstdc++.so.6", "GLIBCXX_3.4.30"),)}, "has only 3.4.29"),
        ({"versions": (("libstdc++.so.6", "CXXABI_1.3.14"),)}, "has only 1.3.13"),
        ({"versions": (("libgcc_s.so.1", "GCC_12.0.0"),)}, "needs GCC_12.0.0"),
        ({"symbols": ("_PyUnicode_Ready", "PyObject_HasAttrWithError", "_PyErr_ChainExceptions")}, "another Python"),
    ],
)
def test_unloadable_module_is_an_error(changed: dict[str, object], message: str) -> None:
    finding = only_finding([library(**changed)])
    assert finding.level == "error" and message in finding.what
    assert finding.files == ("pkg/_fast.cpython-313-x86_64-linux-gnu.so",) and finding.hint


@pytest.mark.parametrize(
    "changed",
    [
        {"versions": (("libc.so.6", "GLIBC_2.34"), ("libstdc++.so.6", "GLIBCXX_3.4.29"), ("libgcc_s.so.1", "GCC_4.3.0"))},
        {"needed": ("libz.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2", "libpython3.13.so.1.0")},
        {"versions": (("libfoo.so.1", "FOO_99"),)},
        {"executable_stack": True},
        {"align": 0x10000},
    ],
)
def test_loadable_module_is_accepted(changed: dict[str, object]) -> None:
    assert findings_in([library(**changed)]) == ()


def test_library_is_found_in_several_ways() -> None:
    def findings_with(path: str, search: tuple[str, ...] = (), soname: str = "") -> tuple[Finding, ...]:
        bundled = library(path, module="", soname=soname)
        return findings_in([library(needed=("libfoo.so.1",), search=search), bundled])

    assert findings_with("pkg.libs/libfoo.so.1", ("$ORIGIN/../pkg.libs",)) == ()
    assert findings_with("pkg/libfoo.so.1", ("${ORIGIN}",)) == ()
    assert findings_with("lib/libfoo.so.1") == () == findings_with("libfoo.so.1")  # LD_LIBRARY_PATH
    assert findings_with("other/libfoo.so.1") == ()  # may already be loaded under its name
    assert findings_with("other/x.so", soname="libfoo.so.1") == ()
    assert "libfoo.so.1" in findings_with("other/libbar.so.1")[0].what


def test_bundled_libstdcxx_counts() -> None:
    needs = library(
        needed=("libstdc++.so.6",), search=("$ORIGIN/libs",), versions=(("libstdc++.so.6", "GLIBCXX_3.4.32"),)
    )  # fmt: skip
    old = library("pkg/libs/libstdc++.so.6", module="", defines=("GLIBCXX_3.4.31",))
    assert "GLIBCXX_3.4.32" in only_finding([needs, old]).what
    assert findings_in([needs, replace(old, binary=replace(old.binary, defines=("GLIBCXX_3.4.32",)))]) == ()


def test_file_that_nothing_loads_is_only_a_warning() -> None:
    sound = library()
    tool = library("pkg/bin/tool", module="", kind="executable", machine="arm64")
    plugin = library("pkg/plugins/libqt.so", module="", needed=("libX11.so.6",))
    assert [finding.level for finding in findings_in([sound, tool, plugin])] == ["warning", "warning"]
    used = replace(sound, binary=replace(sound.binary, needed=("libqt.so",)))
    assert "error" in [finding.level for finding in findings_in([used, plugin])]


def test_files_for_other_systems_are_accepted() -> None:
    """Python on Linux ignores these files, or finds the same module in the right form as well."""
    sound = library()
    assert findings_in([sound, library("pkg/_fast.cpython-313-aarch64-linux-gnu.so", machine="arm64")]) == ()
    assert findings_in([sound, library("pkg/_fast.cpython-313-darwin.so", format="mach-o")]) == ()
    assert findings_in([sound, library("pkg/_fast.cp313-win_amd64.pyd", format="pe")]) == ()
    assert findings_in([library("pkg/_other.cp39-win_amd64.pyd", format="pe")]) == ()
    by_path = library("pkg/_native__lib.cpython-37m-x86_64-linux-gnu.so", module="")  # as milksnake names what it opens
    assert findings_in([sound, by_path]) == ()
    assert findings_in([sound, library("pkg/attach_linux_arm64.so", module="", machine="arm64")]) == ()
    assert (
        findings_in([library("pkg/cli.exe", module="", format="pe"), library("pkg/x.dylib", module="", format="mach-o")]) == ()
    )
    neutral = Native("dbg/attach.so", replace(sound.binary, module="", machine="i386"), "dbg 1", neutral=True)
    assert findings_in([neutral]) == ()
    fallback = library("pkg/_fast.cpython-312-x86_64-linux-gnu.so")
    assert findings_in([fallback], names=["pkg/_fast.py"]) == ()  # ignored: Python imports the source


def test_optional_part_may_lack_a_library() -> None:
    """Like numba's thread pools and pygame's clipboard: the rest of the package loads."""
    optional = library("pkg/pool.cpython-313-x86_64-linux-gnu.so", needed=("libgomp.so.1",))
    assert only_finding([optional, library()]).level == "warning"
    assert only_finding([optional, library(package="other 1")]).level == "error"
    below = library("pkg/libx.so", module="", needed=("libgomp.so.1",))
    assert only_finding([library(needed=("libx.so",)), below]).level == "error"


def test_ctypes_library_must_fit() -> None:
    assert only_finding([library("boost/lib/libboost.so", module="", machine="arm64")]).level == "error"


def test_own_files_are_checked() -> None:
    finding = only_finding([library("fast.so", "", machine="arm64")])
    assert finding.level == "error" and finding.what.startswith("one of your own files was built for arm64")
    assert "requirements.txt" in finding.hint


def test_undocumented_libraries_are_warnings() -> None:
    assert only_finding([library(needed=("libcrypt.so.1",))]).level == "warning"
    assert findings_in([library(needed=("libcrypt.so.1",), symbols=())], replace(OLD, python="3.13")) == ()


# Requirements


def package(name: str, *asks: str, version: str = "1.0", python: str = "") -> Metadata:
    return Metadata(name, version, asks, python)


def test_met_requirements_are_accepted() -> None:
    packages = [
        package(
            "A", "b>=1", 'win; sys_platform == "win32"', 'tomli; python_version < "3.11"', 'x; extra == "more"', "not parsed !"
        ),
        package("b", "six", 'arm; platform_machine == "aarch64"', python=">=3.8,<3.12"),
    ]
    assert [finding.level for finding in package_requirements.unmet(packages, NEW)] == ["note"]  # six is on Lambda
    assert "arm" in package_requirements.unmet(packages, ARM)[0].what


def test_unmet_requirements_are_reported() -> None:
    levels = {finding.what: finding.level for finding in package_requirements.unmet(
        [package("a", "b>=2", "gone", "left", "pip>=20.3"), package("b", version="1.5"), package("new", python=">=3.14")],
        NEW, omitted=frozenset(["left"]),
    )}  # fmt: skip
    assert levels == {
        "a 1.0 requires gone on python3.13 x86_64, and the zip doesn't have it": "error",
        "new 1.0 requires Python >=3.14, not 3.13": "error",
        "a 1.0 requires b>=2, and the zip has 1.5": "warning",
        "a 1.0 requires left, which Lambda provides or you excluded": "note",
        "a 1.0 requires pip>=20.3, which locks don't list": "note",
    }


def test_package_that_a_lock_of_another_machine_lacks_is_a_warning() -> None:
    line = 'gone; platform_machine == "aarch64" or platform_machine == "x86_64"'
    (finding,) = package_requirements.unmet([package("a", line)], NEW)
    assert finding.level == "warning" and "requires gone on python3.13" in finding.what


def test_extras_are_followed() -> None:
    packages = [package("a", "b[fast]"), package("b", 'c[deep]; extra == "fast"'), package("c", 'gone; extra == "deep"')]
    (finding,) = package_requirements.unmet(packages, NEW)
    assert "gone (for its extra deep)" in finding.what and finding.package == "c 1.0"
    assert package_requirements.unmet(packages[1:], NEW) == ()
    assert [finding.package for finding in package_requirements.unmet(packages[1:], NEW, direct=["B[Fast]>=1"])] == ["c 1.0"]


def test_marker_on_a_patch_release_is_ignored() -> None:
    packages = [package("a", 'x; python_full_version < "3.13.3"', 'y; python_full_version >= "3.13.3"', python=">=3.13.2")]
    assert package_requirements.unmet(packages, NEW) == ()


def test_real_metadata_names_what_is_missing(wheels: dict[str, Installed]) -> None:
    """A package without its dependencies gives a findings for each of them."""
    findings = package_requirements.unmet(wheels["web"].metadata + wheels["arm"].metadata, NEW)
    assert {finding.package.split()[0] for finding in findings if finding.level == "error"} == {"pydantic_core", "cryptography"}


# Imports


def code(files: dict[str, str], packages: dict[str, str] | None = None, more: bool = False) -> Code:
    packages = packages or {}
    sources = {name: text.encode() for name, text in (files | packages).items()}
    graph = {name: scan_imports(name, sources[name]) for name in packages if name.endswith(".py")}
    own = frozenset(name for name in files if name.endswith(".py"))
    return Code(frozenset(sources), own, sources.__getitem__, graph, more)


def lacking(files: dict[str, str], packages: dict[str, str] | None = None, target: Target = NEW) -> list[tuple[str, str]]:
    findings = missing_imports.missing(code(files, packages), ["main"], target)
    return sorted((finding.level, finding.what.partition(" imports ")[2].partition(",")[0]) for finding in findings)


@pytest.mark.parametrize(
    "source",
    [
        "import os, json.decoder, tomllib, boto3, urllib3\nfrom botocore.config import Config",
        "try:\n    import nope\nexcept ImportError:\n    nope = None",
        "try:\n    import nope\nexcept (KeyError, ModuleNotFoundError):\n    import other",
        "try:\n    import nope\nexcept:\n    pass\nelse:\n    import other",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import nope",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nope",
        "import typing\nif typing.TYPE_CHECKING:\n    from nope import x",
        "import sys\nif sys.version_info < (3, 11):\n    import tomli",
        "import sys\nif sys.version_info >= (3, 12):\n    pass\nelse:\n    import nope",
        "import sys\nif sys.platform == 'win32':\n    import nope",
        "if __name__ == '__main__':\n    import nope",
        "import os\nif os.environ.get('DEBUG'):\n    import nope",
        "for name in ():\n    import nope",
        "text = '''\nimport nope\n'''",
        "import main",
        "import __main__",
        "import data.inside",
    ],
)
def test_optional_imports_are_accepted(source: str) -> None:
    assert lacking({"main.py": source, "data/inside/notes.txt": ""}) == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import nope", "nope"),
        ("import os, nope.deep", "nope"),
        ("from nope.deep import x", "nope"),
        ("class A:\n    import nope", "nope"),
        ("try:\n    import nope\nfinally:\n    pass", "nope"),
        ("try:\n    import nope\nexcept ValueError:\n    pass", "nope"),
        ("import sys\nif sys.version_info >= (3, 9):\n    import nope", "nope"),
        ("import app.gone", "app.gone"),
        ("from app.gone import x", "app.gone"),
        ("from app import gone", "app.gone"),
        ("import app.sub", "nope"),
        ("import imp", "imp"),
        ("import distutils.core", "distutils"),
        ("from google.cloud import storage", "google.cloud"),
    ],
)
def test_missing_imports_are_reported(source: str, name: str) -> None:
    files = {"main.py": source, "app/__init__.py": "here = 1", "app/sub.py": "import nope", "google/auth/__init__.py": ""}
    assert lacking(files) == [("error", name)]


def test_standard_library_depends_on_the_version() -> None:
    source = {"main.py": "import imp, distutils, cgi, asyncore, tomllib"}
    assert lacking(source, target=OLD) == []
    assert [name for _, name in lacking(source, target=replace(NEW, python="3.12"))] == ["asyncore", "distutils", "imp"]
    assert lacking({"main.py": "import tomllib"}, target=replace(OLD, python="3.10")) == [("error", "tomllib")]
    assert lacking({"main.py": "import annotationlib, compression.zstd"}, target=replace(NEW, python="3.14")) == []
    assert removed_modules.removed_in("cgi") == "3.13"


def test_import_is_certain_only_if_all_imports_before_it_are() -> None:
    far = {"far.py": "import nope"}
    assert lacking({"main.py": "import near", "near.py": "import far", **far}) == [("error", "nope")]
    assert lacking({"main.py": "try:\n    import far\nexcept ImportError: pass", **far}) == [("warning", "nope")]
    assert lacking({"main.py": "def f():\n    import nope"}) == [("warning", "nope")]
    assert lacking({"main.py": "x = 1", **far}) == []  # nothing imports it


FACTORY = {
    "shop/__init__.py": "def create_app():\n    app = object()\n    register(app)\n    return app\n"
    "def register(app):\n    with app.app_context():\n        from . import pages\n",
    "shop/pages.py": "import nope\n",
}


@pytest.mark.parametrize(
    ("files", "level"),
    [
        ({"main.py": "from shop import create_app\napp = create_app()"}, "error"),
        ({"main.py": "from made import create_app\napp = create_app()", "made.py": "from shop import create_app"}, "error"),
        ({"main.py": "def f():\n    import nope\nf()"}, "error"),
        ({"main.py": "def f(x):\n    if x:\n        return\n    import nope\nf(1)"}, "warning"),
        ({"main.py": "def f():\n    yield\n    import nope\nf()"}, "warning"),
        ({"main.py": "@cached\ndef f():\n    import nope\nf()"}, "warning"),
        (
            {"main.py": "try:\n    import near\nexcept ImportError:\n    pass", "near.py": "def f():\n    import nope\nf()"},
            "warning",
        ),
        ({"main.py": "from shop import create_app\nif __name__ == '__main__':\n    create_app()"}, None),
        ({"main.py": "from shop import create_app\nmake = lambda: create_app()"}, None),
        ({"main.py": "import near\ndef f():\n    g()\nf()\ndef g():\n    f()", "near.py": "from main import f\nf()"}, None),
    ],
)
def test_imports_in_functions_that_a_start_calls_run_at_once(files: dict[str, str], level: str | None) -> None:
    assert lacking(FACTORY | files) == ([(level, "nope")] if level else [])


def test_factory_that_lambda_calls_runs_at_once() -> None:
    findings = missing_imports.missing(code(FACTORY), ["shop"], NEW, calls=["shop:create_app"])
    assert [(finding.level, finding.files) for finding in findings] == [("error", ("shop/pages.py:1",))]


def test_imports_that_no_start_needs_take_one_line() -> None:
    names = [f"nope{number}" for number in range(7)]
    main = "import gone\ndef choose(name):\n" + "".join(f"    import {name}\n" for name in names)
    error, warning = missing_imports.missing(code({"main.py": main}), ["main"], NEW)
    assert (error.level, error.files) == ("error", ("main.py:1",))
    assert (warning.level, len(warning.files)) == ("warning", 7)
    assert warning.what.startswith("main.py imports nope0, nope1, nope2, nope3 and 3 more, ")


def test_changed_search_path_turns_errors_off() -> None:
    changes = "import sys\nsys.path.insert(0, 'vendored')\n"
    assert lacking({"main.py": changes + "import nope"}) == [("warning", "nope")]
    assert lacking({"main.py": changes + "import nope", "vendored/nope.py": ""}) == []
    assert lacking({"main.py": "import path, nope", "path.py": changes}) == [("warning", "nope")]


def test_names_in_a_package_are_not_modules() -> None:
    def of(init: str) -> list[tuple[str, str]]:
        return lacking({"main.py": "from app import thing", "app/__init__.py": init})

    assert of("thing = 1") == of("from os import *") == of("def __getattr__(name): ...") == []
    assert of("globals()['th' + 'ing'] = 1") == []
    assert of("# nothing") == [("error", "app.thing")]


def test_missing_import_in_a_package_is_a_warning() -> None:
    packages = {
        "dep/__init__.py": "import pkg_resources\nfrom dep import optional",
        "dep/optional.py": "try:\n    import numpy\nexcept ImportError:\n    numpy = None",
        "dep/unused.py": "import nowhere",
    }
    assert lacking({"main.py": "import dep"}, packages) == [("warning", "pkg_resources")]
    assert lacking({"main.py": "x = 1"}, packages) == []
    assert lacking({"main.py": "try:\n    import dep\nexcept ImportError: ..."}, packages) == []


def test_layers_may_provide_any_module() -> None:
    findings = missing_imports.missing(code({"main.py": "import nope"}, more=True), ["main"], NEW)
    assert [finding.level for finding in findings] == ["warning"]


def test_finding_has_location_and_hint() -> None:
    (finding,) = missing_imports.missing(code({"main.py": "import os\n\nimport yaml"}), ["main"], NEW)
    assert finding.what == "main.py imports yaml, which is neither in the zip nor on python3.13 x86_64"
    assert finding.files == ("main.py:3",) and "add PyYAML to" in finding.hint
    (removed,) = missing_imports.missing(code({"main.py": "import cgi"}), ["main"], NEW)
    assert removed.what == "main.py imports cgi, which Python 3.13 removed"


# The handler, files of two packages, and the final error


@pytest.mark.parametrize(
    "handler",
    [
        "main.app",
        "main:app.wsgi_app",
        "main.create()",
        "src/main.app",
        "pkg.app",
        "lib.mod.x",
        "auto.app",
        "web.made",
        "web.__main__",
    ],
)
def test_existing_handler_is_accepted(handler: str) -> None:
    files = {
        "main.py": "app = 1\nasync def create(): ...", "src/main.py": "from x import app",
        "pkg/__init__.py": "from .a import *",
        "auto.py": "exec('app = 1')", "web.py": "def init():\n    global made\n    made = 1",
    }  # fmt: skip
    assert entry_point.check(handler, code(files, {"lib/mod.so": ""}), NEW) is None


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        ("app.main", "the zip has no module app"),
        ("main.handler", "main.py has no handler at its top level"),
        ("main:inner.x", "main.py has no inner at its top level"),
        ("handler", "name a module and a function"),
    ],
)
def test_missing_handler_is_an_error(handler: str, message: str) -> None:
    finding = entry_point.check(handler, code({"main.py": "def create():\n    inner = 1\n    return inner"}), NEW)
    assert finding is not None and finding.level == "error" and message in finding.what


def test_file_of_two_packages_is_a_warning() -> None:
    owners = {"cv 1": {"cv2/a.py": 1, "x/__init__.py": 0}, "cv-headless 1": {"cv2/a.py": 2, "x/__init__.py": 0}}
    (finding,) = clashes(owners)
    assert finding.files == ("cv2/a.py",) and "cv 1 and cv-headless 1" in finding.what


def test_all_findings_become_one_error(wheels: dict[str, Installed]) -> None:
    numpy = wheels["numpy"]
    app = {"main.py": b"import numpy, yaml\n"}
    names = frozenset([*app, *numpy.files])
    zipped = Zip(
        code=Code(names, frozenset(app), app.__getitem__), natives=numpy.natives(), entry_points=("main.app",),
        owners={}, requirements=package_requirements.unmet(numpy.metadata, OLD),
    )  # fmt: skip
    findings = prove(zipped, OLD)
    assert [Finding.from_json(finding.as_json()) for finding in findings] == list(findings)
    error = refusal(findings, OLD.name)
    assert error is not None
    assert error.what == "main.py has no app at its top level" and error.where == "main.py" and error.hint
    assert "3 errors on python3.11 x86_64" in error.detail
    assert "numpy 2.4.0 needs GLIBC_2.27" in error.detail and "main.py imports yaml" in error.detail
    assert refusal([replace(finding, level="warning") for finding in findings], OLD.name) is None


def test_real_app_has_no_findings(wheels: dict[str, Installed]) -> None:
    web = wheels["web"]
    graph = {name: scan_imports(name, path.read_bytes()) for name, path in web.files.items() if name.endswith(".py")}
    app = {"main.py": b"import psycopg2, pysqlite3, orjson\napp = 1\n"}

    def source(name: str) -> bytes:
        return app[name] if name in app else Path(web.files[name]).read_bytes()

    every = Code(frozenset([*app, *web.files]), frozenset(app), source, graph)
    assert prove(Zip(every, web.natives(), ("main.app",), {}), NEW) == ()


# Builds that fail


def test_build_fails_with_all_errors(wheels: dict[str, Installed], tmp_path: Path) -> None:
    """The project has a library from `pip install -t .` on another machine, and excludes a file it needs."""
    project = tmp_path / "web"
    (project / "shop").mkdir(parents=True)
    (project / "main.py").write_text("from shop.secret import KEY\n\ndef app(event, context): ...\n")
    (project / "shop" / "__init__.py").write_text("")
    (project / "shop" / "secret.py").write_text("KEY = 1\n")
    (project / ".gitignore").write_text("secret.py\n")
    name, path = next((name, path) for name, path in wheels["web"].files.items() if name.startswith("psycopg2/_psycopg"))
    (project / name).parent.mkdir()
    (project / name).write_bytes(path.read_bytes())
    config = Config(project, "web", App("main", "app", "handler"), "python3.13", "arm64")
    with pytest.raises(PackagingError) as refused:
        build(config, tmp_path / "cache", os.environ, events.ignore)
    assert refused.value.what == "one of your own files was built for x86_64, not for python3.13 arm64"
    assert refused.value.where == name and "requirements.txt" in refused.value.hint
    assert "main.py imports shop.secret, which is neither in the zip" in refused.value.detail
    assert "main.py:1" in refused.value.detail and ".gitignore" in refused.value.detail
    assert not list(tmp_path.rglob("*.zip"))


def test_unclosed_bracket_with_comments_is_scanned_in_linear_time() -> None:
    """A pattern with exponential backtracking would take hours."""
    began = time.process_time()
    scan_imports("a.py", b"from x import (" + b"a, # c\n" * 200)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("import a\n\ndef app(): return 1\n", "import a\n\ndef app(): return 22\n", True),
        ("import a\nx = 1\n", "import b\nx = 1\n", False),
        ("import a\nx = 1\n", "import a\ny = 1\n", False),
        ("import a\n", "\nimport a\n", False),
        ("import a\n", "try:\n    import a\nexcept ImportError: pass\n", False),
        ("import a\n", "import a\nimport sys; sys.path.append('x')\n", False),
        ("def app(:\n", "def app(::\n", False),
        ("def f():\n    import a\n", "def f():\n    import a\nf()\n", False),
        ("def f(x):\n    import a\nf(1)\n", "def f(x):\n    if x: return\n    import a\nf(1)\n", False),
    ],
)
def test_fingerprint_covers_what_findings_depend_on(before: str, after: str, same: bool) -> None:
    dependencies = [fingerprint.module_dependencies("main.py", source.encode(), NEW) for source in (before, after)]
    assert (dependencies[0] == dependencies[1]) is same
    dependencies = [fingerprint.module_dependencies("pkg/__init__.py", source.encode(), NEW) for source in (before, after)]
    assert dependencies[0] != dependencies[1]


@pytest.mark.parametrize("name", ["lambda_function.test.py", "lambda_function.old.copy.py", "lambda_function.spec.pyc"])
def test_file_that_nothing_can_import_does_not_stand_for_a_module(name: str) -> None:
    names = ["lambda_function.py", name, "fast.cpython-313-x86_64-linux-gnu.so"]
    for order in (names, names[::-1]):  # a set has them in any order
        code = Code(dict.fromkeys(order).keys(), frozenset(), lambda name: b"")
        assert code.files == {"lambda_function": "lambda_function.py", "fast": names[2]}


def test_packages_that_are_missing_have_one_hint(tmp_path: Path) -> None:
    files = {"main.py": b"import fastapi\nimport yaml\nfrom jose import jwt\napp = fastapi.FastAPI()\n"}
    code = Code(frozenset(files), frozenset(files), files.__getitem__)
    findings = prove(Zip(code=code, natives=[], entry_points=("main.app",), owners={}, requirements=[]), OLD)
    error = refusal(findings, OLD.name, Advice("put {} into a new requirements.txt"))
    assert error is not None
    hint, names = error.hint.split(": ")
    assert "requirements.txt" in hint and sorted(names.split()) == ["PyYAML", "fastapi", "python-jose"]
    assert "3 errors" in error.detail and "try" not in error.detail
