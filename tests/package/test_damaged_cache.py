"""Builds give the same bytes with any file of the cache damaged."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lambent import events
from lambent.config.model import App, Config
from lambent.package.build import build
from support.locking import write
from support.wheel_files import wheel

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) // 2],
    "zeroed": lambda data: bytes(len(data)),
    "garbled": lambda data: bytes(byte ^ 0x55 if index % 7 == 3 else byte for index, byte in enumerate(data)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_cache_gives_the_same_zip(damage: str, tmp_path: Path) -> None:
    wheels = [wheel(tmp_path / "w", name, {f"{name}.py": "import os\n" * 50}).path for name in ("one", "two")]
    lines = ['lock-version = "1.0"', 'created-by = "other"']
    for path in wheels:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines += ["[[packages]]", f'name = "{path.name[:3]}"', 'version = "1"']
        lines += [f'archive = {{ path = "{path}", hashes = {{ sha256 = "{digest}" }} }}']
    source = "import one, two\n\ndef app(event, context): pass\n"
    app = write(tmp_path / "app", {"main.py": source, "pylock.toml": "\n".join(lines)})
    config, cache = Config(app, "small", App("main", "app", "asgi", "."), "python3.12", "x86_64"), tmp_path / "cache"

    def built() -> str:
        return build(config, cache, os.environ, events.ignore).sha256

    expected = built()
    saved = Path(shutil.copytree(cache, tmp_path / "saved"))
    names = [path.relative_to(saved) for path in sorted(saved.rglob("*")) if path.is_file() and path.name != "CACHEDIR.TAG"]
    folders = {name.parts[0] for name in names}
    assert {"wheels", "shards", "bytecode", "startup", "proofs", "locks", "runtime", "zips"} <= folders
    for name in {(name.parent, name.suffix): name for name in names}.values():  # one of each kind
        (cache / name).write_bytes(DAMAGE[damage]((saved / name).read_bytes()))
        assert built() == expected, name
    for name in names:  # and all of them at once
        (cache / name).write_bytes(DAMAGE[damage]((saved / name).read_bytes()))
    assert built() == expected
