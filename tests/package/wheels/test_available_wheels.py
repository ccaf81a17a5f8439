"""The description of the wheels that a package has."""

from __future__ import annotations

import pytest

from lambent.config.model import Architecture
from lambent.package.lock import DistFile, Pin
from lambent.package.target import Target
from lambent.package.wheels.available_wheels import describe_wheels
from lambent.package.wheels.fetch_errors import alternative_package


def pin(*names: str) -> Pin:
    return Pin("demo", "1.0", tuple(DistFile(name, f"https://example.org/{name}") for name in names))


@pytest.mark.parametrize(
    ("names", "description"),
    [
        ([], ""),
        (
            [f"demo-1.0-cp3{n}-cp3{n}-manylinux_2_28_x86_64.manylinux_2_27_x86_64.whl" for n in (9, 10, 11, 13)],
            "python3.9-3.11, 3.13 x86_64 glibc 2.27",
        ),
        (
            [
                "demo-1.0-cp312-cp312-manylinux2014_aarch64.whl",
                "demo-1.0-cp312-cp312-musllinux_1_2_x86_64.whl",
                "demo-1.0-cp312-cp312-win_amd64.whl",
                "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
            ],
            "python3.12 aarch64 glibc 2.17, x86_64 musl; macOS, Windows",
        ),
        (["demo-1.0-cp38-abi3-manylinux_2_34_x86_64.whl"], "python3.8+ x86_64 glibc 2.34"),
        (["demo-1.0-cp313-cp313t-manylinux1_x86_64.whl"], "python3.13t x86_64 glibc 2.5"),
        (["demo-1.0-py2-none-any.whl"], "python2 any machine"),
        (["demo-1.0-cp312-cp312-win32.whl"], "Windows"),
        (
            [
                "demo-1.0-cp312-cp312-manylinux2014_s390x.whl",
                "demo-1.0-cp312-cp312-manylinux2014_x86_64.whl",
                "demo-1.0-pp310-pypy310_pp73-manylinux2014_x86_64.whl",
            ],
            "python3.12 x86_64 glibc 2.17; other Pythons and machines",
        ),
    ],
)
def test_available_wheels_are_described(names: list[str], description: str) -> None:
    assert describe_wheels(pin(*names)) == description


@pytest.mark.parametrize(
    ("name", "architecture", "other"),
    [
        ("pysqlite3", "x86_64", "pysqlite3-binary"),
        ("pysqlite3-binary", "x86_64", ""),  # it has wheels for x86_64
        ("pysqlite3", "arm64", "sqlean.py (import sqlean as sqlite3)"),
        ("pysqlite3-binary", "arm64", "sqlean.py (import sqlean as sqlite3)"),
        ("psycopg2", "arm64", "psycopg2-binary"),
    ],
)
def test_alternative_package_depends_on_the_target(name: str, architecture: Architecture, other: str) -> None:
    assert alternative_package(name, Target("3.13", architecture, (2, 34))) == other
