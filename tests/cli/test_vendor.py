"""`lambent vendor`, and its replacements for Mangum and apig-wsgi, which need nothing but the vendored folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lambent.errors import PackagingError, UsageError
from lambent.interpreters import find
from lambent.package.vendor import runtime_files, vendor

MANGUM = """
import json, sys
from lambent_runtime.compat import Mangum
count = []
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        count.append("start")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("shut down", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"{scope['path']} {len(count)}".encode()})
handler = Mangum(app)
"""
APIG = """
import json, sys
from lambent_runtime.compat import make_lambda_handler
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]
handler = make_lambda_handler(app)
"""
TWO_REQUESTS = """
for path in ("/a", "/b"):
    print(json.dumps(handler({"version": "2.0", "rawPath": path}, None)))
print("asyncio" in sys.modules)
"""


def test_the_folder_is_complete_and_replaced(tmp_path: Path) -> None:
    path, count = vendor(tmp_path)
    assert path == tmp_path / "lambent_runtime"
    copied = {f"lambent_runtime/{file.relative_to(path).as_posix()}" for file in path.rglob("*") if file.is_file()}
    assert copied == set(runtime_files()) and len(copied) == count
    assert os.access(path / "bootstrap", os.X_OK)
    (path / "old.py").write_text("")
    assert vendor(tmp_path) == (path, count)
    assert not (path / "old.py").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["lambent_runtime"]


def test_a_foreign_folder_is_kept(tmp_path: Path) -> None:
    (tmp_path / "lambent_runtime").mkdir()
    (tmp_path / "lambent_runtime/mine.py").write_text("x")
    with pytest.raises(UsageError, match="isn't a copy of lambent's runtime"):
        vendor(tmp_path)
    assert (tmp_path / "lambent_runtime/mine.py").read_text() == "x"
    with pytest.raises(UsageError, match="no such folder"):
        vendor(tmp_path / "nowhere")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that not even root can write to")
def test_a_read_only_folder() -> None:
    with pytest.raises(PackagingError, match="cannot write /proc/lambent_runtime"):
        vendor(Path("/proc"))


def test_the_command(tmp_path: Path) -> None:
    command = [Path(sys.executable).parent / "lambent", "vendor", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"{tmp_path / 'lambent_runtime'}\n" and "from lambent_runtime.compat import Mangum" in done.stderr
    assert (tmp_path / "lambent_runtime/compat/mangum.py").is_file()


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("source", [MANGUM, APIG], ids=["mangum", "apig-wsgi"])
def test_the_replacements_need_only_that_folder(tmp_path: Path, version: str, source: str) -> None:
    interpreter = find(version, os.environ)
    if interpreter is None:
        pytest.skip(f"no Python {version} on this machine")
    vendor(tmp_path)
    (tmp_path / "main.py").write_text(source + TWO_REQUESTS)
    command = [interpreter.path, "-S", "-W", "error", "main.py"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (process.returncode, process.stderr) == (0, "")
    first, second, asyncio_imported, *rest = process.stdout.splitlines()
    if source is MANGUM:
        assert [json.loads(line)["body"] for line in (first, second)] == ["/a 1", "/b 1"]  # the app started once
        assert rest == ["shut down"]
    else:
        assert [json.loads(line)["body"] for line in (first, second)] == ["/a", "/b"]
        assert asyncio_imported == "False"
