"""Plans, settings, versions and status as people read them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import fields, replace

from lambent import events, status_events
from lambent.aws.values import Settings
from lambent.cli import config as config_command
from lambent.config.display import HIDDEN, describe
from lambent.config.model import App, Config, Hosting, Packaging
from lambent.config.settings import KEYS
from lambent.deployment.cost import estimate
from lambent.ui import views
from lambent.ui.event_lines import event_lines

SETTINGS = Settings("arn", "python3.13", "main.app", 1024, 30, 512)
COST = estimate(SETTINGS, "x86_64", None)
UPDATE = events.PlannedLine("update", "code", "a -> b")
DRIFT = events.PlannedLine("drift", "alias live", "points elsewhere")


def plan_lines(plan: events.Planned) -> list[str]:
    return [f"{line.text}  ({line.note})" if line.note else line.text for line in event_lines(plan)]


def test_a_plan_shows_who_can_call_and_what_it_costs() -> None:
    plan = events.Planned("account 1", (UPDATE, DRIFT), 1, "public", True, 900, 2000, COST)
    assert plan_lines(plan) == [
        "on account 1:",
        "code  (a -> b)",
        "drift: alias live  (points elsewhere)",
        "public: anyone with this URL can call it  (new: deploy asks first, unless you pass --yes)",
        "about $1.87 per million requests of 100 ms at 1024 MB  (an estimate; the first 1,000,000 a month are free)",
    ]


def test_drift_is_shown_even_if_nothing_changes() -> None:
    assert plan_lines(events.Planned("x", (DRIFT,), 0, "public")) == [
        "nothing to change on x",
        "drift: alias live  (points elsewhere)",
    ]


@pytest.mark.parametrize(
    ("memory", "machine", "usd", "free"),
    [(128, "x86_64", 0.41, 1_000_000), (1024, "arm64", 1.53, 1_000_000), (10240, "x86_64", 16.87, 400_000)],
)
def test_the_estimate(memory: int, machine: str, usd: float, free: int) -> None:
    cost = estimate(replace(SETTINGS, memory_mb=memory), machine, None)
    assert (cost.usd_per_million, cost.free_requests) == (usd, free)


def test_hourly_charges_are_excluded_from_the_estimate() -> None:
    cost = estimate(replace(SETTINGS, snapstart=True, tmp_mb=1024), "x86_64", 2)
    assert cost.excludes == ("provisioned concurrency", "SnapStart", "/tmp above 512 MB")


PUBLISHED = ("2", "2026-11-25T02:43:27.000+0000", "abcdefghijk=", 1_200_000, "python3.13", 256, 0)


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("new_york")
def test_versions_as_a_table() -> None:
    rows = (
        status_events.Version(
            *PUBLISHED, notes="new code", commit="a1b2c3d", dirty=True, subject="Fix", by="ada@laptop", failed=True
        ),
        status_events.Version(*PUBLISHED[:-1], share=1, commit="e4f5a6b", subject="x" * 50, by="GitHub Actions, ada"),
    )
    assert views.view(status_events.Versions("a", "x", rows)).splitlines() == [
        "        version  published         by                   commit         " + " " * 46 + "changes",
        "failed  2        2026-11-24 21:43  ada@laptop           a1b2c3d-dirty  Fix" + " " * 43 + "new code",
        f"live    2        2026-11-24 21:43  GitHub Actions, ada  e4f5a6b        {'x' * 43}…",
    ]
    bare = views.view(status_events.Versions("a", "x", (status_events.Version(*PUBLISHED),))).splitlines()
    assert bare == ["  version  published", "  2        2026-11-24 21:43"], "without empty columns"


@pytest.mark.usefixtures("new_york")
def test_status_as_a_table() -> None:
    activity = status_events.LogSummary(60, 7, 1, 2, "ValueError: no")
    status = status_events.Status(
        *("shop", "account 1", "https://u/", "signed", "3", "2026-11-25T02:43:27.000+0000", 3),
        *("python3.13", "2029-06-30", "arm64", 512, 30, "/aws/lambda/shop", None, activity, (DRIFT,)),
        commit="a1b2c3d",
        subject="Fix the total",
        by="ada@laptop",
        unfinished="version 4 failed its check",
    )
    assert views.view(status).splitlines() == [
        "app          shop                                (on account 1)",
        "url          https://u/                          (signed requests only)",
        "live         version 3                           (published 2026-11-24 21:43 by ada@laptop)",
        "commit       a1b2c3d                             (Fix the total)",
        "unfinished   version 4 failed its check",
        "versions     3",
        "runtime      python3.13                          (AWS supports it until 2029-06-30)",
        "machine      arm64                               (512 MB, 30 s)",
        "log          /aws/lambda/shop                    (kept forever)",
        "last 60 min  7 requests, 1 cold start, 2 failed  (ValueError: no; lambent logs --errors)",
        "drift        alias live                          (points elsewhere)",
    ]


def test_a_wide_cell_moves_only_the_cells_to_its_right() -> None:
    settings = (events.Setting("one", "x" * 60, "--one"), events.Setting("three", "1", "--three"))
    assert views.view(events.Configured("a", "", settings)).splitlines() == [
        f"one    {'x' * 60}  (--one)",
        "three  1  (--three)",
    ]


def test_every_setting_is_shown() -> None:
    config = Config(Path("/p"), "hello", App("main", "app", "asgi"), "python3.13")
    names = {setting.name for setting in describe(config).settings}
    assert names == set(KEYS) - {"env", "env_file"} | {"kind", "stage"}
    assert all(field.name in names for field in fields(Packaging))
    assert len(fields(Hosting)) - 4 == len({field.name for field in fields(Hosting)} & names)  # the rest have other names


PROJECT = """
[tool.lambent]
memory = 256
permissions = ["s3:GetObject arn:aws:s3:::b/*"]

[tool.lambent.env]
TOKEN = "hunter2"
DATABASE_URL = { ssm = "/shop/db" }

[tool.lambent.stages.prod]
memory = 2048
"""


def test_the_command_shows_origins_but_no_secrets(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "main.py").write_text("async def app(scope, receive, send):\n    pass\n")
    arguments = [str(folder), "--app", "main:app", "--env", "COLOUR=blue"]

    def settings(*more: str) -> dict[str, tuple[str, str]]:
        ran = CliRunner().invoke(config_command.command, [*arguments, *more, "--json"], catch_exceptions=False)
        rows = json.loads(ran.stdout)["settings"]
        return {row["name"]: (row["value"], row["origin"]) for row in rows}

    development = settings()
    assert development["memory"] == ("256 MB", "pyproject.toml [tool.lambent] memory")
    assert development["timeout"] == ("30 s", "default")
    assert development["env.TOKEN"] == (HIDDEN, "pyproject.toml [tool.lambent] env")
    assert development["env.COLOUR"] == (HIDDEN, "--env")
    assert development["env.DATABASE_URL"][0] == "ssm:/shop/db"
    assert development["permissions"][0] == "s3:GetObject arn:aws:s3:::b/*"
    assert settings("--show-env")["env.TOKEN"][0] == "hunter2"
    prod = settings("--stage", "prod")
    assert prod["memory"] == ("2048 MB", "pyproject.toml [tool.lambent.stages.prod] memory")
    assert (prod["name"][0], prod["stage"]) == ("shop-prod", ("prod", "--stage"))
    table = CliRunner().invoke(config_command.command, arguments, catch_exceptions=False).stdout
    assert "memory                   256 MB" in table and "hunter2" not in table
