"""Secrets by reference, from the configuration through a deploy to the local Lambda to what the app sees."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import textwrap
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.aws.interface import Aws
from lambent.config.model import App, Config
from lambent.deployment.context import DeployContext
from lambent.deployment.deploy import deploy, prepare
from lambent.deployment.desired import desired
from lambent.deployment.fetch import fetch
from lambent.errors import DeployError
from lambent.local.sandbox.process_sandbox import ProcessFactory
from lambent.names import Names
from lambent.package.build import build
from support.functions import CACHE, NEWEST, make_function, running
from support.local_service import Service, serving
from support.runtime_api_stub import make_event

VALUES = ("postgres://hunter2@db", "sk_live_1")
DIGEST = hashlib.sha256(repr(VALUES).encode()).hexdigest()
"""What the apps answer: the local Lambda's console records answers."""
SECRETS = (("DB", "ssm:/shop/db"), ("KEY", "secret:shop/keys#stripe"))
APPS = {
    "asgi": """
        import hashlib, os
        SEEN = hashlib.sha256(repr((os.environ["DB"], os.environ["KEY"])).encode()).hexdigest()
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": SEEN.encode()})
    """,
    "wsgi": """
        import hashlib, os
        SEEN = hashlib.sha256(repr((os.environ["DB"], os.environ["KEY"])).encode()).hexdigest()
        def app(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [SEEN.encode()]
    """,
    "handler": """
        import hashlib, os
        SEEN = hashlib.sha256(repr((os.environ["DB"], os.environ["KEY"])).encode()).hexdigest()
        def app(event, context):
            return {"statusCode": 200, "body": SEEN}
    """,
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("state")) as service:
        ssm = service.client("ssm", region_name="eu-west-1")
        ssm.put_parameter(Name="/shop/db", Value=VALUES[0], Type="SecureString")
        keys = service.client("secretsmanager", region_name="eu-west-1")
        keys.create_secret(Name="shop/keys", SecretString=json.dumps({"stripe": VALUES[1]}))
        yield service


def make_app(folder: Path, kind: str, secrets: tuple[tuple[str, str], ...] = SECRETS) -> Config:
    folder.mkdir()
    (folder / "main.py").write_text(textwrap.dedent(APPS[kind]))
    return Config(folder, f"secret-{kind}", App("main", "app", kind), NEWEST, secrets=secrets)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", APPS)
def test_only_the_deployed_app_has_the_secrets(service: Service, aws: Aws, kind: str, tmp_path: Path) -> None:
    config = make_app(tmp_path / "app", kind)
    emitted: list[events.Event] = []
    artifact = build(config, CACHE, os.environ, emitted.append)
    lines = prepare(config, artifact, aws).lines
    deployed = deploy(config, artifact, DeployContext(aws, emitted.append))
    assert fetch(deployed.url, 10).body.decode() == DIGEST

    outputs = [repr(lines), repr(emitted), service.log(), json.dumps(aws.function(config.name, "live"), default=repr)]
    with zipfile.ZipFile(artifact.path) as zipped:
        outputs += [repr(zipped.read(name)) for name in zipped.namelist()]
    outputs += [path.read_bytes().decode("latin-1") for path in service.state.rglob("*") if path.is_file()]
    assert not [text for text in outputs for value in VALUES if value in text]


@pytest.mark.parametrize("kind", APPS)
def test_secrets_reach_an_app_in_a_plain_process(service: Service, kind: str, tmp_path: Path) -> None:
    config = make_app(tmp_path / "app", kind)
    artifact = build(config, CACHE, os.environ, events.ignore)
    environment = dict(desired(config, artifact, Names(config.name, "123456789012", "eu-west-1")).settings.environment)
    function = make_function(
        tmp_path,
        "",
        handler=artifact.handler,
        region="eu-west-1",
        environment=tuple((environment | {"AWS_ENDPOINT_URL": service.url}).items()),
    )
    with zipfile.ZipFile(artifact.path) as zipped:
        zipped.extractall(function.code)
    (function.code / "lambent_runtime/bootstrap").chmod(0o755)

    async def called() -> tuple[dict[str, str], str, str]:
        async with running(tmp_path, factory=ProcessFactory()) as local_service:
            return await local_service.call(function, make_event())

    answer, error, _ = asyncio.run(called())
    assert (error, answer["body"]) == ("", DIGEST)


def test_missing_secret_is_the_reported_cause(aws: Aws, tmp_path: Path) -> None:
    config = replace(make_app(tmp_path / "app", "wsgi", (("DB", "ssm:/none"), *SECRETS[1:])), name="secret-none")
    with pytest.raises(DeployError) as failed:
        deploy(config, build(config, CACHE, os.environ, events.ignore), DeployContext(aws, events.ignore))
    assert failed.value.what == (
        "the function can't read a secret: DB = ssm:/none: ParameterNotFound: there is no such parameter in eu-west-1"
    )
    assert failed.value.hint.startswith("aws ssm put-parameter --type SecureString --name /none --value VALUE; or fix")
