"""Another try with an older runtime."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.config.model import Config
from lambent.config.python_runtime import keep_live
from lambent.errors import FunctionFailedError, PackagingError
from lambent.library.older_runtime import removal_in, with_older_runtime
from lambent.package.unfit import NO_WHEEL, Blocker, UnfitError
from support import forked
from support.configs import HANDLER, load_config
from support.interpreter import python

LAMBENT = Path(sys.executable).parent / "lambent"
NO_IMP = FunctionFailedError("the function failed", detail="ModuleNotFoundError: No module named 'imp'")
IMP = f'import importlib\nloaded = importlib.import_module("imp")\n{HANDLER}'


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "lambda_function.py").write_text(HANDLER)
    return load_config(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ImportError: cannot import name 'Mapping' from 'collections' (/x.py)", ("collections.Mapping", "3.10")),
        ("AttributeError: module 'asyncio' has no attribute 'coroutine'", ("asyncio.coroutine", "3.11")),
        ("ModuleNotFoundError: No module named 'distutils.version'", ("distutils", "3.12")),
        ("No module named 'urllib3.packages.six.moves'", ("urllib3.packages.six.moves", "3.12")),
        (
            "cannot import name 'six' from 'pkg_resources.extern' (x.py)",
            ("importers with find_module, as in old setuptools", "3.12"),
        ),
        ("'EntryPoints' object has no attribute 'get'", ("EntryPoints.get of importlib.metadata", "3.12")),
        (
            "TypeError: Field.__init__() missing 1 required positional argument: 'kw_only'",
            ("the old form of dataclasses.Field", "3.10"),
        ),
        (
            "module 'eventlet.green.thread' has no attribute 'start_joinable_thread'",
            ("what eventlet before 0.38 patches", "3.13"),
        ),
        ("No module named 'flask'", ("", "")),
        ("module 'os' has no attribute 'fork1'", ("", "")),
    ],
)
def test_what_was_removed_is_read_from_the_exception(text: str, expected: tuple[str, str]) -> None:
    assert removal_in(f"Traceback\n{text}\n") == expected


def test_candidates_that_still_have_it_remain(config: Config) -> None:
    older = with_older_runtime(config, NO_IMP)
    assert older is not None and older.runtime == "python3.11" and older.candidates.runtimes[0] == "python3.11"
    assert older.candidates.note == "the app's start needs imp, which Python 3.12 removed"


def test_only_older_runtimes_are_tried(config: Config) -> None:
    failure = FunctionFailedError("the function failed", detail='ConfigError: unable to infer type for attribute "url"')
    versions = ("python3.14", "python3.13", "python3.12")
    tried = config.with_runtime("python3.14", "", replace(config.candidates, runtimes=versions))
    older = with_older_runtime(tried, failure)
    assert older is not None and older.runtime == "python3.13"
    assert with_older_runtime(older, failure) is None, "Python 3.13 has it, so something else is wrong"


def test_candidates_that_fit_what_was_added_remain(config: Config) -> None:
    unfit = UnfitError(PackagingError("no wheel"), [Blocker("shop", "1", NO_WHEEL, frozenset(("3.11", "3.10")))])
    older = with_older_runtime(config, unfit)
    assert older is not None and older.runtime == "python3.11" and older.candidates.runtimes == ("python3.11", "python3.10")
    assert older.candidates.note == f"shop 1 has no wheel for {config.runtime.removeprefix('python')}"
    assert with_older_runtime(older, UnfitError(unfit, [Blocker("shop", "1", NO_WHEEL, frozenset())])) is None


def test_live_and_named_runtimes_stay(config: Config, tmp_path: Path) -> None:
    assert with_older_runtime(keep_live(config, "python3.13"), NO_IMP) is None
    assert with_older_runtime(load_config(tmp_path, runtime="python3.13"), NO_IMP) is None
    (tmp_path / ".python-version").write_text("3.13\n")
    assert with_older_runtime(load_config(tmp_path), NO_IMP) is None


def test_other_failures_change_nothing(config: Config) -> None:
    assert with_older_runtime(config, FunctionFailedError("the function failed: KeyError: 'imp'")) is None


def test_app_that_fails_on_the_newest_python_is_deployed_with_an_older_one(tmp_path: Path) -> None:
    python("3.11"), python("3.13")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "lambda_function.py").write_text(IMP)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))}
    options = ["--state", tmp_path / "state"]
    try:
        command = [LAMBENT, "deploy", "--local", "--port", "0", *options, tmp_path / "app"]
        done = forked.run(command, timeout=120, env=environ)
        assert done.returncode == 0, done.stderr
        assert "python3.11  (the app's start needs imp, which Python 3.12 removed" in done.stderr
        again = forked.run(command, timeout=120, env=environ)
        assert again.stdout == done.stdout and "runtime python3.11" not in again.stderr, again.stderr
    finally:
        subprocess.run([LAMBENT, "local", "stop", *options], capture_output=True, timeout=60, check=True)
