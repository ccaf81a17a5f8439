"""The rules behind the recordings, replayed with real boto3 against a real server. A case's steps bear their recorded names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from lambda_api import ACCOUNT, ROLE, Api, client, serving, zip_bytes
from recorded import Recording

RECORDED_ON = date(2025, 11, 25)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with serving(tmp_path_factory.mktemp("state"), RECORDED_ON) as running:
        yield running


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"fn-{abs(hash(request.node.name)) % 10**8}"


def make(api: Api, name: str, **given: Any) -> dict[str, Any]:
    """What LocalStack's fixture `create_lambda_function` does and returns."""
    base = {"Timeout": 30, "Environment": {"Variables": {}}}
    return {"CreateEventSourceMappingResponse": None, "CreateFunctionResponse": api.create(name, **{**base, **given})}


def test_account_settings(api: Api) -> None:
    recording = Recording("TestLambdaAccountSettings::test_account_settings")
    answer = api.client.get_account_settings()
    shown = {key: sorted(answer[key]) for key in ("AccountLimit", "AccountUsage")}
    recording.match("acc_settings_modded", {**shown, "ResponseMetadata": answer["ResponseMetadata"]})
    recording.done()


def test_alias_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaAlias::test_alias_lifecycle"), api.client
    recording.match("create_response", api.create(name, **recording.given("create_response")))
    recording.match("publish_v1", c.publish_version(FunctionName=name))
    c.update_function_configuration(FunctionName=name, Environment={"Variables": {"testenv": "prod"}})
    api.settled(name)
    recording.match("publish_v2", c.publish_version(FunctionName=name))
    routing = {"AdditionalVersionWeights": {"2": 0.2}}
    base = {"FunctionName": name, "FunctionVersion": "1"}
    told = {"Description": "custom-alias"}
    recording.match("create_alias_1_1", c.create_alias(**base, **told, Name="aliasname1_1", RoutingConfig=routing))
    recording.match("get_alias_1_1", c.get_alias(FunctionName=name, Name="aliasname1_1"))
    recording.match("get_function_alias_1_1", c.get_function(FunctionName=name, Qualifier="aliasname1_1"))
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    recording.match("get_function_byarn_alias_1_1", c.get_function(FunctionName=f"{arn}:aliasname1_1"))
    for step, asked in (
        ("get_function_alias_notfound_exc", {"FunctionName": name, "Qualifier": "aliasdoesnotexist"}),
        ("get_function_alias_byarn_notfound_exc", {"FunctionName": f"{arn}:aliasdoesnotexist"}),
    ):
        recording.refused(step, c.get_function, **asked)
    recording.match("create_alias_1_2", c.create_alias(**base, **told, Name="aliasname1_2", RoutingConfig={}))
    recording.match("get_alias_1_2", c.get_alias(FunctionName=name, Name="aliasname1_2"))
    recording.match("create_alias_1_3", c.create_alias(**base, Name="aliasname1_3"))
    recording.match("get_alias_1_3", c.get_alias(FunctionName=name, Name="aliasname1_3"))
    second = c.create_alias(FunctionName=name, Name="aliasname2", FunctionVersion="2", **told)
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
    recording.done()


def test_non_existent_alias_update(api: Api, name: str) -> None:
    recording = Recording("TestLambdaAlias::test_non_existent_alias_update")
    recording.match("create_response", api.create(name, **recording.given("create_response")))
    recording.refused("update_alias_response", api.client.update_alias, FunctionName=name, Name="non-existent")
    recording.done()


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
        recording.refused(step, api.client.create_function, **{**good, **wrong})
    recording.done("empty_architectures")


def test_update_exceptions(api: Api, name: str) -> None:
    recording = Recording("TestLambdaFunction::test_update_lambda_exceptions")
    api.create(name)
    update = api.client.update_function_configuration
    recording.refused("invalid_role_arn_exc", update, FunctionName=name, Role="r1")
    recording.refused("invalid_runtime_exc", update, FunctionName=name, Runtime="non-existent-runtime")
    recording.refused("uppercase_runtime_exc", update, FunctionName=name, Runtime="PYTHON3.9")
    recording.done()


def test_delete_missing(api: Api, name: str) -> None:
    recording = Recording("TestLambdaFunction::test_delete_on_nonexisting_version")
    delete = api.client.delete_function
    recording.refused("delete_function_response_non_existent", delete, FunctionName=name)
    recording.refused("delete_function_response_non_existent_with_qualifier", delete, FunctionName=name, Qualifier="1")
    recording.done()


