"""What a built zip needs of its function."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.limits import MIB
from lambent.package.archive import Entry
from lambent.package.artifact import Artifact, Overflow

PACKAGES = Overflow(Path("b"), "", 0, 600 * MIB, 0, ())


def artifact(own_mb: int, overflow: Overflow | None = None) -> Artifact:
    entries = tuple(
        Entry(name, False, 0, size * MIB, 0, 0)
        for name, size in (("model.bin", own_mb), ("torch/lib.so", 900), ("lambent_runtime/bundle", 900))
    )
    owners = {"torch/lib.so": "torch 2"}
    return Artifact(Path("a"), "", 0, 0, 3, "python3.13", "x86_64", "main.app", (), owners, overflow, entries)


@pytest.mark.parametrize(
    ("own_mb", "overflow", "tmp_mb"), [(1, None, 512), (380, None, 512), (450, None, 640), (100, PACKAGES, 832)]
)
def test_tmp_holds_the_copy_of_the_own_files(own_mb: int, overflow: Overflow | None, tmp_mb: int) -> None:
    assert artifact(own_mb, overflow).as_writable().tmp_mb == tmp_mb


def test_own_names_are_those_whose_files_tracebacks_name() -> None:
    names = ("shop/views.py", "templates/home.html", "static/site.css", "main.py")
    entries = tuple(Entry(name, False, 0, 1, 0, 0) for name in names)
    built = Artifact(Path("a"), "", 0, 0, 3, "python3.13", "x86_64", "main.app", entries=entries)
    assert built.own_names == {"shop", "templates", "main.py"}


def test_tmp_needs_nothing_for_an_app_that_runs_from_its_zip() -> None:
    assert artifact(450).tmp_mb == 512
