"""CONTRIBUTING.md names files, scripts and pages that exist, and a copy of its example is a command."""

from __future__ import annotations

import re

import pytest

from support.paths import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BELOW_DEPLOYMENT = {"desired.py", "observed.py", "plan.py", "apply.py", "resources/", "version_check.py", "diagnose.py"}
BELOW = dict.fromkeys(BELOW_DEPLOYMENT, "src/lambent/deployment") | {
    "main.py": "src/lambent/cli",
    "options.py": "src/lambent/cli",
    "app_options.py": "src/lambent/cli",
    "unsupported.py": "src/lambent/config/detection",
    "support/waiting.py": "tests",
}
"""Paths that follow the name of their folder in a sentence."""

PATHS = {path for path in re.findall(r"`([\w./-]+(?:\.(?:py|md|toml)|/))`", PAGE) if "NAME" not in path}


@pytest.mark.parametrize("path", sorted(PATHS | set(re.findall(r"scripts/[\w-]+", PAGE))))
def test_what_it_names_exists(path: str) -> None:
    assert (ROOT / BELOW.get(path, "") / path).exists()


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\((?!https:)([^)#]+)", PAGE):
        assert (ROOT / target).exists(), target


def test_the_example_is_a_command() -> None:
    assert "def command(" in (ROOT / "src/lambent/cli/report.py").read_text("utf-8")
