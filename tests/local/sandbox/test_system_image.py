"""The copies of this machine's commands and libraries, and how its dynamic linker finds libraries."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lambent.errors import LocalError
from lambent.local.sandbox.host_libraries import LINKER_CACHE, HostLibraries, linker_cache
from lambent.local.sandbox.system_image import prepare
from support.functions import interpreter
from support.sandboxes import needs_namespaces

LDCONFIG = shutil.which("ldconfig", path="/sbin:/usr/sbin")


def libraries_of(cache: Path) -> dict[str, str]:
    """What glibc's own tool reads: path -> name."""
    assert LDCONFIG
    lines = subprocess.run([LDCONFIG, "-p", "-C", cache], check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.partition(" => ")[2]: line.split()[0] for line in lines if " => " in line}


@pytest.mark.skipif(not (LDCONFIG and LINKER_CACHE.exists()), reason="there is no glibc here")
def test_linkers_cache_has_only_visible_libraries(tmp_path: Path) -> None:
    (tmp_path / "some").write_bytes(linker_cache(lambda path: "/libc.so." in path or "/libz.so." in path))
    host, some = libraries_of(LINKER_CACHE), libraries_of(tmp_path / "some")
    assert some.items() <= host.items()
    assert {"libc.so.6", "libz.so.1"} == set(some.values())
    assert linker_cache(lambda path: False) == b""


def test_libraries_are_those_that_the_linker_loads() -> None:
    python = interpreter()
    listing = subprocess.run(["ldd", python], check=True, capture_output=True, text=True).stdout
    loaded = {words[0]: words[2] for words in map(str.split, listing.splitlines()) if words[1:2] == ["=>"]}
    found = HostLibraries(python).needed_by([python])
    assert loaded.keys() <= found.keys()
    assert all(found[name].samefile(path) for name, path in loaded.items())


def test_image_is_made_once(tmp_path: Path) -> None:
    needs_namespaces()
    image = prepare(interpreter(), tmp_path)
    inode = image.folder.stat().st_ino
    assert prepare(interpreter(), tmp_path) == image
    assert image.folder.stat().st_ino == inode
    assert all(path.stat().st_mode & 0o005 == 0o005 for path in (image.folder, image.folder / "usr" / "bin"))
    assert [path.name for path in image.folder.parent.iterdir()] == [image.folder.name]


def test_folder_that_takes_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "runtimes").write_text("not a folder")
    with pytest.raises(LocalError, match="can't copy this machine's libraries") as error:
        prepare(interpreter(), tmp_path)
    assert str(tmp_path) in error.value.where
