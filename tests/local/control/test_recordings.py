"""Functions, aliases and versions: recordings replayed with boto3 against a real server. Steps have their recorded names."""

from __future__ import annotations

import functools
from datetime import date
from typing import Any

import pytest

from support.lambda_api import ACCOUNT, ROLE, Api, create_recorded, serving, zip_bytes
from support.recordings import Recording


def test_account_settings(api: Api) -> None:
    recording = Recording("TestLambdaAccountSettings::test_account_settings")
    answer = api.client.get_account_settings()
    shown = {key: sorted(answer[key]) for key in ("AccountLimit", "AccountUsage")}
    recording.match("acc_settings_modded", {**shown, "ResponseMetadata": answer["ResponseMetadata"]})
    recording.assert_complete()


def test_alias_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaAlias::test_alias_lifecycle"), api.client
    recording.match("create_response", api.create(name, **recording.parameters("create_response")))
    recording.match("publish_v1", c.publish_version(FunctionName=name))
    c.update_function_configuration(FunctionName=name, Environment={"Variables": {"testenv": "prod"}})
    api.wait_until_settled(name)
    recording.match("publish_v2", c.publish_version(FunctionName=name))
    routing = {"AdditionalVersionWeights": {"2": 0.2}}
    base = {"FunctionName": name, "FunctionVersion": "1"}
    description = {"Description": "custom-alias"}
    recording.match("create_alias_1_1", c.create_alias(**base, **description, Name="aliasname1_1", RoutingConfig=routing))
    recording.match("get_alias_1_1", c.get_alias(FunctionName=name, Name="aliasname1_1"))
    recording.match("get_function_alias_1_1", c.get_function(FunctionName=name, Qualifier="aliasname1_1"))
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    recording.match("get_function_byarn_alias_1_1", c.get_function(FunctionName=f"{arn}:aliasname1_1"))
    for step, params in (
        ("get_function_alias_notfound_exc", {"FunctionName": name, "Qualifier": "aliasdoesnotexist"}),
        ("get_function_alias_byarn_notfound_exc", {"FunctionName": f"{arn}:aliasdoesnotexist"}),
    ):
        recording.match_refusal(step, c.get_function, **params)
    recording.match("create_alias_1_2", c.create_alias(**base, **description, Name="aliasname1_2", RoutingConfig={}))
    recording.match("get_alias_1_2", c.get_alias(FunctionName=name, Name="aliasname1_2"))
    recording.match("create_alias_1_3", c.create_alias(**base, Name="aliasname1_3"))
    recording.match("get_alias_1_3", c.get_alias(FunctionName=name, Name="aliasname1_3"))
    second = c.create_alias(FunctionName=name, Name="aliasname2", FunctionVersion="2", **description)
    recording.match("create_alias_2", second)
    recording.match("get_alias_2", c.get_alias(FunctionName=name, Name="aliasname2"))
    listing = c.list_aliases(FunctionName=name)
    del listing["ResponseMetadata"]
    recording.match("list_aliases_for_fnname", listing)
    _update_aliases(api, name, recording)


def _update_aliases(api: Api, name: str, recording: Recording) -> None:
    c = api.client
    first = c.update_alias(FunctionName=name, Name="aliasname1_1", RoutingConfig={"AdditionalVersionWeights": {}})
    recording.match("update_alias_1_1", first)
    recording.match("get_alias_1_1_after_update", c.get_alias(FunctionName=name, Name="aliasname1_1"))
    recording.match("list_aliases_for_fnname_after_update", c.list_aliases(FunctionName=name))
    second = c.update_alias(FunctionName=name, Name="aliasname1_2", FunctionVersion="1", Description="custom-alias")
    recording.match("update_alias_1_2", second)
    recording.match("get_alias_1_2_after_update", c.get_alias(FunctionName=name, Name="aliasname1_2"))
    recording.match("list_aliases_for_fnname_after_update_2", c.list_aliases(FunctionName=name))
    recording.match("list_aliases_for_version", c.list_aliases(FunctionName=name, FunctionVersion="1"))
    recording.match("delete_alias_response", c.delete_alias(FunctionName=name, Name="aliasname1_1"))
    recording.match("list_aliases_for_fnname_afterdelete", c.list_aliases(FunctionName=name))
    recording.assert_complete()


