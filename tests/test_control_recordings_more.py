"""The recordings of provisioned concurrency, replayed as in test_control_recordings.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from lambda_api import ACCOUNT, Api, refusal, serving, text
from lambda_api import make_recorded as make
from recorded import Recording


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with serving(tmp_path_factory.mktemp("state"), date(2025, 11, 25)) as running:
        yield running


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"fn-{abs(hash(request.node.name)) % 10**8}"


def test_provisioned_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaProvisionedConcurrency::test_lambda_provisioned_lifecycle"), api.client
    make(api, name, Runtime="python3.12")
    recording.match("publish_version_result", c.publish_version(FunctionName=name))
    made = c.create_alias(FunctionName=name, FunctionVersion="1", Name="alias")
    recording.match("create_alias_result", made)
    version, alias = ({"FunctionName": name, "Qualifier": qualifier} for qualifier in ("1", "alias"))
    put, get, delete = (getattr(c, f"{verb}_provisioned_concurrency_config") for verb in ("put", "get", "delete"))
    one = {"ProvisionedConcurrentExecutions": 1}
    recording.match("put_provisioned_on_version", put(**version, **one))
    assert (get(**version)["Status"], api.engine.provisions["1"]) == ("READY", 1)
    recording.refused("put_provisioned_on_alias_versionconflict", put, **alias, **one)
    recording.match("delete_provisioned_version", delete(**version))
    recording.refused("get_provisioned_version_postdelete", get, **version)
    recording.match("put_provisioned_on_alias", put(**alias, **one))
    recording.refused("put_provisioned_on_version_conflict", put, **version, **one)
    listed = c.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert [each["FunctionArn"].rpartition(":")[2] for each in listed] == ["alias"]
    recording.match("delete_alias_result", c.delete_alias(FunctionName=name, Name="alias"))
    recording.refused("get_provisioned_alias_postaliasdelete", get, **alias)
    recording.match("list_response_postdeletes", c.list_provisioned_concurrency_configs(FunctionName=name))
    assert api.engine.provisions["1"] == 0
    recording.done()


def test_provisioned_exceptions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaProvisionedConcurrency::test_provisioned_concurrency_exceptions"), api.client
    make(api, name, Runtime="python3.12")
    recording.match("publish_version_result", c.publish_version(FunctionName=name))
    for verb, extra in (("get", {}), ("delete", {}), ("put", {"ProvisionedConcurrentExecutions": 1})):
        call = getattr(c, f"{verb}_provisioned_concurrency_config")
        for step, function, qualifier in (
            ("latest", name, "$LATEST"),
            ("qualifier_doesnotexist", name, "doesnotexist" if verb == "put" else "noalias"),
            ("version_doesnotexist", name, "10"),
        ):
            recording.refused(f"{verb}_provisioned_{step}", call, FunctionName=function, Qualifier=qualifier, **extra)
    get, put = c.get_provisioned_concurrency_config, c.put_provisioned_concurrency_config
    none = {"FunctionName": "doesnotexist"}
    recording.refused("get_provisioned_functionname_doesnotexist", get, **none, Qualifier="noalias")
    delete = c.delete_provisioned_concurrency_config
    recording.refused("delete_provisioned_functionname_doesnotexist", delete, **none, Qualifier="1")
    for step, qualifier in (("alias", "noalias"), ("version", "1")):
        step = f"put_provisioned_functionname_doesnotexist_{step}"
        recording.refused(step, put, **none, Qualifier=qualifier, ProvisionedConcurrentExecutions=1)
    listed = c.list_provisioned_concurrency_configs
    recording.refused("list_provisioned_functionname_doesnotexist", listed, **none)
    recording.match("list_provisioned_noconfigs", listed(FunctionName=name))
    here = {"FunctionName": name, "Qualifier": "1"}
    recording.refused("get_provisioned_config_doesnotexist", get, **here)
    recording.match("delete_provisioned_config_doesnotexist", delete(**here))
    recording.refused("put_provisioned_invalid_param_0", put, **here, ProvisionedConcurrentExecutions=0)
    recording.done()


def test_provisioned_and_reserved_know_of_each_other(api: Api, name: str) -> None:
    c = api.client
    make(api, name)
    c.publish_version(FunctionName=name)
    c.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    here = {"FunctionName": name, "Qualifier": "1"}
    put = c.put_provisioned_concurrency_config
    assert "should not be greater than the reserved" in text(refusal(put, **here, ProvisionedConcurrentExecutions=3))[1]
    put(**here, ProvisionedConcurrentExecutions=2)
    code, told = text(refusal(c.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=1))
    assert told == " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2]."
    assert code == "InvalidParameterValueException"


def test_what_is_provisioned_follows_its_alias_and_goes_with_its_function(api: Api, name: str) -> None:
    c = api.client
    make(api, name)
    c.publish_version(FunctionName=name)
    c.update_function_configuration(FunctionName=name, Description="other")
    api.settled(name)
    c.publish_version(FunctionName=name)
    c.create_alias(FunctionName=name, FunctionVersion="1", Name="live")
    c.put_provisioned_concurrency_config(FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=3)
    assert api.engine.provisions["1"] == 3
    c.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert (api.engine.provisions["1"], api.engine.provisions["2"]) == (0, 3)
    c.delete_function(FunctionName=name)
    assert f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}" not in api.control.parts.provisioned
