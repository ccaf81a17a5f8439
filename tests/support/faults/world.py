"""Where the faults happen: apps on a local Lambda, deployed by the real client through the proxy."""

from __future__ import annotations

import json
import threading
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from botocore.retries import quota, standard
from msgspec import Struct, field
from msgspec.structs import replace

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.aws.values import Pairs
from lambent.config.model import App, Config, Hosting
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.fetch import Response, fetch
from lambent.deployment.observed import observe
from lambent.limits import ZIP_DIRECT_MAX
from lambent.package.artifact import Artifact, Overflow
from support.faults.aws_errors import Refusal
from support.faults.calls import Call
from support.faults.fault_kinds import Fault, Killed
from support.faults.proxy import Proxy, proxied
from support.local_service import RUNTIME, serving
from support.streaming_runtime import WRAPPER, function_files

REGION = "eu-west-1"
QUICK = Timing(role_s=2, settle_s=20, answer_s=1.5)
PACKAGES = "packages-of-the-users-own"
"""A bucket that lambent didn't create."""

FAILING_PATH = "x"
FAILED = (502, b"Internal Server Error")

_APP = """
def answer(event, out):
    if FAILS and event.get("rawPath") == "/PATH":
        print("Traceback (most recent call last):", file=sys.stderr, flush=True)
        told = json.dumps({"errorType": "ValueError", "errorMessage": "not today"})
        head = f"POST {out.path}/error HTTP/1.1\\r\\nHost: {API}\\r\\nContent-Length: {len(told)}\\r\\n\\r\\n"
        out.wire.sendall((head + told).encode())
        out.reply()
        return
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


class Spec(Struct, frozen=True):
    """One state of an app.

    With `s3` the zip goes through a bucket, as one above 50 MB would. `overflow` is the content of the archive of packages next
    to it, if there is one. What `fails` does so only at `FAILING_PATH`.
    """

    text: str
    memory_mb: int = 128
    environment: tuple[tuple[str, str], ...] = ()
    stream: bool = False
    s3: bool = False
    overflow: str = ""
    fails: bool = False
    hosting: Hosting = field(default_factory=lambda: Hosting(keep_versions=3))

    @property
    def body(self) -> tuple[int, bytes]:
        """The response of its URL."""
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
            _pack(path, self.text, self.fails)
        data = path.read_bytes()
        environment = (WRAPPER, ("LAMBENT_RESPONSE", "stream")) if self.stream else (WRAPPER,)
        size = ZIP_DIRECT_MAX + 1 if self.s3 else len(data)
        return Artifact(
            path,
            b64encode(sha256(data).digest()).decode(),
            size,
            len(data),
            2,
            RUNTIME,
            "x86_64",
            "main.app",
            environment,
            overflow=self._packages(folder),
        )

    def _packages(self, folder: Path) -> Overflow | None:
        if not self.overflow:
            return None
        path = folder / f"{self.overflow}.packages"
        path.write_text(self.overflow)
        return Overflow(path, sha256(self.overflow.encode()).hexdigest(), len(self.overflow), 1000, 1, ("numpy 2.4.1",))


def _pack(path: Path, text: str, fails: bool) -> None:
    app = _APP.replace("TEXT", text).replace("FAILS", str(fails)).replace("PATH", FAILING_PATH)
    fresh = path.with_suffix(f".{threading.get_ident()}")
    with zipfile.ZipFile(fresh, "w") as archive:
        for file, source in function_files(app).items():
            info = zipfile.ZipInfo(file, date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o755 << 16
            archive.writestr(info, source)
    fresh.replace(path)


class World:
    """`aws` goes through the proxy, `direct` doesn't. `waited_s` are the pauses that the client would have made."""

    fault: Fault | None = None

    def __init__(self, proxy: Proxy, aws: Aws, direct: Aws, service_url: str, folder: Path, waited_s: list[float]) -> None:
        self.proxy, self.aws, self.direct = proxy, aws, direct
        self.service_url, self.folder, self.waited_s = service_url, folder, waited_s

    def deploy(self, app: str, spec: Spec, aws: Aws | None = None, timing: Timing = QUICK) -> events.Deployed:
        config, zipped = spec.config(self.folder, app), spec.artifact(self.folder)
        return deploy(config, zipped, DeployContext(aws or self.aws, events.ignore, timing, self.fetch))

    def fetch(self, url: str, within_s: float, headers: Pairs = ()) -> Response:
        """Send a request as a deploy does."""
        return fetch(url, within_s, headers)

    def request(self, url: str) -> tuple[int, bytes]:
        answer = self.fetch(url, 30)
        return answer.status, answer.body

    def begin(self, fault: Fault | None) -> None:
        self.fault = fault
        self.waited_s.clear()
        self.proxy.begin(fault.interceptor if fault else None)

    def url(self, app: str) -> str:
        entry = self.direct.url(app, "live")
        return entry.address if entry else ""

    def state(self, app: str) -> dict[str, str]:
        """Return everything that exists of an app, without what differs from run to run."""
        return state(self.direct, app, self.objects())

    def objects(self) -> list[str]:
        """Return the keys in all buckets."""
        buckets = [each["Name"] for each in self.s3.list_buckets()["Buckets"]]
        return sorted(entry["Key"] for each in buckets for entry in self.s3.list_objects_v2(Bucket=each).get("Contents", ()))

    @property
    def s3(self) -> Any:
        return self.direct._client("s3")  # type: ignore[attr-defined]


def state(aws: Aws, app: str, objects: Iterable[str]) -> dict[str, str]:
    """Return everything that exists of an app, with its keys among all `objects`, without what differs from run to run."""
    _, observed = observe(aws, app, 20)
    latest, live, url = observed.latest, observed.live, observed.url
    environment: dict[str, Any] = {
        "role": observed.role and (observed.role.trusts_lambda, observed.role.tags),
        "policies": (sorted(observed.attached), observed.inline),
        "latest": latest and (latest.settings, latest.sha256, latest.architecture, latest.tags, latest.reserved),
        "live": live and (live.settings, live.sha256, live.architecture),
        "alias": observed.alias and (observed.alias.version == observed.versions[-1], observed.alias.weights),
        "versions": len(observed.versions),
        "statements": sorted(observed.statements, key=lambda each: each.sid),
        "url": url and (url.auth, url.mode, url.cors),
        "log group": observed.log_group,
        "provisioned": observed.provisioned,
        "uploads": [key for key in objects if f"/{app}/" in key],
    }
    return {key: repr(value).replace(app, "APP") for key, value in environment.items()}


@contextmanager
def open_world(folder: Path) -> Iterator[World]:
    """Start a local Lambda, with two ways to it. botocore's pauses between attempts are counted, not waited for."""
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
        world = World(proxy, aws, connect(REGION, endpoint_url=service.url, keys=keys), service.url, folder, waited)
        for event in ("before-send", "needs-retry"):
            aws._session.register(event, lambda **_: _die(world))  # type: ignore[attr-defined]
        world.s3.create_bucket(Bucket=PACKAGES, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield world


def _die(world: World) -> None:
    if world.fault and world.fault.dead.is_set():
        raise Killed


def on_url(open_world: World, then: Callable[[str], None]) -> None:
    """Call `then` with a Function URL's address as soon as it exists."""

    def environment(call: Call, answer: Refusal) -> None:
        if call.operation == "CreateFunctionUrlConfig" and answer[0] == 201:
            then(json.loads(answer[2])["FunctionUrl"])

    open_world.proxy.on_answer = environment


def with_hosting(spec: Spec, **changes: Any) -> Spec:
    return replace(spec, hosting=replace(spec.hosting, **changes))
