"""`lambent report` says what a maintainer needs, and nothing private."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from lambent import __version__
from lambent.cli.main import cli
from support.locking import write
from support.paths import ROOT

APP = "from flask import Flask\napp = Flask(__name__)\n"
SETTINGS = """
[tool.lambent]
name = "private-name"
memory = 2048
stream = true
region = "eu-west-7"
profile = "private-profile"
role = "arn:aws:iam::111122223333:role/private-role"
env = { PRIVATE_NAME = "private-value", OTHER = "x" }
"""


def report(path: Path, state: Path) -> dict[str, str]:
    result = CliRunner().invoke(cli, ["report", str(path), "--state", str(state)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    rows = (line.partition("  ") for line in result.stdout.splitlines())
    return {name: value.strip() for name, _, value in rows}


def test_it_says_what_was_detected_and_nothing_private(tmp_path: Path) -> None:
    app = write(tmp_path / "app", {"main.py": APP, "pyproject.toml": SETTINGS, "requirements.txt": "flask\n"})
    rows = report(app, tmp_path / "state")
    assert rows["versions"].startswith(f"lambent {__version__}, Python 3.")
    assert rows["local Lambda"] == "not running"
    assert rows["app"] == "main:app  (wsgi, main.py, line 2)"
    assert rows["requirements"] == "requirements.txt"
    assert rows["settings"] == "memory = 2048 MB, stream = true"
    assert rows["variables"] == "2"
    assert not any("private" in value.lower() or "1111" in value or "eu-west-7" in value for value in rows.values())


@pytest.mark.parametrize(
    ("files", "expected"),
    (
        ({"main.py": "x = 1\n"}, "DetectionError: "),
        ({"main.py": APP, "pyproject.toml": "[tool.lambent]\nenv = { KEY = [4711] }\n"}, "UsageError: env.KEY must be text"),
        ({"main.py": APP, "pyproject.toml": "[tool.lambent\n"}, "UsageError: "),
    ),
)
def test_an_app_that_can_not_be_loaded_is_reported_by_its_error(
    files: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = write(tmp_path / "app", files)
    monkeypatch.chdir(app)
    monkeypatch.setenv("HOME", str(tmp_path))
    row = report(app, tmp_path / "state")["app"]
    assert row.startswith(expected)
    assert "4711" not in row and str(tmp_path) not in row


def test_the_template_of_a_bug_asks_for_it() -> None:
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    bug = yaml.safe_load((folder / "bug.yml").read_text("utf-8"))
    fields = {field["id"]: field["attributes"] for field in bug["body"] if "id" in field}
    assert "`lambent report`" in fields["report"]["description"]
    for template in folder.glob("*.yml"):
        assert isinstance(yaml.safe_load(template.read_text("utf-8")), dict)
