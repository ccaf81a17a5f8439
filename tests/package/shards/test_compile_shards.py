"""The bytecode of shards: the same with any history, and none for sources that do not compile."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lambent import interpreters
from lambent.errors import PackagingError
from lambent.package.compiler import bytecode_path
from lambent.package.shards.compile_shards import compile_shards
from lambent.package.shards.shard_cache import open_shards
from lambent.package.shards.slim import SlimOptions
from support.wheel_files import TARGET, wheel

SLIM = SlimOptions()
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_bytecode_does_not_depend_on_what_was_compiled_before(tmp_path: Path) -> None:
    demo = wheel(
        tmp_path, "demo", {f"demo/m{number}.py": f"def f{number}(a, b): return a, 'text', {number}\n" for number in range(9)}
    )
    interpreter = interpreters.find(PYTHON, os.environ)
    assert interpreter is not None
    sources = [f"demo/m{number}.py" for number in range(9)]

    def code(cache: Path, *batches: list[str]) -> dict[str, bytes]:
        shards = open_shards([demo], TARGET, SLIM, cache)
        for batch in batches:
            (archive,) = compile_shards(shards, batch, interpreter, cache)
        assert archive is not None
        return {entry.name: archive.archive.read(entry.name) for entry in archive.entries}

    whole = code(tmp_path / "one", sources)
    assert sorted(whole) == [bytecode_path(name, PYTHON) for name in sources]
    assert {data[4:8] for data in whole.values()} == {b"\1\0\0\0"}  # hash-based, never compared with the source
    assert code(tmp_path / "two", sources[7:], sources[:3], sources[2:8], sources) == whole
    for path in (tmp_path / "two" / "bytecode").iterdir():
        path.write_bytes(path.read_bytes()[:-3])
    assert code(tmp_path / "two", sources) == whole


def test_source_that_does_not_compile_has_no_bytecode(tmp_path: Path) -> None:
    demo = wheel(tmp_path, "demo", {"demo.py": "x = 1\n", "template.py": "def {{ name }}(:\n", "data.txt": "x"})
    interpreter = interpreters.find(PYTHON, os.environ)
    assert interpreter is not None
    shards = open_shards([demo], TARGET, SLIM, tmp_path / "cache")
    for _ in range(2):
        (archive,) = compile_shards(shards, ["demo.py", "template.py", "missing.py"], interpreter, tmp_path / "cache")
        assert archive is not None and [entry.name for entry in archive.entries] == [bytecode_path("demo.py", PYTHON)]
        assert archive.failed == {bytecode_path("template.py", PYTHON)}
    assert compile_shards(shards, ["other.py"], interpreter, tmp_path / "cache") == (None,)


def test_broken_interpreter_is_reported_with_its_stderr(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such library >&2\nexit 127\n")
    broken.chmod(0o755)
    shards = open_shards([wheel(tmp_path, "demo", {"demo.py": "x = 1\n"})], TARGET, SLIM, tmp_path / "cache")
    with pytest.raises(PackagingError, match="cannot compile") as raised:
        compile_shards(shards, ["demo.py"], interpreters.Interpreter(PYTHON, broken), tmp_path / "cache")
    assert raised.value.detail == "no such library"