def test_function_arns(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaFunction::test_function_arns"), api.client
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    recording.match("create-function-arn-response", make(api, f"{arn}-1"))
    recording.match("create-function-partial-arn-response", make(api, f"{ACCOUNT}:function:{name}-2"))
    elsewhere = arn.replace("us-east-1", "ap-southeast-1")
    recording.refused("function_arn_other_region_exc", c.get_function, FunctionName=elsewhere)
    stranger = arn.replace(ACCOUNT, "210987654321")
    recording.refused("function_arn_other_account_exc", c.get_function, FunctionName=stranger)
    good = {"Handler": "handler.handler", "Role": ROLE, "Runtime": "python3.12", "Code": {"ZipFile": zip_bytes()}}
    create = c.create_function
    recording.refused("invalid_function_name_exc", create, FunctionName="invalid:function:name", **good)
    recording.refused("long_function_name_exc", create, FunctionName="a" * 65, **good)
    recording.refused("long_function_arn_exc", create, FunctionName=f"{arn}{'a' * 140}", **good)
    recording.done()


def test_function_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaFunction::test_function_lifecycle"), api.client
    recording.match("create_response", make(api, name, **recording.given("create_response")))
    recording.match("get_function_response", c.get_function(FunctionName=name))
    changes = {"Description": "Changed-Description", "MemorySize": 512, "Timeout": 10, "Runtime": "python3.11"}
    changes["Environment"] = {"Variables": {"ENV_A": "a"}}
    recording.match("update_func_conf_response", c.update_function_configuration(FunctionName=name, **changes))
    api.settled(name)
    recording.match("get_function_response_postupdate", c.get_function(FunctionName=name))
    other = zip_bytes({"handler.py": "def handler(event, context):\n    return 2\n"})
    recording.match("update_code_response", c.update_function_code(FunctionName=name, ZipFile=other))
    api.settled(name)
    recording.match("get_function_response_postcodeupdate", c.get_function(FunctionName=name))
    recording.match("delete_response", c.delete_function(FunctionName=name))
    recording.refused("delete_postdelete", c.delete_function, FunctionName=name)
    recording.done()


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
    recording.refused("wrong_region_exception", getattr(api.client, operation), FunctionName=arn)
    recording.done()


def test_invalid_invoke(api: Api) -> None:
    recording = Recording("TestLambdaFunction::test_invalid_invoke")
    wrong = "arn:aws:lambda:us-east-1:123400000000@function:myfn"
    recording.refused("invoke_function_name_pattern_exc", api.client.invoke, FunctionName=wrong)
    recording.done()


@pytest.mark.parametrize("source", ["s3", "zipfile"])
def test_code_location(api: Api, name: str, source: str) -> None:
    recording, c = Recording(f"TestLambdaFunction::test_lambda_code_location_{source}"), api.client
    one, two = zip_bytes(), zip_bytes({"handler.py": "x = 2\n"})
    api.neighbours.objects |= {("bucket", "code.zip"): one, ("bucket", "two.zip"): two}
    first = {"ZipFile": one} if source == "zipfile" else {"S3Bucket": "bucket", "S3Key": "code.zip"}
    second = {"ZipFile": two} if source == "zipfile" else {"S3Bucket": "bucket", "S3Key": "two.zip"}
    created = "create-response-zip-file" if source == "zipfile" else "create_response_s3"
    recording.match(created, api.create(name, Code=first, **recording.given(created)))
    recording.match("get-function-response", c.get_function(FunctionName=name))
    recording.match("update-function-response", c.update_function_code(FunctionName=name, **second))
    recording.match("get-function-response-updated", c.get_function(FunctionName=name))
    recording.done()


def test_concurrent_code_updates(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaFunction::test_lambda_concurrent_code_updates"), api.client
    recording.match("create-function-response", api.create(name, **recording.given("create-function-response")))
    c.update_function_code(FunctionName=name, ZipFile=zip_bytes({"handler.py": "x = 1\n"}))
    again = {"FunctionName": name, "ZipFile": zip_bytes({"handler.py": "x = 2\n"})}
    recording.refused("update-during-in-progress-update-exc", c.update_function_code, **again)
    recording.done()


def test_list_functions(tmp_path: Any) -> None:
    recording = Recording("TestLambdaFunction::test_list_functions")
    with serving(tmp_path, RECORDED_ON) as api:
        c = api.client
        recording.match("create_response_1", make(api, "fn-1", Publish=True))
        other = zip_bytes({"handler.py": "x = 1\n"})
        recording.match("create_response_2", make(api, "fn-2", Code={"ZipFile": other}))
        recording.refused("list_functions_invalid_functionversion", c.list_functions, FunctionVersion="invalid")
        for step, answer in (
            ("list_all", c.list_functions(FunctionVersion="ALL")),
            ("list_default", c.list_functions()),
        ):
            recording.match(step, {"Functions": answer["Functions"]})
        recording.done()


@pytest.mark.parametrize("operation", ["get_function", "get_function_configuration"])
def test_missing_version(api: Api, name: str, operation: str) -> None:
    recording = Recording(f"TestLambdaFunction::test_ops_on_nonexisting_version[{operation}]")
    api.create(name)
    recording.refused("version_not_found_exception", getattr(api.client, operation), FunctionName=name, Qualifier="1221")
    recording.done()


@pytest.mark.parametrize("operation", ["delete_function", "get_function", "get_function_configuration"])
def test_qualifier_mismatch(api: Api, operation: str) -> None:
    recording = Recording(f"TestLambdaFunction::test_ops_with_arn_qualifier_mismatch[{operation}]")
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:some-function"
    call = getattr(api.client, operation)
    recording.refused("not_match_exception", call, FunctionName=f"{arn}:1", Qualifier="$LATEST")
    recording.refused("match_exception", call, FunctionName=f"{arn}:$LATEST", Qualifier="$LATEST")
    recording.done()


def test_permission_fields(api: Api, name: str) -> None:
    recording = Recording("TestLambdaPermissions::test_add_lambda_permission_fields")
    api.create(name)
    function, url = "lambda:InvokeFunction", "lambda:InvokeFunctionUrl"
    for step, given in {
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
            recording.steps["add_permission_principal_arn"]["Statement"]["Principal"]["AWS"] = given["Principal"]
        answer = api.client.add_permission(FunctionName=name, **given)
        recording.match(f"add_permission_principal_{step}", answer)
    optional = {"StatementId": "urlPermission", "Action": url, "Principal": "*", "SourceArn": "arn:aws:s3:::test-bucket"}
    optional |= {"SourceAccount": ACCOUNT, "PrincipalOrgID": "o-1234567890", "FunctionUrlAuthType": "NONE"}
    recording.match("add_permission_optional_fields", api.client.add_permission(FunctionName=name, **optional))
    token = "amzn1.ask.skill.xxxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
    skill = {"StatementId": "alexaSkill", "Principal": "*", "EventSourceToken": token, "Action": function}
    recording.match("add_permission_alexa_skill", api.client.add_permission(FunctionName=name, **skill))
    recording.done()


S3 = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}


def test_permission_versioning(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaPermissions::test_lambda_permission_versioning"), api.client
    api.create(name)
    s3 = {**S3, "SourceArn": "arn:aws:s3:::test-bucket"}
    recording.match("add_permission", c.add_permission(FunctionName=name, StatementId="s3", **s3))
    recording.match("get_policy", c.get_policy(FunctionName=name))
    version = c.publish_version(FunctionName=name)["Version"]
    after = recording.match("get_policy_after_publishing_latest", c.get_policy(FunctionName=name))
    recording.refused("get_policy_after_publishing_new_version", c.get_policy, FunctionName=name, Qualifier=version)
    c.add_permission(FunctionName=name, Qualifier=version, StatementId="s3", **s3)
    recording.match("get_policy_after_adding_to_new_version", c.get_policy(FunctionName=name))
    c.add_permission(FunctionName=name, StatementId="s3_2", RevisionId=after["RevisionId"], **s3)
    recording.match("get_policy_after_adding_2", c.get_policy(FunctionName=name))
    recording.done()


def test_permission_exceptions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaPermissions::test_permission_exceptions"), api.client
    api.create(name)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    add = {**S3, "StatementId": "s3", "FunctionName": name}
    recording.refused("add_permission_invalid_statement_id", c.add_permission, **{**add, "StatementId": "example.com"})
    recording.refused("remove_permission_policy_doesnotexist", c.remove_permission, FunctionName=name, StatementId="s3")
    recording.refused("add_permission_principal_invalid", c.add_permission, **{**add, "Principal": "not-a-principal"})
    for step, given in {
        "latest": {"Qualifier": "$LATEST"},
        "invalid": {"Qualifier": "invalid-qualifier-with-?-char"},
        "valid_doesnotexist": {"Qualifier": "valid-with-$-but-doesnotexist"},
        "mismatch": {"FunctionName": f"{arn}:alias-not-42", "Qualifier": "42"},
    }.items():
        recording.refused(f"add_permission_fn_qualifier_{step}", c.add_permission, **{**add, **given})
    for step, given in {
        "fn_doesnotexist": {"FunctionName": "doesnotexist"},
        "fn_version_doesnotexist": {"FunctionName": f"{arn}:42"},
        "fn_alias_doesnotexist": {"FunctionName": f"{arn}:alias-doesnotexist"},
    }.items():
        recording.refused(f"add_permission_{step}", c.add_permission, **{**add, **given})
    remove = {"StatementId": "s3"}
    recording.refused("remove_permission_fn_doesnotexist", c.remove_permission, FunctionName="doesnotexist", **remove)
    given = {"FunctionName": name, "Qualifier": "alias-doesnotexist", **remove}
    recording.refused("remove_permission_fn_alias_doesnotexist", c.remove_permission, **given)
    recording.refused("get_policy_fn_doesnotexist", c.get_policy, FunctionName="doesnotexist")
    recording.refused("get_policy_fn_version_doesnotexist", c.get_policy, FunctionName=f"{arn}:42")
    c.add_permission(**add)
    recording.refused("add_permission_conflicting_statement_id", c.add_permission, **add)
    recording.done()


def test_remove_multi_permissions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaPermissions::test_remove_multi_permissions"), api.client
    api.create(name)
    first, second = recording.steps["add_permission_1"]["Statement"], recording.steps["add_permission_2"]["Statement"]
    for step, statement in (("add_permission_1", first), ("add_permission_2", second)):
        source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn")
        given = {"StatementId": statement["Sid"], "Action": statement["Action"]}
        given["Principal"] = statement["Principal"]["Service"]
        if source:
            given["SourceArn"] = "arn:aws:s3:::test-bucket"
        recording.match(step, c.add_permission(FunctionName=name, **given))
    recording.match("policy_after_2_add", c.get_policy(FunctionName=name))
    wrong = {"FunctionName": name, "StatementId": "non-existent"}
    recording.refused("remove_permission_exception_nonexisting_sid", c.remove_permission, **wrong)
    c.remove_permission(FunctionName=name, StatementId=second["Sid"])
    left = recording.match("policy_after_removal", c.get_policy(FunctionName=name))
    recording.match("policy_after_removal_attempt", c.get_policy(FunctionName=name))
    c.remove_permission(FunctionName=name, StatementId=first["Sid"], RevisionId=left["RevisionId"])
    recording.refused("get_policy_exception_removed_all", c.get_policy, FunctionName=name)
    recording.done()


def test_concurrency(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaReservedConcurrency::test_function_concurrency_exceptions"), api.client
    put, lead = c.put_function_concurrency, "put_function_concurrency_with_"
    missing = {"FunctionName": "doesnotexist"}
    recording.refused(f"{lead}function_name_doesnotexist", put, **missing, ReservedConcurrentExecutions=1)
    step = f"{lead}function_name_doesnotexist_and_invalid_concurrency"
    recording.refused(step, put, **missing, ReservedConcurrentExecutions=10**6)
    api.create(name)
    c.publish_version(FunctionName=name)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}:1"
    recording.refused(f"{lead}qualified_arn", put, FunctionName=arn, ReservedConcurrentExecutions=1)
    recording.done()
    recording = Recording("TestLambdaReservedConcurrency::test_function_concurrency_limits")
    step = "put_function_concurrency_account_limit_exceeded"
    recording.refused(step, put, FunctionName=name, ReservedConcurrentExecutions=1001)
    step = "put_function_concurrency_below_unreserved_min_value"
    recording.refused(step, put, FunctionName=name, ReservedConcurrentExecutions=901)
    recording.done()


def test_concurrency_update(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaConcurrency::test_lambda_concurrency_update"), api.client
    make(api, name)
    c.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    recording.match("put_function_concurrency", c.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3))
    recording.match("get_function_concurrency_updated", c.get_function_concurrency(FunctionName=name))
    recording.steps["get_function_concurrency_info"]["Configuration"]["Timeout"] = 30
    recording.match("get_function_concurrency_info", c.get_function(FunctionName=name))
    c.delete_function_concurrency(FunctionName=name)
    recording.match("get_function_concurrency_deleted", c.get_function_concurrency(FunctionName=name))
    recording.done()


def test_revisions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaRevisions::test_function_revisions_basic"), api.client
    made = recording.match("create_function_response_rev1", make(api, name, **recording.given("create_function_response_rev1")))
    recording.match("get_function_response_rev2", c.get_function(FunctionName=name))
    stale = {"FunctionName": name, "RevisionId": made["CreateFunctionResponse"]["RevisionId"]}
    recording.refused("update_function_revision_exception", c.update_function_code, **stale, ZipFile=zip_bytes())
    revision = c.get_function(FunctionName=name)["Configuration"]["RevisionId"]
    update = c.update_function_code(FunctionName=name, RevisionId=revision, ZipFile=zip_bytes())
    recording.match("update_function_code_response_rev3", update)
    api.settled(name)
    recording.match("get_function_response_rev4", c.get_function(FunctionName=name))
    step = "update_function_configuration_revision_exception"
    recording.refused(step, c.update_function_configuration, **stale, Runtime="python3.8")
    update = c.update_function_configuration(FunctionName=name, Runtime="python3.8")
    recording.match("update_function_configuration_response_rev5", update)
    api.settled(name)
    recording.match("get_function_response_rev6", c.get_function(FunctionName=name))
    recording.done()


def test_version_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaVersions::test_version_lifecycle"), api.client
    recording.match("create_response", api.create(name, **recording.given("create_response")))
    recording.match("get_function_result", c.get_function(FunctionName=name))
    recording.match("list_versions_result", c.list_versions_by_function(FunctionName=name))
    update = c.update_function_configuration
    recording.match("first_update_response", update(FunctionName=name, Description="First version :)"))
    api.settled(name)
    recording.match("first_update_get_function", c.get_function(FunctionName=name))
    first = c.publish_version(FunctionName=name, Description="First version description :)")
    recording.match("first_publish_response", first)
    at = {"FunctionName": name, "Qualifier": "1"}
    recording.match("first_publish_get_function", c.get_function(**at))
    recording.match("first_publish_get_function_config", c.get_function_configuration(**at))
    recording.match("second_update_response", update(FunctionName=name, Description="Second version :))"))
    api.settled(name)
    recording.match("first_publish_get_function_after_update", c.get_function(**at))
    recording.match("second_publish_response", c.publish_version(FunctionName=name))
    recording.match(
        "third_publish_response", c.publish_version(FunctionName=name, Description="Third version description :)))")
    )
    recording.match("list_versions_result_after_third_publish", c.list_versions_by_function(FunctionName=name))
    c.delete_function(**at)
    step = "list_versions_result_after_deletion_of_first_version"
    recording.match(step, c.list_versions_by_function(FunctionName=name))
    recording.done()


def test_publish_on_create(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaVersions::test_publish_version_on_create"), api.client
    recording.match("create_response", api.create(name, **recording.given("create_response"), Publish=True))
    recording.match("get_function_result", c.get_function(FunctionName=name))
    recording.match("get_function_version_result", c.get_function(FunctionName=name, Qualifier="1"))
    recording.match("get_function_latest_result", c.get_function(FunctionName=name, Qualifier="$LATEST"))
    recording.match("list_versions_result", c.list_versions_by_function(FunctionName=name))
    recording.match("repeated_publish_response", c.publish_version(FunctionName=name))
    recording.match("list_versions_result_after_publish", c.list_versions_by_function(FunctionName=name))
    recording.done()


def test_publish_with_update(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaVersions::test_publish_with_update"), api.client
    recording.match("create_response", api.create(name, **recording.given("create_response")))
    recording.match("get_function_result", c.get_function(FunctionName=name))
    other = zip_bytes({"index.py": "x = 2\n"})
    recording.match("update_function_code_result", c.update_function_code(FunctionName=name, ZipFile=other, Publish=True))
    recording.match("get_function_version_result", c.get_function(FunctionName=name, Qualifier="1"))
    recording.match("get_function_latest_result", c.get_function(FunctionName=name, Qualifier="$LATEST"))
    recording.done()


def test_publish_with_wrong_sha(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaVersions::test_publish_with_wrong_sha256"), api.client
    recording.match("create_response", api.create(name, **recording.given("create_response")))
    found = recording.match("get_fn_response", c.get_function(FunctionName=name))
    wrong = {"FunctionName": name, "CodeSha256": "somenonexistentsha256"}
    recording.refused("publish_wrong_sha256_exc", c.publish_version, **wrong)
    sha = found["Configuration"]["CodeSha256"]
    recording.match("publish_result", c.publish_version(FunctionName=name, CodeSha256=sha))
    recording.done()


def test_logging(api: Api, name: str) -> None:
    recording, c = Recording("TestLoggingConfig::test_function_advanced_logging_configuration"), api.client
    given = {"LoggingConfig": {"LogFormat": "JSON"}}
    recording.match("create_response", make(api, name, **recording.given("create_response"), **given))
    recording.match("get_function_response", c.get_function(FunctionName=name))
    recording.match("function_config", c.get_function_configuration(FunctionName=name))
    update = c.update_function_configuration(FunctionName=name, LoggingConfig={"LogGroup": "cool_lambda"})
    recording.match("updated_config", update)
    api.settled(name)
    recording.match("received_config", c.get_function_configuration(FunctionName=name))
    recording.done()


@pytest.mark.parametrize("keys", ["multi", "single", "near"])
def test_environment_sizes(api: Api, name: str, keys: str) -> None:
    if keys == "near":
        recording = Recording("TestLambdaSizeLimits::test_lambda_envvars_near_limit_succeeds")
        expected = recording.steps["successful_create_fn_result"]["CreateFunctionResponse"]
        variables = expected["Environment"]["Variables"]
        if not isinstance(variables, dict):
            variables = {"LARGE_VAR": "x" * (4096 - len('{"LARGE_VAR":""}'))}
            expected["Environment"]["Variables"] = variables
        recording.match("successful_create_fn_result", make(api, name, **recording.given("successful_create_fn_result")))
        return
    case = {
        "multi": ("test_large_environment_fails_multiple_keys", "failured_create_fn_result_multi_key"),
        "single": ("test_large_environment_variables_fails", "failed_create_fn_result"),
    }[keys]
    recording = Recording(f"TestLambdaSizeLimits::{case[0]}")
    text = recording.steps[case[1]]["Error"]["Message"]
    size = text.count("x") - text[: text.index("String measured")].count("x")
    variables = {"SMALL_VAR": "ok", "LARGE_VAR": "x" * size} if keys == "multi" else {"LARGE_VAR": "x" * size}
    recording.refused(case[1], lambda **given: make(api, name, **given), Environment={"Variables": variables})


def test_oversized_zip(api: Api, name: str) -> None:
    recording = Recording("TestLambdaSizeLimits::test_oversized_zipped_create_lambda")
    code = {"ZipFile": b"x" * (50 * 1024 * 1024 + 1)}
    recording.refused("invalid_param_exc", lambda **given: make(api, name, **given), Code=code)
    recording.done()


def test_oversized_request(api: Api, name: str) -> None:
    recording = Recording("TestLambdaSizeLimits::test_oversized_request_create_lambda")
    code = {"ZipFile": b"x" * (50 * 1024 * 1024 + 200_000)}
    recording.refused("invalid_param_exc", lambda **given: make(api, name, **given), Code=code)
    recording.done()


def test_tag_exceptions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaTags::test_tag_exceptions"), api.client
    arn = api.create(name)["FunctionArn"]
    tags = {"key_a": "value_a"}
    absent = arn.replace(name, "doesnotexist")
    recording.refused("tag_lambda_doesnotexist", c.tag_resource, Resource=absent, Tags=tags)
    recording.refused("tag_lambda_qualifier_doesnotexist", c.tag_resource, Resource=f"{arn}:v1", Tags=tags)
    error = recording.steps["tag_lambda_invalidarn"]["Error"]  # botocore's pattern is newer than the recording
    error["Message"] = f"{error['Message'].split(' pattern: ')[0]} pattern: <pattern>"
    recording.refused("tag_lambda_invalidarn", c.tag_resource, Resource="arn:aws:something", Tags=tags)
    recording.refused("tag_empty_tags", c.tag_resource, Resource=arn, Tags={})
    recording.match("list_tag_lambda_empty", c.list_tags(Resource=arn))
    recording.match("untag_nomatch", c.untag_resource(Resource=arn, TagKeys=["somekey"]))
    recording.refused("untag_empty_keys", c.untag_resource, Resource=arn, TagKeys=[])
    recording.done()


def test_tag_lifecycle(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaTags::test_tag_lifecycle"), api.client
    arn = make(api, name, Tags={"key_a": "value_a"})["CreateFunctionResponse"]["FunctionArn"]

    def look(step: str) -> None:
        recording.match(f"list_tags_response_{step}", c.list_tags(Resource=arn))
        recording.match(f"get_fn_response_{step}", c.get_function(FunctionName=name))

    look("postfncreate")
    more = {f"key_{letter}": f"value_{letter}" for letter in "bcde"}
    recording.match("tag_resource_response", c.tag_resource(Resource=arn, Tags=more))
    look("postaddtags")
    recording.match("tag_resource_overwrite", c.tag_resource(Resource=arn, Tags={"key_c": "value_x"}))
    look("overwrite")
    c.untag_resource(Resource=arn, TagKeys=["key_c", "key_d"])
    look("postuntag")
    c.untag_resource(Resource=arn, TagKeys=["key_a", "key_b", "key_e"])
    look("postuntagall")
    c.delete_function(FunctionName=name)
    recording.refused("list_tags_postdelete", c.list_tags, Resource=arn)
    recording.done()


def test_url_exceptions(api: Api, name: str) -> None:
    recording, c = Recording("TestLambdaUrl::test_url_config_exceptions"), api.client
    expected = recording.steps["fn_version_result"]
    expected["Runtime"] = "python3.12"  # recorded with Node, which does not run here
    make(api, name, Handler=expected["Handler"])
    recording.match("fn_version_result", c.publish_version(FunctionName=name))
    alias = c.create_alias(FunctionName=name, Name=recording.steps["create_alias_result"]["Name"], FunctionVersion="1")
    recording.match("create_alias_result", alias)
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    absent = arn.replace(name, "doesnotexist")
    asked = {
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
        for case, params in asked.items():
            step = f"{verb}_function_url_config_{case}"
            if step in recording.steps and recording.steps[step] != "<aws_internal_failure>":
                recording.refused(step, call, **params, **extra)
    recording.done("delete_function_url_config_qualifier_alias_doesnotmatch_arn")


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
    recording.done()


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
    recording.done()


def test_url_mode(api: Api, name: str) -> None:
    recording = Recording("TestLambdaURL::test_lambda_url_invalid_invoke_mode")
    api.create(name)
    given = {"FunctionName": name, "AuthType": "NONE", "InvokeMode": "UNKNOWN"}
    recording.refused("invoke_function_invalid_invoke_type", api.client.create_function_url_config, **given)
    recording.done()


def test_invoke_missing(api: Api) -> None:
    recording = Recording("TestLambdaFeatures::test_invoke_exceptions")
    recording.refused("invoke_function_doesnotexist", api.client.invoke, FunctionName="doesnotexist")
    recording.done()


def test_invoke_dry_run(api: Api, name: str) -> None:
    recording = Recording("TestLambdaFeatures::test_invocation_type_dry_run[python3.10]")
    api.create(name)
    answer = api.client.invoke(FunctionName=name, Payload=b"{}", InvocationType="DryRun")
    recording.match("invoke-result", answer)
    recording.done()


def test_mixed_architecture(api: Api, name: str) -> None:
    recording = Recording("TestLambdaBehavior::test_mixed_architecture")
    made = recording.steps["create_function_response"]["CreateFunctionResponse"]
    recording.match(
        "create_function_response",
        make(api, name, **recording.given("create_function_response"), Architectures=made["Architectures"]),
    )
    arm = recording.steps["update_function_code_response"]["Architectures"]
    update = api.client.update_function_code(FunctionName=name, ZipFile=zip_bytes(), Architectures=arm)
    recording.match("update_function_code_response", update)


def test_region_of_the_client_is_not_the_point(api: Api) -> None:
    """Every region's clients are served; the region comes with the credentials' scope, which the service reads."""
    assert client(api.url, "eu-west-1").list_functions()["Functions"] is not None
