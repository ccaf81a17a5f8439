"""Permissions, reserved concurrency, tags, URLs and Invoke: recordings replayed as in test_recordings.py."""

from __future__ import annotations

import pytest

from support.lambda_api import ACCOUNT, Api, client, create_recorded, zip_bytes
from support.recordings import Recording


def test_permission_fields(api: Api, name: str) -> None:
    recording = Recording("TestLambdaPermissions::test_add_lambda_permission_fields")
    api.create(name)
    function, url = "lambda:InvokeFunction", "lambda:InvokeFunctionUrl"
    for step, params in {
        "wildcard": {"StatementId": "wilcard", "Principal": "*", "SourceAccount": ACCOUNT, "Action": function},
        "service": {"StatementId": "lambda", "Principal": "lambda.amazonaws.com", "SourceAccount": ACCOUNT, "Action": function},
        "account": {"StatementId": "account-id", "Principal": ACCOUNT, "Action": function},
        "arn": {
            "StatementId": "user-arn",
            "Principal": f"arn:aws:iam::{ACCOUNT}:user/me",
            "SourceAccount": ACCOUNT,
            "Action": function,
        },
    }.items():
        if step == "arn":
            recording.steps["add_permission_principal_arn"]["Statement"]["Principal"]["AWS"] = params["Principal"]
        answer = api.client.add_permission(FunctionName=name, **params)
        recording.match(f"add_permission_principal_{step}", answer)
    optional = {"StatementId": "urlPermission", "Action": url, "Principal": "*", "SourceArn": "arn:aws:s3:::test-bucket"}
    optional |= {"SourceAccount": ACCOUNT, "PrincipalOrgID": "o-1234567890", "FunctionUrlAuthType": "NONE"}
    recording.match("add_permission_optional_fields", api.client.add_permission(FunctionName=name, **optional))
    token = "amzn1.ask.skill.xxxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
    skill = {"StatementId": "alexaSkill", "Principal": "*", "EventSourceToken": token, "Action": function}
    recording.match("add_permission_alexa_skill", api.client.add_permission(FunctionName=name, **skill))
    recording.assert_complete()


S3 = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}


