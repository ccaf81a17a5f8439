"""Real `lambent deploy` processes: killed at a moment that a seed chooses, refused, and two at the same time."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest

from support.faults.aws_errors import Refusal
from support.faults.calls import Call
from support.faults.fault_kinds import KINDS, Fault
from support.faults.proxy import CUT, Forward
from support.faults.url_poller import UrlPoller, request_once
from support.faults.world import REGION, World
from support.forked import ForkedProcess
from support.local_service import RUNTIME

SEED = int(os.environ.get("LAMBENT_FAULT_SEED", "1"))
APP = """
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"TEXT"})
"""
FIRST = ("CreateRole", "CreateLogGroup", "CreateFunction", "PublishVersion", "CreateAlias", "CreateFunctionUrlConfig(live)")
UPDATE = ("UpdateFunctionCode", "PublishVersion", "Invoke", "UpdateAlias")


class Deploy:
    """One `lambent deploy` of an app that says `text`, as a user would start it, in its own clone of the repository."""

    def __init__(self, world: World, name: str, text: str) -> None:
        folder = world.folder / text
        folder.mkdir(exist_ok=True)
        (folder / "main.py").write_text(APP.replace("TEXT", text))
        (folder / ".git").mkdir(exist_ok=True)
        (folder / ".git/config").write_text('[remote "origin"]\n\turl = https://git.example/app.git\n')
        environment = {
            "AWS_ENDPOINT_URL": world.proxy.url,
            "AWS_ACCESS_KEY_ID": "lambent",
            "AWS_SECRET_ACCESS_KEY": "lambent",
            "AWS_REGION": REGION,
        }
        words = ["deploy", str(folder), "--name", name, "--runtime", RUNTIME, "--yes", "--no-prove"]
        words += ["--cache-dir", str(world.folder / "cache")]
        self.process = ForkedProcess(
            [sys.executable, "-m", "lambent", *words],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out.strip(), err


def deployed(world: World, name: str, text: str) -> str:
    """Return the URL of an undisturbed run."""
    world.begin(None)
    code, url, err = Deploy(world, name, text).end()
    assert code == 0, err
    return url


def kill_at(world: World, name: str, text: str, label: str, after: bool) -> None:
    """Start a deploy and kill it with SIGKILL at that call, before or after the call takes effect."""
    started: list[Deploy] = []

    def intercept(call: Call, forward: Forward) -> Refusal | str | None:
        if call.label != label:
            return None
        if after:
            forward()
        started[0].process.kill()
        return CUT

    world.begin(None)
    world.proxy.begin(intercept)
    started.append(Deploy(world, name, text))
    assert started[0].end()[0] == -9


def test_killed_deploy_is_completed_by_a_rerun(world: World) -> None:
    chance = random.Random(SEED)
    url_of_undisturbed = deployed(world, "whole", "one")
    assert request_once(url_of_undisturbed) == (200, b"one")
    kill_at(world, "killed", "one", chance.choice(FIRST), chance.random() < 0.5)
    url = deployed(world, "killed", "one")
    assert request_once(url) == (200, b"one")
    assert world.state("killed") == world.state("whole")

    with UrlPoller(url) as poller:
        kill_at(world, "killed", "two", chance.choice(UPDATE), chance.random() < 0.5)
        assert deployed(world, "killed", "two") == url
    assert set(poller.responses) <= {(200, b"one"), (200, b"two")}, poller.responses
    assert request_once(url) == (200, b"two")
    assert deployed(world, "whole", "two") == url_of_undisturbed
    assert world.state("killed") == world.state("whole")


@pytest.mark.parametrize("kind", ("access denied", "credentials expired"))
def test_refusal_is_printed_as_what_where_and_hint(world: World, kind: str) -> None:
    world.begin(Fault(next(each for each in KINDS if each.name == kind), random.Random(SEED).choice(FIRST)))
    code, out, err = Deploy(world, f"refused-{kind[:6]}", "one").end()
    assert (code, out) == (1, "")
    assert err.count("error: ") == 1 and "Traceback" not in err, err
    assert "  at   " in err and "  try  " in err
    assert ('"Effect": "Allow"' in err) == (kind == "access denied")


def test_of_two_deploys_at_once_one_wins_and_the_other_reports_it(world: World) -> None:
    url = deployed(world, "rivals", "zero")
    world.begin(None)
    with UrlPoller(url) as poller:
        both = {text: Deploy(world, "rivals", text) for text in ("left", "right")}
        ends = {text: each.end() for text, each in both.items()}
    won = {text for text, (code, _, _) in ends.items() if code == 0}
    assert won, ends
    for text in set(both) - won:
        assert "another deploy" in ends[text][2] or "someone else" in ends[text][2]
    assert request_once(url)[1].decode() in won
    assert set(poller.responses) <= {(200, body) for body in (b"zero", b"left", b"right")}
