"""Sizes and times, wherever they may be set: flags, variables, pyproject.toml."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lambent.config.load import Flags, load
from lambent.config.quantities import MEGABYTES, SECONDS
from lambent.errors import UsageError

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("text", "mb"),
    [
        *((512, 512), ("512", 512), ("512MB", 512), ("512 mb", 512), ("512M", 512), ("512MiB", 512), (" 1GB ", 1024)),
        *(("1.5 GB", 1536), ("10G", 10240), ("1 GiB", 1024)),
    ],
)
def test_sizes(text: Any, mb: int) -> None:
    assert MEGABYTES.parse(text) == mb


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(30, 30), ("30", 30), ("30s", 30), ("5m", 300), ("1h", 3600), ("1m30s", 90), ("0.5m", 30)],
)
def test_times(text: Any, seconds: int) -> None:
    assert SECONDS.parse(text) == seconds


@pytest.mark.parametrize("text", ["", "GB", "1PB", "-1", "+1", "1,5GB", "1 2", "1m30", "1e3", True, None, "1s"])
def test_what_is_no_size(text: Any) -> None:
    assert MEGABYTES.parse(text) is None


@pytest.fixture
def memory_and_timeout(tmp_path: Path) -> Callable[..., tuple[int, int]]:
    def load_with(flags: Flags, environ: dict[str, str], table: str = "") -> tuple[int, int]:
        (tmp_path / "lambda_function.py").write_text("def lambda_handler(event, context): pass\n")
        (tmp_path / "pyproject.toml").write_text(f"[tool.lambent]\n{table}\n")
        config = load(tmp_path, flags, environ, TODAY)
        return config.memory_mb, config.timeout_s

    return load_with


def test_they_are_understood_everywhere(memory_and_timeout: Callable[..., tuple[int, int]]) -> None:
    assert memory_and_timeout(Flags(memory="1GB", timeout="5m"), {}) == (1024, 300)
    assert memory_and_timeout(Flags(), {"LAMBENT_MEMORY": "512MB", "LAMBENT_TIMEOUT": "30m"}) == (512, 1800)
    assert memory_and_timeout(Flags(), {}, 'memory = "2 GB"\ntimeout = "1m"') == (2048, 60)


@pytest.mark.parametrize(
    ("flags", "message", "hint"),
    [
        (Flags(timeout="1h"), "timeout must be between 1 and 1800 seconds, got 1h (3600)", "--timeout 1800"),
        (Flags(memory="11GB"), "memory must be between 128 and 10240 MB, got 11GB (11264)", "--memory 10240"),
        (Flags(memory="2 gigs"), "memory must be a size such as 512MB or 1GB, got '2 gigs'", "--memory 128"),
        (Flags(memory="0.3GB"), "memory must be a size such as 512MB or 1GB, got '0.3GB'", "--memory 128"),
    ],
)
def test_a_refusal_says_the_limit_in_the_unit(
    flags: Flags, message: str, hint: str, memory_and_timeout: Callable[..., tuple[int, int]]
) -> None:
    with pytest.raises(UsageError) as refused:
        memory_and_timeout(flags, {})
    assert (refused.value.what, refused.value.hint) == (message, hint)
