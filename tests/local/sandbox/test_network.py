"""An environment's own network: what a function reaches, and what it doesn't."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from lambent.local.sandbox.namespace_root import stand_in_for_name_servers
from support import network_attacks
from support.functions import CACHE, interpreter
from support.ordinary_user import run_as_ordinary_user
from support.paths import TESTS
from support.sandboxes import needs_own_network


@pytest.fixture(scope="module", autouse=True)
def own_network() -> None:
    needs_own_network()


@pytest.fixture(scope="module", params=["as this user", "as an ordinary user"])
def report(request: pytest.FixtureRequest) -> Any:
    if request.param == "as an ordinary user":
        return json.loads(run_as_ordinary_user((TESTS / "support" / "network_attacks.py").read_text()))
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(network_attacks.run(Path(folder), interpreter(), CACHE))


def test_function_does_not_reach_what_listens_on_this_machine(report: Any) -> None:
    reached = {name: outcome for name, outcome in report["attacks"].items() if not str(outcome).isupper()}
    assert not reached or set(reached.values()) == {"timed out"}, reached
    assert report["attacks"]["loopback"] == "ECONNREFUSED"
    assert report["attacks"]["metadata service"] == "EHOSTUNREACH"
    assert report["attacks"]["raw packets"] == "EPERM"


def test_function_reaches_the_service_and_the_internet(report: Any) -> None:
    """With the addresses, errors and bytes that it would see in the machine's network."""
    assert report["uses"] == {
        "service": "connected",
        "Runtime API": "connected",
        "own server": "own",
        "echo": [network_attacks.REMOTE, 80, True],
        "not blocking": "EINPROGRESS",
        "slow reader": True,
        "many": True,
        "refused": "ECONNREFUSED",
        "datagrams": [True, True, True],
        "same port": "both",
        "IPv6": "ENETUNREACH",
    }
    assert report["accepted"] == ["127.0.0.1", "127.0.0.1"]


def test_name_servers_get_other_addresses() -> None:
    text, forwards = stand_in_for_name_servers(
        "# ours\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\noptions edns0\nsearch lan\n"
    )
    assert text == "# ours\noptions edns0\nsearch lan\nnameserver 169.254.100.1\nnameserver 169.254.100.2\n"
    assert forwards == (
        (("169.254.100.1", 53), ("127.0.0.53", 53)),
        (("169.254.100.2", 53), ("fe80::1%eth0", 53)),
    )
    assert stand_in_for_name_servers("")[1] == ((("169.254.100.1", 53), ("127.0.0.1", 53)),)