def test_non_existent_alias_update(api: Api, name: str) -> None:
    recording = Recording("TestLambdaAlias::test_non_existent_alias_update")
    recording.match("create_response", api.create(name, **recording.parameters("create_response")))
    recording.match_refusal("update_alias_response", api.client.update_alias, FunctionName=name, Name="non-existent")
    recording.assert_complete()


def test_create_exceptions(api: Api, name: str) -> None:
    recording = Recording("TestLambdaFunction::test_create_lambda_exceptions")
    good = {"FunctionName": name, "Handler": "index.handler", "Role": ROLE, "Runtime": "python3.12"}
    good["Code"] = {"ZipFile": zip_bytes()}
    for step, wrong in {
        "invalid_role_arn_exc": {"Role": "r1"},
        "invalid_runtime_exc": {"Runtime": "non-existent-runtime"},
        "uppercase_runtime_exc": {"Runtime": "PYTHON3.9"},
        "multiple_architectures": {"Architectures": ["x86_64", "arm64"]},
        "uppercase_architecture": {"Architectures": ["X86_64"]},
        "invalid_zip_exc": {"Code": {"ZipFile": b"this is not a zipfile, just a random string"}},
    }.items():
        recording.match_refusal(step, api.client.create_function, **{**good, **wrong})
    recording.assert_complete("empty_architectures")


def test_update_exceptions(api: Api, name: str) -> None:
    recording = Recording("TestLambdaFunction::test_update_lambda_exceptions")
    api.create(name)
    update = api.client.update_function_configuration
    recording.match_refusal("invalid_role_arn_exc", update, FunctionName=name, Role="r1")
    recording.match_refusal("invalid_runtime_exc", update, FunctionName=name, Runtime="non-existent-runtime")
    recording.match_refusal("uppercase_runtime_exc", update, FunctionName=name, Runtime="PYTHON3.9")
    recording.assert_complete()


def test_delete_missing(api: Api, name: str) -> None:
    recording = Recording("TestLambdaFunction::test_delete_on_nonexisting_version")
    delete = api.client.delete_function
    recording.match_refusal("delete_function_response_non_existent", delete, FunctionName=name)
    recording.match_refusal("delete_function_response_non_existent_with_qualifier", delete, FunctionName=name, Qualifier="1")
    recording.assert_complete()


