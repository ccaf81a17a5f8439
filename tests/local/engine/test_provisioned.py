"""Provisioned concurrency with real environments: ready before any event, kept, made anew, and brought back after a restart."""

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
from lambent.deploy.context import DeployContext
from lambent.deploy.deploy import deploy
from lambent.deploy.polling import wait_until
from lambent.errors import DeployError
from lambent.local.engine.engine import Engine
from lambent.local.engine.invocation import ProvisionedStatus
from support.deploy_cases import artifact, config
from support.functions import make_function, running
from support.local_service import RUNTIME, Service, serving

TYPE = """
    import os, time
    import uuid
    ME = uuid.uuid4().hex
    def handler(event, context):
        time.sleep((event or {}).get("sleep", 0))
        if (event or {}).get("exit"):
            os._exit(1)
        return [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], ME]
"""


async def settled(engine: Engine, function: Any) -> ProvisionedStatus:
    async with asyncio.timeout(30):
        while engine.provisioned(function).status == "IN_PROGRESS":
            await asyncio.sleep(0.02)
    return engine.provisioned(function)


def play(folder: Path, act: Callable[..., Any], source: str = TYPE, idle_s: float = 300.0) -> None:
    async def body() -> None:
        async with running(folder, idle_s=idle_s) as one:
            await act(one, make_function(folder, source, version="1"))

    asyncio.run(body())


def test_they_are_ready_and_the_rest_is_on_demand(tmp_path: Path) -> None:
    async def act(one: Any, function: Any) -> None:
        one.engine.provision(function, 2)
        assert one.engine.provisioned(function).status == "IN_PROGRESS"
        assert await settled(one.engine, function) == ProvisionedStatus(2, "READY")
        assert not [line for line in one.log.messages() if line.startswith("START")]
        at_once = await asyncio.gather(*(one.call(function, {"sleep": 0.5}) for _ in range(3)))
        kinds = sorted(answer[0] for answer, _, _ in at_once)
        assert kinds == ["on-demand", "provisioned-concurrency", "provisioned-concurrency"]
        answer, _, tail = await one.call(function)
        assert answer[0] == "provisioned-concurrency" and "Init Duration" not in tail
        one.engine.provision(function, 0)
        assert one.engine.provisioned(function) == ProvisionedStatus(0, "READY")
        assert (await one.call(function))[0][0] == "on-demand"

    play(tmp_path, act)


def test_they_outlive_idleness_and_a_crash(tmp_path: Path) -> None:
    async def act(one: Any, function: Any) -> None:
        one.engine.provision(function, 1)
        await settled(one.engine, function)
        (_, me), _, _ = await one.call(function)
        await asyncio.sleep(0.5)  # the time after which others are ended is what is tested
        assert (await one.call(function))[0] == ["provisioned-concurrency", me]
        _, error, _ = await one.call(function, {"exit": True})
        assert error == "Unhandled"
        kind, other = (await one.call(function))[0]
        assert kind == "provisioned-concurrency" and other != me

    play(tmp_path, act, idle_s=0.2)


def test_an_init_that_fails(tmp_path: Path) -> None:
    async def act(one: Any, function: Any) -> None:
        one.engine.provision(function, 2)
        assert await settled(one.engine, function) == ProvisionedStatus(0, "FAILED", "FUNCTION_ERROR_INIT_FAILURE")
        one.log.sink.flush()
        assert any("no such thing" in line for line in one.log.messages())
        assert one.engine.describe()["environments"] == {}

    play(tmp_path, act, "raise ValueError('no such thing')\n")


APP = "import os\ndef lambda_handler(event, context):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'] + ' one'\n"


def test_a_deploy_with_it(tmp_path: Path) -> None:
    hosting = Hosting(provisioned_concurrency=1)

    def put(service: Service, text: str) -> None:
        aws = connect("eu-west-1", endpoint_url=service.url, keys=("lambent", "lambent"))
        deploy(
            config(tmp_path, "warm", runtime=RUNTIME, hosting=hosting),
            artifact(tmp_path, text, runtime=RUNTIME),
            DeployContext(aws, events.ignore),
        )

    def said(service: Service) -> Any:
        client = service.client("lambda", region_name="eu-west-1")
        told = client.get_provisioned_concurrency_config(FunctionName="warm", Qualifier="live")
        return told["Status"], json.loads(client.invoke(FunctionName="warm", Qualifier="live")["Payload"].read())

    with serving(tmp_path / "state") as service:
        put(service, APP)
        assert said(service) == ("READY", "provisioned-concurrency one")
        put(service, APP.replace("one", "two"))
        assert said(service) == ("READY", "provisioned-concurrency two")
        with pytest.raises(DeployError, match="no such thing"):
            put(service, "raise ValueError('no such thing')\n")
        assert said(service) == ("READY", "provisioned-concurrency two")
    with serving(tmp_path / "state") as service:
        assert wait_until(lambda: said(service)[0] == "READY", 20)
        assert said(service) == ("READY", "provisioned-concurrency two")
