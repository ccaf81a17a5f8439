"""The folder with the code of an app while `lambent dev` runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.local.dev_code import CodeFile, DevCode
from lambent.local.unpack import BadArchive


def unpacked(folder: Path) -> Path:
    code = folder / "unpacked"
    (code / "pkg" / "__pycache__").mkdir(parents=True)
    for name in ("pkg/a.py", "pkg/b.py", "pkg/__pycache__/a.cpython-313.pyc", "pkg/__pycache__/b.cpython-313.pyc"):
        (code / name).write_text(f"{name} as built")
    return code


def test_files_are_replaced_with_their_bytecode_and_the_zip_stays_as_it_is(tmp_path: Path) -> None:
    built = unpacked(tmp_path)
    code = DevCode(built, tmp_path / "dev")
    code.apply((CodeFile("pkg/a.py", b"new"), CodeFile("bin/run", b"x", True)), ("pkg/b.py", "pkg/absent.py"))
    assert (code.folder / "pkg" / "a.py").read_text() == "new"
    assert (code.folder / "bin" / "run").stat().st_mode & 0o777 == 0o755
    assert not list((code.folder / "pkg" / "__pycache__").iterdir())
    assert not (code.folder / "pkg" / "b.py").exists()
    assert (built / "pkg" / "a.py").read_text() == "pkg/a.py as built"
    assert len(list((built / "pkg" / "__pycache__").iterdir())) == 2
    code.close()
    assert not code.folder.exists()


def test_folder_takes_the_place_of_a_file(tmp_path: Path) -> None:
    code = DevCode(unpacked(tmp_path), tmp_path / "dev")
    code.apply((CodeFile("pkg/a.py/inner.py", b""),), ("pkg/a.py",))
    assert (code.folder / "pkg" / "a.py" / "inner.py").is_file()


@pytest.mark.parametrize("name", ["../outside.py", "/etc/passwd", "pkg/../../x"])
def test_path_that_leads_outside_is_refused(name: str, tmp_path: Path) -> None:
    code = DevCode(unpacked(tmp_path), tmp_path / "dev")
    with pytest.raises(BadArchive):
        code.apply((CodeFile(name, b""),), ())