def test_function_arns(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaFunction::test_function_arns"), api.client
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    recording.match("create-function-arn-response", create_recorded(api, f"{arn}-1"))
    recording.match("create-function-partial-arn-response", create_recorded(api, f"{ACCOUNT}:function:{name}-2"))
    elsewhere = arn.replace("us-east-1", "ap-southeast-1")
    recording.match_refusal("function_arn_other_region_exc", c.get_function, FunctionName=elsewhere)
    stranger = arn.replace(ACCOUNT, "210987654321")
    recording.match_refusal("function_arn_other_account_exc", c.get_function, FunctionName=stranger)
    good = {"Handler": "handler.handler", "Role": ROLE, "Runtime": "python3.12", "Code": {"ZipFile": zip_bytes()}}
    create = c.create_function
    recording.match_refusal("invalid_function_name_exc", create, FunctionName="invalid:function:name", **good)
    recording.match_refusal("long_function_name_exc", create, FunctionName="a" * 65, **good)
    recording.match_refusal("long_function_arn_exc", create, FunctionName=f"{arn}{'a' * 140}", **good)
    recording.assert_complete()


def test_function_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaFunction::test_function_lifecycle"), api.client
    recording.match("create_response", create_recorded(api, name, **recording.parameters("create_response")))
    recording.match("get_function_response", c.get_function(FunctionName=name))
    changes = {"Description": "Changed-Description", "MemorySize": 512, "Timeout": 10, "Runtime": "python3.11"}
    changes["Environment"] = {"Variables": {"ENV_A": "a"}}
    recording.match("update_func_conf_response", c.update_function_configuration(FunctionName=name, **changes))
    api.wait_until_settled(name)
    recording.match("get_function_response_postupdate", c.get_function(FunctionName=name))
    other = zip_bytes({"handler.py": "def handler(event, context):\n    return 2\n"})
    recording.match("update_code_response", c.update_function_code(FunctionName=name, ZipFile=other))
    api.wait_until_settled(name)
    recording.match("get_function_response_postcodeupdate", c.get_function(FunctionName=name))
    recording.match("delete_response", c.delete_function(FunctionName=name))
    recording.match_refusal("delete_postdelete", c.delete_function, FunctionName=name)
    recording.assert_complete()


@pytest.mark.parametrize(
    "operation",
    [
        "delete_function",
        "get_function",
        "get_function_concurrency",
        "get_function_configuration",
        "get_function_url_config",
        "invoke",
    ],
)
def test_wrong_region(api: Api, name: str, operation: str) -> None:
    recording = Recording(f"TestLambdaFunction::test_get_function_wrong_region[{operation}]")
    arn = f"arn:aws:lambda:eu-north-1:{ACCOUNT}:function:{name}"
    recording.match_refusal("wrong_region_exception", getattr(api.client, operation), FunctionName=arn)
    recording.assert_complete()


def test_invalid_invoke(api: Api) -> None:
    recording = Recording("TestLambdaFunction::test_invalid_invoke")
    wrong = "arn:aws:lambda:us-east-1:123400000000@function:myfn"
    recording.match_refusal("invoke_function_name_pattern_exc", api.client.invoke, FunctionName=wrong)
    recording.assert_complete()


@pytest.mark.parametrize("source", ["s3", "zipfile"])
def test_code_location(api: Api, name: str, source: str) -> None:
    recording, c = Recording(f"TestLambdaFunction::test_lambda_code_location_{source}"), api.client
    first_zip, second_zip = zip_bytes(), zip_bytes({"handler.py": "x = 2\n"})
    api.aws_services.objects |= {("bucket", "code.zip"): first_zip, ("bucket", "two.zip"): second_zip}
    first = {"ZipFile": first_zip} if source == "zipfile" else {"S3Bucket": "bucket", "S3Key": "code.zip"}
    second = {"ZipFile": second_zip} if source == "zipfile" else {"S3Bucket": "bucket", "S3Key": "two.zip"}
    created = "create-response-zip-file" if source == "zipfile" else "create_response_s3"
    recording.match(created, api.create(name, Code=first, **recording.parameters(created)))
    recording.match("get-function-response", c.get_function(FunctionName=name))
    recording.match("update-function-response", c.update_function_code(FunctionName=name, **second))
    recording.match("get-function-response-updated", c.get_function(FunctionName=name))
    recording.assert_complete()


def test_concurrent_code_updates(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaFunction::test_lambda_concurrent_code_updates"), api.client
    recording.match("create-function-response", api.create(name, **recording.parameters("create-function-response")))
    c.update_function_code(FunctionName=name, ZipFile=zip_bytes({"handler.py": "x = 1\n"}))
    again = {"FunctionName": name, "ZipFile": zip_bytes({"handler.py": "x = 2\n"})}
    recording.match_refusal("update-during-in-progress-update-exc", c.update_function_code, **again)
    recording.assert_complete()


def test_list_functions(tmp_path: Any) -> None:
    recording = Recording("TestLambdaFunction::test_list_functions")
    with serving(tmp_path, date(2025, 11, 25)) as api:
        c = api.client
        recording.match("create_response_1", create_recorded(api, "fn-1", Publish=True))
        other = zip_bytes({"handler.py": "x = 1\n"})
        recording.match("create_response_2", create_recorded(api, "fn-2", Code={"ZipFile": other}))
        recording.match_refusal("list_functions_invalid_functionversion", c.list_functions, FunctionVersion="invalid")
        for step, answer in (
            ("list_all", c.list_functions(FunctionVersion="ALL")),
            ("list_default", c.list_functions()),
        ):
            recording.match(step, {"Functions": answer["Functions"]})
        recording.assert_complete()


@pytest.mark.parametrize("operation", ["get_function", "get_function_configuration"])
def test_missing_version(api: Api, name: str, operation: str) -> None:
    recording = Recording(f"TestLambdaFunction::test_ops_on_nonexisting_version[{operation}]")
    api.create(name)
    recording.match_refusal("version_not_found_exception", getattr(api.client, operation), FunctionName=name, Qualifier="1221")
    recording.assert_complete()


@pytest.mark.parametrize("operation", ["delete_function", "get_function", "get_function_configuration"])
def test_qualifier_mismatch(api: Api, operation: str) -> None:
    recording = Recording(f"TestLambdaFunction::test_ops_with_arn_qualifier_mismatch[{operation}]")
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:some-function"
    call = getattr(api.client, operation)
    recording.match_refusal("not_match_exception", call, FunctionName=f"{arn}:1", Qualifier="$LATEST")
    recording.match_refusal("match_exception", call, FunctionName=f"{arn}:$LATEST", Qualifier="$LATEST")
    recording.assert_complete()


def test_revisions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaRevisions::test_function_revisions_basic"), api.client
    params = recording.parameters("create_function_response_rev1")
    created = recording.match("create_function_response_rev1", create_recorded(api, name, **params))
    recording.match("get_function_response_rev2", c.get_function(FunctionName=name))
    stale = {"FunctionName": name, "RevisionId": created["CreateFunctionResponse"]["RevisionId"]}
    recording.match_refusal("update_function_revision_exception", c.update_function_code, **stale, ZipFile=zip_bytes())
    revision = c.get_function(FunctionName=name)["Configuration"]["RevisionId"]
    update = c.update_function_code(FunctionName=name, RevisionId=revision, ZipFile=zip_bytes())
    recording.match("update_function_code_response_rev3", update)
    api.wait_until_settled(name)
    recording.match("get_function_response_rev4", c.get_function(FunctionName=name))
    step = "update_function_configuration_revision_exception"
    recording.match_refusal(step, c.update_function_configuration, **stale, Runtime="python3.8")
    update = c.update_function_configuration(FunctionName=name, Runtime="python3.8")
    recording.match("update_function_configuration_response_rev5", update)
    api.wait_until_settled(name)
    recording.match("get_function_response_rev6", c.get_function(FunctionName=name))
    recording.assert_complete()


def test_version_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaVersions::test_version_lifecycle"), api.client
    recording.match("create_response", api.create(name, **recording.parameters("create_response")))
    recording.match("get_function_result", c.get_function(FunctionName=name))
    recording.match("list_versions_result", c.list_versions_by_function(FunctionName=name))
    update = c.update_function_configuration
    recording.match("first_update_response", update(FunctionName=name, Description="First version :)"))
    api.wait_until_settled(name)
    recording.match("first_update_get_function", c.get_function(FunctionName=name))
    first = c.publish_version(FunctionName=name, Description="First version description :)")
    recording.match("first_publish_response", first)
    at = {"FunctionName": name, "Qualifier": "1"}
    recording.match("first_publish_get_function", c.get_function(**at))
    recording.match("first_publish_get_function_config", c.get_function_configuration(**at))
    recording.match("second_update_response", update(FunctionName=name, Description="Second version :))"))
    api.wait_until_settled(name)
    recording.match("first_publish_get_function_after_update", c.get_function(**at))
    recording.match("second_publish_response", c.publish_version(FunctionName=name))
    recording.match(
        "third_publish_response", c.publish_version(FunctionName=name, Description="Third version description :)))")
    )
    recording.match("list_versions_result_after_third_publish", c.list_versions_by_function(FunctionName=name))
    c.delete_function(**at)
    step = "list_versions_result_after_deletion_of_first_version"
    recording.match(step, c.list_versions_by_function(FunctionName=name))
    recording.assert_complete()


def test_publish_on_create(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaVersions::test_publish_version_on_create"), api.client
    recording.match("create_response", api.create(name, **recording.parameters("create_response"), Publish=True))
    recording.match("get_function_result", c.get_function(FunctionName=name))
    recording.match("get_function_version_result", c.get_function(FunctionName=name, Qualifier="1"))
    recording.match("get_function_latest_result", c.get_function(FunctionName=name, Qualifier="$LATEST"))
    recording.match("list_versions_result", c.list_versions_by_function(FunctionName=name))
    recording.match("repeated_publish_response", c.publish_version(FunctionName=name))
    recording.match("list_versions_result_after_publish", c.list_versions_by_function(FunctionName=name))
    recording.assert_complete()


def test_publish_with_update(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaVersions::test_publish_with_update"), api.client
    recording.match("create_response", api.create(name, **recording.parameters("create_response")))
    recording.match("get_function_result", c.get_function(FunctionName=name))
    other = zip_bytes({"index.py": "x = 2\n"})
    recording.match("update_function_code_result", c.update_function_code(FunctionName=name, ZipFile=other, Publish=True))
    recording.match("get_function_version_result", c.get_function(FunctionName=name, Qualifier="1"))
    recording.match("get_function_latest_result", c.get_function(FunctionName=name, Qualifier="$LATEST"))
    recording.assert_complete()


def test_publish_with_wrong_sha(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaVersions::test_publish_with_wrong_sha256"), api.client
    recording.match("create_response", api.create(name, **recording.parameters("create_response")))
    function = recording.match("get_fn_response", c.get_function(FunctionName=name))
    wrong = {"FunctionName": name, "CodeSha256": "somenonexistentsha256"}
    recording.match_refusal("publish_wrong_sha256_exc", c.publish_version, **wrong)
    sha = function["Configuration"]["CodeSha256"]
    recording.match("publish_result", c.publish_version(FunctionName=name, CodeSha256=sha))
    recording.assert_complete()


def test_logging(api: Api, name: str) -> None:
    recording, c = Recording("TestLoggingConfig::test_function_advanced_logging_configuration"), api.client
    params = {"LoggingConfig": {"LogFormat": "JSON"}}
    recording.match("create_response", create_recorded(api, name, **recording.parameters("create_response"), **params))
    recording.match("get_function_response", c.get_function(FunctionName=name))
    recording.match("function_config", c.get_function_configuration(FunctionName=name))
    update = c.update_function_configuration(FunctionName=name, LoggingConfig={"LogGroup": "cool_lambda"})
    recording.match("updated_config", update)
    api.wait_until_settled(name)
    recording.match("received_config", c.get_function_configuration(FunctionName=name))
    recording.assert_complete()


@pytest.mark.parametrize("keys", ["multi", "single", "near"])
def test_environment_sizes(api: Api, name: str, keys: str) -> None:
    if keys == "near":
        step = "successful_create_fn_result"
        recording = Recording("TestLambdaSizeLimits::test_lambda_envvars_near_limit_succeeds")
        expected = recording.steps[step]["CreateFunctionResponse"]
        variables = expected["Environment"]["Variables"]
        if not isinstance(variables, dict):
            variables = {"LARGE_VAR": "x" * (4096 - len('{"LARGE_VAR":""}'))}
            expected["Environment"]["Variables"] = variables
        recording.match(step, create_recorded(api, name, **recording.parameters(step)))
        return
    case, step = {
        "multi": ("test_large_environment_fails_multiple_keys", "failured_create_fn_result_multi_key"),
        "single": ("test_large_environment_variables_fails", "failed_create_fn_result"),
    }[keys]
    recording = Recording(f"TestLambdaSizeLimits::{case}")
    text = recording.steps[step]["Error"]["Message"]
    size = text.count("x") - text[: text.index("String measured")].count("x")
    variables = {"SMALL_VAR": "ok", "LARGE_VAR": "x" * size} if keys == "multi" else {"LARGE_VAR": "x" * size}
    create = functools.partial(create_recorded, api, name)
    recording.match_refusal(step, create, Environment={"Variables": variables})


def test_oversized_zip(api: Api, name: str) -> None:
    recording = Recording("TestLambdaSizeLimits::test_oversized_zipped_create_lambda")
    code = {"ZipFile": b"x" * (50 * 1024 * 1024 + 1)}
    recording.match_refusal("invalid_param_exc", lambda **params: create_recorded(api, name, **params), Code=code)
    recording.assert_complete()


def test_oversized_request(api: Api, name: str) -> None:
    recording = Recording("TestLambdaSizeLimits::test_oversized_request_create_lambda")
    code = {"ZipFile": b"x" * (50 * 1024 * 1024 + 200_000)}
    recording.match_refusal("invalid_param_exc", lambda **params: create_recorded(api, name, **params), Code=code)
    recording.assert_complete()
