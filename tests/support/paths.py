"""Folders of the checkout that tests read from."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent.parent
ROOT = TESTS.parent
SOURCE = ROOT / "src" / "lambent"
DOCS = ROOT / "docs"
RECORDINGS = TESTS / "recordings"
