"""Provisioned concurrency and event invoke configurations: recordings replayed as in test_recordings.py."""

from __future__ import annotations

from support.lambda_api import ACCOUNT, Api, create_recorded, error, refusal
from support.recordings import Recording


def test_provisioned_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaProvisionedConcurrency::test_lambda_provisioned_lifecycle"), api.client
    create_recorded(api, name, Runtime="python3.12")
    recording.match("publish_version_result", c.publish_version(FunctionName=name))
    alias_response = c.create_alias(FunctionName=name, FunctionVersion="1", Name="alias")
    recording.match("create_alias_result", alias_response)
    version, alias = ({"FunctionName": name, "Qualifier": qualifier} for qualifier in ("1", "alias"))
    put, get, delete = (getattr(c, f"{verb}_provisioned_concurrency_config") for verb in ("put", "get", "delete"))
    count = {"ProvisionedConcurrentExecutions": 1}
    recording.match("put_provisioned_on_version", put(**version, **count))
    assert (get(**version)["Status"], api.engine.provisions["1"]) == ("READY", 1)
    recording.match_refusal("put_provisioned_on_alias_versionconflict", put, **alias, **count)
    recording.match("delete_provisioned_version", delete(**version))
    recording.match_refusal("get_provisioned_version_postdelete", get, **version)
    recording.match("put_provisioned_on_alias", put(**alias, **count))
    recording.match_refusal("put_provisioned_on_version_conflict", put, **version, **count)
    listed = c.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert [config["FunctionArn"].rpartition(":")[2] for config in listed] == ["alias"]
    recording.match("delete_alias_result", c.delete_alias(FunctionName=name, Name="alias"))
    recording.match_refusal("get_provisioned_alias_postaliasdelete", get, **alias)
    recording.match("list_response_postdeletes", c.list_provisioned_concurrency_configs(FunctionName=name))
    assert api.engine.provisions["1"] == 0
    recording.assert_complete()


def test_provisioned_exceptions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaProvisionedConcurrency::test_provisioned_concurrency_exceptions"), api.client
    create_recorded(api, name, Runtime="python3.12")
    recording.match("publish_version_result", c.publish_version(FunctionName=name))
    for verb, extra in (("get", {}), ("delete", {}), ("put", {"ProvisionedConcurrentExecutions": 1})):
        call = getattr(c, f"{verb}_provisioned_concurrency_config")
        for step, function, qualifier in (
            ("latest", name, "$LATEST"),
            ("qualifier_doesnotexist", name, "doesnotexist" if verb == "put" else "noalias"),
            ("version_doesnotexist", name, "10"),
        ):
            recording.match_refusal(f"{verb}_provisioned_{step}", call, FunctionName=function, Qualifier=qualifier, **extra)
    get, put = c.get_provisioned_concurrency_config, c.put_provisioned_concurrency_config
    none = {"FunctionName": "doesnotexist"}
    recording.match_refusal("get_provisioned_functionname_doesnotexist", get, **none, Qualifier="noalias")
    delete = c.delete_provisioned_concurrency_config
    recording.match_refusal("delete_provisioned_functionname_doesnotexist", delete, **none, Qualifier="1")
    for step, qualifier in (("alias", "noalias"), ("version", "1")):
        step = f"put_provisioned_functionname_doesnotexist_{step}"
        recording.match_refusal(step, put, **none, Qualifier=qualifier, ProvisionedConcurrentExecutions=1)
    listed = c.list_provisioned_concurrency_configs
    recording.match_refusal("list_provisioned_functionname_doesnotexist", listed, **none)
    recording.match("list_provisioned_noconfigs", listed(FunctionName=name))
    at = {"FunctionName": name, "Qualifier": "1"}
    recording.match_refusal("get_provisioned_config_doesnotexist", get, **at)
    recording.match("delete_provisioned_config_doesnotexist", delete(**at))
    recording.match_refusal("put_provisioned_invalid_param_0", put, **at, ProvisionedConcurrentExecutions=0)
    recording.assert_complete()


def test_provisioned_and_reserved_concurrency_limit_each_other(api: Api, name: str) -> None:
    c = api.client
    create_recorded(api, name)
    c.publish_version(FunctionName=name)
    c.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    at = {"FunctionName": name, "Qualifier": "1"}
    put = c.put_provisioned_concurrency_config
    assert "should not be greater than the reserved" in error(refusal(put, **at, ProvisionedConcurrentExecutions=3))[1]
    put(**at, ProvisionedConcurrentExecutions=2)
    code, message = error(refusal(c.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=1))
    assert message == " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2]."
    assert code == "InvalidParameterValueException"
    c.delete_function_concurrency(FunctionName=name)
    assert c.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 998
    assert error(refusal(put, **at, ProvisionedConcurrentExecutions=1001))[1].endswith("unreserved concurrency [1000].")
    assert error(refusal(put, **at, ProvisionedConcurrentExecutions=901))[1].endswith("below its minimum value of [100].")
    c.delete_provisioned_concurrency_config(**at)


def test_provisioning_follows_its_alias_and_ends_with_its_function(api: Api, name: str) -> None:
    c = api.client
    create_recorded(api, name)
    c.publish_version(FunctionName=name)
    c.update_function_configuration(FunctionName=name, Description="other")
    api.wait_until_settled(name)
    c.publish_version(FunctionName=name)
    c.create_alias(FunctionName=name, FunctionVersion="1", Name="live")
    c.put_provisioned_concurrency_config(FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=3)
    assert api.engine.provisions["1"] == 3
    c.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert (api.engine.provisions["1"], api.engine.provisions["2"]) == (0, 3)
    c.delete_function(FunctionName=name)
    assert f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}" not in api.backend.provisioned


