"""Projects whose only code is in notebooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lambent.errors import DetectionError
from support.detection import detect, write_project


@pytest.mark.parametrize(
    ("imported", "what", "hint"),
    [
        ("panel as pn", "Panel needs a WebSocket", "run it where processes stay"),
        ("pandas as pd", "the code is in a notebook", "jupyter nbconvert --to script --output app sales.ipynb"),
    ],
)
def test_project_with_notebooks_only_is_named(tmp_path: Path, imported: str, what: str, hint: str) -> None:
    notebook = {"cells": [{"cell_type": "code", "source": [f"import {imported}\n", "1"]}]}
    folder = write_project(tmp_path, {"sales.ipynb": json.dumps(notebook)})
    with pytest.raises(DetectionError, match=f"no app found: {what}") as error:
        detect(folder)
    assert error.value.where == "sales.ipynb" and error.value.hint.startswith(hint)
