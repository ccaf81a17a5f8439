"""What a deploy refuses before the build, in one error."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from lambent.config.model import Config
from lambent.config.variables.unset import find_unset
from lambent.errors import PackagingError, UsageError
from lambent.library.refused_start import refuse_start
from support.configs import load_config
from support.detection import FLASK, write_project


def test_variables_and_files_with_secrets_are_named_together(tmp_path: Path) -> None:
    token = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=36))
    files = {
        "log.py": "",
        "main.py": f"import os, log\nKEY = os.environ['API_KEY']\n{FLASK}",
        "data.json": f'{{"token": "ghp_{token}"}}\n',
    }
    config = load_config(write_project(tmp_path / "shop", files))
    with pytest.raises(UsageError) as caught:
        refuse_start(config, find_unset(config), lambda config: config)
    assert caught.value.what.startswith("API_KEY isn't set, and the app can't start without it; the zip would contain a secret")
    assert caught.value.hint.startswith("--env API_KEY=VALUE\nand for data.json:1: remove it")
    (tmp_path / "shop" / ".lambentignore").write_text("/data.json\n")
    (tmp_path / "shop" / "log.py").write_text("from loguru import logger\nlogger.add('x', enqueue=True)\n")
    with pytest.raises(UsageError) as caught:
        refuse_start(config, find_unset(config), lambda config: config)
    assert caught.value.hint == "--env API_KEY=VALUE\nand remove enqueue=True in log.py:2"


def test_requirements_that_fit_no_runtime_are_named_too(tmp_path: Path) -> None:
    def choose_runtime(config: Config) -> Config:
        raise PackagingError("pillow 3.3.0 has no wheel", where="requirements.txt", hint="pillow==6.2.1 in requirements.txt")

    config = load_config(write_project(tmp_path / "shop", {"main.py": f"import os\nKEY = os.environ['API_KEY']\n{FLASK}"}))
    with pytest.raises(UsageError) as caught:
        refuse_start(config, find_unset(config), choose_runtime)
    assert caught.value.what.endswith("the app can't start without it; pillow 3.3.0 has no wheel")
    assert caught.value.hint == "--env API_KEY=VALUE\nand for requirements.txt: pillow==6.2.1 in requirements.txt"
