"""Layers: recordings replayed as in test_recordings.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from support.lambda_api import ACCOUNT, Api, client, create_recorded, error, refusal, serving, zip_bytes
from support.recordings import Recording

CASE = "TestLambdaLayer::test_layer_"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:"
ZIP = {"ZipFile": zip_bytes({"python/lib.py": "x = 1\n"})}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with serving(tmp_path_factory.mktemp("state"), date(2026, 1, 12)) as running:
        yield running


@pytest.mark.parametrize("case", ["runtimes0", "runtimes1", "runtimes2"])
def test_compatible_runtimes(api: Api, name: str, case: str) -> None:
    recording = Recording(f"{CASE}compatibilities[{case}]")
    recorded = recording.steps["publish_result"]
    params = {member: recorded[member] for member in ("CompatibleArchitectures", "CompatibleRuntimes")}
    recording.match("publish_result", api.client.publish_layer_version(LayerName=name, Content=ZIP, **params))
    recording.assert_complete()


def test_exceptions(api: Api, name: str) -> None:
    recording, c = Recording(f"{CASE}exceptions"), api.client
    good = {"CompatibleRuntimes": ["python3.12"], "CompatibleArchitectures": ["x86_64"], "Content": ZIP}
    recording.match("publish_result", c.publish_layer_version(LayerName=name, **good))
    empty = {"CompatibleRuntimes": [], "CompatibleArchitectures": [], "Content": ZIP}
    recording.match("publish_empty_result", c.publish_layer_version(LayerName=f"{name}-empty", **empty))
    bad = {"CompatibleRuntimes": ["invalidruntime"], "CompatibleArchitectures": ["invalidarch"]}
    step = "publish_layer_version_exc_invalid_runtime_arch"
    recording.match_refusal(step, c.publish_layer_version, LayerName=name, Content=ZIP, **bad)
    bad = {
        "CompatibleRuntimes": ["invalidruntime", "invalidruntime2", "nodejs20.x"],
        "CompatibleArchitectures": ["invalidarch", "x86_64"],
    }
    step = "publish_layer_version_exc_partially_invalid_values"
    recording.match_refusal(step, c.publish_layer_version, LayerName=name, Content=ZIP, **bad)
    listed = c.list_layers
    recording.match_refusal("list_layers_exc_compatibleruntime_invalid", listed, CompatibleRuntime="runtimedoesnotexist")
    recording.match_refusal("list_layers_exc_compatiblearchitecture_invalid", listed, CompatibleArchitecture="archdoesnotexist")
    recording.match("list_nonexistent_layer", c.list_layer_versions(LayerName="layerdoesnotexist"))
    missing = "get_layer_version_exc_layer"
    recording.match_refusal(f"{missing}_doesnotexist", c.get_layer_version, LayerName="layerdoesnotexist", VersionNumber=1)
    for word, number in (("negative", -1), ("zero", 0), ("2", 2)):
        step = f"{missing}_version_doesnotexist_{word}"
        recording.match_refusal(step, c.get_layer_version, LayerName=name, VersionNumber=number)
    recording.match_refusal("get_layer_version_by_arn_exc_invalidarn", c.get_layer_version_by_arn, Arn=f"{ARN}{name}")
    recording.match_refusal("get_layer_version_by_arn_exc_nonexistentversion", c.get_layer_version_by_arn, Arn=f"{ARN}{name}:2")
    recording.match("delete_nonexistent_response", c.delete_layer_version(LayerName="layerdoesnotexist", VersionNumber=1))
    recording.match("delete_nonexistent_version_response", c.delete_layer_version(LayerName=name, VersionNumber=2))
    step = "delete_layer_version_exc_layerversion_invalid_version"
    recording.match_refusal(step, c.delete_layer_version, LayerName=name, VersionNumber=-1)
    for step in ("delete_layer_response", "delete_layer_again_response"):
        recording.match(step, c.delete_layer_version(LayerName=name, VersionNumber=1))
    recording.assert_complete()


def test_function_exceptions(api: Api, name: str) -> None:
    recording, c = Recording(f"{CASE}function_exceptions"), api.client
    params = {"LayerName": name, "CompatibleRuntimes": [], "CompatibleArchitectures": ["x86_64"], "Content": ZIP}
    for step in ("publish_result", "publish_result_2", "publish_result_3"):
        recording.match(step, c.publish_layer_version(**params))
    first, second, third = (f"{ARN}{name}:{number}" for number in (1, 2, 3))
    function = f"fn-{name}"
    create_recorded(api, function, Runtime="python3.12")
    recording.match("get_fn_result", c.get_function(FunctionName=function))
    update = c.update_function_configuration
    for step, layers in (
        ("two_layer_versions_single_function_exc", [first, second]),
        ("three_layer_versions_single_function_exc", [first, second, third]),
        ("two_identical_layer_versions_single_function_exc", [first, first]),
        ("add_nonexistent_layer_exc", [f"{ARN}doesnotexist:1"]),
        ("add_nonexistent_layer_version_exc", [f"{ARN}{name}:9"]),
        ("add_layer_arn_without_version_exc", [f"{ARN}{name}"]),
    ):
        recording.match_refusal(step, update, FunctionName=function, Layers=layers)
    elsewhere = [first.replace("us-east-1", "eu-west-3")]
    base = {"Runtime": "python3.12", "Role": "arn:aws:iam::123456789012:role/lambda-role", "Handler": "h.h"}
    recording.match_refusal(
        "create_function_with_layer_in_different_region",
        c.create_function, FunctionName="other", Code={"ZipFile": zip_bytes()}, Layers=elsewhere, **base,
    )  # fmt: skip
    recording.assert_complete()


def test_policy_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording(f"{CASE}policy_lifecycle"), api.client
    params = {"CompatibleRuntimes": ["python3.12"], "CompatibleArchitectures": ["x86_64"], "Content": ZIP}
    recording.match("publish_result", c.publish_layer_version(LayerName=name, **params))
    at = {"LayerName": name, "VersionNumber": 1}
    code, message = error(refusal(c.get_layer_version_policy, **at))
    assert (code, message) == ("ResourceNotFoundException", "No policy is associated with the given resource.")
    add: dict[str, Any] = {**at, "Action": "lambda:GetLayerVersion", "Principal": "*"}
    recording.match("add_policy_s1", c.add_layer_version_permission(**add, StatementId="s1"))
    recording.match("get_layer_version_policy", c.get_layer_version_policy(**at))
    assert error(refusal(c.add_layer_version_permission, **add, StatementId="s1"))[0] == "ResourceConflictException"
    stale = refusal(c.add_layer_version_permission, **add, StatementId="s2", RevisionId="old")
    assert "Call the GetLayerPolicy API" in error(stale)[1]
    recording.match("add_policy_s2", c.add_layer_version_permission(**add, StatementId="s2"))
    recording.match("get_layer_version_policy_postadd2", c.get_layer_version_policy(**at))
    recording.match("remove_s2", c.remove_layer_version_permission(**at, StatementId="s2"))
    recording.match("get_layer_version_policy_postdeletes2", c.get_layer_version_policy(**at))
    message = error(refusal(c.remove_layer_version_permission, **at, StatementId="s2"))[1]
    assert message == "Statement s2 is not found in resource policy."
    missing = refusal(c.add_layer_version_permission, **{**add, "VersionNumber": 7}, StatementId="s")
    assert error(missing)[1] == f"Layer version {ARN}{name}:7 does not exist."
    recording.assert_complete()


def test_content_from_s3(api: Api, name: str) -> None:
    recording = Recording(f"{CASE}s3_content")
    api.aws_services.objects["bucket", "key"] = zip_bytes()
    content = {"S3Bucket": "bucket", "S3Key": "key"}
    recording.match("publish_layer_result", api.client.publish_layer_version(LayerName=name, Content=content))
    recording.assert_complete()


def test_six_layers_are_refused(api: Api) -> None:
    recording = Recording(f"{CASE}function_quota_exception")
    base = {"Runtime": "python3.12", "Role": "arn:aws:iam::123456789012:role/lambda-role", "Handler": "h.h"}
    six = [f"{ARN}six-{number}:1" for number in range(6)]
    params = {"FunctionName": "six", "Code": {"ZipFile": zip_bytes()}, "Layers": six, **base}
    recording.match_refusal("create_function_with_six_layers", api.client.create_function, **params)
    recording.assert_complete()


def test_lists_have_filters_and_pages(api: Api) -> None:
    c = client(api.url)
    for runtime in ("python3.12", "python3.13"):
        c.publish_layer_version(LayerName="listed", Content=ZIP, CompatibleRuntimes=[runtime], LicenseInfo="MIT")
    assert [version["Version"] for version in c.list_layer_versions(LayerName="listed")["LayerVersions"]] == [2, 1]
    by_arn = c.list_layer_versions(LayerName=f"{ARN}listed", CompatibleRuntime="python3.12")["LayerVersions"]
    assert [version["LayerVersionArn"] for version in by_arn] == [f"{ARN}listed:1"]
    layers = {layer["LayerName"]: layer["LatestMatchingVersion"]["Version"] for layer in c.list_layers()["Layers"]}
    assert layers["listed"] == 2
    older = c.list_layers(CompatibleRuntime="python3.12")["Layers"]
    assert {layer["LayerName"]: layer["LatestMatchingVersion"]["Version"] for layer in older}["listed"] == 1
    first = c.list_layer_versions(LayerName="listed", MaxItems=1)
    assert [
        version["Version"] for version in c.list_layer_versions(LayerName="listed", Marker=first["NextMarker"])["LayerVersions"]
    ] == [1]
    version = c.get_layer_version_by_arn(Arn=f"{ARN}listed:1")
    assert (version["LicenseInfo"], version["Version"]) == ("MIT", 1)
    assert version["Content"]["Location"].startswith(f"{api.url}/_code/")
    other = refusal(c.get_layer_version, LayerName="arn:aws:lambda:us-east-1:999999999999:layer:x", VersionNumber=1)
    assert error(other)[0] == "AccessDeniedException"


def test_layers_of_a_function_can_be_removed(api: Api) -> None:
    c = api.client
    arns = [c.publish_layer_version(LayerName=name, Content=ZIP)["LayerVersionArn"] for name in ("first", "second")]
    api.create("layered", Layers=arns)
    shown = c.get_function_configuration(FunctionName="layered")["Layers"]
    assert shown == [{"Arn": arn, "CodeSize": len(ZIP["ZipFile"])} for arn in arns]
    version = c.publish_version(FunctionName="layered")
    assert [layer["Arn"] for layer in version["Layers"]] == arns
    c.update_function_configuration(FunctionName="layered", Layers=[])
    api.wait_until_settled("layered")
    assert "Layers" not in c.get_function_configuration(FunctionName="layered")
    assert c.publish_version(FunctionName="layered")["Version"] == "2"


def test_code_and_layers_share_one_size_limit(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambent.local.control.function_layers.UNZIPPED_MAX", 1000)
    c, half = api.client, {"ZipFile": zip_bytes({"python/half.py": "#" * 600})}
    arn = c.publish_layer_version(LayerName="half", Content=half)["LayerVersionArn"]
    api.create("full", Layers=[arn])
    code, message = error(refusal(c.update_function_code, FunctionName="full", ZipFile=zip_bytes({"handler.py": "#" * 401})))
    assert code == "InvalidParameterValueException"
    assert message.endswith("exceeds the maximum allowed size of 1000 bytes. The actual size is 1001 bytes.")
    c.update_function_code(FunctionName="full", ZipFile=zip_bytes({"handler.py": "#" * 400}))
    api.wait_until_settled("full")
    other = c.publish_layer_version(LayerName="other", Content={"ZipFile": zip_bytes({"python/x.py": "#"})})["LayerVersionArn"]
    assert error(refusal(c.update_function_configuration, FunctionName="full", Layers=[arn, other]))[1].endswith("1001 bytes.")
