"""The tags of a target, and the choice of a wheel."""

from __future__ import annotations

import pytest
from packaging import tags as reference

from lambent import calendar
from lambent.config.model import Architecture
from lambent.package.lock import DistFile, Pin
from lambent.package.target import Target
from lambent.package.wheels.choose_wheel import choose_wheel, parse_wheel_filename
from lambent.package.wheels.tags import machine, platforms, tags

TARGETS = [
    Target(runtime.python, architecture, runtime.glibc)
    for runtime in calendar.RUNTIMES
    if runtime.python not in ("3.6", "3.7")
    for architecture in ("x86_64", "arm64")
]
LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
AL2, AL2023 = Target("3.11", "x86_64", (2, 26)), Target("3.13", "x86_64", (2, 34))


def pin(*names: str) -> Pin:
    return Pin("demo", "1.0", tuple(DistFile(name, f"https://example.org/{name}") for name in names))


def chosen(target: Target, *names: str) -> str | None:
    wheel = choose_wheel(pin(*names), target)
    return wheel.filename if wheel else None


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_tags_equal_those_of_packaging_for_the_glibc(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    architecture = machine(target)
    # `packaging` asks the machine it runs on: pretend that it is the target
    monkeypatch.setattr(reference._manylinux, "_get_glibc_version", lambda: target.glibc)
    monkeypatch.setattr(reference._manylinux, "_have_compatible_abi", lambda *_: True)
    monkeypatch.setattr(reference._manylinux, "_is_compatible", lambda *_: True)
    platform_tags = [*reference._manylinux.platform_tags([architecture]), f"linux_{architecture}"]
    version = (3, int(target.python[2:]))
    abi = f"cp3{version[1]}"
    expected = [*reference.cpython_tags(version, [abi], platform_tags), *reference.compatible_tags(version, abi, platform_tags)]
    assert list(tags(target)) == [str(tag) for tag in expected]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_tags_exclude_musl_free_threading_and_other_machines(target: Target) -> None:
    other: Architecture = "x86_64" if target.architecture == "arm64" else "arm64"
    foreign = machine(Target(target.python, other, target.glibc))
    assert not [tag for tag in tags(target) if "musl" in tag or foreign in tag or tag.split("-")[1].endswith("t")]


def test_platforms_go_up_to_the_glibc_of_the_target() -> None:
    assert platforms(AL2)[:3] == ("manylinux_2_26_x86_64", "manylinux_2_25_x86_64", "manylinux_2_24_x86_64")
    assert platforms(AL2)[-3:] == ("manylinux_2_5_x86_64", "manylinux1_x86_64", "linux_x86_64")
    assert platforms(Target("3.12", "arm64", (2, 34)))[-3:] == (
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
        "linux_aarch64",
    )


@pytest.mark.parametrize(
    ("target", "names", "best"),
    [
        (AL2, ["demo-1.0-cp311-cp311-manylinux_2_27_x86_64.whl"], None),
        (AL2, ["demo-1.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_26_x86_64.whl"], 0),
        (AL2, ["demo-1.0-py3-none-any.whl", "demo-1.0-cp311-cp311-manylinux_2_24_x86_64.whl"], 1),
        (AL2, ["demo-1.0-cp311-cp311-manylinux1_x86_64.whl", "demo-1.0-cp311-cp311-manylinux_2_26_x86_64.whl"], 1),
        (AL2, ["demo-1.0-cp38-abi3-manylinux_2_17_x86_64.whl", "demo-1.0-cp311-cp311-linux_x86_64.whl"], 1),
        (AL2, ["demo-1.0-cp36-abi3-manylinux2014_x86_64.whl", "demo-1.0-cp39-abi3-manylinux2014_x86_64.whl"], 1),
        (AL2, ["demo-1.0-cp312-abi3-manylinux2014_x86_64.whl"], None),
        (AL2, ["demo-1.0-cp311-cp311-musllinux_1_2_x86_64.whl", "demo-1.0-cp311-cp311-manylinux2014_aarch64.whl"], None),
        (AL2023, ["demo-1.0-cp313-cp313t-manylinux_2_28_x86_64.whl"], None),
        (AL2023, ["demo-1.0-py2-none-any.whl"], None),
        (AL2023, ["demo-1.0-py2.py3-none-any.whl"], 0),
        (AL2023, ["demo-1.0-1-py3-none-any.whl", "demo-1.0-10-py3-none-any.whl", "demo-1.0-2b-py3-none-any.whl"], 1),
        (AL2023, ["demo-1.0-py3-none-any.whl", "demo-1.0-0-py3-none-any.whl"], 1),
        (AL2023, ["demo-1.0.exe", "demo-1.0-py3-none.whl", "demo-1.0.tar.gz"], None),
    ],
)
def test_best_wheel_is_chosen(target: Target, names: list[str], best: int | None) -> None:
    assert chosen(target, *names) == (None if best is None else names[best])
    assert chosen(target, *reversed(names)) == (None if best is None else names[best])


def test_wheel_filename_is_parsed() -> None:
    name = parse_wheel_filename("demo-1.0-2-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    assert name is not None
    assert (name.name, name.version, name.build, name.pythons) == ("demo", "1.0", "2", ("cp39",))
    assert not name.is_platform_neutral
