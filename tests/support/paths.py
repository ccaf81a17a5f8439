"""Folders that tests read from, and the cache that they share."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

TESTS = Path(__file__).parent.parent
ROOT = TESTS.parent
SOURCE = ROOT / "src" / "lambent"
DOCS = ROOT / "docs"
RECORDINGS = TESTS / "recordings"
CACHE = Path(os.environ.get("LAMBENT_TESTS_CACHE") or platformdirs.user_cache_path("lambent-tests"))
"""What a run keeps for the next one: packages, their caches, bytecode."""
