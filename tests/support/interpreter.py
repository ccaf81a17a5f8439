"""Interpreters of this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lambent import interpreters
from support.functions import NEWEST


def python(version: str = NEWEST.removeprefix("python")) -> Path:
    found = interpreters.find(version, os.environ)
    if found is None:
        pytest.skip(f"no python{version} on this machine: {interpreters.install_command(version)}")
    return found.path
