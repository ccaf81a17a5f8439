"""The files of a wheel that a zip doesn't need."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.package.shards.import_scanner import ModuleImports
from lambent.package.shards.shard_cache import open_shard
from lambent.package.shards.slim import SlimOptions, imported_files, imported_roots, judge, packages_left_out
from support.wheel_files import TARGET, wheel

INFO = "demo-1.dist-info"


def rules(*names: str, package: str = "demo", **options: object) -> dict[str, str]:
    verdicts = judge(("demo/__init__.py", *names), package, INFO, SlimOptions(**options))  # type: ignore[arg-type]
    return verdicts.dropped | verdicts.conditional


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("demo/a.pyi", "stubs"),
        ("demo/include/a.h", "headers"),
        ("include/demo/a.h", "headers"),
        ("demo/_core.pyx", "sources"),
        ("demo/lib/libx.a", "build"),
        ("demo/tests/a.py", "tests"),
        ("tests/test_a.py", "tests"),
        ("demo/test_a.py", "tests"),
        ("demo/conftest.py", "tests"),
        ("demo/docs/a.rst", "docs"),
        (f"{INFO}/INSTALLER", "installer"),
        ("demo/__pycache__/__init__.cpython-312.pyc", "bytecode"),
        *[
            (name, "")
            for name in ("demo/testing/a.py", "demo/tests.py", "demo/test_tools/a.py", "demo/latest/a.py", "demo/py.typed")
        ],
        *[(name, "") for name in (f"{INFO}/METADATA", f"{INFO}/top_level.txt", f"{INFO}/licenses/LICENSE", "demo/only.pyc")],
        *[(name, "") for name in ("demo/x.so", "demo/static/app.js.map", "demo/a.json", "demo/libx.so.1", "demo/mydocs/a.txt")],
    ],
)
def test_rules_match_by_name(name: str, rule: str) -> None:
    assert rules(name).get(name, "") == rule
    assert not rules(name, keep_all=True)


def test_options_override_the_rules() -> None:
    names = ("demo/tests/a.py", "demo/tests/data/x.csv", "demo/a.pyi", "demo/big/x.bin", "demo/big.bin")
    assert rules(*names, keep=("demo/tests/", "*.pyi"), drop=("demo/big",)) == {"demo/big/x.bin": "drop"}
    assert rules("demo/a.pyi", "demo/a.h", package="mypy") == {"demo/a.h": "headers"}
    assert rules("demo/a.h", "demo/b.c", package="cffi") == {}
    assert rules("dash/dcc/a.js", "dash/dcc/a.js.map", package="dash") == {"dash/dcc/a.js.map": "drop"}


def test_package_that_has_only_tests_is_kept() -> None:
    assert judge(("tests/__init__.py", "tests/test_a.py"), "demo", INFO, SlimOptions()).conditional == {}


def test_tests_folder_without_modules_is_kept() -> None:
    data = ("demo/include/tests/generic/builtin.sql", "demo/templates/test/page.html")
    assert rules(*data, "demo/tests/a.py", "demo/tests/x.sql") == {"demo/tests/a.py": "tests", "demo/tests/x.sql": "tests"}
    assert rules("ansible/plugins/test/core.py", package="ansible-core") == {}


def test_module_named_in_a_string_is_kept() -> None:
    doubtful = dict.fromkeys(["demo/test_clock.py", "demo/tests/a.py"], "tests")
    strings = frozenset(["demo.test_clock", "demo.tests.a"])  # the second is an argument for a test runner
    assert imported_files(doubtful, [ModuleImports(strings=strings)], []) == {"demo/test_clock.py"}


def test_imported_modules_and_entry_points_are_kept() -> None:
    doubtful = dict.fromkeys(["demo/tests/__init__.py", "demo/tests/x/data.csv", "demo/test_a.py", "demo/test_b.py"], "tests")
    assert imported_files(doubtful, [ModuleImports(lazy=frozenset(["demo.tests.x.y"]))], []) == {
        "demo/tests/__init__.py",
        "demo/tests/x/data.csv",
    }
    assert imported_files(doubtful, [ModuleImports(eager=frozenset(["demo.test_a"]))], ["demo.test_b.main"]) == {
        "demo/test_a.py",
        "demo/test_b.py",
    }
    assert imported_files(doubtful, [ModuleImports(eager=frozenset(["demo", "other.tests"]))], []) == set()
    assert imported_roots(["demo/tests", "demo/test_a.py"], ["demo.tests.cases.X", "other"]) == ("demo/tests",)


def test_files_that_a_module_names_are_kept(tmp_path: Path) -> None:
    files = {
        "demo/__init__.py": "import lazy_loader\n__getattr__ = lazy_loader.attach_stub(__name__, __file__)\n",
        "demo/__init__.pyi": "from .a import b\n",
        "demo/a.py": "open(join(here, 'examples', 'one.txt'))\n",
        "demo/examples/one.txt": "1",
        "demo/docs/two.txt": "2",
        "demo/b.py": "kernel = (here / 'kernel.cu').read_text()\n",
        "demo/kernel.cu": "k",
        "demo/other.cu": "o",
    }
    shard = open_shard(wheel(tmp_path, "demo", files), TARGET, SlimOptions(), tmp_path / "cache")
    assert {entry.name for entry in shard.entries if ".dist-info" not in entry.name} == files.keys() - {
        "demo/docs/two.txt",
        "demo/other.cu",
    }


def test_without_leaves_out_only_what_nothing_else_needs() -> None:
    requires = {
        "boto3": ["botocore<2", "six"],
        "botocore": ["jmespath"],
        "jmespath": [],
        "six": [],
        "app": ["Six>=1; python_version>'3'"],
    }
    assert packages_left_out(requires, {"boto3", "app"}, ["BOTO3"]) == {"boto3", "botocore", "jmespath"}
    assert packages_left_out(requires, set(), ["boto3"]) == {"boto3", "botocore", "jmespath", "six"} - {"six"}
    assert packages_left_out(requires, {"app"}, ["absent"]) == frozenset()
