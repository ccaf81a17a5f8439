"""Files above the folder that is deployed: the error names the command that deploys that folder."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lambent.config.identity import project_identities
from lambent.config.load import Flags, load
from lambent.errors import FunctionFailedError
from lambent.library.files_above import explain
from support.local_service import RUNTIME

CASES = {
    "by the module's place": ("RuntimeError: Directory '/var/pages' does not exist", "../pages"),
    "from a copy": ("FileNotFoundError: [Errno 2] No such file or directory: '/tmp/app/../pages/a.html'", "../pages/a.html"),
    "a template": ("jinja2.exceptions.TemplateNotFound: a.html", "../pages/a.html"),
}


def fail(tmp_path: Path, message: str, monkeypatch: pytest.MonkeyPatch) -> FunctionFailedError:
    for name, text in {".git/HEAD": "", "pages/a.html": "a", "api/main.py": "def app(environ, start_response): ...\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path / "api")
    config = load(tmp_path / "api", Flags(runtime=RUNTIME, env=("PAGES=../pages",)), {}, date.today())
    error = FunctionFailedError("the function failed", hint="fix the error", detail=message)
    explain(error, config)
    return error


@pytest.mark.parametrize("case", CASES)
def test_the_command_for_the_folder_above(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message, name = CASES[case]
    error = fail(tmp_path, message, monkeypatch)
    assert error.what == f"the app needs {name}, which is above the folder that is deployed"
    origin = project_identities(tmp_path / "api")[0]  # the failed function has it
    assert error.hint == f"lambent deploy .. --app api.main:app --name api --moved-from {origin}"
    config = load(tmp_path, Flags(app="api.main:app", runtime=RUNTIME), {}, date.today())
    assert config.app.spec == "api.main:app"


@pytest.mark.parametrize(
    "message",
    [
        "RuntimeError: Directory '/var/other' does not exist",
        "RuntimeError: Directory '/var/task/pages' does not exist",
        "FileNotFoundError: [Errno 2] No such file or directory: '../pages/a.html'",  # by the place of a shell
        "jinja2.exceptions.TemplateNotFound: b.html",
    ],
)
def test_what_is_no_file_above(tmp_path: Path, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fail(tmp_path, message, monkeypatch).hint == "fix the error"