def test_event_invoke_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaEventInvokeConfig::test_lambda_eventinvokeconfig_lifecycle"), api.client
    create_recorded(api, name, Runtime="python3.12")
    at = {"FunctionName": name}
    put, get = c.put_function_event_invoke_config, c.get_function_event_invoke_config
    recording.match("put_invokeconfig_retries_0", put(**at, MaximumRetryAttempts=0))
    recording.match("put_invokeconfig_eventage_60", put(**at, MaximumEventAgeInSeconds=60))
    update = c.update_function_event_invoke_config
    recording.match("update_invokeconfig_eventage_nochange", update(**at, MaximumEventAgeInSeconds=60))
    recording.match("update_invokeconfig_retries", update(**at, MaximumRetryAttempts=1))
    recording.match("get_invokeconfig", get(**at))
    recording.match("get_invokeconfig_latest", get(**at, Qualifier="$LATEST"))
    listed = c.list_function_event_invoke_configs
    recording.match("list_single_invokeconfig", listed(**at))
    recording.match("publish_version_result", c.publish_version(**at))
    recording.match_refusal("get_invokeconfig_postpublish", get, **at, Qualifier="1")
    recording.match("put_published_invokeconfig", put(**at, Qualifier="1", MaximumEventAgeInSeconds=120))
    recording.match("get_published_invokeconfig", get(**at, Qualifier="1"))
    assert len(listed(**at)["FunctionEventInvokeConfigs"]) == 2
    first = listed(**at, MaxItems=1)
    assert len(first["FunctionEventInvokeConfigs"]) == 1 and len(listed(**at, Marker=first["NextMarker"])) == 2
    c.delete_function_event_invoke_config(**at)
    recording.match("list_paging_nolimit_postdelete", listed(**at))


def test_event_invoke_exceptions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaEventInvokeConfig::test_lambda_eventinvokeconfig_exceptions"), api.client
    create_recorded(api, name, Runtime="python3.12")
    at, alias = {"FunctionName": name}, {"FunctionName": name, "Qualifier": "eventinvokealias"}
    put, get = c.put_function_event_invoke_config, c.get_function_event_invoke_config
    update, delete = c.update_function_event_invoke_config, c.delete_function_event_invoke_config
    recording.match("fn_version_result", c.publish_version(**at))
    alias_response = c.create_alias(**at, FunctionVersion="1", Name="eventinvokealias")
    recording.match("fn_alias_result", alias_response)
    shorthand = f"{name}:eventinvokealias"
    retries, none = {"MaximumRetryAttempts": 1}, {"FunctionName": "doesnotexist"}
    for step, call, params in (
        ("put_functionname_name_notfound", put, {**none, **retries}),
        ("put_functionname_arn_notfound", put, {"FunctionName": _arn("doesnotexist"), **retries}),
        ("put_functionname_nootherargs", put, at),
        ("put_alias_doesnotexist", put, {**at, "Qualifier": "doesnotexist", **retries}),
        ("put_destination_recursive", put, {**at, "DestinationConfig": {"OnSuccess": {"Destination": _arn(name)}}}),
        ("get_function_doesnotexist", get, none),
        ("get_qualifier_doesnotexist", get, {**at, "Qualifier": "doesnotexist"}),
        ("get_eventinvokeconfig_doesnotexist", get, alias),
        ("update_eventinvokeconfig_function_doesnotexist", update, {**none, **retries}),
        ("update_eventinvokeconfig_config_doesnotexist_with_qualifier", update, {**alias, **retries}),
        ("update_eventinvokeconfig_config_doesnotexist_without_qualifier", update, {**at, **retries}),
        ("delete_function_doesnotexist", delete, none),
        ("delete_function_not_found", delete, at),
        ("list_function_doesnotexist", c.list_function_event_invoke_configs, none),
        ("put_alias_shorthand_qualifierconflict", put, {"FunctionName": shorthand, "Qualifier": "1", **retries}),
        ("put_alias_qualifiedarn_qualifierconflict", put, {**alias, "FunctionName": f"{_arn(name)}:other", **retries}),
    ):  # fmt: skip
        recording.match_refusal(step, call, **params)
    for step, params in (
        ("put_destination_success_no_destination_arn", {**at, "DestinationConfig": {"OnSuccess": {}}}),
        ("put_destination_latest", {**at, **retries}),
        ("put_destination_latest_explicit_qualifier", {**at, "Qualifier": "$LATEST", **retries}),
        ("put_version_shorthand", {"FunctionName": f"{name}:1", **retries}),
        ("put_alias_functionname_qualifier", {**alias, **retries}),
        ("put_alias_qualifiedarn", {"FunctionName": f"{_arn(name)}:eventinvokealias", **retries}),
        ("put_pre_overwrite", {**at, "MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60}),
        ("put_post_overwrite", {**at, "MaximumRetryAttempts": 0}),
    ):
        recording.match(step, put(**params))
    recording.match("get_post_overwrite", get(**at))
    recording.match("pre_update_response", put(**at, MaximumRetryAttempts=2, MaximumEventAgeInSeconds=60))
    recording.match("update_response", update(**at, MaximumRetryAttempts=0))
    recording.match("list_configs", c.list_function_event_invoke_configs(**at))
    for step, params in (("delete_latest", at), ("delete_version", {**at, "Qualifier": "1"}), ("delete_alias", alias)):
        recording.match(step, delete(**params))
    recording.match("list_configs_postdelete", c.list_function_event_invoke_configs(**at))
    elsewhere = {"OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"}}
    assert error(refusal(put, **at, DestinationConfig=elsewhere))[0] == "NotImplementedException"


def _arn(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
