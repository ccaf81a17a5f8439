"""Provisioned concurrency with real environments: ready before any event, replaced when lost, and restored after a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambent import events
from lambent.aws.boto import connect
from lambent.config.model import Hosting
from lambent.deployment.context import DeployContext
from lambent.deployment.deploy import deploy
from lambent.errors import DeployError
from lambent.local.engine.engine import Engine
from lambent.local.engine.invocation import ProvisionedStatus
from support.deploy_cases import artifact, config
from support.functions import GATE, make_function, open_gate, running
from support.local_service import RUNTIME, Service, serving
from support.waiting import eventually, eventually_async

TYPE = (
    GATE
    + """
import uuid
ID = uuid.uuid4().hex
def handler(event, context):
    if event == "wait":
        wait_for_gate()
    if event == "exit":
        os._exit(1)
    return [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], ID]
"""
)


async def settled(engine: Engine, function: Any) -> ProvisionedStatus:
    await eventually_async(lambda: engine.provisioned(function).status != "IN_PROGRESS")
    return engine.provisioned(function)


def run(folder: Path, body: Callable[..., Any], source: str = TYPE, idle_s: float = 300.0) -> None:
    async def inner() -> None:
        async with running(folder, idle_s=idle_s) as aws:
            await body(aws, make_function(folder, source, version="1"))

    asyncio.run(inner())


def test_provisioned_environments_are_used_before_on_demand_ones(tmp_path: Path) -> None:
    async def body(aws: Any, function: Any) -> None:
        aws.engine.provision(function, 2)
        assert aws.engine.provisioned(function).status == "IN_PROGRESS"
        assert await settled(aws.engine, function) == ProvisionedStatus(2, "READY")
        assert not [line for line in aws.log.messages() if line.startswith("START")]
        calls = asyncio.gather(*(aws.call(function, "wait") for _ in range(3)))
        await aws.wait_for_environments(function, busy=3)
        open_gate(function)
        kinds = sorted(payload[0] for payload, _, _ in await calls)
        assert kinds == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]
        payload, _, tail = await aws.call(function)
        assert payload[0] == "provisioned-concurrency" and "Init Duration" not in tail
        aws.engine.provision(function, 0)
        assert aws.engine.provisioned(function) == ProvisionedStatus(0, "READY")
        assert (await aws.call(function))[0][0] == "on-demand"

    run(tmp_path, body)


def test_provisioned_environment_outlives_idleness_and_is_replaced_after_a_crash(tmp_path: Path) -> None:
    async def body(aws: Any, function: Any) -> None:
        aws.engine.provision(function, 1)
        await settled(aws.engine, function)
        (_, first), _, _ = await aws.call(function)
        await asyncio.sleep(0.5)  # longer than `idle_s`, after which other environments are shut down
        assert (await aws.call(function))[0] == ["provisioned-concurrency", first]
        _, error, _ = await aws.call(function, "exit")
        assert error == "Unhandled"
        kind, second = (await aws.call(function))[0]
        assert kind == "provisioned-concurrency" and second != first

    run(tmp_path, body, idle_s=0.2)


def test_failing_init_is_reported_and_leaves_no_environment(tmp_path: Path) -> None:
    async def body(aws: Any, function: Any) -> None:
        aws.engine.provision(function, 2)
        assert await settled(aws.engine, function) == ProvisionedStatus(0, "FAILED", "FUNCTION_ERROR_INIT_FAILURE")
        aws.log.sink.flush()
        assert any("no such thing" in line for line in aws.log.messages())
        assert aws.engine.describe()["environments"] == {}

    run(tmp_path, body, "raise ValueError('no such thing')\n")


APP = "import os\ndef lambda_handler(event, context):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'] + ' one'\n"


def test_provisioned_concurrency_follows_deploys_and_restarts(tmp_path: Path) -> None:
    hosting = Hosting(provisioned_concurrency=1)

    def put(service: Service, text: str) -> None:
        aws = connect("eu-west-1", endpoint_url=service.url, keys=("lambent", "lambent"))
        deploy(
            config(tmp_path, "warm", runtime=RUNTIME, hosting=hosting),
            artifact(tmp_path, text, runtime=RUNTIME),
            DeployContext(aws, events.ignore),
        )

    def state(service: Service) -> Any:
        client = service.client("lambda", region_name="eu-west-1")
        config = client.get_provisioned_concurrency_config(FunctionName="warm", Qualifier="live")
        return config["Status"], json.loads(client.invoke(FunctionName="warm", Qualifier="live")["Payload"].read())

    with serving(tmp_path / "state") as service:
        put(service, APP)
        assert state(service) == ("READY", "provisioned-concurrency one")
        put(service, APP.replace("one", "two"))
        assert state(service) == ("READY", "provisioned-concurrency two")
        with pytest.raises(DeployError, match="no such thing"):
            put(service, "raise ValueError('no such thing')\n")
        assert state(service) == ("READY", "provisioned-concurrency two")
    with serving(tmp_path / "state") as service:
        eventually(lambda: state(service)[0] == "READY")
        assert state(service) == ("READY", "provisioned-concurrency two")
