"""Which files differ between two zips of an app: those of real builds."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from lambent.package.archive import Entry
from lambent.package.artifact import Artifact
from lambent.package.assemble import write
from lambent.package.changed_files import summarize
from lambent.package.layout import SourceFile

OWNERS = {
    "flask/app.py": "flask 3.1",
    "flask/old.py": "flask 3.1",
    "flask-3.1.dist-info/METADATA": "flask 3.1",
    "six.py": "six 1",
}


def entries(**contents: int) -> list[Entry]:
    """Return members whose checksum is given."""
    return [Entry(name, False, crc, 1, 1, 0) for name, crc in contents.items()]


def differences(before: dict[str, int], after: dict[str, int]) -> str:
    return summarize(entries(**before), entries(**after), {name: OWNERS[name] for name in after if name in OWNERS})


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ({"app.py": 1, "b.py": 1, "c.py": 1}, {"app.py": 2, "c.py": 1, "d.html": 1}, "app.py, +d.html, -b.py"),
        ({"app.py": 1, "app.pyc": 1, "lambent_runtime/a.py": 1}, {"app.py": 1}, "only lambent's own part"),
        (
            {"flask/app.py": 1, "flask/gone.py": 1, "flask-3.0.dist-info/METADATA": 1},
            {"flask/app.py": 2, "flask-3.1.dist-info/METADATA": 2, "six.py": 1},
            "flask 3.0 -> 3.1",
        ),
        ({"flask/app.py": 1, "flask-3.0.dist-info/METADATA": 1}, {"app.py": 1}, "+app.py, -flask 3.0"),
        ({"app.py": 1, "static/a.css": 1, "static/b.css": 1}, {"app.py": 1}, "-static/"),
        ({f"f{n}": 1 for n in range(9)}, {f"f{n}": 2 for n in range(9)}, "f0, f1, f2, f3, f4 and 4 more"),
    ],
)
def test_differences(before: dict[str, int], after: dict[str, int], text: str) -> None:
    assert differences(before, after) == text


def test_the_other_zip_is_looked_up_in_the_cache(tmp_path: Path) -> None:
    zips = [
        write("shop-prod", (), tuple((name, SourceFile.generated(name, text)) for name, text in files), tmp_path)
        for files in ([("app.py", b"one"), ("b.py", b"b")], [("app.py", b"two!"), ("b.py", b"b")])
    ]
    (old, _), (new, written) = zips
    digest = base64.b64encode(hashlib.sha256(old.read_bytes()).digest()).decode()
    artifact = Artifact(new, "", 0, 0, 2, "python3.13", "x86_64", "app.handler", entries=written.entries)
    assert artifact.changes_since(digest) == "app.py"
    with zipfile.ZipFile(old) as archive:
        assert archive.namelist() == ["app.py", "b.py"]
    assert artifact.changes_since(base64.b64encode(bytes(32)).decode()) == "", "built elsewhere"
    old.write_bytes(b"damaged")
    assert artifact.changes_since(digest) == ""