def test_permission_versioning(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaPermissions::test_lambda_permission_versioning"), api.client
    api.create(name)
    s3 = {**S3, "SourceArn": "arn:aws:s3:::test-bucket"}
    recording.match("add_permission", c.add_permission(FunctionName=name, StatementId="s3", **s3))
    recording.match("get_policy", c.get_policy(FunctionName=name))
    version = c.publish_version(FunctionName=name)["Version"]
    after = recording.match("get_policy_after_publishing_latest", c.get_policy(FunctionName=name))
    recording.match_refusal("get_policy_after_publishing_new_version", c.get_policy, FunctionName=name, Qualifier=version)
    c.add_permission(FunctionName=name, Qualifier=version, StatementId="s3", **s3)
    recording.match("get_policy_after_adding_to_new_version", c.get_policy(FunctionName=name))
    c.add_permission(FunctionName=name, StatementId="s3_2", RevisionId=after["RevisionId"], **s3)
    recording.match("get_policy_after_adding_2", c.get_policy(FunctionName=name))
    recording.assert_complete()


def test_permission_exceptions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaPermissions::test_permission_exceptions"), api.client
    api.create(name)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    add = {**S3, "StatementId": "s3", "FunctionName": name}
    recording.match_refusal("add_permission_invalid_statement_id", c.add_permission, **{**add, "StatementId": "example.com"})
    recording.match_refusal("remove_permission_policy_doesnotexist", c.remove_permission, FunctionName=name, StatementId="s3")
    recording.match_refusal("add_permission_principal_invalid", c.add_permission, **{**add, "Principal": "not-a-principal"})
    for step, params in {
        "latest": {"Qualifier": "$LATEST"},
        "invalid": {"Qualifier": "invalid-qualifier-with-?-char"},
        "valid_doesnotexist": {"Qualifier": "valid-with-$-but-doesnotexist"},
        "mismatch": {"FunctionName": f"{arn}:alias-not-42", "Qualifier": "42"},
    }.items():
        recording.match_refusal(f"add_permission_fn_qualifier_{step}", c.add_permission, **{**add, **params})
    for step, params in {
        "fn_doesnotexist": {"FunctionName": "doesnotexist"},
        "fn_version_doesnotexist": {"FunctionName": f"{arn}:42"},
        "fn_alias_doesnotexist": {"FunctionName": f"{arn}:alias-doesnotexist"},
    }.items():
        recording.match_refusal(f"add_permission_{step}", c.add_permission, **{**add, **params})
    remove = {"StatementId": "s3"}
    recording.match_refusal("remove_permission_fn_doesnotexist", c.remove_permission, FunctionName="doesnotexist", **remove)
    params = {"FunctionName": name, "Qualifier": "alias-doesnotexist", **remove}
    recording.match_refusal("remove_permission_fn_alias_doesnotexist", c.remove_permission, **params)
    recording.match_refusal("get_policy_fn_doesnotexist", c.get_policy, FunctionName="doesnotexist")
    recording.match_refusal("get_policy_fn_version_doesnotexist", c.get_policy, FunctionName=f"{arn}:42")
    c.add_permission(**add)
    recording.match_refusal("add_permission_conflicting_statement_id", c.add_permission, **add)
    recording.assert_complete()


def test_remove_multi_permissions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaPermissions::test_remove_multi_permissions"), api.client
    api.create(name)
    first, second = recording.steps["add_permission_1"]["Statement"], recording.steps["add_permission_2"]["Statement"]
    for step, statement in (("add_permission_1", first), ("add_permission_2", second)):
        source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn")
        params = {"StatementId": statement["Sid"], "Action": statement["Action"]}
        params["Principal"] = statement["Principal"]["Service"]
        if source:
            params["SourceArn"] = "arn:aws:s3:::test-bucket"
        recording.match(step, c.add_permission(FunctionName=name, **params))
    recording.match("policy_after_2_add", c.get_policy(FunctionName=name))
    wrong = {"FunctionName": name, "StatementId": "non-existent"}
    recording.match_refusal("remove_permission_exception_nonexisting_sid", c.remove_permission, **wrong)
    c.remove_permission(FunctionName=name, StatementId=second["Sid"])
    remaining = recording.match("policy_after_removal", c.get_policy(FunctionName=name))
    recording.match("policy_after_removal_attempt", c.get_policy(FunctionName=name))
    c.remove_permission(FunctionName=name, StatementId=first["Sid"], RevisionId=remaining["RevisionId"])
    recording.match_refusal("get_policy_exception_removed_all", c.get_policy, FunctionName=name)
    recording.assert_complete()


def test_concurrency(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaReservedConcurrency::test_function_concurrency_exceptions"), api.client
    put, lead = c.put_function_concurrency, "put_function_concurrency_with_"
    missing = {"FunctionName": "doesnotexist"}
    recording.match_refusal(f"{lead}function_name_doesnotexist", put, **missing, ReservedConcurrentExecutions=1)
    step = f"{lead}function_name_doesnotexist_and_invalid_concurrency"
    recording.match_refusal(step, put, **missing, ReservedConcurrentExecutions=10**6)
    api.create(name)
    c.publish_version(FunctionName=name)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}:1"
    recording.match_refusal(f"{lead}qualified_arn", put, FunctionName=arn, ReservedConcurrentExecutions=1)
    recording.assert_complete()
    recording = Recording("TestLambdaReservedConcurrency::test_function_concurrency_limits")
    step = "put_function_concurrency_account_limit_exceeded"
    recording.match_refusal(step, put, FunctionName=name, ReservedConcurrentExecutions=1001)
    step = "put_function_concurrency_below_unreserved_min_value"
    recording.match_refusal(step, put, FunctionName=name, ReservedConcurrentExecutions=901)
    recording.assert_complete()


def test_concurrency_update(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaConcurrency::test_lambda_concurrency_update"), api.client
    create_recorded(api, name)
    c.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    recording.match("put_function_concurrency", c.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3))
    recording.match("get_function_concurrency_updated", c.get_function_concurrency(FunctionName=name))
    recording.steps["get_function_concurrency_info"]["Configuration"]["Timeout"] = 30
    recording.match("get_function_concurrency_info", c.get_function(FunctionName=name))
    c.delete_function_concurrency(FunctionName=name)
    recording.match("get_function_concurrency_deleted", c.get_function_concurrency(FunctionName=name))
    recording.assert_complete()


def test_tag_exceptions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaTags::test_tag_exceptions"), api.client
    arn = api.create(name)["FunctionArn"]
    tags = {"key_a": "value_a"}
    absent = arn.replace(name, "doesnotexist")
    recording.match_refusal("tag_lambda_doesnotexist", c.tag_resource, Resource=absent, Tags=tags)
    recording.match_refusal("tag_lambda_qualifier_doesnotexist", c.tag_resource, Resource=f"{arn}:v1", Tags=tags)
    error = recording.steps["tag_lambda_invalidarn"]["Error"]  # botocore's pattern is newer than the recording
    error["Message"] = f"{error['Message'].split(' pattern: ')[0]} pattern: <pattern>"
    recording.match_refusal("tag_lambda_invalidarn", c.tag_resource, Resource="arn:aws:something", Tags=tags)
    recording.match_refusal("tag_empty_tags", c.tag_resource, Resource=arn, Tags={})
    recording.match("list_tag_lambda_empty", c.list_tags(Resource=arn))
    recording.match("untag_nomatch", c.untag_resource(Resource=arn, TagKeys=["somekey"]))
    recording.match_refusal("untag_empty_keys", c.untag_resource, Resource=arn, TagKeys=[])
    recording.assert_complete()


def test_tag_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaTags::test_tag_lifecycle"), api.client
    arn = create_recorded(api, name, Tags={"key_a": "value_a"})["CreateFunctionResponse"]["FunctionArn"]

    def match_tags(step: str) -> None:
        recording.match(f"list_tags_response_{step}", c.list_tags(Resource=arn))
        recording.match(f"get_fn_response_{step}", c.get_function(FunctionName=name))

    match_tags("postfncreate")
    more = {f"key_{letter}": f"value_{letter}" for letter in "bcde"}
    recording.match("tag_resource_response", c.tag_resource(Resource=arn, Tags=more))
    match_tags("postaddtags")
    recording.match("tag_resource_overwrite", c.tag_resource(Resource=arn, Tags={"key_c": "value_x"}))
    match_tags("overwrite")
    c.untag_resource(Resource=arn, TagKeys=["key_c", "key_d"])
    match_tags("postuntag")
    c.untag_resource(Resource=arn, TagKeys=["key_a", "key_b", "key_e"])
    match_tags("postuntagall")
    c.delete_function(FunctionName=name)
    recording.match_refusal("list_tags_postdelete", c.list_tags, Resource=arn)
    recording.assert_complete()


def test_url_exceptions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaUrl::test_url_config_exceptions"), api.client
    expected = recording.steps["fn_version_result"]
    expected["Runtime"] = "python3.12"  # recorded with Node, which does not run here
    create_recorded(api, name, Handler=expected["Handler"])
    recording.match("fn_version_result", c.publish_version(FunctionName=name))
    alias = c.create_alias(FunctionName=name, Name=recording.steps["create_alias_result"]["Name"], FunctionVersion="1")
    recording.match("create_alias_result", alias)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    absent = arn.replace(name, "doesnotexist")
    cases = {
        "name_doesnotexist": {"FunctionName": "doesnotexist"},
        "name_doesnotexist_qualifier": {"FunctionName": "doesnotexist", "Qualifier": "1"},
        "arn_doesnotexist": {"FunctionName": absent},
        "qualifier_version": {"FunctionName": name, "Qualifier": "1"},
        "qualifier_version_doesnotexist": {"FunctionName": name, "Qualifier": "2"},
        "qualifier_latest": {"FunctionName": name, "Qualifier": "$LATEST"},
        "qualifier_alias_doesnotexist": {"FunctionName": name, "Qualifier": "doesnotexist"},
        "qualifier_alias_doesnotmatch_arn": {"FunctionName": f"{arn}:{alias['Name']}-2", "Qualifier": alias["Name"]},
        "config_doesnotexist": {"FunctionName": name},
    }
    for verb in ("create", "get", "update", "delete"):
        call = getattr(c, f"{verb}_function_url_config")
        extra = {"AuthType": "NONE"} if verb in ("create", "update") else {}
        for case, params in cases.items():
            step = f"{verb}_function_url_config_{case}"
            if step in recording.steps and recording.steps[step] != "<aws_internal_failure>":
                recording.match_refusal(step, call, **params, **extra)
    recording.assert_complete("delete_function_url_config_qualifier_alias_doesnotmatch_arn")


def test_url_update(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaURL::test_lambda_update_function_url_config"), api.client
    api.create(name)
    at = {"FunctionName": name, "AuthType": "NONE"}
    recording.match("create_lambda_url_config", c.create_function_url_config(**at, InvokeMode="BUFFERED"))
    recording.match("get_url_config", c.get_function_url_config(FunctionName=name))
    update = c.update_function_url_config
    recording.match("modify_lambda_url_config", update(**at, InvokeMode="RESPONSE_STREAM"))
    recording.match("get_url_config_2", c.get_function_url_config(FunctionName=name))
    step = "modify_lambda_url_config_none"
    recording.match(step, update(**at))
    recording.match("get_url_config_3", c.get_function_url_config(FunctionName=name))
    recording.assert_complete()


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM", "None"])
def test_url_create(api: Api, name: str, mode: str) -> None:
    recording, c = Recording(f"TestLambdaURL::test_lambda_url_echo_invoke[{mode}]"), api.client
    api.create(name)
    extra = {} if mode == "None" else {"InvokeMode": mode}
    recording.match("create_lambda_url_config", c.create_function_url_config(FunctionName=name, AuthType="NONE", **extra))
    add = {
        "StatementId": "urlPermission",
        "Action": "lambda:InvokeFunctionUrl",
        "Principal": "*",
        "FunctionUrlAuthType": "NONE",
    }
    recording.match("add_permission", c.add_permission(FunctionName=name, **add))
    recording.assert_complete()


def test_url_mode(api: Api, name: str) -> None:
    recording = Recording("TestLambdaURL::test_lambda_url_invalid_invoke_mode")
    api.create(name)
    params = {"FunctionName": name, "AuthType": "NONE", "InvokeMode": "UNKNOWN"}
    recording.match_refusal("invoke_function_invalid_invoke_type", api.client.create_function_url_config, **params)
    recording.assert_complete()


def test_invoke_missing(api: Api) -> None:
    recording = Recording("TestLambdaFeatures::test_invoke_exceptions")
    recording.match_refusal("invoke_function_doesnotexist", api.client.invoke, FunctionName="doesnotexist")
    recording.assert_complete()


def test_invoke_dry_run(api: Api, name: str) -> None:
    recording = Recording("TestLambdaFeatures::test_invocation_type_dry_run[python3.10]")
    api.create(name)
    answer = api.client.invoke(FunctionName=name, Payload=b"{}", InvocationType="DryRun")
    recording.match("invoke-result", answer)
    recording.assert_complete()


def test_mixed_architecture(api: Api, name: str) -> None:
    recording = Recording("TestLambdaBehavior::test_mixed_architecture")
    recorded = recording.steps["create_function_response"]["CreateFunctionResponse"]
    recording.match(
        "create_function_response",
        create_recorded(api, name, **recording.parameters("create_function_response"), Architectures=recorded["Architectures"]),
    )
    arm = recording.steps["update_function_code_response"]["Architectures"]
    update = api.client.update_function_code(FunctionName=name, ZipFile=zip_bytes(), Architectures=arm)
    recording.match("update_function_code_response", update)


def test_clients_of_every_region_are_served(api: Api) -> None:
    assert client(api.url, "eu-west-1").list_functions()["Functions"] is not None
