"""Packages outside the zip, from the build to the local Lambda and its S3: each version has its own, and none are left."""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.config.model import App, Config, Hosting, Packaging
from lambent.deployment import destroy
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy, prepare
from lambent.deployment.desired import desired
from lambent.deployment.observed import observe
from lambent.deployment.policy import policy
from lambent.deployment.rollback import rollback
from lambent.deployment.script import script
from lambent.errors import DeployError
from lambent.library.smoke_test import smoke_test
from lambent.limits import UNZIPPED_MAX
from lambent.names import Names
from lambent.package.artifact import Artifact
from lambent.package.build import build
from lambent.package.build_context import BuildOptions
from support.local_service import Service

PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
QUICK = Timing(role_s=5, settle_s=30, answer_s=10)
FRESH = itertools.count()
WISHES = BuildOptions(unzipped_max=2_000_000)
BUCKET = "lambent-123456789012-us-east-1"
WEB = """
import pygments, cowsay
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        told = f"{pygments.__version__} {pygments.__file__} {cowsay.__file__}"
        await send({"type": "http.response.body", "body": told.encode()})
"""
HANDLER = "import pygments\ndef app(event, context):\n    return {'statusCode': 200, 'body': pygments.__version__}\n"


@pytest.fixture
def aws(service: Service) -> Aws:
    return connect("us-east-1", endpoint_url=service.url, keys=("lambent", "lambent"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def build_app(
    folder: Path, cache: Path, pygments: str = "2.18.0", kind: str = "asgi", **more: object
) -> tuple[Config, Artifact]:
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text(WEB if kind == "asgi" else HANDLER)
    (folder / "requirements.txt").write_text(f"cowsay==6.1\npygments=={pygments}\n")
    name = str(more.pop("name", "") or f"over{next(FRESH)}")
    app = App("main", "app", kind)  # type: ignore[arg-type]
    config = replace(Config(folder, name, app, PYTHON, packaging=Packaging(overflow=True)), **more)  # type: ignore[arg-type]
    artifact = build(config, cache, os.environ, events.ignore, WISHES)
    assert artifact.overflow and artifact.overflow.packages == (f"pygments {pygments}",)
    return config, artifact


def archives(service: Service, name: str, bucket: str = BUCKET) -> list[str]:
    objects = service.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"overflow/{name}/").get("Contents", [])
    return sorted(each["Key"] for each in objects)


def test_each_version_has_its_own_packages_and_none_are_left(tmp_path: Path, cache: Path, service: Service, aws: Aws) -> None:
    hosting = Hosting(keep_versions=2)
    config, first = build_app(tmp_path, cache, "2.18.0", hosting=hosting)

    def run(artifact: Artifact) -> events.Deployed:
        return deploy(config, artifact, DeployContext(aws, events.ignore, QUICK))

    url = run(first).url
    answer = service.fetch(url).body.decode().split()
    assert answer[0] == "2.18.0" and "/lambent/" in answer[1] and "/lambent/" not in answer[2]
    assert not run(first).changed
    _, second = build_app(tmp_path, cache, "2.19.1", name=config.name, hosting=hosting)
    run(second)
    assert service.fetch(url).body.startswith(b"2.19.1")
    assert len(archives(service, config.name)) == 2
    rollback(config.name, "", DeployContext(aws, events.ignore, QUICK))
    assert service.fetch(url).body.startswith(b"2.18.0")
    _, third = build_app(tmp_path, cache, "2.17.2", name=config.name, hosting=hosting)
    run(second)
    run(third)  # the first version is deleted, and nothing else fetches its packages
    digests = {artifact.overflow.sha256 for artifact in (second, third) if artifact.overflow}
    assert set(archives(service, config.name)) == {f"overflow/{config.name}/{digest}.zip" for digest in digests}
    destroy.destroy(destroy.prepare(config.name, aws), aws, events.ignore)
    assert archives(service, config.name) == []


def test_bare_handler_gets_its_packages(tmp_path: Path, cache: Path, service: Service, aws: Aws) -> None:
    config, artifact = build_app(tmp_path, cache, kind="handler")
    url = deploy(config, artifact, DeployContext(aws, events.ignore, QUICK)).url
    assert service.fetch(url).body == b"2.18.0"


def test_aws_runtime_client_gets_its_packages(tmp_path: Path, cache: Path, service: Service, aws: Aws) -> None:
    config, artifact = build_app(tmp_path, cache, runtime_client="aws")
    url = deploy(config, artifact, DeployContext(aws, events.ignore, QUICK)).url
    assert service.fetch(url).body.startswith(b"2.18.0")


def test_missing_archive_is_uploaded_again(tmp_path: Path, cache: Path, service: Service, aws: Aws) -> None:
    service.client("s3").create_bucket(Bucket="mine")
    config, artifact = build_app(tmp_path, cache, hosting=Hosting(bucket="mine"))
    deploy(config, artifact, DeployContext(aws, events.ignore, QUICK))
    (key,) = archives(service, config.name, "mine")
    assert observe(aws, config.name, 5)[1].archives == (("1", f"s3://mine/{key}"),)
    service.client("s3").delete_object(Bucket="mine", Key=key)
    again = prepare(config, artifact, aws, QUICK)
    assert [line.what for line in again.lines if line.verb == "create"] == ["packages outside the zip"]
    own = "--bucket mine --expected-bucket-owner 123456789012"
    upload = f"aws s3api put-object {own} --key {key} --body {artifact.overflow.path}"  # type: ignore[union-attr]
    assert upload in script(again)
    deploy(config, artifact, DeployContext(aws, events.ignore, QUICK))
    assert archives(service, config.name, "mine") == [key]
    destroy.destroy(destroy.prepare(config.name, aws), aws, events.ignore)
    assert archives(service, config.name, "mine") == []


def test_version_that_cannot_fetch_its_packages_does_not_go_live(
    tmp_path: Path, cache: Path, service: Service, aws: Aws
) -> None:
    config, artifact = build_app(tmp_path, cache, environment=(("LAMBENT_OVERFLOW", f"s3://{BUCKET}/overflow/nothing.zip"),))
    with pytest.raises(DeployError, match=r"the function can't fetch its packages: .*NoSuchKey") as error:
        deploy(config, artifact, DeployContext(aws, events.ignore, QUICK))
    assert "deploy again" in error.value.hint


def test_packages_appear_in_plan_role_and_policy(tmp_path: Path, cache: Path, aws: Aws) -> None:
    config, artifact = build_app(tmp_path, cache)
    large = replace(artifact, overflow=replace(artifact.overflow, raw=900 * 2**20))  # type: ignore[type-var]
    names = Names(config.name, "123456789012", "eu-west-1")
    goal = desired(config, large, names)
    assert goal.settings.tmp_mb == 1088 and goal.origins["tmp_mb"] == "for the packages that are unpacked there"
    key = f"overflow/{config.name}/{artifact.overflow.sha256}.zip"  # type: ignore[union-attr]
    assert dict(goal.settings.environment)["LAMBENT_OVERFLOW"] == f"s3://{names.bucket}/{key}"
    where = f"arn:aws:s3:::{names.bucket}/overflow/{config.name}/*"
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": where}
    assert statement in json.loads(goal.inline)["Statement"]
    allowed = {each["Sid"]: each for each in policy(goal)["Statement"]}
    assert allowed["Packages"]["Resource"] == [where] and "Bucket" in allowed
    (line,) = (line for line in prepare(config, artifact, aws, QUICK).lines if line.what == "packages outside the zip")
    assert line.verb == "create" and "pygments 2.18.0: fetched to /tmp at each start" in line.detail
    own = replace(config, hosting=Hosting(role="arn:aws:iam::123456789012:role/mine"))
    lines = prepare(own, artifact, aws, QUICK).lines
    assert [line for line in lines if "your role must allow s3:GetObject there" in line.detail]


def test_smoke_test_includes_the_packages(tmp_path: Path, cache: Path) -> None:
    config, artifact = build_app(tmp_path, cache)
    emitted: list[events.Event] = []
    smoke_test(config, artifact, cache, emitted.append)
    assert [type(event) for event in emitted] == [events.Phase, events.SmokeTested]


LARGE = "fastapi numpy pandas pyarrow matplotlib scikit-learn scipy"
SCIENCE = """
import io
import matplotlib
matplotlib.use("Agg")
import numpy, pandas, pyarrow
from fastapi import FastAPI
from matplotlib import pyplot
from scipy import stats
from sklearn.linear_model import LinearRegression

app = FastAPI()

@app.get("/")
def index():
    frame = pandas.DataFrame({"x": range(50), "y": [2 * n + 1 for n in range(50)]})
    slope = LinearRegression().fit(frame[["x"]], frame["y"]).coef_[0]
    figure, axes = pyplot.subplots()
    axes.plot(frame.x, frame.y)
    figure.savefig(picture := io.BytesIO())
    rows = pyarrow.Table.from_pandas(frame).num_rows
    r = stats.pearsonr(frame.x, frame.y)[0]
    return {"slope": round(float(slope), 6), "rows": rows, "png": len(picture.getvalue()), "r": r}
"""


@pytest.mark.skipif("LAMBENT_TEST_LARGE" not in os.environ, reason="downloads 150 MB: LAMBENT_TEST_LARGE=1")
def test_dependencies_above_the_limit(tmp_path: Path, cache: Path, service: Service, aws: Aws) -> None:
    (tmp_path / "main.py").write_text(SCIENCE)
    (tmp_path / "requirements.txt").write_text(LARGE.replace(" ", "\n"))
    config = Config(tmp_path, "large", App("main", "app", "asgi"), "python3.13", packaging=Packaging(overflow=True))
    artifact = build(config, cache, os.environ, events.ignore)
    assert artifact.overflow and artifact.raw < UNZIPPED_MAX < artifact.raw + artifact.overflow.raw
    url = deploy(config, artifact, DeployContext(aws, events.ignore, replace(QUICK, answer_s=60))).url
    answer = json.loads(service.fetch(url).body)
    assert (answer["slope"], answer["rows"], answer["png"] > 1000, round(answer["r"], 6)) == (2.0, 50, True, 1.0)
