"""What a deploy refuses before the build, in one error."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from lambent.config.model import Config
from lambent.config.variables.refusal import MissingVariable
from lambent.config.variables.unset import find_unset
from lambent.errors import PackagingError, UsageError
from lambent.library.app_source import Builder
from lambent.library.build_attempts import check_requirements
from lambent.library.refused_start import refuse_start
from lambent.package.build_context import BuildOptions
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
        refuse_start(config, find_unset(config), lambda config: None)
    assert caught.value.what.startswith("API_KEY isn't set, and the app can't start without it; the zip would contain a secret")
    assert caught.value.hint.startswith("--env API_KEY=VALUE\nand for data.json:1: remove it")
    (tmp_path / "shop" / ".lambentignore").write_text("/data.json\n")
    (tmp_path / "shop" / "log.py").write_text("from loguru import logger\nlogger.add('x', enqueue=True)\n")
    with pytest.raises(UsageError) as caught:
        refuse_start(config, find_unset(config), lambda config: None)
    assert caught.value.hint == "--env API_KEY=VALUE\nand remove enqueue=True in log.py:2"


def test_requirements_that_fit_no_runtime_are_named_too(tmp_path: Path) -> None:
    def check_requirements(config: Config) -> None:
        raise PackagingError("pillow 3.3.0 has no wheel", where="requirements.txt", hint="pillow==6.2.1 in requirements.txt")

    config = load_config(write_project(tmp_path / "shop", {"main.py": f"import os\nKEY = os.environ['API_KEY']\n{FLASK}"}))
    with pytest.raises(UsageError) as caught:
        refuse_start(config, find_unset(config), check_requirements)
    assert caught.value.what.endswith("the app can't start without it; pillow 3.3.0 has no wheel")
    assert caught.value.hint == "--env API_KEY=VALUE\nand for requirements.txt: pillow==6.2.1 in requirements.txt"


def test_missing_packages_are_named_too(tmp_path: Path) -> None:
    imports = "import os\nimport shiftwiper\nimport yaml_of_mine\n"
    source = f"{imports}KEY = os.environ['API_KEY']\n\ndef lambda_handler(event, context):\n    return {{}}\n"
    config = load_config(write_project(tmp_path / "shop", {"main.py": source}), 'runtime_client = "aws"')
    builder = Builder(tmp_path / "cache", BuildOptions())
    with pytest.raises(UsageError) as caught:
        refuse_start(config, find_unset(config), partial(check_requirements, builder=builder))
    assert "the app can't start without it; main.py imports shiftwiper, which is neither in the zip nor" in caught.value.what
    assert (
        "--env API_KEY=VALUE\nand for main.py:2: put these into a new requirements.txt, a line each: shiftwiper"
        in caught.value.hint
    )
    assert "main.py imports yaml_of_mine" in caught.value.detail


def test_values_are_asked_for_until_the_app_can_start(tmp_path: Path) -> None:
    source = f"import os\nif os.environ['MODE'] == 'live':\n    KEY = os.environ['API_KEY']\nHOST = os.environ['SMTP']\n{FLASK}"
    files = {"main.py": source, ".env.example": "MODE=live\nSMTP=your-host\n"}
    config = load_config(write_project(tmp_path / "shop", files))
    answers = {"MODE": "live", "SMTP": "mail.test", "API_KEY": "k"}
    asked = []

    def ask(missing: Sequence[MissingVariable]) -> dict[str, str]:
        asked.append([(variable.name, variable.form) for variable in missing])
        return {variable.name: answers[variable.name] for variable in missing if variable.name != "API_KEY" or len(asked) > 1}

    config, unset = refuse_start(config, find_unset(config), lambda config: None, ask)
    assert asked == [[("MODE", "live"), ("SMTP", "VALUE"), ("API_KEY", "VALUE")], [("API_KEY", "VALUE")]]
    assert dict(config.environment) == answers and not unset
    assert config.flag_variables == ("API_KEY", "MODE", "SMTP"), "later deploys keep them"


def test_nothing_is_asked_for_if_something_else_is_in_the_way(tmp_path: Path) -> None:
    def check_requirements(config: Config) -> None:
        raise PackagingError("pillow 3.3.0 has no wheel")

    config = load_config(write_project(tmp_path / "shop", {"main.py": f"import os\nKEY = os.environ['API_KEY']\n{FLASK}"}))
    with pytest.raises(UsageError):
        refuse_start(config, find_unset(config), check_requirements, lambda missing: pytest.fail("asked"))
