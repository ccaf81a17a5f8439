"""What the faults happen to: apps on a local Lambda, deployed by the real client through the proxy."""

from __future__ import annotations

import json
import threading
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from botocore.retries import quota, standard

from faults.calls import Call
from faults.kinds import Fault, Killed
from faults.proxy import Proxy, proxied
from faults.refusal import Refusal
from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.config.model import App, Config, Hosting
from lambent.deploy.deploy import deploy
from lambent.deploy.means import Patience
from lambent.deploy.observed import observe
from lambent.limits import ZIP_DIRECT_MAX
from lambent.package.artifact import Artifact
from local_service import RUNTIME, serving
from streaming import WRAPPER, function_files

REGION = "eu-west-1"
QUICK = Patience(role_s=2, settle_s=20, answer_s=1.5)
_APP = """
def answer(event, out):
    body = "TEXT " + 2000 * "x"
    if os.environ.get("LAMBENT_RESPONSE") == "stream":
        out.head()
        out.prelude(headers={"content-type": "text/plain"})
        out.send(body.encode())
        out.end()
    else:
        told = {"statusCode": 200, "headers": {"content-type": "text/plain"}, "isBase64Encoded": False}
        out.post(json.dumps(told | {"body": body}).encode())
"""


@dataclass(frozen=True)
class Spec:
    """One state of an app. `s3`: the zip goes through a bucket, as one above 50 MB would."""

    text: str
    memory_mb: int = 128
    environment: tuple[tuple[str, str], ...] = ()
    stream: bool = False
    s3: bool = False
    hosting: Hosting = field(default_factory=lambda: Hosting(keep_versions=3))

    @property
    def body(self) -> tuple[int, bytes]:
        """What its URL answers."""
        return 200, f"{self.text} {2000 * 'x'}".encode()

    def config(self, folder: Path, app: str) -> Config:
        return Config(
            folder,
            app,
            App("main", "app", "asgi"),
            RUNTIME,
            memory_mb=self.memory_mb,
            timeout_s=10,
            environment=self.environment,
            stream=self.stream,
            hosting=self.hosting,
        )

    def artifact(self, folder: Path) -> Artifact:
        path = folder / f"{self.text}.zip"
        if not path.exists():
            _pack(path, self.text)
        data = path.read_bytes()
        told = (WRAPPER, ("LAMBENT_RESPONSE", "stream")) if self.stream else (WRAPPER,)
        size = ZIP_DIRECT_MAX + 1 if self.s3 else len(data)
        return Artifact(
            path, b64encode(sha256(data).digest()).decode(), size, len(data), 2, RUNTIME, "x86_64", "main.app", told
        )


def _pack(path: Path, text: str) -> None:
    fresh = path.with_suffix(f".{threading.get_ident()}")
    with zipfile.ZipFile(fresh, "w") as archive:
        for file, source in function_files(_APP.replace("TEXT", text)).items():
            info = zipfile.ZipInfo(file, date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o755 << 16
            archive.writestr(info, source)
    fresh.replace(path)


@dataclass
class World:
    """`aws` is watched by the proxy, `direct` is not. `waited_s` adds up what the client would have waited between attempts."""

    proxy: Proxy
    aws: Aws
    direct: Aws
    service_url: str
    folder: Path
    waited_s: list[float]
    fault: Fault | None = None

    def deploy(self, app: str, spec: Spec, aws: Aws | None = None) -> events.Deployed:
        return deploy(spec.config(self.folder, app), spec.artifact(self.folder), aws or self.aws, events.ignore, patience=QUICK)

    def begin(self, fault: Fault | None) -> None:
        self.fault = fault
        self.waited_s.clear()
        self.proxy.begin(fault.meddler if fault else None)

    def url(self, app: str) -> str:
        found = self.direct.url(app, "live")
        return found.address if found else ""

    def state(self, app: str) -> dict[str, Any]:
        """Everything there is of an app, without what differs from run to run."""
        names, seen = observe(self.direct, app, 20)
        latest, live, url = seen.latest, seen.live, seen.url
        keys = ()
        if self.direct.bucket(names.bucket):
            client = self.direct._client("s3")  # type: ignore[attr-defined]
            found = client.list_objects_v2(Bucket=names.bucket, Prefix=f"uploads/{app}/").get("Contents", ())
            keys = tuple(sorted(each["Key"] for each in found))
        told: dict[str, Any] = {
            "role": seen.role and (seen.role.trusts_lambda, seen.role.tags),
            "policies": (sorted(seen.attached), seen.inline),
            "latest": latest and (latest.settings, latest.sha256, latest.architecture, latest.tags, latest.reserved),
            "live": live and (live.settings, live.sha256, live.architecture),
            "alias": seen.alias and (seen.alias.version == seen.versions[-1], seen.alias.weights),
            "versions": len(seen.versions),
            "statements": sorted(seen.statements, key=lambda each: each.sid),
            "url": url and (url.auth, url.mode, url.cors),
            "log group": seen.log_group,
            "provisioned": seen.provisioned,
            "uploads": keys,
        }
        return json.loads(json.dumps({key: repr(value).replace(app, "APP") for key, value in told.items()}))  # type: ignore[no-any-return]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A local Lambda of its own, and two ways to it. botocore's pauses between attempts are counted, not waited."""
    waited: list[float] = []
    with pytest.MonkeyPatch.context() as patch, serving(folder / "state") as service, proxied(service.url) as proxy:
        usual = standard.ExponentialBackoff.delay_amount

        def counted(self: Any, context: Any) -> float:
            waited.append(usual(self, context))
            return 0.001

        patch.setattr(standard.ExponentialBackoff, "delay_amount", counted)
        patch.setattr(quota.RetryQuota, "acquire", lambda *_: True)  # one client serves hundreds of runs
        keys = ("lambent", "lambent")
        aws = connect(REGION, endpoint_url=proxy.url, keys=keys)
        there = World(proxy, aws, connect(REGION, endpoint_url=service.url, keys=keys), service.url, folder, waited)
        for event in ("before-send", "needs-retry"):
            aws._session.register(event, lambda **_: _die(there))  # type: ignore[attr-defined]
        yield there


def _die(there: World) -> None:
    if there.fault and there.fault.dead.is_set():
        raise Killed


def on_url(world: World, then: Callable[[str], None]) -> None:
    """Calls `then` with a Function URL's address as soon as there is one."""

    def told(call: Call, answer: Refusal) -> None:
        if call.operation == "CreateFunctionUrlConfig" and answer[0] == 201:
            then(json.loads(answer[2])["FunctionUrl"])

    world.proxy.told = told


def with_hosting(spec: Spec, **changes: Any) -> Spec:
    return replace(spec, hosting=replace(spec.hosting, **changes))
